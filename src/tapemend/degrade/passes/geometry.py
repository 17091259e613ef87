"""Lines at the wrong place: mistracking and edge waving (AV Artifact Atlas: tracking error, time-base error)."""

import math

import torch
from torch import Tensor

from tapemend.degrade.passes import Moments

MISTRACKING_PIXELS = 14.0
"""Standard deviation of a line's own shift in the middle of the band at intensity 1, pixels of a 13.5 MHz capture."""
WAVE_PIXELS = 5.0
"""Largest edge wave at intensity 1, pixels of a 13.5 MHz capture."""
FRAME_ROWS = 576


def mistracking(height: int, moments: Moments) -> Tensor:
    """Each line of a band, or of the whole picture, moves by its own amount.

    The band drifts and breathes; in the published task's worst frames it is the whole picture and the shifts of
    neighbouring lines are nearly independent (TAPE, WACV 2024, figures of the data set).
    """
    shift = torch.zeros(len(moments.indices), height)
    rows = torch.arange(height) / height
    for position in moments.active():
        intensity, draw = moments.intensities[position], moments.generator(position)
        centre = moments.drift(position, "centre", 20.0) * 1.2 - 0.1
        half_height = 0.05 + 0.4 * intensity * moments.drift(position, "height", 30.0)
        band = ((half_height - (rows - centre).abs()) / 0.03).clamp(0, 1)
        if moments.drift(position, "whole", 25.0) > 0.65:
            band = torch.ones(height)
        own = torch.randn(height, generator=draw)
        walk = smooth(torch.randn(height, generator=draw), 9.0)
        together = moments.drift(position, "together", 15.0)
        lines = torch.lerp(own, walk, together) * band
        shift[position] = lines * intensity * MISTRACKING_PIXELS * (0.2 + 0.8 * moments.drift(position, "size", 12.0))
    return shift


def edge_wave(height: int, moments: Moments) -> Tensor:
    """Lines sway together: two slow waves down the picture and a little smooth noise."""
    shift = torch.zeros(len(moments.indices), height)
    rows = torch.arange(height) / FRAME_ROWS
    for position in moments.active():
        draw = moments.generator(position)
        lines = 0.4 * smooth(torch.randn(height, generator=draw), 6.0)
        for wave, period in (("slow", 90.0), ("quick", 25.0)):
            cycles = 1.0 + FRAME_ROWS / period * moments.drift(position, f"{wave} cycles", 40.0)
            phase = 2 * math.pi * (moments.drift(position, f"{wave} phase", 7.0) * 3)
            lines += 0.5 * torch.sin(2 * math.pi * cycles * rows + phase)
        shift[position] = lines * moments.intensities[position] * WAVE_PIXELS
    return shift


def smooth(values: Tensor, sigma: float) -> Tensor:
    """(N,) white noise, low-passed with a Gaussian of ``sigma`` samples and brought back to unit variance."""
    reach = math.ceil(3 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.square().sum().sqrt()
    index = torch.arange(-reach, len(values) + reach) % len(values)
    return torch.conv1d(values[index][None, None], kernel[None, None])[0, 0]


def move_lines(picture: Tensor, shift: Tensor) -> Tensor:
    """Every line of (T, 3, H, W) moved right by shift (T, H) pixels; linear between pixels, borders replicated."""
    width = picture.shape[-1]
    source = (torch.arange(width, device=picture.device) - shift[..., None]).clamp(0, width - 1)
    left = source.floor().long()
    right = (left + 1).clamp(max=width - 1)
    weight = (source - left)[:, None]
    shape = picture.shape
    return torch.lerp(
        picture.gather(-1, left[:, None].expand(shape)), picture.gather(-1, right[:, None].expand(shape)), weight
    )
