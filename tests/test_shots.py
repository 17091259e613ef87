"""Cuts, and all that looks like one on a tape."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from tapemend.detect import shots
from tapemend.detect.shots import SHORTEST_SHOT, find_shots
from tapemend.frames import Shot

Signature = NDArray[np.uint8]


def take(seed: int, count: int, *, speed: float = 0.1) -> Signature:
    """A moving take: smooth waves of its own over the picture that drift by speed cells a frame."""
    generator = np.random.default_rng(seed)
    time = np.arange(count)[:, None, None, None] * speed
    row, column = np.arange(12)[None, :, None, None], np.arange(16)[None, None, :, None]
    picture = np.zeros((count, 12, 16, 3))
    for _ in range(4):
        across, down, phase = generator.normal(0, 0.7, 3), generator.normal(0, 0.7, 3), generator.uniform(0, 7, 3)
        picture += 30 * np.sin(across * (column + time) + down * row + phase)
    return np.clip(128 + picture + generator.normal(0, 0.5, picture.shape), 0, 255).astype(np.uint8)


def join(*takes: Signature) -> Signature:
    return np.concatenate(takes)


def starts(found: tuple[Shot, ...]) -> list[int]:
    return [shot.start for shot in found]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 200])
def test_one_take_is_one_shot(count: int) -> None:
    assert find_shots(take(1, count)) == (Shot(start=0, stop=count),)


def test_a_tape_without_frames_has_no_shots() -> None:
    assert find_shots(take(1, 0)) == ()


def test_cuts_between_moving_takes_are_found_at_their_frame() -> None:
    assert starts(find_shots(join(take(1, 60), take(2, 40), take(3, 25), take(4, 90)))) == [0, 60, 100, 125]


def test_a_cut_between_dark_takes_is_found() -> None:
    assert starts(find_shots(join(take(1, 60), take(2, 60)) // 6)) == [0, 60]


@pytest.mark.parametrize("speed", [0.0, 0.3, 0.6])
def test_motion_is_not_a_cut(speed: float) -> None:
    assert len(find_shots(take(5, 150, speed=speed))) == 1


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_a_flash_is_not_a_cut(length: int) -> None:
    signature = take(6, 100)
    signature[50 : 50 + length] = np.clip(signature[50 : 50 + length] * 1.5 + 80, 0, 255).astype(np.uint8)
    assert len(find_shots(signature)) == 1


@pytest.mark.parametrize("length", [1, 2, 3, 4, 10, 25])
def test_a_burst_of_lost_pictures_is_not_a_cut(length: int) -> None:
    signature = take(7, 100, speed=0.03)
    signature[50 : 50 + length] = np.random.default_rng(0).integers(0, 256, (length, 12, 16, 3))
    assert len(find_shots(signature)) == 1


def test_a_wandering_band_of_damage_is_not_a_cut() -> None:
    signature, generator = take(8, 200), np.random.default_rng(1)
    for frame in range(60, 140):
        top = int(generator.integers(0, 10))
        signature[frame, top : top + 3] = generator.integers(0, 256, (3, 16, 3))
    assert len(find_shots(signature)) == 1


def test_lost_colour_and_noise_are_not_cuts() -> None:
    signature, generator = take(9, 200), np.random.default_rng(2)
    signature[40:90, ..., 1:] = 128
    noisy = signature[120:160] + generator.normal(0, 10, signature[120:160].shape)
    signature[120:160] = np.clip(noisy, 0, 255).astype(np.uint8)
    assert len(find_shots(signature)) == 1


def test_a_change_of_brightness_is_not_a_cut() -> None:
    signature = take(10, 100) // 2
    signature[50:] += 60
    assert len(find_shots(signature)) == 1


def test_a_fade_over_black_is_one_cut_at_most() -> None:
    level = np.ones((180, 1, 1, 1))
    level[60:120, 0, 0, 0] = np.abs(np.linspace(-1, 1, 60))
    assert len(find_shots((join(take(1, 90), take(2, 90)) * level).astype(np.uint8))) <= 2


def test_a_slow_dissolve_is_not_a_cut() -> None:
    share = np.clip(np.linspace(-1, 2, 150), 0, 1).reshape(-1, 1, 1, 1)
    assert len(find_shots((take(1, 150) * (1 - share) + take(2, 150) * share).astype(np.uint8))) == 1


@pytest.mark.parametrize("offset", [-3, -1, 0, 2])
def test_a_cut_with_a_burst_of_damage_on_it_is_found(offset: int) -> None:
    signature = join(take(11, 60), take(12, 60))
    signature[60 + offset : 62 + offset] = np.random.default_rng(3).integers(0, 256, (2, 12, 16, 3))
    found = starts(find_shots(signature))
    assert len(found) == 2
    assert abs(found[1] - 60) <= 2


def test_a_cut_under_a_band_of_damage_is_found() -> None:
    signature, generator = join(take(11, 60), take(12, 60)), np.random.default_rng(4)
    signature[50:70, 3:7] = generator.integers(0, 256, (20, 4, 16, 3))
    assert starts(find_shots(signature)) == [0, 60]


def test_a_short_look_at_something_else_is_a_shot() -> None:
    one = take(13, 120)
    assert starts(find_shots(join(one[:60], take(14, 12), one[60:]))) == [0, 60, 72]


def test_chunks_of_any_size_give_the_same_shots(monkeypatch: pytest.MonkeyPatch) -> None:
    signature = join(take(1, 50), take(2, 40), take(3, 30))
    signature[[20, 70]] = 200
    whole = find_shots(signature)
    for size in (1, 7, 50):
        monkeypatch.setattr(shots, "CHUNK_FRAMES", size)
        assert find_shots(signature) == whole


@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.just(12), st.just(16), st.just(3))))
def test_shots_always_cover_the_tape_once(signature: Signature) -> None:
    found = find_shots(signature)
    assert found[0].start == 0
    assert found[-1].stop == len(signature)
    assert all(one.stop == other.start for one, other in pairwise(found))
    assert len(found) == 1 or min(shot.stop - shot.start for shot in found) >= SHORTEST_SHOT
