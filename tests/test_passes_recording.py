"""Recording and playback: bands, delays and overshoot as the formats have them."""

import math

import pytest
import torch
from torch import Tensor

from tapemend.degrade.formats import FORMATS, tape_format
from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Moments, PicturePass
from tapemend.degrade.passes.recording import ColourUnder, Ringing, Sharpen, coarser, narrow, shifted, widen
from tapemend.errors import SettingsError


def played(does: PicturePass, picture: Tensor, standard: Standard = Standard.PAL, intensity: float = 1.0) -> Tensor:
    """(3, H, W) after the pass."""
    grid = Grid(standard=standard, height=picture.shape[1], width=picture.shape[2])
    moments = Moments(seed=1, name="step", indices=(0,), intensities=(intensity,))
    return does.apply(picture[None], grid, moments)[0]


def step(height: int = 4, width: int = 720) -> Tensor:
    """(3, H, W) black, white from the middle."""
    picture = torch.zeros(3, height, width)
    picture[0, :, width // 2 :] = 1.0
    return picture


def decibels(does: PicturePass, hertz: float) -> float:
    """Gain in luma at a frequency."""
    wave = 0.5 + 0.1 * torch.sin(2 * math.pi * hertz / 13.5e6 * torch.arange(720))
    picture = torch.zeros(3, 2, 720)
    picture[0] = wave
    inner = slice(200, 520)
    return 20 * math.log10((played(does, picture)[0, 0, inner].std() / wave[inner].std()).item())


def test_colour_under_carriers_are_those_of_the_standards() -> None:
    assert tape_format("vhs-sp", Standard.PAL).colour_under == pytest.approx(626953)
    assert tape_format("vhs-sp", Standard.NTSC).colour_under == pytest.approx(629371, abs=1)
    assert tape_format("beta-ii", Standard.NTSC).colour_under == pytest.approx(688374, abs=5)
    assert tape_format("hi8-sp", Standard.PAL).colour_under == pytest.approx(732422, abs=1)
    assert tape_format("hi8-sp", Standard.NTSC).colour_under == pytest.approx(743444, abs=2)


@pytest.mark.parametrize("standard", Standard)
def test_a_slower_speed_is_never_better(standard: Standard) -> None:
    for fast, slow in (("vhs-sp", "vhs-lp"), ("vhs-lp", "vhs-ep"), ("s-vhs-sp", "s-vhs-ep"), ("hi8-sp", "hi8-lp")):
        better, worse = tape_format(fast, standard), tape_format(slow, standard)
        assert better.luma_bandwidth > worse.luma_bandwidth
        assert better.chroma_delay <= worse.chroma_delay
        assert better.luma_noise > worse.luma_noise


def test_every_format_keeps_its_colour_below_its_luma() -> None:
    for name, both in FORMATS.items():
        for tape in both.values():
            assert tape.sync_tip < tape.peak_white
            assert tape.chroma_bandwidth < tape.luma_bandwidth
            if name != "type-c":
                assert tape.colour_under + tape.chroma_bandwidth < tape.sync_tip


def test_an_unknown_format_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(SettingsError, match="vhs-sp"):
        tape_format("vcr-2000", Standard.PAL)


@pytest.mark.parametrize(("name", "hertz"), [("vhs-sp", 2.4e6), ("vhs-ep", 1.4e6), ("s-vhs-sp", 4.0e6)])
def test_luma_is_three_decibels_down_at_the_formats_band_limit(name: str, hertz: float) -> None:
    does = ColourUnder(format=name, peaking=0.0)
    assert decibels(does, hertz) == pytest.approx(-3.0, abs=0.3)
    assert decibels(does, 0.3 * hertz) == pytest.approx(0.0, abs=0.2)


def test_peaking_lifts_the_upper_band() -> None:
    assert decibels(ColourUnder(peaking=3.0), 1.8e6) - decibels(ColourUnder(peaking=0.0), 1.8e6) == pytest.approx(
        3.0, abs=0.1
    )


def test_each_generation_takes_the_same_again() -> None:
    once, thrice = (decibels(ColourUnder(generations=count), 2.4e6) for count in (1, 3))
    assert thrice == pytest.approx(3 * once, abs=0.3)


def test_overshoot_stands_to_the_right_of_an_edge() -> None:
    luma = played(ColourUnder(peaking=0.0), step())[0, 0]
    assert luma[360:400].max() > 1.05
    assert luma[320:360].min() > -0.03


def test_the_picture_stays_where_it_is() -> None:
    luma = played(ColourUnder(), step())[0, 0]
    assert luma[359] < 0.5 < luma[361]


@pytest.mark.parametrize("generations", [1, 3])
def test_colour_comes_late_by_the_formats_delay(generations: int) -> None:
    picture = torch.zeros(3, 4, 720)
    picture[1, :, 360:] = 0.4
    blue = played(ColourUnder(generations=generations), picture)[1, 2]
    late = generations * tape_format("vhs-sp", Standard.PAL).chroma_delay * 13.5
    assert (blue > 0.2).nonzero()[0].item() == pytest.approx(360 + late, abs=1.0)


@pytest.mark.parametrize(("standard", "height", "rows"), [(Standard.PAL, 288, 1.0), (Standard.NTSC, 240, 0.5)])
def test_colour_sinks_by_half_the_combs_lines_in_each_generation(standard: Standard, height: int, rows: float) -> None:
    picture = torch.zeros(3, height, 48)
    picture[2, 100] = 0.4
    column = played(ColourUnder(generations=2), picture, standard)[2, :, 20]
    centre = (column * torch.arange(height)).sum() / column.sum()
    assert centre.item() == pytest.approx(100 + 2 * rows, abs=0.01)


def test_formats_with_guard_bands_keep_colour_in_its_line() -> None:
    picture = torch.zeros(3, 288, 48)
    picture[2, 100] = 0.4
    column = played(ColourUnder(format="u-matic-low"), picture)[2, :, 20]
    assert column.argmax() == 100
    assert column[101:].abs().max() < 1e-6


def test_ringing_repeats_an_edge_at_its_period() -> None:
    swing = played(Ringing(frequency=1.35e6, decay=1.0), step())[0, 0] - step()[0, 0]
    peaks = [place for place in range(361, 400) if swing[place - 1] < swing[place] > swing[place + 1] > 0.02]
    assert len(peaks) >= 2
    assert peaks[1] - peaks[0] == pytest.approx(10, abs=1)
    assert swing[peaks[1]] / swing[peaks[0]] == pytest.approx(math.exp(-10 / 13.5), abs=0.1)
    assert swing[:350].abs().max() < 0.03


def test_sharpening_outlines_edges_and_leaves_flats_and_faint_grain() -> None:
    sharp = played(Sharpen(), step())[0, 0]
    assert sharp[360:364].max() > 1.5
    assert sharp[356:360].min() < -0.5
    grain = step()
    grain[0] = 0.5 + 0.001 * torch.randn(4, 720, generator=torch.Generator().manual_seed(1))
    assert torch.equal(played(Sharpen(), grain), grain)


def test_a_shift_moves_by_parts_of_a_pixel_in_both_directions() -> None:
    ramp = torch.arange(12.0).expand(3, 5, 12)
    assert torch.allclose(shifted(ramp, 2.25, -1)[..., 3:], ramp[..., 3:] - 2.25)
    assert torch.allclose(shifted(ramp, -2.25, -1)[..., :-3], ramp[..., :-3] + 2.25)
    assert torch.equal(shifted(ramp, 40.0, -1), torch.zeros(3, 5, 12))
    assert torch.equal(shifted(ramp, 1.5, -2), ramp)


def test_chroma_on_a_coarser_grid_keeps_its_band_and_place() -> None:
    grid = Grid(standard=Standard.PAL, height=2, width=720, whole=(576, 720))
    wave = (0.4 * torch.sin(2 * math.pi * 300e3 / 13.5e6 * torch.arange(720))).expand(2, 2, 720)
    coarse, small = narrow(wave, grid, 320e3)
    assert coarse.shape == (2, 2, 144)
    assert small == coarser(grid, 320e3)
    assert small.sample_rate == pytest.approx(13.5e6 / 5)
    assert (widen(coarse, grid) - wave)[..., 10:-10].abs().max() < 0.04
