"""Damage to colour: as much of it, and where, as the fields say."""

import math

import pytest
import torch
from torch import Tensor

from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Moments, PicturePass
from tapemend.degrade.passes.colour import (
    ChromaDelay,
    ChromaLoss,
    ChromaPhaseNoise,
    ChrominanceNoise,
    ColourBleeding,
    LowChroma,
    Moire,
    Oversaturation,
    SubcarrierPhaseError,
    WhiteBalanceError,
)


def damaged(does: PicturePass, picture: Tensor, *indices: int, intensity: float = 1.0) -> Tensor:
    """(T, 3, H, W): the picture at these indices, PAL fields' lines of 13.5 MHz."""
    grid = Grid(standard=Standard.PAL, height=picture.shape[1], width=picture.shape[2], whole=(288, 720))
    indices = indices or (0,)
    moments = Moments(seed=1, name="step", indices=indices, intensities=(intensity,) * len(indices))
    return does.apply(picture.expand(len(indices), *picture.shape), grid, moments)


def flat(luma: float = 0.5, blue: float = 0.2, red: float = -0.1, height: int = 32, width: int = 180) -> Tensor:
    return torch.tensor([luma, blue, red])[:, None, None].expand(3, height, width).clone()


def hue(picture: Tensor) -> Tensor:
    return torch.rad2deg(torch.atan2(picture[..., 2, :, :], picture[..., 1, :, :]))


def test_chrominance_noise_is_as_strong_as_it_says_and_stronger_in_dark_colour() -> None:
    does = ChrominanceNoise(sigma=0.02, saturated=1.0, dark=1.0)
    bright = damaged(does, flat(1.0, 0.0, 0.0), *range(8))[:, 1:]
    dark = damaged(does, flat(0.0, 0.5, 0.0), *range(8))[:, 1:] - flat(0.0, 0.5, 0.0)[1:]
    assert 0.6 * 0.02 < bright.std().item() < 1.05 * 0.02
    assert (dark.std() / bright.std()).item() == pytest.approx(3.0, abs=0.1)


def test_chrominance_noise_has_long_grains_over_some_lines_and_no_luma() -> None:
    after = damaged(ChrominanceNoise(), flat(), *range(4))
    noise = (after - flat())[:, 1:]
    assert torch.equal(after[:, 0], flat()[0].expand(4, -1, -1))

    def alike(distance: int, dim: int) -> float:
        size = noise.shape[dim] - distance
        return ((noise.narrow(dim, 0, size) * noise.narrow(dim, distance, size)).mean() / noise.square().mean()).item()

    assert alike(4, -1) > 0.7
    assert abs(alike(60, -1)) < 0.2
    assert alike(1, -2) == pytest.approx(0.5, abs=0.1)
    assert abs(alike(3, -2)) < 0.15


def test_phase_noise_turns_each_line_by_its_own_angle() -> None:
    turn = hue(damaged(ChromaPhaseNoise(degrees=10.0), flat(), *range(12))) - hue(flat())
    assert turn.std(-1).max() < 1e-3
    assert turn[..., 0].std().item() == pytest.approx(10.0, rel=0.25)


def test_a_line_keeps_its_colour_or_loses_nearly_all_of_it() -> None:
    kept = damaged(ChromaLoss(), flat(), *range(20))[:, 1] / 0.2
    assert (((kept - 1).abs() < 1e-5) | ((kept - 0.04).abs() < 1e-5)).all()
    assert (kept.std(-1) < 1e-5).all()


def test_losses_come_in_runs_of_the_stated_number_and_length() -> None:
    does = ChromaLoss(runs=12.0, lines=3.0, band=0.0)
    lost = damaged(does, flat(height=288, width=8), *range(60))[:, 1, :, 0] < 0.1
    starts = (lost[:, 1:] & ~lost[:, :-1]).sum()
    assert (starts / 60).item() == pytest.approx(12.0, rel=0.2)
    assert (lost.sum() / starts).item() == pytest.approx(3.0, rel=0.25)


def test_a_band_is_no_higher_than_stated() -> None:
    lost = damaged(ChromaLoss(runs=0.0, band=40.0, band_share=1.0), flat(height=288, width=8), *range(80))[:, 1, :, 0]
    counts = (lost < 0.1).sum(1)
    assert counts.max() <= 41
    assert counts.float().mean() > 8


