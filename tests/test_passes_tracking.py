"""Heads and tracks: where the bands are, how fast they move, which head is bad, and what is left of the picture."""

import math

import pytest
import torch
from torch import Tensor

from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Moments, PicturePass
from tapemend.degrade.passes.tracking import (
    CrashRecord,
    Crease,
    DirtyDrum,
    HeadBanding,
    HeadClog,
    HeadSwitching,
    LengthwiseChange,
    Mistracking,
    bury,
    discolour,
)

FIELD = Grid(standard=Standard.PAL, height=288, width=90)


def draw_of(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def moments_of(count: int = 1, intensity: float = 1.0, first: int = 0) -> Moments:
    indices = tuple(range(first, first + count))
    return Moments(seed=4, name="step", indices=indices, intensities=(intensity,) * count)


def grey(count: int, luma: float = 0.3) -> Tensor:
    """(T, 3, 288, 90) a flat, coloured field."""
    return torch.tensor([luma, 0.2, -0.2])[None, :, None, None].expand(count, 3, 288, 90)


def harm(does: PicturePass, count: int = 1, first: int = 0, intensity: float = 1.0) -> Tensor:
    """(T, H) mean change of luma of each line of a flat field, ends left out."""
    picture = grey(count)
    damaged = does.apply(picture, FIELD, moments_of(count, intensity, first))
    return (damaged - picture)[:, 0, :, 12:-12].abs().mean(-1)


def middle_of(lines: Tensor) -> float:
    return ((lines * torch.arange(len(lines))).sum() / lines.sum()).item()


@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_snow_takes_its_share_of_the_lines(share: float) -> None:
    luma = torch.full((288, 90), -1.0)
    bury(luma, torch.full((288, 1), share), FIELD, draw_of())
    covered = (luma + 1).clamp(max=1.5).mean() / 1.5
    assert covered.item() == pytest.approx(share, abs=0.08)


def test_no_loss_is_the_picture_and_complete_loss_has_nothing_of_it() -> None:
    bright, dark = torch.full((40, 90), 5.0), torch.full((40, 90), -5.0)
    loss = torch.cat([torch.zeros(20, 1), torch.ones(20, 1)])
    for luma in (bright, dark):
        bury(luma, loss, FIELD, draw_of())
    assert (bright[:20] == 5.0).all()
    torch.testing.assert_close(bright[20:], dark[20:])


def test_snow_comes_in_streaks_along_the_line() -> None:
    luma = torch.full((288, 90), -1.0)
    bury(luma, torch.full((288, 1), 0.3), FIELD, draw_of())
    along = torch.corrcoef(torch.stack([luma[:, :-2].flatten(), luma[:, 2:].flatten()]))[0, 1]
    down = torch.corrcoef(torch.stack([luma[:-1].flatten(), luma[1:].flatten()]))[0, 1]
    assert along > 0.3
    assert down.abs() < 0.15


def test_colour_noise_is_strongest_half_way_and_gone_with_the_carrier() -> None:
    chroma = torch.full((2, 288, 90), 0.2)
    loss = torch.tensor([0.0, 0.5, 1.0]).repeat_interleave(96)[:, None]
    discolour(chroma, loss, 0.1, FIELD, draw_of())
    assert (chroma[:, :96] == 0.2).all()
    assert chroma[:, 96:192].mean().item() == pytest.approx(0.1, abs=0.02)
    assert chroma[:, 96:192].std().item() == pytest.approx(0.1, rel=0.15)
    assert not chroma[:, 192:].any()


@pytest.mark.parametrize("place", [0.3, 0.7])
def test_a_bar_stays_where_it_is_put(place: float) -> None:
    lines = harm(Mistracking(place=place, height_lines=60.0, wander=0.0))[0]
    assert middle_of(lines) == pytest.approx(place * 288, abs=3)
    touched = lines.nonzero()[:, 0]
    assert 54 <= touched[-1] - touched[0] <= 60


def test_bars_roll_at_their_speed_and_come_back_at_the_top() -> None:
    does = Mistracking(place=0.2, roll_lines=5.0, wander=0.0, other_head=1.0)
    lines = harm(does, count=21)
    assert middle_of(lines[20]) - middle_of(lines[0]) == pytest.approx(100, abs=4)
    after_a_field = harm(Mistracking(place=0.2, roll_lines=312.5, wander=0.0), first=2)[0]
    assert middle_of(after_a_field) == pytest.approx(0.2 * 288, abs=3)


def test_there_are_as_many_bars_as_said() -> None:
    lines = harm(Mistracking(place=0.15, bars=3, height_lines=40.0, wander=0.0))[0]
    middles = (0.15 * 288 + 312.5 / 3 * torch.arange(3)).round().long()
    assert (lines[middles] > 0.05).all()
    assert not lines[middles[:2] + 52].any()


def test_the_other_head_is_spared() -> None:
    first, second = harm(Mistracking(other_head=0.0), count=2)
    assert first.max() > 0.1
    assert not second.any()


def test_lines_are_torn_in_a_bar_and_colour_is_gone_there() -> None:
    ramp = torch.linspace(0, 1, 90).expand(1, 3, 288, 90)
    does = Mistracking(place=0.5, loss=0.0, wave_microseconds=3.0, jitter_microseconds=0.0, wander=0.0)
    damaged = does.apply(ramp, FIELD, moments_of())[0, 0]
    late = (ramp[0, 0, 144, 45] - damaged[144, 45]) * 89 / FIELD.pixels(1.0)
    assert late.item() == pytest.approx(3.0, rel=0.02)
    picture = Mistracking(place=0.5, loss=1.0, wander=0.0).apply(grey(1), FIELD, moments_of())[0]
    assert picture[1:, 140:148].abs().max() < 0.01


def test_head_switching_is_at_the_bottom_and_starts_within_a_line() -> None:
    does = HeadSwitching(height_lines=8.0, offset_lines=2.0, start=0.5, start_jitter=0.0)
    damaged = does.apply(grey(1), FIELD, moments_of())[0]
    changed = (damaged != grey(1)[0]).any(0)
    rows = changed.any(1).nonzero()[:, 0]
    assert rows[0] == 282
    assert rows[-1] == 287
    assert not changed[282, :44].any()
    assert changed[282, 45:].float().mean() > 0.9


def test_the_tail_of_head_switching_decays_and_the_heads_differ() -> None:
    ramp = torch.linspace(0, 1, 90).expand(2, 3, 288, 90)
    does = HeadSwitching(
        height_lines=10.0,
        offset_lines=0.0,
        microseconds=8.0,
        recovery_lines=4.0,
        jitter_microseconds=0.0,
        heads_differ=0.25,
        noise=0.0,
    )
    damaged = does.apply(ramp, FIELD, moments_of(2))[:, 0]
    late = (ramp[:, 0, -10:, 80] - damaged[:, -10:, 80]) * 89 / FIELD.pixels(1.0)
    assert (late[:, 0] / late[:, 4]).tolist() == pytest.approx([math.e, math.e], rel=0.02)
    assert late[:, 0].tolist() == pytest.approx([10.0, 6.0], rel=0.02)


def test_a_clogged_head_spoils_its_own_fields_only() -> None:
    lines = harm(HeadClog(head=1, steadiness=1.0), count=4)
    assert not lines[[0, 2]].any()
    assert (lines[[1, 3]] > 0.05).float().mean() > 0.95
    both = harm(HeadClog(both=True, steadiness=1.0), count=2)
    assert (both.mean(1) > 0.05).all()


def test_a_clog_comes_and_goes_over_many_pictures() -> None:
    mean = harm(HeadClog(both=True, steadiness=0.0, period=8.0), count=80).mean(1)
    assert mean.max() > 3 * mean.min()
    assert mean.diff().abs().max() < 0.4 * mean.max()


def test_dirty_lines_stay_for_many_pictures_and_creep() -> None:
    does = DirtyDrum(count=5, creep=0.3, period=100.0)
    dirty = harm(does, count=61) > 0
    assert 2 <= dirty[0].sum() <= 15
    assert (dirty[0] & dirty[1]).sum() >= 0.6 * dirty[0].sum()
    assert not torch.equal(dirty[0], dirty[60])


def test_a_dirty_line_is_discoloured() -> None:
    picture = grey(1)
    damaged = DirtyDrum(tint=0.2).apply(picture, FIELD, moments_of())
    rows = (damaged != picture).any(1)[0].any(-1)
    assert 0.02 < (damaged - picture)[0, 1:, rows].mean(-1).norm(dim=0).mean() < 0.4


@pytest.mark.parametrize("top", [False, True])
def test_lengthwise_change_grows_to_its_end(top: bool) -> None:
    lines = harm(LengthwiseChange(reach=0.5, top=top))[0]
    if top:
        lines = lines.flip(0)
    assert not lines[:140].any()
    assert lines[150:200].mean() < lines[200:240].mean() < lines[240:].mean()


def test_the_last_line_leans_by_the_stated_time() -> None:
    ramp = torch.linspace(0, 1, 90).expand(1, 3, 288, 90)
    damaged = LengthwiseChange(microseconds=4.0, loss=0.0, swing=0.0).apply(ramp, FIELD, moments_of())[0, 0]
    assert (ramp[0, 0, -1, 60] - damaged[-1, 60]).item() * 89 / FIELD.pixels(1.0) == pytest.approx(4.0, rel=0.02)


def test_a_crease_crosses_the_picture_in_the_time_that_the_tape_takes() -> None:
    does = Crease(folds=1, place=0.1, wave_microseconds=0.0)
    start, later = harm(does)[0], harm(does, first=100)[0]
    assert middle_of(start) == pytest.approx(28.8, abs=2)
    assert middle_of(later) - middle_of(start) == pytest.approx(140, abs=4)


def test_verticals_kink_to_both_sides_of_a_crease() -> None:
    ramp = torch.linspace(0, 1, 90).expand(1, 3, 288, 90)
    does = Crease(folds=1, place=0.5, loss=0.0, wave_microseconds=3.0, height_lines=20.0)
    late = (ramp[0, 0] - does.apply(ramp, FIELD, moments_of())[0, 0])[:, 45] * 89 / FIELD.pixels(1.0)
    assert late[:144].min().item() == pytest.approx(-3.0, rel=0.2)
    assert late[145:].max().item() == pytest.approx(3.0, rel=0.2)


def test_the_band_of_a_crash_record_slides_and_is_colour_more_than_luma() -> None:
    does, picture = CrashRecord(place=0.2, height_lines=60.0, speed_lines=1.4), grey(51)
    change = does.apply(picture, FIELD, moments_of(51)) - picture
    chroma = change[:, 1:].square().mean((1, 3))
    assert middle_of(chroma[50]) - middle_of(chroma[0]) == pytest.approx(70, abs=8)
    touched = chroma[0].nonzero()[:, 0]
    assert 54 <= touched[-1] - touched[0] <= 60
    assert chroma[0].sum() > 3 * change[0, 0].square().mean(-1).sum()


def test_a_crash_record_goes_through_all_hues() -> None:
    does = CrashRecord(place=0.5, noise=0.0, luma_noise=0.0)
    chroma = does.apply(grey(1) * 0, FIELD, moments_of())[0, 1:, 144]
    assert chroma.norm(dim=0).tolist() == pytest.approx([0.12] * 90, rel=1e-3)
    assert chroma.mean(-1).norm() < 0.05


@pytest.mark.parametrize(("standard", "sweep"), [(Standard.PAL, 15.625), (Standard.NTSC, 16.40625)])
def test_bands_come_back_after_four_sweeps_of_the_drum(standard: Standard, sweep: float) -> None:
    grid = Grid(standard=standard, height=standard.field_lines, width=90)
    picture = torch.tensor([0.5, 0.2, 0.1])[None, :, None, None].expand(1, 3, grid.height, 90)
    damaged = HeadBanding(noise=0.0).apply(picture, grid, moments_of())[0]
    edges = (damaged[:, :, 0].diff(dim=-1).abs().sum(0) > 1e-4).nonzero()[:, 0] + 1
    assert edges.tolist() == [math.ceil(sweep * band - 1e-6) for band in range(1, math.ceil(grid.height / sweep))]
    torch.testing.assert_close(damaged[:, 8], damaged[:, math.ceil(8 + 4 * sweep)])


def test_heads_differ_by_no_more_than_stated() -> None:
    picture = grey(1, luma=0.5)
    damaged = HeadBanding(saturation=0.3, hue_degrees=10.0, level=0.05, noise=0.0).apply(picture, FIELD, moments_of())
    before, after = torch.complex(*picture[0, 1:, :, 0]), torch.complex(*damaged[0, 1:, :, 0])
    ratio = after / before
    assert (ratio.abs() - 1).abs().max().item() == pytest.approx(0.3, rel=1e-3)
    assert ratio.angle().rad2deg().abs().max().item() == pytest.approx(10.0, rel=1e-3)
    assert (damaged[0, 0] / 0.5 - 1).abs().max().item() == pytest.approx(0.05, rel=1e-3)
