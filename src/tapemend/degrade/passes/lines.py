"""Lines with the wrong content: dropouts (AV Artifact Atlas: video dropout, scratches)."""

import math

import torch
from torch import Tensor

from tapemend.degrade.passes import Moments

DROPOUTS_PER_FRAME = 40.0
"""Mean number at intensity 1 in a 720 x 576 picture; the tail is long because dropouts cluster."""


def dropouts(picture: Tensor, moments: Moments) -> Tensor:
    """Short horizontal pieces of lines are white, dark, grey, or the line above (the compensator's work).

    Lengths are log-normal around 35 pixels; a piece is one or two lines high, starts sharply and decays to the right.
    """
    damaged = picture.clone()
    for position in moments.active():
        _drop(damaged[position], moments, position)
    return damaged


def _drop(picture: Tensor, moments: Moments, position: int) -> None:
    height, width = picture.shape[-2:]
    draw = moments.generator(position)
    scale = height * width / (720 * 576)
    cluster = torch.randn(1, generator=draw).mul(0.8).exp().item()
    mean = DROPOUTS_PER_FRAME * moments.intensities[position] ** 2 * scale * cluster
    count = int(torch.poisson(torch.tensor(mean + 0.3), generator=draw).clamp(max=400 * scale + 4).item())
    centre = moments.drift(position, "centre", 10.0)
    spread = 0.02 + 0.5 * moments.drift(position, "spread", 15.0)
    for _ in range(count):
        row, column, length, kind, level, tail = torch.rand(6, generator=draw).tolist()
        stretch = torch.randn(2, generator=draw).tolist()
        top = int((centre + spread * stretch[0] if row < 0.7 else row) * height) % height
        rows = slice(top, min(top + (1 if length < 0.7 else 2), height))
        left = int(column * width)
        right = min(left + max(3, int(35 * math.exp(0.8 * stretch[1]))), width)
        cover = torch.ones(right - left)
        if tail < 0.6:
            cover = torch.linspace(1.0, 0.0, right - left) ** 0.5
        piece = picture[:, rows, left:right]
        if kind < 0.25 and top > 0:
            content = picture[:, top - 1 : top, left:right].clone()
        else:
            luma = 0.75 + 0.3 * level if kind < 0.65 else 0.25 * level if kind < 0.85 else 0.3 + 0.4 * level
            content = torch.tensor([luma, 0.0, 0.0])[:, None, None]
        piece.lerp_(content.expand_as(piece), cover.expand_as(piece))