def test_a_subcarrier_phase_error_turns_all_hues_alike_and_keeps_saturation() -> None:
    after = damaged(SubcarrierPhaseError(degrees=40.0), flat(), intensity=0.5)
    assert (hue(after) - hue(flat())).mean().item() == pytest.approx(20.0, abs=0.01)
    assert after[:, 1:].square().sum(1).mean().item() == pytest.approx(0.05, abs=1e-5)


def test_oversaturation_strengthens_weak_colours_limits_strong_ones_and_drags_right() -> None:
    weak = damaged(Oversaturation(decibels=6.0), flat(blue=0.05, red=0.0))[0, 1, :, 20:-20]
    strong = damaged(Oversaturation(), flat(blue=0.45, red=0.0))[0, 1, :, 20:-20]
    assert weak.mean().item() == pytest.approx(0.1, rel=0.03)
    assert 0.45 < strong.mean().item() < 0.5
    picture = flat(blue=0.0, red=0.0)
    picture[1, :, 80:100] = 0.3
    blue = damaged(Oversaturation(), picture)[0, 1, 5]
    assert blue[100:115].mean() > 2 * blue[65:80].mean()


def test_low_chroma_loses_the_stated_decibels() -> None:
    does = LowChroma(decibels=12.0, hunting=0.0, head_decibels=2.0)
    after = damaged(does, flat(), 0, 1)[:, 1].mean((1, 2))
    assert (20 * torch.log10(after / 0.2)).tolist() == pytest.approx([-12.0, -14.0], abs=0.01)


def test_a_white_balance_error_multiplies_red_and_blue() -> None:
    def rgb(picture: Tensor) -> Tensor:
        luma, blue, red = picture[:, 0, 0]
        red, blue = luma + 1.402 * red, luma + 1.772 * blue
        return torch.stack([red, (luma - 0.299 * red - 0.114 * blue) / 0.587, blue])

    ratio = rgb(damaged(WhiteBalanceError(red=0.8, blue=1.2), flat())[0]) / rgb(flat())
    assert ratio.tolist() == pytest.approx([0.8, 1.0, 1.2], abs=1e-4)
    assert not damaged(WhiteBalanceError(), flat(0.0, 0.0, 0.0)).any()


def test_delayed_chroma_stands_to_the_right_and_below() -> None:
    picture = flat(blue=0.0, red=0.0)
    picture[1, 10, 50] = 0.4
    blue = damaged(ChromaDelay(microseconds=10 / 13.5, lines=3.0), picture)[0, 1]
    assert blue[13, 60].item() == pytest.approx(0.4, abs=1e-3)
    assert blue.sum().item() == pytest.approx(0.4, abs=1e-3)


def test_bleeding_runs_right_by_twice_its_time_constant_and_leaves_luma() -> None:
    picture = flat(blue=0.0, red=0.0, width=360)
    picture[1, :, 100:130] = 0.3
    after = damaged(ColourBleeding(microseconds=1.0), picture)[0]
    blue = after[1, 5]
    centre = (blue * torch.arange(360)).sum() / blue.sum()
    assert centre.item() == pytest.approx(114.5 + 2 * 13.5, abs=2.0)
    assert torch.equal(after[0], picture[0])


def test_moire_lies_on_colour_only_at_the_beat() -> None:
    does = Moire(level=0.1, beat=1.5e6, deviation=0.0)
    assert torch.equal(damaged(does, flat(blue=0.0, red=0.0)), flat(blue=0.0, red=0.0)[None])
    wave = damaged(does, flat(blue=0.5, red=0.0, width=720))[0, 0] - 0.5
    assert wave.abs().max().item() == pytest.approx(0.1, abs=0.005)
    spectrum = torch.fft.rfft(wave[3]).abs()
    assert spectrum.argmax().item() * 13.5e6 / 720 == pytest.approx(1.5e6, abs=2e4)
    weaker = damaged(does, flat(blue=0.25, red=0.0, width=720))[0, 0] - 0.5
    assert (weaker.std() / wave.std()).item() == pytest.approx(0.25, abs=0.01)
    assert math.isclose(wave.mean().item(), 0.0, abs_tol=1e-3)
