"""Lines out of place, told by the frames around them."""

import pytest
import torch
from test_motion import COLUMNS, ROWS, scene, window_of
from torch import Tensor

from tapemend.lines import move_lines
from tapemend.network.timebase import displacements, offset
from tapemend.restore.timebase import Anchor, TimeBase
from tapemend.restore.windows import Window
from tapemend.train.samples import _interpolated, _separated

FRAMES = 8
ALL = torch.ones(FRAMES)


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
    """(T, H) displacements as the pictures show them, all or (T,) how surely each is damaged."""
    damaged = torch.ones(len(pictures)) if damaged is None else damaged
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
    damaged = truth.any(1).float()
    told, hurt, untold = found_in(torn, damaged), found_in(torn, damaged.clamp(min=0.1)), found_in(torn)
    assert untold[2].abs().max() > 0.5
    assert told[2:].abs().max() < 0.1
    moved = [found[2].abs().mean() for found in (told, hurt, untold)]
    errors = [(found - truth)[1].square().mean() for found in (told, hurt, untold)]
    assert sorted(moved) == moved
    assert sorted(errors) == errors


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
    assert time_base.displacements(window, still, ALL)[0].abs().max() == 0
    torn = move_lines(still, truth)
    found = TimeBase(torch.device("cpu"), stride=2).displacements(window, torn, ALL)[0]
    assert (found - truth)[4].square().mean() < 0.5 * truth[4].square().mean()
    assert not found[1::2].any()


def test_what_is_uncertain_moves_nothing() -> None:
    offsets = swaying(FRAMES - 2, 1.0)
    sure, unsure = (displacements(offsets, torch.full_like(offsets, variance), ALL) for variance in (0.01, 100.0))
    assert sure.abs().max() > 0.5
    assert not unsure.any()


WHOLE = Window(start=0, stop=FRAMES, first=0, last=FRAMES)
EVERY_LINE = torch.ones(ROWS, dtype=torch.bool)


def flagged(pixels: float) -> Tensor:
    """(T, H) displacements of a picture's top that are the same in every frame."""
    return (pixels * torch.exp(-torch.arange(ROWS) / 14)).repeat(FRAMES, 1)


def anchors_of(picture: Tensor, *indices: int, sound: Tensor = EVERY_LINE) -> list[Anchor]:
    return [Anchor(index=index, picture=picture, sound=sound) for index in indices]


def held_by(anchors: list[Anchor], pictures: Tensor, stride: int = 1) -> Tensor:
    return TimeBase(torch.device("cpu"), stride).displacements(WHOLE, pictures, ALL, anchors)[0]


@pytest.mark.parametrize("indices", [(-5, 20), (-5, -9), (30, 17)])
def test_what_is_bent_alike_in_all_frames_is_told_by_clean_ones(indices: tuple[int, int]) -> None:
    pictures = panned((0,) * FRAMES)
    truth = flagged(6.0)
    bent = move_lines(pictures, truth)
    assert not held_by([], bent).any()
    found = held_by(anchors_of(pictures[0], *indices), bent)
    assert (found - truth).square().mean() < 0.05 * truth.square().mean()


def test_clean_frames_side_by_side_after_the_damage_tell_lines_too() -> None:
    """Grain moves nothing that far from them."""
    pictures = panned((0,) * (FRAMES + 2))
    grainy = pictures + 0.01 * torch.randn(pictures.shape, generator=torch.Generator().manual_seed(3))
    truth = flagged(6.0)
    anchors = [anchors_of(grainy[index], index)[0] for index in (FRAMES, FRAMES + 1)]
    found = held_by(anchors, move_lines(grainy[:FRAMES], truth))
    assert (found - truth).square().mean() < 0.05 * truth.square().mean()


@pytest.mark.parametrize("number", [0, FRAMES - 1])
def test_a_torn_frame_at_the_end_of_a_shot_is_held_against_the_clean_ones_next_to_it(number: int) -> None:
    """Halfway between it and another one, its neighbour shows every edge twice: that alone leaves more."""
    truth, damaged = torch.zeros(FRAMES, ROWS), torch.zeros(FRAMES)
    truth[number], damaged[number] = swaying(1, 4.0)[0], 1.0
    pictures = move_lines(panned(tuple(2 * place for place in range(FRAMES))), truth)
    whole = [place for place in range(FRAMES) if place != number]
    beside = [anchors_of(pictures[place], place)[0] for place in whole]
    far = anchors_of(panned((40,))[0], 20) + anchors_of(panned((60,))[0], 30)
    left = [
        (TimeBase(torch.device("cpu")).displacements(WHOLE, pictures, damaged, anchors)[0] - truth).square().mean()
        for anchors in (far, [*far, *beside])
    ]
    assert left[1] < 0.1 * truth.square().mean()
    assert left[1] < 0.25 * left[0]


@pytest.mark.parametrize(("share", "place"), [(-8.0, 0.0), (0.5, -0.5), (9.0, -1.0)])
def test_beyond_two_frames_a_frame_is_held_against_the_nearer_one(share: float, place: float) -> None:
    before, after = panned((0, 1))
    found, variance = offset(before, before, after, share)
    torch.testing.assert_close(found.median(), torch.tensor(-place), atol=0.15, rtol=0)
    assert (variance.mean() > 1) == (not 0 <= share <= 1)


def test_what_moved_between_clean_frames_is_uncertain_even_next_to_one_of_them() -> None:
    before, frame, after = panned((-30, 0, 30))
    near, halfway, beyond = (offset(before, frame, after, share)[1].mean() for share in (0.97, 0.5, 2.0))
    assert near > 2
    assert halfway > 2
    assert beyond > 4 * halfway


def test_few_frames_are_told_by_clean_ones_too() -> None:
    pictures, truth = panned((0,)), flagged(6.0)[:1]
    window = Window(start=0, stop=1, first=0, last=1)
    anchors = anchors_of(pictures[0], -5, 20)
    found = TimeBase(torch.device("cpu")).displacements(window, move_lines(pictures, truth), ALL[:1], anchors)[0]
    assert (found - truth).square().mean() < 0.05 * truth.square().mean()


def test_clean_frames_of_another_scene_move_nothing() -> None:
    other = scene(ROWS, COLUMNS, seed=5)[0]
    assert held_by(anchors_of(other, -5, 20), panned((0,) * FRAMES)).abs().max() < 0.1


def test_where_a_clean_frame_is_not_clean_it_says_nothing() -> None:
    pictures = panned((0,) * FRAMES)
    bent = move_lines(pictures, flagged(6.0))
    lower = torch.arange(ROWS) >= ROWS // 2
    assert held_by(anchors_of(pictures[0], -5, 20, sound=lower), bent).abs().max() < 0.3


def test_one_clean_frame_alone_says_nothing_of_lines() -> None:
    pictures = panned((0,) * FRAMES)
    assert not held_by(anchors_of(pictures[0], -5), move_lines(pictures, flagged(6.0))).any()


def test_fields_are_held_against_clean_ones_of_their_own_parity() -> None:
    pictures = panned((0,) * FRAMES)
    truth = flagged(6.0)
    found = held_by(anchors_of(pictures[0], -5, 21), move_lines(pictures, truth), stride=2)
    assert not found[::2].any()
    assert (found - truth)[1::2].square().mean() < 0.05 * truth.square().mean()
