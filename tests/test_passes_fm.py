"""The luma's frequency modulation: spectra, thresholds, overloads."""

import math

import pytest
import torch
from torch import Tensor

from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Moments
from tapemend.degrade.passes.fm import (
    Bearding,
    CarrierLeak,
    LowRF,
    LuminanceNoise,
    Snow,
    discriminator_noise,
    emphasis_loss,
)

GRID = Grid(standard=Standard.PAL, height=96, width=360)


def moments_of(count: int = 1, intensity: float = 1.0) -> Moments:
    return Moments(seed=4, name="step", indices=tuple(range(count)), intensities=(intensity,) * count)


def grey(luma: float, count: int = 1) -> Tensor:
    picture = torch.zeros(count, 3, GRID.height, GRID.width)
    picture[:, 0] = luma
    return picture


def test_the_de_emphasis_of_vhs_takes_fourteen_decibels() -> None:
    gain = emphasis_loss(torch.tensor([0.0, 20e6])).abs()
    assert gain[0].item() == pytest.approx(1.0)
    assert 20 * math.log10(gain[1]) == pytest.approx(-13.98, abs=0.05)


def test_noise_of_the_discriminator_rises_with_frequency_up_to_the_bandwidth() -> None:
    half, one, two, far = discriminator_noise(3e6)(torch.tensor([0.5e6, 1e6, 2e6, 6e6])).tolist()
    assert half < one < two
    assert far < 0.5 * two


def test_luma_noise_has_its_deviation_and_its_spectrum() -> None:
    noise = LuminanceNoise(sigma=0.05).apply(grey(0.5), GRID, moments_of())[0, 0] - 0.5
    assert noise.std().item() == pytest.approx(0.05, rel=0.05)
    power = torch.fft.rfft(noise).abs().square().mean(0)
    frequency = torch.fft.rfftfreq(GRID.width, 1 / GRID.sample_rate)

    def at(low: float, high: float) -> float:
        return float(power[(frequency > low) & (frequency < high)].mean())

    assert at(1.8e6, 2.4e6) > 3 * at(0.2e6, 0.6e6)


def test_colour_stays_as_it_is() -> None:
    picture = grey(0.5)
    picture[:, 1:] = 0.1
    assert torch.equal(LowRF().apply(picture, GRID, moments_of())[:, 1:], picture[:, 1:])


def test_clicks_follow_the_rates_of_rice() -> None:
    still = LowRF(tilt=0.0).clicks(torch.tensor(0.5), torch.tensor(4.0))
    assert still.item() == pytest.approx(5e6 / math.sqrt(12) * math.erfc(2.0), rel=1e-4)
    moved = LowRF(tilt=0.0).clicks(torch.tensor(1.5), torch.tensor(4.0))
    assert (moved - still).item() == pytest.approx(0.7e6 * math.exp(-4.0), rel=1e-4)


def test_white_is_nearer_to_the_threshold_than_black() -> None:
    low = LowRF()
    assert low.clicks(torch.tensor(1.0), torch.tensor(20.0)) > 10 * low.clicks(torch.tensor(0.0), torch.tensor(20.0))


def test_a_carrier_half_as_strong_has_twice_the_noise() -> None:
    low = LowRF()
    assert low.sigma(10.0, GRID) == pytest.approx(2 * low.sigma(40.0, GRID))


def test_beards_grow_to_the_right_of_bright_edges_only() -> None:
    picture = grey(0.2)
    picture[:, 0, 40:60, 100:200] = 1.0
    changed = (Bearding().apply(picture, GRID, moments_of()) - picture)[0, 0]
    assert changed.min() < -0.5
    assert not changed[:40].any()
    assert not changed[60:].any()
    assert not changed[:, :100].any()


def test_dim_edges_grow_none() -> None:
    picture = grey(0.1)
    picture[:, 0, :, 100:200] = 0.5
    assert torch.equal(Bearding().apply(picture, GRID, moments_of()), picture)


@pytest.mark.parametrize(("luma", "hertz"), [(0.0, 2.0e6), (0.5, 2.5e6)])
def test_the_leaking_carrier_moves_with_the_luma(luma: float, hertz: float) -> None:
    leak = CarrierLeak().apply(grey(luma), GRID, moments_of())[0, 0] - luma
    spectrum = torch.fft.rfft(leak).abs().mean(0)
    frequency = torch.fft.rfftfreq(GRID.width, 1 / GRID.sample_rate)
    assert frequency[spectrum.argmax()].item() == pytest.approx(hertz, abs=4e4)


def test_one_head_leaks_less() -> None:
    first, second = (CarrierLeak(other_head=0.5).apply(grey(0.3, 2), GRID, moments_of(2))[:, 0] - 0.3).std((1, 2))
    assert (second / first).item() == pytest.approx(0.5, abs=0.02)


def test_snow_gathers_in_lines() -> None:
    def gathered(anisotropy: float) -> float:
        hit = Snow(anisotropy=anisotropy).apply(grey(0.5), GRID, moments_of())[0, 0] != 0.5
        share = hit.float().mean(1)
        return (share.std() / share.mean()).item()

    assert gathered(0.8) > 2 * gathered(0.0)
