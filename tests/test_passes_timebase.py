"""Time base: how far, where, and which way lines and pictures move."""

import math

import pytest
import torch
from torch import Tensor

from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import LinePass, Moments
from tapemend.degrade.passes.timebase import (
    DihedralError,
    Flagging,
    HeldPicture,
    LineJitter,
    RepeatedLines,
    SyncLoss,
    TensionSkew,
    VacuumGuideError,
    VerticalJitter,
    leaky_walk,
    move_in_blanking,
)
from tapemend.lines import move_lines

FIELD = Grid(standard=Standard.PAL, height=288, width=72)
MICROSECOND = FIELD.pixels(1.0)


def moments_of(count: int = 1, intensity: float = 1.0) -> Moments:
    return Moments(seed=4, name="step", indices=tuple(range(count)), intensities=(intensity,) * count)


def shift_of(does: LinePass, count: int = 1, grid: Grid = FIELD) -> Tensor:
    """(T, H) microseconds."""
    return does.shift(grid, moments_of(count)) / grid.pixels(1.0)


def test_a_leaky_walk_has_unit_variance_and_forgets_over_its_memory() -> None:
    walk = leaky_walk(40_000, 10.0, torch.Generator().manual_seed(1))
    assert walk.var().item() == pytest.approx(1.0, abs=0.1)
    assert (walk[10:] * walk[:-10]).mean().item() == pytest.approx(math.exp(-1), abs=0.1)


def test_what_comes_in_from_the_end_of_a_line_is_black() -> None:
    lines = torch.rand(3, 2, 40, generator=torch.Generator().manual_seed(2))
    moved = move_in_blanking(lines, torch.tensor([5.0, -3.25]))
    torch.testing.assert_close(moved[:, 0, 5:], lines[:, 0, :-5])
    assert not moved[:, 0, :5].any()
    assert not moved[:, 1, -3:].any()
    inner = move_lines(lines[None], torch.tensor([[5.0, -3.25]]))[0]
    torch.testing.assert_close(moved[:, 1, :30], inner[:, 1, :30])


@pytest.mark.parametrize("part", ["walk", "line", "drum", "capstan"])
def test_each_part_of_jitter_has_its_rms(part: str) -> None:
    still = dict.fromkeys(["walk_microseconds", "line_microseconds", "drum_microseconds", "capstan_microseconds"], 0.0)
    shift = shift_of(LineJitter(**{**still, f"{part}_microseconds": 0.3}), count=24)
    assert shift.square().mean().sqrt().item() == pytest.approx(0.3, rel=0.15)


def test_the_wave_of_the_drum_stands_still_from_turn_to_turn_and_that_of_the_capstan_runs() -> None:
    drum = LineJitter(walk_microseconds=0, line_microseconds=0, capstan_microseconds=0)
    capstan = LineJitter(walk_microseconds=0, line_microseconds=0, drum_microseconds=0)
    turns = shift_of(drum, count=4)
    torch.testing.assert_close(turns[0], turns[2], atol=1e-4, rtol=0)
    runs = shift_of(capstan, count=4)
    assert (runs[0] - runs[2]).abs().max() > 0.1


def test_a_flag_hooks_at_top_and_bottom_and_leaves_the_middle() -> None:
    shift = shift_of(Flagging(microseconds=5.0, lines=14.0, bottom_microseconds=2.0, swing=0.0))[0]
    assert shift[0].item() == pytest.approx(5.0, rel=1e-3)
    assert shift[14].item() == pytest.approx(5.0 * math.exp(-1), rel=1e-3)
    assert shift[-1].item() == pytest.approx(2.0, rel=1e-3)
    assert shift[144].abs() < 0.01


def test_a_flag_that_swings_goes_to_both_sides() -> None:
    first = shift_of(Flagging(swing=1.0), count=60)[:, 0]
    assert first.min() < -1
    assert first.max() > 1


@pytest.mark.parametrize("standard", Standard)
def test_tension_steps_at_the_change_of_heads_and_the_rest_of_it_comes_after_the_hidden_lines(
    standard: Standard,
) -> None:
    grid = Grid(standard=standard, height=standard.field_lines, width=72)
    shift = shift_of(TensionSkew(microseconds=6.0, switch_lines=4.0, recovery_lines=22.0, swing=0.0), grid=grid)[0]
    assert shift.diff().argmax().item() == standard.field_lines - 5
    assert shift[-4].item() == pytest.approx(6.0, rel=1e-3)
    hidden = 24.5 if standard is Standard.PAL else 22.5
    assert shift[0].item() == pytest.approx(6.0 * math.exp(-(4 + hidden) / 22), rel=1e-3)


def test_the_two_heads_of_a_dihedral_error_lean_apart_at_the_top() -> None:
    shift = shift_of(DihedralError(microseconds=2.5), count=3)
    assert shift[0, 0].item() == pytest.approx(2.5, rel=1e-3)
    assert torch.equal(shift[0], -shift[1])
    assert torch.equal(shift[0], shift[2])
    assert shift[:, 200:].abs().max() < 0.01


@pytest.mark.parametrize(("standard", "bands"), [(Standard.PAL, 288 / 15.625), (Standard.NTSC, 240 * 16 / 262.5)])
def test_scallops_are_as_high_as_a_sweep_of_a_quadruplex_head(standard: Standard, bands: float) -> None:
    grid = Grid(standard=standard, height=standard.field_lines, width=72)
    bow = shift_of(VacuumGuideError(scallop_microseconds=0.8, swing=0.0), grid=grid)[0]
    assert (bow.max() - bow.min()).item() == pytest.approx(0.8, rel=0.05)
    saw = shift_of(VacuumGuideError(scallop_microseconds=0, skew_microseconds=1.0, swing=0.0), grid=grid)[0]
    assert (saw.diff() < -0.5).sum().item() == int(bands)


