"""Which shots show the same scene."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tapemend import scenes
from tapemend.frames import Shot
from tapemend.scenes import MATCHES, shots_alike

LENGTH = 10


def tape(*seeds: int) -> tuple[NDArray[np.uint8], tuple[Shot, ...]]:
    """Shots of LENGTH frames, of a random picture each; the same seed is the same scene."""
    draw = np.random.default_rng(0)
    pictures = [np.random.default_rng(seed).integers(20, 236, (1, 12, 16, 3)) for seed in seeds]
    noisy = [picture + draw.integers(-5, 6, (LENGTH, 12, 16, 3)) for picture in pictures]
    shots = tuple(Shot(start=start, stop=start + LENGTH) for start in range(0, LENGTH * len(seeds), LENGTH))
    return np.concatenate(noisy).astype(np.uint8), shots


def test_a_scene_that_comes_back_is_known_again() -> None:
    signature, shots = tape(1, 2, 1, 3, 2)
    assert shots_alike(signature, shots, np.arange(50)) == ((2,), (4,), (0,), (), (1,))


def test_a_shot_without_a_clean_frame_is_told_its_like_but_lends_to_none() -> None:
    signature, shots = tape(1, 2, 1)
    assert shots_alike(signature, shots, np.arange(20)) == ((), (), (0,))


def test_a_burst_of_damage_does_not_hide_a_scene() -> None:
    signature, shots = tape(1, 2, 1)
    signature[20:23] = 255
    assert shots_alike(signature, shots, np.arange(20))[2] == (0,)


def test_a_tape_without_clean_frames_or_with_one_shot_has_no_shots_alike() -> None:
    signature, shots = tape(1, 1)
    assert shots_alike(signature, shots, np.arange(0)) == ((), ())
    assert shots_alike(signature[:LENGTH], shots[:1], np.arange(LENGTH)) == ((),)
    assert shots_alike(signature[:0], (), np.arange(0)) == ()


def test_chunks_of_any_size_give_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    signature, shots = tape(1, 2, 1, 3, 2, 1)
    whole = shots_alike(signature, shots, np.arange(60))
    monkeypatch.setattr(scenes, "CHUNK_SHOTS", 2)
    assert shots_alike(signature, shots, np.arange(60)) == whole


@settings(max_examples=30)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=12))
def test_no_shot_is_its_own_like_and_few_are_named(seeds: list[int]) -> None:
    for place, alike in enumerate(shots_alike(*tape(*seeds), np.arange(LENGTH * len(seeds)))):
        assert place not in alike
        assert len(alike) == len(set(alike)) == min(MATCHES, seeds.count(seeds[place]) - 1)
        assert all(seeds[other] == seeds[place] for other in alike)
