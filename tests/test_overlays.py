"""What is laid over clean clips moves as it should, and changes nothing else."""

import pytest
import torch
from torch import Tensor

from tapemend.train.overlays import DRAWINGS, _shape, textured, with_borders, with_graphics

GREY = torch.tensor([0.5, 0.0, 0.0])[:, None, None].expand(3, 64, 96)


def drawn_by(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def clip(count: int = 3) -> Tensor:
    return GREY.expand(count, 3, 64, 96)


@pytest.mark.parametrize("seed", range(4))
def test_texture_goes_with_the_camera(seed: int) -> None:
    still = textured(clip(), [0, 1, 5], [(0, 0)] * 3, False, drawn_by(seed))
    assert torch.equal(still[0], still[2])
    assert (still[0] - GREY).abs().amax() > 0.01
    # Parts of the picture have texture, others none; these parts do not move.
    panned = textured(clip(), [0, 1, 5], [(0, 0), (2, 0), (0, 3)], False, drawn_by(seed))
    places = (still[0] - GREY).abs()[0]
    for frame, (down, along) in ((1, (2, 0)), (2, (0, 3))):
        moved = panned[frame, 0].roll((down, along), (0, 1))
        same, other = ((each - still[0, 0]).abs()[8:-8, 8:-8] for each in (moved, panned[frame, 0]))
        assert same.mean() < 0.5 * other.mean() < places.mean()


def test_texture_may_move_on_its_own() -> None:
    adrift = textured(clip(), [0, 1, 5], [(0, 0)] * 3, True, drawn_by(1))
    assert not torch.equal(adrift[0], adrift[1])


@pytest.mark.parametrize("seed", range(12))
def test_graphics_are_pictures_that_are_the_same_at_the_same_time(seed: int) -> None:
    given = clip()
    over = with_graphics(given, [3, 4, 3], drawn_by(seed))
    assert over.shape == given.shape
    assert torch.equal(over[0], over[2])
    assert torch.equal(given, clip())
    assert over[:, 0].min() >= 0
    assert over[:, 0].max() <= 1
    assert over[:, 1:].abs().max() <= 0.5
    assert torch.equal(over, with_graphics(given, [3, 4, 3], drawn_by(seed)))


def test_every_shape_covers_something_somewhere_and_ends_hard() -> None:
    shapes = torch.stack([_shape(64, 96, drawn_by(seed)) for seed in range(8 * len(DRAWINGS))])
    assert shapes.min() >= 0
    assert shapes.max() <= 1
    assert (shapes.amax((1, 2, 3)) > 0.5).float().mean() > 0.8
    assert ((shapes > 0.01) & (shapes < 0.99)).float().mean() < 0.1


def test_borders_are_black_on_each_side_as_often_as_not_and_the_same_in_all_frames() -> None:
    margin, sides = 10, torch.zeros(4)
    for seed in range(40):
        bordered = with_borders(clip(), margin, drawn_by(seed))
        assert torch.equal(bordered, bordered[:1].expand_as(bordered))
        luma, seen = bordered[0, 0], bordered[0, :, :, margin:-margin]
        assert torch.equal(bordered[..., 7:-7, 27:-27], clip()[..., 7:-7, 27:-27])
        assert (bordered[:, 1:] == 0).all()
        middle = luma[32, margin:-margin]
        black = [luma[:, : margin + 1].amax() < 0.1, luma[:, -margin - 1 :].amax() < 0.1]
        assert [bool(middle[0] < 0.1), bool(middle[-1] < 0.1)] == black
        across = (seen[0, [0, -1], 17:-17] < 0.5).any(1)
        sides += torch.tensor([*black, *across.tolist()])
    assert (sides / 40).tolist() == pytest.approx([0.5] * 4, abs=0.25)
