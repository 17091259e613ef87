"""Wrong colour: chroma loss along scanlines and undersaturation (AV Artifact Atlas: undersaturation, chroma noise)."""

import torch
from torch import Tensor

from tapemend.degrade.passes import Moments

PASTELS = torch.tensor([[0.10, -0.16], [0.08, 0.13], [-0.12, -0.12]])
"""(3, 2) Cb and Cr of the cyan, magenta and green lines of the published task's pictures, about half strength."""
LARGEST_LOSS = 0.75
"""Share of the saturation that is gone at intensity 1."""


def chroma_loss(picture: Tensor, moments: Moments) -> Tensor:
    """Full-width lines, one to three high, lose their colour and take a pastel one; luma stays nearly as it was."""
    damaged = picture.clone()
    height, width = picture.shape[-2:]
    for position in moments.active():
        draw = moments.generator(position)
        density = 0.02 + 0.2 * moments.intensities[position] * moments.drift(position, "density", 12.0)
        starts = torch.nonzero(torch.rand(height, generator=draw) < density)[:, 0].tolist()
        for top in starts:
            choice, size, loss, tint, lift = torch.rand(5, generator=draw).tolist()
            rows = slice(top, min(top + 1 + int(2.5 * size * size + 0.3), height))
            hue = PASTELS[int(choice * 3)] * (0.3 + 1.2 * tint)
            ends = 0.6 + 0.4 * torch.rand(2, generator=draw)
            along = torch.lerp(ends[0], ends[1], torch.linspace(0, 1, width))
            damaged[position, 1:, rows] *= 1 - loss * along
            damaged[position, 1:, rows] += hue[:, None, None] * along
            damaged[position, 0, rows] += 0.05 * lift * along
    return damaged


def undersaturation(picture: Tensor, moments: Moments) -> Tensor:
    """Colour washes out and the contrast drops a little."""
    damaged = picture.clone()
    for position in moments.active():
        intensity = moments.intensities[position]
        keep = 1 - LARGEST_LOSS * intensity * (0.3 + 0.7 * moments.drift(position, "depth", 30.0))
        damaged[position, 0] = (picture[position, 0] - 0.5) * (1 - 0.08 * intensity) + 0.5
        damaged[position, 1:] *= keep
    return damaged
