"""Frames whose colour has faded or is gone, told by others of their shot."""

import numpy as np
import pytest
from test_shots import take
from verdicts import unscored, verdict_on

from tapemend.detect.faded import fadings, with_faded
from tapemend.frames import Shot

COUNT = 40
WHOLE = (Shot(start=0, stop=COUNT),)
ALIKE = np.zeros(COUNT, np.float32)


def scaled(luma: float = 1.0, colour: float = 1.0, *, part: slice = slice(None)) -> np.ndarray:
    """A take whose frames 10 to 19 have so much of their luma contrast and, in some columns of the grid, colour."""
    signature = take(1, COUNT, speed=0.03).astype(np.float32)
    changed = signature[10:20]
    changed[..., 0] = 128 + luma * (changed[..., 0] - 128)
    changed[:, :, part, 1:] = 128 + colour * (changed[:, :, part, 1:] - 128)
    return signature.round().astype(np.uint8)


def test_frames_with_half_their_colour_are_found_and_no_others() -> None:
    found = fadings(scaled(colour=0.5), WHOLE, ALIKE)
    assert np.flatnonzero(found > 1).tolist() == list(range(10, 20))
    assert found[10:20] == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("left", [0.0, 0.1])
def test_frames_without_colour_are_found_however_many_in_a_row(left: float) -> None:
    found = fadings(scaled(colour=left), WHOLE, ALIKE)
    assert np.flatnonzero(np.isinf(found)).tolist() == list(range(10, 20))
    assert (np.isinf(found) | (found == 1)).all()
    long = take(1, 400, speed=0.03)
    long[100:300, ..., 1:] = 128
    found = fadings(long, (Shot(start=0, stop=400),), np.zeros(400, np.float32))
    assert np.flatnonzero(np.isinf(found)).tolist() == list(range(100, 300))


def test_a_shot_filmed_without_colour_is_not_painted_for_a_few_frames_that_have_some() -> None:
    grey = take(1, COUNT, speed=0.03)
    grey[:15, ..., 1:] = grey[20:, ..., 1:] = 128
    assert (fadings(grey, WHOLE, ALIKE) == 1).all()


@pytest.mark.parametrize(
    "signature",
    [
        scaled(),
        scaled(colour=0.9),
        scaled(colour=0.5, luma=0.5),
        scaled(colour=0.3, part=slice(6)),
        scaled(colour=0.0, part=slice(6)),
        scaled(colour=0.0, luma=0.5),
        np.full((COUNT, 12, 16, 3), 128, np.uint8),
    ],
    ids=["as it was", "a little", "darker too", "a part of it", "none in a part", "dark and without", "grey"],
)
def test_what_scenes_do_by_themselves_is_no_fading(signature: np.ndarray) -> None:
    assert not (fadings(signature, WHOLE, ALIKE) > 1).any()


def test_frames_that_are_not_damaged_have_not_faded_beside_damaged_ones_with_too_much_colour() -> None:
    scores = np.where(np.arange(COUNT) // 10 != 1, 0.9, 0.1)
    assert (fadings(scaled(colour=0.5), WHOLE, scores) == 1).all()


@pytest.mark.parametrize(
    "scores", [ALIKE + 0.9, np.where(np.arange(COUNT) % 2 == 0, 0.9, 0.1), np.arange(COUNT) / COUNT]
)
def test_faded_frames_are_found_whether_they_are_damaged_otherwise_or_not(scores: np.ndarray) -> None:
    found = fadings(scaled(colour=0.5), WHOLE, scores)
    assert np.flatnonzero(found > 1).tolist() == list(range(10, 20))
    assert found[10:20] == pytest.approx(2, rel=0.1)


def test_another_shot_may_have_less_colour() -> None:
    shots = (Shot(start=0, stop=10), Shot(start=10, stop=20), Shot(start=20, stop=40))
    assert not (fadings(scaled(colour=0.5), shots, ALIKE) > 1).any()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_frames(count: int) -> None:
    shots = (Shot(start=0, stop=count),) if count else ()
    assert not (fadings(take(1, COUNT)[:count], shots, ALIKE[:count]) > 1).any()


def test_the_verdict_says_how_many_more_are_damaged() -> None:
    verdict = verdict_on(np.arange(COUNT) < 12, reason="Told.")
    found = with_faded(verdict, unscored(scaled(colour=0.5)), WHOLE)
    assert np.flatnonzero(found.damaged).tolist() == list(range(20))
    assert found.reason == "Told. The colour of 8 more has faded or is gone beside that of the same shot."
    assert found.fading[15] == pytest.approx(2, rel=0.1)
    assert with_faded(verdict, unscored(scaled()), WHOLE).reason == verdict.reason
