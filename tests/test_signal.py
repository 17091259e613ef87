"""Lines as signals: frequencies, delays and noise are what they say, whatever the picture's size."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.signal import filter_lines, low_pass, noise_lines

INSIDE = slice(200, -200)


def grid_of(width: int = 1440, height: int = 4) -> Grid:
    return Grid(standard=Standard.PAL, height=height, width=width)


def tone(hertz: float, grid: Grid, phase: float = 0.0) -> Tensor:
    seconds = torch.arange(grid.width, dtype=torch.float64) / grid.sample_rate
    return torch.sin(2 * math.pi * hertz * seconds + phase).float()[None]


def decibels(after: Tensor, before: Tensor) -> float:
    return 20 * math.log10((after[..., INSIDE].std() / before[..., INSIDE].std()).item())


@pytest.mark.parametrize("width", [720, 1440, 1920])
def test_filters_are_three_decibels_down_where_they_say(width: int) -> None:
    grid = grid_of(width)
    line = tone(2e6, grid)
    assert decibels(filter_lines(line, grid, low_pass(2e6)), line) == pytest.approx(-3.01, abs=0.1)
    assert decibels(filter_lines(line, grid, low_pass(1e6, order=2)), line) == pytest.approx(-12.3, abs=0.3)


def test_a_real_response_moves_nothing_and_a_delay_does() -> None:
    grid = grid_of()
    line = tone(1e6, grid)
    assert torch.allclose(filter_lines(line, grid, low_pass(20e6))[..., INSIDE], line[..., INSIDE], atol=0.01)
    late = filter_lines(line, grid, lambda hertz: torch.exp(-2j * math.pi * hertz * 0.1e-6))
    assert torch.allclose(late[..., INSIDE], tone(1e6, grid, -2 * math.pi * 0.1)[..., INSIDE], atol=0.01)


@settings(max_examples=25)
@given(width=st.integers(4, 1000), level=st.floats(-1, 1))
def test_a_flat_line_stays_flat_to_its_ends(width: int, level: float) -> None:
    grid = grid_of(width)
    flat = torch.full((2, width), level)
    assert torch.allclose(filter_lines(flat, grid, low_pass(1e6)), flat, atol=1e-5)


def test_noise_has_unit_variance_and_the_spectrum_asked_for() -> None:
    grid = grid_of(720)
    noise = noise_lines(400, grid, low_pass(1e6), torch.Generator().manual_seed(1))
    assert noise.shape == (400, 720)
    assert noise.std().item() == pytest.approx(1.0, abs=0.02)
    power = torch.fft.rfft(noise).abs().square().mean(0)
    hertz = torch.fft.rfftfreq(720, 1 / grid.sample_rate)
    below, above = power[(hertz > 2e5) & (hertz < 7e5)].mean(), power[hertz > 2.5e6].mean()
    assert above < 0.02 * below


@pytest.mark.parametrize("standard", Standard)
def test_lines_and_times_hold_for_any_size(standard: Standard) -> None:
    small, large = (Grid(standard=standard, height=height, width=width) for height, width in ((96, 180), (576, 1440)))
    assert large.rows(10) / small.rows(10) == pytest.approx(6)
    assert large.pixels(2.0) / small.pixels(2.0) == pytest.approx(8)
    assert small.lines(small.rows(7.0)) == pytest.approx(7.0)
    piece = Grid(standard=standard, height=96, width=180, whole=(576, 1440))
    assert (piece.rows(10), piece.pixels(2.0)) == (large.rows(10), large.pixels(2.0))