def test_repeated_lines_are_the_line_above_their_group_and_as_many_as_said() -> None:
    picture = torch.rand(40, 3, 288, 72, generator=torch.Generator().manual_seed(3))
    does = RepeatedLines(groups=4.0, lines=6.0, blocks=0.0)
    damaged = does.apply(picture, FIELD, moments_of(40))
    changed = (damaged != picture).any(1)
    assert torch.equal(changed.any(-1), changed.all(-1))
    positions, rows = changed.all(-1).nonzero(as_tuple=True)
    same = (damaged[positions, :, rows] == damaged[positions, :, rows - 1]).all(-1).all(-1)
    assert same.float().mean() > 0.95
    assert len(rows) / 40 == pytest.approx(4 * 6.5, rel=0.25)


def test_a_held_block_is_a_part_of_the_lines() -> None:
    picture = torch.rand(20, 3, 288, 72, generator=torch.Generator().manual_seed(3))
    changed = (RepeatedLines(blocks=1.0).apply(picture, FIELD, moments_of(20)) != picture).any(1)
    per_line = changed.sum(-1)[changed.any(-1)].float()
    assert 0.05 < per_line.mean() / 72 < 0.4


def test_a_held_picture_stands_and_then_jumps_on() -> None:
    picture = torch.arange(60.0)[:, None, None, None].expand(60, 3, 2, 2)
    shown = HeldPicture(pictures=8.0, period=20).apply(picture, FIELD, moments_of(60))[:, 0, 0, 0]
    behind = torch.arange(60.0) - shown
    assert behind.min() == 0
    assert 3 <= behind.max() <= 8
    assert ((behind.diff() == 1) | (behind.diff() == 0) | (behind[1:] == 0)).all()
    assert 0.15 < (behind > 0).float().mean() < 0.5
    less = HeldPicture(pictures=8.0).apply(picture, FIELD, moments_of(60, intensity=0.5))[:, 0, 0, 0]
    assert (torch.arange(60.0) - less).max() <= 4


def test_a_store_of_frames_holds_two_fields_in_turn() -> None:
    picture = torch.arange(60.0)[:, None, None, None].expand(60, 3, 2, 2)
    shown = HeldPicture(frames=True).apply(picture, FIELD, moments_of(60))[:, 0, 0, 0]
    assert ((torch.arange(60.0) - shown) % 2 == 0).all()
    assert (shown[2:] == shown[:-2]).any()


def test_a_rolling_picture_moves_down_by_its_speed_with_the_bar_above_it() -> None:
    picture = torch.full((12, 3, 288, 72), 0.5)
    does = SyncLoss(pictures=45.0, unevenness=0.0, tear_microseconds=0.0, test_signal=False)
    black = does.apply(picture, FIELD, moments_of(12))[:, 0, :, 36] < 0.1
    full = black.sum(1) >= 24
    tops = black.int().argmax(1)[full]
    assert full.sum() >= 6
    assert (black.sum(1) <= 25).all()
    assert tops.diff()[tops.diff() > 0].float().mean().item() == pytest.approx(312 / 45, rel=0.15)


def test_lines_tear_below_the_bar_and_stand_above_it() -> None:
    picture = torch.linspace(0.2, 0.8, 72).expand(1, 3, 288, 72)
    does = SyncLoss(tear_noise=0.0, test_signal=False)
    damaged = does.apply(picture, FIELD, moments_of())[0, 0]
    whole = (damaged[:, 36] > 0.1).nonzero()[:, 0]
    after = whole[whole.diff(prepend=whole[:1]) > 1]
    first = after[0].item() if len(after) else whole[0].item()
    slope = 0.6 / 71
    torn = (picture[0, 0, 0, 36] - damaged[first : first + 60, 36]) / slope / MICROSECOND
    assert torn[0].item() == pytest.approx(7.0, rel=0.01)
    assert torn[20].item() == pytest.approx(7.0 * math.exp(-1), rel=0.02)
    torch.testing.assert_close(damaged[max(first - 40, 0)], damaged[max(first - 41, 0)])


def test_a_picture_hops_by_whole_lines_of_the_stated_size() -> None:
    rows = torch.linspace(0.2, 0.8, 288)[:, None].expand(60, 3, 288, 72)
    damaged = VerticalJitter(lines=2.0, weave_lines=0.0).apply(rows, FIELD, moments_of(60))
    hops = (rows[:, 0, 144, 0] - damaged[:, 0, 144, 0]) / (0.6 / 287)
    torch.testing.assert_close(hops, hops.round(), atol=1e-3, rtol=0)
    assert hops.square().mean().sqrt().item() == pytest.approx(2.0, rel=0.3)


def test_a_bouncing_head_is_lower() -> None:
    rows = torch.linspace(0.2, 0.8, 288)[:, None].expand(2, 3, 288, 72)
    damaged = VerticalJitter(lines=0.0, weave_lines=0.0, bounce_lines=2.0).apply(rows, FIELD, moments_of(2))
    assert torch.equal(damaged[0], rows[0])
    assert torch.equal(damaged[1, :, 2:], rows[1, :, :-2])
