"""Dropouts: parts of single lines that are unlike all around them, in the picture and in time."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from tapemend import checkpoint
from tapemend.detect.damage import DamageScorer
from tapemend.network.streaks import streaks

ROWS, COLUMNS = 96, 180


def filmed(frames: int, speed: int = 3) -> Tensor:
    """(T, H, W) luma of a scene full of detail over which a camera pans, so many columns a frame, with grain."""
    generator = torch.Generator().manual_seed(4)
    sizes = ((12, 40), (ROWS, 2 * COLUMNS))
    soft, fine = (interpolate(torch.rand(1, 1, *size, generator=generator), sizes[1], mode="bicubic") for size in sizes)
    scene = (0.25 + 0.3 * soft + 0.15 * fine)[0, 0]
    pan = torch.stack([scene[:, speed * number : speed * number + COLUMNS] for number in range(frames)])
    return pan + 0.01 * torch.randn(pan.shape, generator=generator)


def dropped(frame: Tensor, row: int, column: int, *, rows: int = 1, columns: int = 20, level: float = 1.0) -> None:
    frame[row : row + rows, column : column + columns] = level


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("level", [1.0, 0.0])
@pytest.mark.parametrize("row", [3, 40, ROWS - 6])
def test_a_streak_is_found_where_it_is_and_nothing_else(rows: int, level: float, row: int) -> None:
    luma = filmed(6)
    dropped(luma[3], row, 60, rows=rows, level=level)
    found = streaks(luma)
    assert found.shape == (4, ROWS, COLUMNS)
    inside = found[2, row : row + rows, 62:78]
    assert (inside > 0.05).all()
    inside.zero_()
    assert found.max() < 0.02


def test_how_much_it_is_unlike_what_is_around_is_told() -> None:
    flat = torch.full((3, ROWS, COLUMNS), 0.3)
    dropped(flat[1], 40, 60, level=0.5)
    found = streaks(flat)
    assert found[0, 40, 62:78] == pytest.approx(0.2, abs=0.005)
    assert found.sum() == pytest.approx(16 * 0.2, rel=0.03)


def test_what_is_filmed_is_no_streak() -> None:
    """A bright line that stands, one that goes along, one that goes down; a flash; a cut; glitter."""
    luma = filmed(8)
    for number, frame in enumerate(luma):
        dropped(frame, 20, 30)
        dropped(frame, 40, 20 + 4 * number)
        dropped(frame, 45 + 6 * number, 100)
    luma[4] += 0.3
    luma[6:] = filmed(2).flip(1, 2)
    dropped(luma[2], 70, 20, columns=3)
    assert streaks(luma).max() < 0.02


@pytest.mark.parametrize("place", [0, 3])
def test_at_a_tapes_ends_the_one_neighbour_tells(place: int) -> None:
    luma = filmed(4)
    dropped(luma[place], 40, 60)
    found = streaks(torch.cat([luma[:1], luma, luma[-1:]]))
    assert (found[place, 40, 62:78] > 0.05).all()
    found[place, 40, 62:78] = 0
    assert found.max() < 0.02


def test_a_frame_that_is_shown_twice_is_held_against_others() -> None:
    luma = filmed(4)
    dropped(luma[1], 40, 60)
    found = streaks(luma[[0, 1, 1, 2, 3]])
    assert (found[:2, 40, 62:78] > 0.05).all()


@pytest.mark.parametrize("frames", [1, 3])
def test_a_picture_that_stands_still_has_none(frames: int) -> None:
    still = filmed(1)
    dropped(still[0], 40, 60)
    assert not streaks(still[[0] * (frames + 2)]).any()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (4, 40), (40, 4)])
def test_pictures_of_any_size(size: tuple[int, int]) -> None:
    assert streaks(torch.rand(3, *size)).shape == (1, *size)


def test_the_scorer_sees_a_few_streaks_among_detail() -> None:
    scorer = DamageScorer(checkpoint.read("scorer-default", "scorer"), torch.device("cpu"))
    luma = interpolate(filmed(6)[:, None], (288, 720))
    pictures = torch.cat([luma, torch.zeros_like(luma), torch.zeros_like(luma)], 1)
    before = scorer.score(pictures)
    pictures[3, 0, 100, 200:260] = 1
    after = scorer.score(pictures)
    row, columns = 100 * 18 // 288, slice(200 * 24 // 720, 260 * 24 // 720)
    assert (after.cells[2, row, columns] > 0.9).all()
    assert (after.torn[2, row, columns] > 0.9).all()
    assert after.kinds[2, 1] > before.kinds[2, 1]
    assert torch.allclose(after.cells[2, row + 4 :], before.cells[2, row + 4 :], atol=0.05)
