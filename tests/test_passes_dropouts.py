"""Losses: how long they last, where they go on, and what the compensator shows."""

import pytest
import torch
from torch import Tensor

from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Moments
from tapemend.degrade.passes.dropouts import (
    ChromaDropouts,
    Compensator,
    Dropouts,
    Scratches,
    runs_of,
    scan_period,
)

GRID = Grid(standard=Standard.PAL, height=48, width=90)


def moments_of(count: int, first: int = 0) -> Moments:
    return Moments(seed=4, name="step", indices=tuple(range(first, first + count)), intensities=(1.0,) * count)


def ramp(count: int, grid: Grid = GRID) -> Tensor:
    """(T, 3, H, W) whose luma tells the row, with one colour."""
    luma = torch.linspace(0.1, 0.6, grid.height)[:, None].expand(grid.height, grid.width)
    return torch.stack([luma, torch.full_like(luma, 0.2), torch.full_like(luma, -0.1)]).repeat(count, 1, 1, 1)


def test_the_scan_counts_the_blanking() -> None:
    assert scan_period(Grid(standard=Standard.PAL, height=288, width=720)) == 864
    assert scan_period(Grid(standard=Standard.NTSC, height=240, width=720)) == 858


def test_a_run_goes_on_in_the_next_line_after_the_blanking() -> None:
    period = scan_period(GRID)
    runs = runs_of(torch.tensor([5 * period + 80]), torch.tensor([period]), GRID)
    assert len(runs.run) == GRID.width
    assert runs.column[runs.line == 5].tolist() == list(range(80, 90))
    assert runs.column[runs.line == 6].tolist() == list(range(80))


def test_of_runs_over_one_another_each_pixel_belongs_to_the_last() -> None:
    runs = runs_of(torch.tensor([10, 14]), torch.tensor([8, 8]), GRID)
    assert runs.column.sort().values.tolist() == list(range(10, 22))
    assert runs.column[runs.run == 1].tolist() == list(range(14, 22))


def test_a_line_of_a_frame_taken_as_a_field_is_two_rows() -> None:
    runs = runs_of(torch.tensor([3]), torch.tensor([2]), Grid(standard=Standard.PAL, height=576, width=32))
    assert [rows.tolist() for rows in runs.rows()] == [[0, 0], [1, 1]]


def test_half_of_the_losses_are_under_the_median_and_few_last_lines() -> None:
    grid = Grid(standard=Standard.PAL, height=288, width=720)
    samples = Dropouts().lengths(20000, grid, torch.Generator().manual_seed(1)).float() / grid.pixels(1.0)
    assert samples.median().item() == pytest.approx(4.0, rel=0.1)
    assert samples.min() >= 0.4
    assert 0.005 < (samples > 64).float().mean() < 0.03


def test_the_worse_head_loses_more() -> None:
    lost = (
        Dropouts(per_second=8000.0, head_imbalance=0.8, clustered=0.0).apply(ramp(16), GRID, moments_of(16)) != ramp(16)
    ).any(1)
    even, odd = lost[::2].sum(), lost[1::2].sum()
    assert even > 3 * odd


def lose(compensator: Compensator, lines: float) -> tuple[Tensor, Tensor]:
    """A (3, H, W) picture and what is left of it after one loss from column 20 of line 9 on."""
    clean = ramp(1)[0]
    damaged = clean.clone()
    start, length = torch.tensor([9 * scan_period(GRID) + 20]), torch.tensor([int(lines * scan_period(GRID))])
    Dropouts(compensator=compensator, white_share=1.0).lose(
        damaged, clean, start, length, GRID, torch.Generator().manual_seed(2)
    )
    return clean, damaged


def test_the_compensator_repeats_the_last_good_line_for_as_long_as_it_takes() -> None:
    clean, damaged = lose(Compensator.LINE, 3.0)
    for line in (9, 10, 11):
        assert torch.equal(damaged[0, line, 40], clean[0, 8, 40])
    assert torch.equal(damaged[0, 13], clean[0, 13])


def test_the_colour_comes_from_an_even_number_of_lines_before() -> None:
    clean = ramp(1)[0]
    clean[1] = clean[0]
    damaged = clean.clone()
    start, length = torch.tensor([9 * scan_period(GRID) + 20]), torch.tensor([40])
    Dropouts(compensator=Compensator.LINE).lose(damaged, clean, start, length, GRID, torch.Generator())
    assert torch.equal(damaged[1, 9, 40], clean[1, 7, 40])


def test_a_late_compensator_shows_a_white_tip_first() -> None:
    clean, damaged = lose(Compensator.LATE, 0.5)
    assert damaged[0, 9, 20] > clean[0, 9, 20] + 0.1
    assert torch.equal(damaged[0, 9, 40], clean[0, 8, 40])


def test_without_a_compensator_white_stands_and_fades_after_the_loss() -> None:
    clean, damaged = lose(Compensator.NONE, 0.4)
    end = 20 + int(0.4 * scan_period(GRID))
    assert damaged[0, 9, 22:end].mean() > 0.8
    excess = damaged[0, 9, end : end + 7] - clean[0, 9, end : end + 7]
    assert (excess.diff() < 0).all()


def test_a_grey_compensator_has_no_picture_at_all() -> None:
    _, damaged = lose(Compensator.GREY, 0.5)
    assert torch.equal(damaged[:, 9, 40], torch.tensor([0.5, 0.0, 0.0]))


def test_colour_is_lost_alone() -> None:
    damaged = ChromaDropouts(per_second=9000.0).apply(ramp(1), GRID, moments_of(1))
    assert torch.equal(damaged[:, 0], ramp(1)[:, 0])
    assert not torch.equal(damaged[:, 1:], ramp(1)[:, 1:])


def test_scratches_stay_at_their_lines() -> None:
    grid = Grid(standard=Standard.PAL, height=288, width=90)
    hit = (Scratches(count=2).apply(ramp(8, grid), grid, moments_of(8)) != ramp(8, grid)).any(-1).any(1)
    assert hit.any(1).all()
    assert hit.any(0).sum() < 30
