"""What passes do to lines: filter, fill with noise; all along the line, each line on its own."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from tapemend.degrade.grid import Grid

SETTLE_MICROSECONDS = 3.0
"""Border replicated on both sides of a line before it is filtered, so that its ends do not meet."""

Response = Callable[[Tensor], Tensor]
"""Frequencies in Hz, (F,) from 0 to half the sample rate, to the filter's gain there, real or complex."""


def filter_lines(lines: Tensor, grid: Grid, response: Response) -> Tensor:
    """(..., W) lines through a filter given by its response; a real response delays nothing."""
    width = lines.shape[-1]
    border = math.ceil(grid.pixels(SETTLE_MICROSECONDS))
    size = _fast_size(width + 2 * border)
    ends = (border, size - width - border)
    wide = torch.cat(
        [lines[..., :1].expand(*lines.shape[:-1], ends[0]), lines, lines[..., -1:].expand(*lines.shape[:-1], ends[1])],
        -1,
    )
    spectrum = torch.fft.rfft(wide)
    gain = response(_frequencies(size, grid).to(lines.device))
    filtered: Tensor = torch.fft.irfft(spectrum * gain, n=size)[..., border : border + width]
    return filtered


def low_pass(hertz: float, order: int = 3) -> Response:
    """Butterworth: 3 dB down at ``hertz``, 6 dB an octave and order beyond."""
    return lambda frequency: (1 + (frequency / hertz) ** (2 * order)).rsqrt()


def noise_lines(rows: int, grid: Grid, response: Response, draw: torch.Generator) -> Tensor:
    """(rows, W) Gaussian noise with the spectrum of the response, unit variance."""
    border = math.ceil(grid.pixels(SETTLE_MICROSECONDS))
    size = _fast_size(grid.width + border)
    gain = response(_frequencies(size, grid))
    both = torch.cat([gain, gain[1 : (size + 1) // 2]]).abs().square().mean().sqrt()
    white = torch.randn(rows, size, generator=draw)
    noise: Tensor = torch.fft.irfft(torch.fft.rfft(white) * (gain / both), n=size)[..., : grid.width]
    return noise


def smooth(values: Tensor, sigma: float) -> Tensor:
    """(N,) white noise, low-passed with a Gaussian of ``sigma`` samples and brought back to unit variance."""
    reach = math.ceil(3 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.square().sum().sqrt()
    index = torch.arange(-reach, len(values) + reach) % len(values)
    return torch.conv1d(values[index][None, None], kernel[None, None])[0, 0]


def _frequencies(size: int, grid: Grid) -> Tensor:
    frequencies: Tensor = torch.fft.rfftfreq(size, 1 / grid.sample_rate)
    return frequencies


def _fast_size(at_least: int) -> int:
    """The next even size whose only factors are 2, 3 and 5: transforms of other sizes are slow."""
    size = at_least + at_least % 2
    while not _smooth_number(size):
        size += 2
    return size


def _smooth_number(number: int) -> bool:
    for factor in (2, 3, 5):
        while number % factor == 0:
            number //= factor
    return number == 1
