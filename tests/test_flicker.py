"""Frames that are darker or brighter than those beside them."""

import numpy as np
import pytest
from test_shots import join, take
from verdicts import unscored, verdict_on

from tapemend.detect.flicker import MOST, find_levels, with_flicker
from tapemend.frames import Shot

COUNT = 40
WHOLE = (Shot(start=0, stop=COUNT),)
ALIKE = np.zeros(COUNT, np.float32)
Gains = np.ndarray


def scaled(gains: Gains, chroma: Gains | None = None, signature: np.ndarray | None = None) -> np.ndarray:
    """Frames whose luma and chroma are multiplied by (N,) gains each; chroma by those of luma if not said otherwise."""
    given = (take(1, len(gains)) if signature is None else signature).astype(float)
    given[..., 0] *= gains[:, None, None]
    given[..., 1:] = 128 + (given[..., 1:] - 128) * (gains if chroma is None else chroma)[:, None, None, None]
    return given.clip(0, 255).round().astype(np.uint8)


def dip(gain: float, *indices: int) -> Gains:
    gains = np.ones(COUNT)
    gains[list(indices)] = gain
    return gains


@pytest.mark.parametrize("gain", [0.9, 0.7, 0.4])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_dips_of_a_few_frames_are_found_and_measured(gain: float, length: int) -> None:
    indices = range(20, 20 + length)
    levels = find_levels(scaled(dip(gain, *indices)), WHOLE, ALIKE)
    assert np.flatnonzero((levels != 1).any(1)).tolist() == list(indices)
    assert levels[indices] == pytest.approx(1 / gain, rel=0.03)


def test_colour_may_stay_as_strong_as_it_was() -> None:
    levels = find_levels(scaled(dip(0.8, 20), np.ones(COUNT)), WHOLE, ALIKE)
    assert levels[20] == pytest.approx((1.25, 1), rel=0.03)


def test_flicker_is_levelled_both_ways() -> None:
    gains = 1 + 0.12 * np.sin(2.1 * np.arange(COUNT))
    levels = find_levels(scaled(gains), WHOLE, ALIKE)
    left = gains * levels[:, 0]
    near = [np.abs(each / np.median(each) - 1) < 0.04 for each in (gains, left)]
    assert near[0].mean() < 0.4
    assert near[1].mean() > 0.95
    assert levels.min() < 1 < levels.max()


@pytest.mark.parametrize(
    "signature",
    [
        take(1, COUNT),
        take(1, COUNT, speed=0.5),
        scaled(dip(1.4, 20)),
        scaled(np.linspace(1, 0, COUNT)),
        scaled(np.where(np.arange(COUNT) < 20, 1, 0.7)),
        scaled(dip(0.7, *range(20, 30))),
        scaled(dip(0.7, 0, COUNT - 1)),
        scaled(dip(0.7 * np.exp(-MOST), 20)),
        scaled(dip(0, 20)),
        scaled(dip(0.7, 20), signature=join(take(1, 20), take(3, 1), take(2, 19))),
        np.zeros((COUNT, 12, 16, 3), np.uint8),
    ],
    ids=[
        "nothing",
        "things that move",
        "a flash",
        "a fade",
        "a lamp that is switched off",
        "too long",
        "the ends",
        "too dark",
        "black",
        "something else",
        "nothing to be seen",
    ],
)
def test_what_was_filmed_or_cannot_be_told_stays(signature: np.ndarray) -> None:
    assert (find_levels(signature, WHOLE, ALIKE) == 1).all()


def test_what_is_damaged_otherwise_says_nothing_of_frames_that_are_not() -> None:
    """Two frames between twenty that some damage makes brighter; a dip among them is one for those beside it."""
    gains = np.where(abs(np.arange(COUNT) - 19.5) < 10, 1.3, 1.0)
    gains[[19, 20]] = 1
    scores = np.where(gains > 1, 0.9, 0.1)
    assert (find_levels(scaled(gains), WHOLE, ALIKE)[19:21] != 1).all()
    assert (find_levels(scaled(gains), WHOLE, scores) == 1).all()
    gains[15] = 0.9
    assert np.flatnonzero((find_levels(scaled(gains), WHOLE, scores) != 1).any(1)).tolist() == [15]


def test_shots_are_looked_at_each_for_itself() -> None:
    signature = scaled(dip(0.7, 20), signature=join(take(1, 20), take(2, 20)))
    shots = (Shot(start=0, stop=20), Shot(start=20, stop=COUNT))
    assert (find_levels(signature, shots, ALIKE) == 1).all()


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_frames(count: int) -> None:
    shots = (Shot(start=0, stop=count),) if count else ()
    assert find_levels(take(1, count), shots, ALIKE[:count]).tolist() == [[1, 1]] * count


def test_a_tape_longer_than_a_chunk_is_looked_at_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    signature = scaled(1 + 0.12 * np.sin(2.1 * np.arange(COUNT)))
    whole = find_levels(signature, WHOLE, ALIKE)
    monkeypatch.setattr("tapemend.detect.shots.CHUNK_FRAMES", 7)
    assert np.array_equal(find_levels(signature, WHOLE, ALIKE), whole)


def test_the_verdict_says_how_many() -> None:
    verdict = verdict_on(np.arange(COUNT) < 3, reason="Told.")
    found = with_flicker(verdict, unscored(scaled(dip(0.7, 10, 11))), WHOLE)
    assert np.flatnonzero(found.flickering).tolist() == [10, 11]
    assert np.flatnonzero(found.damaged).tolist() == [0, 1, 2, 10, 11]
    assert found.reason == "Told. 2 more are darker or brighter than those beside them."
    assert with_flicker(verdict, unscored(take(1, COUNT)), WHOLE).reason == "Told."
