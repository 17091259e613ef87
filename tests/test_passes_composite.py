"""The composite path: what a decoder gets right and what it leaves."""

import math

import pytest
import torch
from torch import Tensor

from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Moments, PicturePass
from tapemend.degrade.passes.composite import ColourLockLoss, CompositePath, Decoder

FIELD = {Standard.PAL: 288, Standard.NTSC: 240}
COLOUR = torch.tensor([0.5, 0.2, -0.15])


def coded(does: PicturePass, picture: Tensor, standard: Standard, index: int = 0) -> Tensor:
    """(3, H, W) after the pass at full intensity: the upper lines of a field."""
    grid = Grid(standard=standard, height=picture.shape[1], width=picture.shape[2], whole=(FIELD[standard], 720))
    return does.apply(picture[None], grid, Moments(seed=1, name="step", indices=(index,), intensities=(1.0,)))[0]


def flat(height: int = 24, width: int = 240) -> Tensor:
    return COLOUR[:, None, None].expand(3, height, width).clone()


def hue(picture: Tensor) -> Tensor:
    """Degrees of V over U."""
    return torch.rad2deg(torch.atan2(picture[2] * 1.230, picture[1] * 0.872))


@pytest.mark.parametrize("standard", Standard)
@pytest.mark.parametrize("decoder", [Decoder.NOTCH, Decoder.COMB, Decoder.TWO_LINE_COMB])
def test_flat_colour_passes_every_decoder(decoder: Decoder, standard: Standard) -> None:
    after = coded(CompositePath(decoder=decoder), flat(), standard, index=3)
    assert (after - flat()).abs().amax((1, 2)).tolist() == pytest.approx([0, 0, 0], abs=0.02)


@pytest.mark.parametrize("standard", Standard)
def test_without_separation_luma_carries_the_subcarrier(standard: Standard) -> None:
    luma = coded(CompositePath(decoder=Decoder.NONE), flat(width=720), standard)[0, 10] - 0.5
    spectrum = torch.fft.rfft(luma * torch.hann_window(720)).abs()
    assert spectrum.argmax().item() * 13.5e6 / 720 == pytest.approx(standard.subcarrier, abs=13.5e6 / 720)
    amplitude = math.hypot(0.872 * 0.2, 1.230 * 0.15)
    assert luma.std().item() == pytest.approx(amplitude / math.sqrt(2), rel=0.03)


def test_fine_upright_stripes_turn_to_rainbows_in_a_notch_and_not_in_a_comb() -> None:
    picture = torch.zeros(3, 24, 240)
    picture[0] = 0.5 + 0.3 * torch.sin(2 * math.pi * 3.5e6 / 13.5e6 * torch.arange(240))
    notch, comb = (
        coded(CompositePath(decoder=name), picture, Standard.NTSC)[1:] for name in (Decoder.NOTCH, Decoder.COMB)
    )
    assert notch.square().sum(0).sqrt().mean() > 0.1
    assert comb.abs().max() < 0.01


def test_dots_hang_on_edges_of_colour_and_crawl() -> None:
    picture = flat()
    picture[1:, :, 120:] *= -1
    first, second = (coded(CompositePath(), picture, Standard.NTSC, index)[0] for index in (0, 1))
    assert first[:, 116:124].std() > 5 * first[:, 40:80].std()
    assert (first - second)[:, 116:124].abs().max() > 0.05


@pytest.mark.parametrize(("standard", "fields"), [(Standard.NTSC, 4), (Standard.PAL, 8)])
def test_the_pattern_repeats_after_the_standards_sequence_of_fields(standard: Standard, fields: int) -> None:
    luma = [coded(CompositePath(decoder=Decoder.NONE), flat(), standard, index)[0] for index in range(fields + 1)]
    assert (luma[fields] - luma[0]).abs().max() < 1e-3
    for between in range(1, fields):
        assert (luma[between] - luma[0]).abs().max() > 0.1


def test_a_phase_error_without_a_delay_line_turns_hues_of_neighbour_lines_apart() -> None:
    """Hanover bars: by the error to one side and the other."""
    does = CompositePath(delay_line=False, phase_error_degrees=30.0)
    turn = (hue(coded(does, flat(), Standard.PAL)) - hue(flat()))[:, 60:-60].mean(1)
    assert turn.abs().tolist() == pytest.approx([30.0] * 24, abs=2.0)
    assert (turn[1:] * turn[:-1] < 0).all()


def test_bars_of_a_whole_frame_are_two_rows_high() -> None:
    grid = Grid(standard=Standard.PAL, height=24, width=240, whole=(576, 720))
    does = CompositePath(delay_line=False, phase_error_degrees=30.0)
    after = does.apply(flat()[None], grid, Moments(seed=1, name="step", indices=(0,), intensities=(1.0,)))[0]
    sign = (hue(after) - hue(flat()))[:, 60:-60].mean(1).sign()
    assert (sign[2:] == -sign[:-2]).all()


def test_the_delay_line_turns_a_phase_error_into_lost_saturation() -> None:
    after = coded(CompositePath(phase_error_degrees=30.0), flat(), Standard.PAL)[:, 2:, 60:-60]
    assert hue(after).mean().item() == pytest.approx(hue(flat()).mean().item(), abs=1.0)
    assert (after[1].mean() / 0.2).item() == pytest.approx(math.cos(math.radians(30)), abs=0.02)


def test_ntsc_has_one_hue_error_for_all_and_more_of_it_down_the_field() -> None:
    does = CompositePath(phase_error_degrees=-10.0, drift_degrees=-1.0)
    turn = (hue(coded(does, flat(), Standard.NTSC)) - hue(flat()))[:, 60:-60].mean(1)
    assert (turn[-1] - turn[0]).item() == pytest.approx(23.0, abs=1.0)
    assert turn[0].item() == pytest.approx(10.0, abs=1.0)


def test_preemphasis_strengthens_colour() -> None:
    after = coded(CompositePath(preemphasis=0.5), flat(), Standard.PAL)[:, :, 60:-60]
    assert (after[1].mean() / 0.2).item() == pytest.approx(1.5, abs=0.05)
    assert after[0].mean().item() == pytest.approx(0.5, abs=0.01)


def test_detail_finer_than_the_composite_grid_stays() -> None:
    grid = Grid(standard=Standard.PAL, height=8, width=1440)
    picture = torch.zeros(1, 3, 8, 1440)
    picture[:, 0] = 0.5 + 0.2 * (torch.arange(1440) % 2 * 2 - 1)
    moments = Moments(seed=1, name="step", indices=(0,), intensities=(1.0,))
    assert (CompositePath().apply(picture, grid, moments) - picture)[:, 0].abs().max() < 0.02


def test_lost_colour_lock_turns_hue_from_left_to_right() -> None:
    does = ColourLockLoss(ramp_degrees=100.0, line_degrees=0.0, slip=0.0)
    after = coded(does, flat(), Standard.PAL)
    angle = torch.rad2deg(torch.atan2(after[2], after[1]) - math.atan2(-0.15, 0.2)).remainder(360)
    assert angle[0, 1].item() < 2.0
    assert 58.0 < angle[0, -1].item() < 102.0
    assert angle[0, 120].item() == pytest.approx(angle[0, -1].item() / 2, abs=1.0)
    assert torch.allclose(after[1:].square().sum(0), flat()[1:].square().sum(0), atol=1e-5)
