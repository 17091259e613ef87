"""Tape noise (AV Artifact Atlas: luminance noise, chrominance noise, low RF)."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from tapemend.degrade.passes import Moments

LUMA_SIGMA = 0.06
"""Standard deviation of luma noise at intensity 1."""
CHROMA_SIGMA = 0.05
"""Standard deviation of chroma noise at intensity 1, before the chroma path's low-pass."""


def tape_noise(picture: Tensor, moments: Moments) -> Tensor:
    """Luma noise, partly low-passed along the line; chroma noise in streaks of about eight pixels by two lines."""
    damaged = picture.clone()
    height, width = picture.shape[-2:]
    for position in moments.active():
        intensity, draw = moments.intensities[position], moments.generator(position)
        luma = torch.randn(height, width + 2, generator=draw)
        soft = moments.drift(position, "softness", 30.0)
        blurred = (luma[:, :-2] + luma[:, 1:-1] + luma[:, 2:]) * 3**-0.5
        level = LUMA_SIGMA * intensity * (0.15 + 0.85 * moments.drift(position, "luma", 20.0))
        damaged[position, 0] += level * torch.lerp(luma[:, 1:-1], blurred, soft)
        coarse = torch.randn(1, 2, (height + 1) // 2, (width + 7) // 8, generator=draw)
        streaks = interpolate(coarse, size=(height, width), mode="bilinear", align_corners=False)[0]
        level = CHROMA_SIGMA * intensity * moments.drift(position, "chroma", 20.0)
        damaged[position, 1:] += level * streaks
    return damaged
