"""Frames that stand higher or lower than those beside them."""

import numpy as np
import pytest
import torch
from test_shots import join, take
from torch.nn.functional import avg_pool2d
from verdicts import unscored, verdict_on

from tapemend.detect.hops import FARTHEST, LONGEST, find_hops, with_hops
from tapemend.detect.lost import with_lost
from tapemend.frames import Shot
from tapemend.restore.hold import held

COUNT, HEIGHT = 20, 288
WHOLE = (Shot(start=0, stop=COUNT),)


def filmed(seed: int = 1, count: int = COUNT, speed: float = 0.1) -> np.ndarray:
    """(N, 288, 64) luma of blobs that drift by speed pixels a frame."""
    coarse = torch.rand(1, 1, 9, 16, generator=torch.Generator().manual_seed(seed))
    still = torch.nn.functional.interpolate(coarse, (HEIGHT, 96), mode="bicubic")[0, 0].clamp(0, 1).numpy()
    return np.stack([still[:, round(speed * index) : round(speed * index) + 64] for index in range(count)])


def signature_of(luma: np.ndarray) -> np.ndarray:
    """(N, 288, 64) to (N, 12, 16, 3)."""
    means = avg_pool2d(torch.from_numpy(luma)[:, None], (HEIGHT // 12, 4))[:, 0].numpy()
    return np.stack([means * 255, np.full_like(means, 128), np.full_like(means, 128)], -1).round().astype(np.uint8)


def hopping(lines: dict[int, int]) -> np.ndarray:
    """Signatures of frames of which some are rolled down by so many lines."""
    rolled = filmed()
    for index, by in lines.items():
        rolled[index] = np.roll(rolled[index], by, 0)
    return signature_of(rolled)


@pytest.mark.parametrize("lines", [12, -15, 30, -60, 90])
@pytest.mark.parametrize("length", range(1, LONGEST + 1))
def test_bursts_that_stand_elsewhere_are_found_and_measured(lines: int, length: int) -> None:
    burst = range(9, 9 + length)
    hops = find_hops(hopping(dict.fromkeys(burst, lines)), WHOLE)
    assert np.flatnonzero(hops).tolist() == list(burst)
    assert hops[burst] * HEIGHT == pytest.approx(lines, abs=4)


def test_frames_of_a_burst_may_each_stand_elsewhere() -> None:
    hops = find_hops(hopping({9: 60, 10: -30}), WHOLE)
    assert hops[[9, 10]] * HEIGHT == pytest.approx([60, -30], abs=4)


@pytest.mark.parametrize(
    "signature",
    [
        hopping({}),
        take(1, COUNT),
        take(1, COUNT, speed=0.5),
        hopping({9: 3}),
        hopping(dict.fromkeys(range(9, 10 + LONGEST), 30)),
        hopping(dict.fromkeys(range(9, COUNT), 30)),
        hopping({index: 6 * index for index in range(COUNT)}),
        hopping({0: 30, COUNT - 1: 30}),
        hopping({9: round(HEIGHT * (FARTHEST + 0.1))}),
        join(take(1, 9), take(3, 1), take(1, COUNT - 10)),
        np.where(
            (np.arange(12)[:, None, None] < 6) & (np.arange(COUNT) == 9)[:, None, None, None], 230, take(1, COUNT) // 8
        ),
        np.zeros((COUNT, 12, 16, 3), np.uint8),
    ],
    ids=[
        "nothing",
        "things that move",
        "things that move fast",
        "a shake",
        "too long",
        "a camera that was moved",
        "a camera that tilts",
        "the ends",
        "too far",
        "something else",
        "half of it brighter",
        "nothing to be seen",
    ],
)
def test_what_was_filmed_or_cannot_be_told_stays(signature: np.ndarray) -> None:
    assert not find_hops(signature, WHOLE).any()


def test_shots_are_looked_at_each_for_itself() -> None:
    shots = (Shot(start=0, stop=10), Shot(start=10, stop=COUNT))
    assert not find_hops(hopping({9: 30}), shots).any()


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_frames(count: int) -> None:
    assert find_hops(take(1, count), (Shot(start=0, stop=count),) if count else ()).tolist() == [0] * count


def test_a_tape_longer_than_a_chunk_is_looked_at_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    signature = hopping({5: 30, 6: 30, 7: 30, 13: -20, 14: 20})
    whole = find_hops(signature, WHOLE)
    assert np.flatnonzero(whole).tolist() == [5, 6, 7, 13, 14]
    monkeypatch.setattr("tapemend.detect.shots.CHUNK_FRAMES", 7)
    assert np.array_equal(find_hops(signature, WHOLE), whole)


def test_the_verdict_says_how_many_and_does_not_take_them_for_lost() -> None:
    found = with_hops(verdict_on(np.arange(COUNT) < 3, reason="Told."), unscored(hopping({9: 80})), WHOLE)
    assert np.flatnonzero(found.hops).tolist() == [9]
    assert np.flatnonzero(found.damaged).tolist() == [0, 1, 2, 9]
    assert found.reason == "Told. 1 more stand higher or lower than those beside them."
    assert not with_lost(found, unscored(hopping({9: 80})), WHOLE).lost.any()
    assert with_hops(verdict_on(np.arange(COUNT) < 3, reason="Told."), unscored(hopping({})), WHOLE).reason == "Told."


@pytest.mark.parametrize(
    ("lines", "step", "wanted"), [(17, 1, 17), (-30, 1, -30), (18, 2, 18), (17, 2, 18), (-3, 4, -4)]
)
def test_a_frame_is_put_back_by_whole_lines_and_gets_what_it_has_not_from_the_one_before(
    lines: int, step: int, wanted: int
) -> None:
    luma = torch.from_numpy(filmed(speed=0, count=1))
    whole = luma.expand(3, -1, -1)
    rolled = whole.roll(wanted, 1)
    back = held(rolled, whole, whole, (lines + 1.5) / HEIGHT, step)
    assert torch.equal(back, whole)
    gone = torch.ones(HEIGHT, dtype=torch.bool)
    gone[max(0, -wanted) : HEIGHT - max(0, wanted)] = False
    marked = held(rolled, torch.full_like(whole, 0.5), whole, (lines + 1.5) / HEIGHT, step)
    assert torch.equal((marked == 0.5).all(-1).all(0), gone)
