"""Lines out of place, told by the frames around them."""

import pytest
import torch
from test_motion import COLUMNS, ROWS, scene, window_of
from torch import Tensor

from tapemend.lines import move_lines
from tapemend.network.timebase import displacements, offset
from tapemend.restore.timebase import TimeBase
from tapemend.restore.windows import Window
from tapemend.train.samples import _interpolated, _separated

FRAMES = 8
ALL = torch.ones(FRAMES, dtype=torch.bool)


def panned(right: tuple[int, ...]) -> Tensor:
    """(T, 3, H, W) a scene from places so many pixels to the right of the first one's."""
    wide = scene(ROWS + 128, COLUMNS + 128)
    return torch.cat([window_of(wide, 0, place) for place in right])


def swaying(count: int, pixels: float, seed: int = 0) -> Tensor:
    """(T, H) displacements that are smooth down the picture and new in every frame."""
    kernel = torch.hann_window(41, periodic=False)
    noise = torch.randn(count, 1, ROWS + 40, generator=torch.Generator().manual_seed(seed))
    walk = torch.conv1d(noise, kernel[None, None])[:, 0] / kernel.square().sum().sqrt()
    return pixels * (walk - walk.mean(1, keepdim=True))


def found_in(pictures: Tensor, damaged: Tensor | None = None) -> Tensor:
    """(T, H) displacements as the pictures show them, all or (T,) some of them damaged."""
    damaged = torch.ones(len(pictures), dtype=torch.bool) if damaged is None else damaged
    found = [offset(*pictures[number - 1 : number + 2]) for number in range(1, len(pictures) - 1)]
    return displacements(*(torch.stack(each) for each in zip(*found, strict=True)), damaged)


@pytest.mark.parametrize("speed", [0, 3, -7])
def test_swaying_lines_are_found_still_or_panning(speed: int) -> None:
    """But for what they sway alike in all frames, which no frame tells."""
    truth = swaying(FRAMES, 1.0)
    found = found_in(move_lines(panned(tuple(speed * number for number in range(FRAMES))), truth))
    told = truth - truth.mean(0)
    left = (found - told)[2:-2].square().mean() / told[2:-2].square().mean()
    assert left < 0.4


def test_a_single_torn_frame_is_put_back_and_its_neighbours_stay() -> None:
    pictures = panned((0,) * FRAMES)
    truth = swaying(FRAMES, 2.0)
    truth[[number for number in range(FRAMES) if number != 4]] = 0
    torn = move_lines(pictures, truth)
    back = move_lines(torn, -found_in(torn))
    before, after = ((each - pictures).square().mean((1, 2, 3)) for each in (torn, back))
    assert after[4] < 0.35 * before[4]
    assert after[[3, 5]].max() < 0.2 * before[4]


def test_a_clean_frame_beside_torn_ones_stays_and_helps_to_find_their_place() -> None:
    """At the tape's beginning, where no other frame contradicts."""
    truth = swaying(FRAMES, 3.0, seed=2)
    truth[2:] = 0
    torn = move_lines(panned((0,) * FRAMES), truth)
    told, untold = found_in(torn, truth.any(1)), found_in(torn)
    assert untold[2].abs().max() > 0.5
    assert told[2:].abs().max() < 0.1
    errors = [(found - truth)[1].square().mean() for found in (told, untold)]
    assert errors[0] < errors[1]


@pytest.mark.parametrize(
    "places", [(0,) * FRAMES, tuple(range(0, 40, 5)), (0, 1, 3, 6, 10, 15, 21, 28), (0, 4, 1, 6, 2, 7, 3, 5)]
)
def test_a_picture_that_moves_as_a_whole_stays_as_it_is(places: tuple[int, ...]) -> None:
    """It stands, pans, gathers speed, or is shaken."""
    assert found_in(panned(places)).abs().max() < 0.3


def test_an_empty_picture_has_no_lines_out_of_place() -> None:
    grey = torch.full((5, 3, ROWS, COLUMNS), 0.4)
    assert not found_in(grey).any()


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_frames_say_nothing(count: int) -> None:
    nothing = torch.empty(max(0, count - 2), ROWS)
    assert not displacements(nothing, nothing, ALL[:count]).any()


def test_frames_made_of_fields_are_held_against_those_of_their_own_parity() -> None:
    window = Window(start=0, stop=FRAMES, first=0, last=FRAMES)
    still = _interpolated(_separated(panned((0,) * FRAMES), 0), 0)
    truth = swaying(FRAMES, 2.0)
    truth[[number for number in range(FRAMES) if number != 4]] = 0
    time_base = TimeBase(torch.device("cpu"), stride=2)
    assert time_base.displacements(window, still, ALL).abs().max() == 0
    torn = move_lines(still, truth)
    found = TimeBase(torch.device("cpu"), stride=2).displacements(window, torn, ALL)
    assert (found - truth)[4].square().mean() < 0.5 * truth[4].square().mean()
    assert not found[1::2].any()


def test_what_is_uncertain_moves_nothing() -> None:
    offsets = swaying(FRAMES - 2, 1.0)
    sure, unsure = (displacements(offsets, torch.full_like(offsets, variance), ALL) for variance in (0.01, 100.0))
    assert sure.abs().max() > 0.5
    assert not unsure.any()
