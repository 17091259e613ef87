"""Patterns and echoes: their frequency, slant, place and sign."""

import pytest
import torch
from torch import Tensor

from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Moments
from tapemend.degrade.passes.interference import Ghost, Herringbone

GRID = Grid(standard=Standard.PAL, height=288, width=360)


def moments_of(count: int = 1) -> Moments:
    return Moments(seed=4, name="step", indices=tuple(range(count)), intensities=(1.0,) * count)


def bar(colour: float = 0.0) -> Tensor:
    """(1, 3, 8, 360) black with a thin white bar at column 100."""
    picture = torch.zeros(1, 3, 8, 360)
    picture[:, 0, :, 100:104] = 1.0
    picture[:, 1, :, 100:104] = colour
    return picture


def ghost(standard: Standard = Standard.PAL, colour: float = 0.0, **settings: float) -> Tensor:
    grid = Grid(standard=standard, height=8, width=360)
    return Ghost(flutter=0.0, second=0.0, **settings).apply(bar(colour), grid, moments_of())[0]


def test_the_pattern_has_its_frequency_and_slant() -> None:
    grey = torch.zeros(1, 3, GRID.height, GRID.width)
    pattern = Herringbone(frequency=1.5e6, slant=0.25, bend=0.0, amplitude=0.1).apply(grey, GRID, moments_of())[0, 0]
    assert pattern.std().item() == pytest.approx(0.1 / 2**0.5, rel=0.02)
    spectrum = torch.fft.rfft2(pattern).abs()
    down, across = divmod(spectrum.argmax().item(), spectrum.shape[1])
    assert torch.fft.rfftfreq(GRID.width, 1 / GRID.sample_rate)[across].item() == pytest.approx(1.5e6, abs=2e4)
    assert min(down, GRID.height - down) == pytest.approx(0.25 * GRID.height, abs=1)


@pytest.mark.parametrize("microseconds", [4.0, -4.0])
def test_the_copy_stands_where_its_delay_says(microseconds: float) -> None:
    luma = ghost(microseconds=microseconds, strength=0.25)[0, 4]
    place = 100 + round(6.75 * microseconds)
    assert luma[place : place + 4].mean() > 0.15
    assert luma[place + 10] == 0.0


def test_a_negative_copy_is_darker() -> None:
    assert ghost(microseconds=4.0, strength=-0.25)[0, 4, 128] < -0.2


def test_the_copy_of_the_sync_is_a_dark_bar_at_the_left() -> None:
    luma = ghost(microseconds=9.0, strength=0.3)[0, 4]
    assert luma[:20].max() < -0.1
    assert luma[25:90].min() == 0.0


def test_the_subcarrier_of_the_copy_turns_in_ntsc_and_fades_in_pal() -> None:
    quarter = 14.25 / Standard.NTSC.subcarrier * 1e6
    turned = ghost(Standard.NTSC, 0.4, microseconds=quarter, strength=0.25)[:, 4]
    place = 101 + round(6.75 * quarter)
    assert abs(turned[1, place]) < 0.01
    assert turned[2, place] > 0.06
    assert not ghost(Standard.PAL, 0.4, microseconds=4.0, strength=0.25)[2].any()
