"""Frames that show nothing of their shot."""

import numpy as np
import pytest
from test_shots import join, take
from verdicts import unscored, verdict_on

from tapemend.detect.lost import find_lost, with_lost
from tapemend.detect.shots import find_shots
from tapemend.frames import Shot

COUNT = 30
WHOLE = (Shot(start=0, stop=COUNT),)
SNOW, BLACK, BLUE, WHITE = (126, 128, 128), (16, 128, 128), (41, 240, 110), (235, 128, 128)


def strobe() -> np.ndarray:
    """Dark in two frames of four."""
    signature = take(1, COUNT)
    signature[np.arange(COUNT) % 4 < 2] = BLACK
    return signature


def with_burst(burst: slice, colour: tuple[int, int, int]) -> np.ndarray:
    signature = take(1, COUNT)
    signature[burst] = colour
    return signature


@pytest.mark.parametrize("colour", [SNOW, BLACK, BLUE])
@pytest.mark.parametrize("length", [1, 2, 4])
def test_bursts_that_show_nothing_of_their_shot_are_found(colour: tuple[int, int, int], length: int) -> None:
    burst = slice(10, 10 + length)
    signature = with_burst(burst, colour)
    assert np.flatnonzero(find_lost(signature, WHOLE)).tolist() == list(range(COUNT))[burst]
    assert find_shots(signature) == WHOLE


@pytest.mark.parametrize(
    "signature",
    [
        take(1, COUNT),
        with_burst(slice(10, 11), WHITE),
        with_burst(slice(10, 15), SNOW),
        with_burst(slice(0, 2), SNOW),
        with_burst(slice(28, 30), SNOW),
        join(take(1, 12), take(2, 18)),
        with_burst(slice(0, COUNT), BLACK),
        strobe(),
    ],
    ids=["none", "a flash", "too many", "at the start", "at the end", "a cut", "all", "a strobe"],
)
def test_what_was_filmed_or_has_not_both_sides_is_not_lost(signature: np.ndarray) -> None:
    assert not find_lost(signature, WHOLE).any()


def test_both_sides_are_of_the_same_shot() -> None:
    signature = with_burst(slice(10, 12), SNOW)
    shots = (Shot(start=0, stop=10), Shot(start=10, stop=COUNT))
    assert not find_lost(signature, shots).any()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_frames(count: int) -> None:
    assert find_lost(take(1, count), (Shot(start=0, stop=count),) if count else ()).shape == (count,)


def test_the_verdict_says_how_many() -> None:
    verdict = verdict_on(np.arange(COUNT) < 3, reason="Told.")
    found = with_lost(verdict, unscored(with_burst(slice(10, 12), SNOW)), WHOLE)
    assert np.flatnonzero(found.lost).tolist() == [10, 11]
    assert np.flatnonzero(found.damaged).tolist() == [0, 1, 2, 10, 11]
    assert found.reason == "Told. Of 2 nothing of the shot is to be seen."
    assert with_lost(verdict, unscored(take(1, COUNT)), WHOLE).reason == "Told."
