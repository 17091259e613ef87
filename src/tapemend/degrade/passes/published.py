"""The published task's damage, in picture space as its effects are: five families, and dropouts laid over.

TAPE (Agnolucci et al., WACV 2024, section 4) made its set with an effects program: a displacement map for mistracking
and edge waving, undersaturation, coloured lines, noise, and clips of dropouts laid over the picture. So these passes
count in pixels, whatever the picture's size.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from tapemend.degrade.grid import Grid
from tapemend.degrade.passes import Kind, LinePass, Moments, PicturePass
from tapemend.degrade.signal import smooth

PASTELS = torch.tensor([[0.10, -0.16], [0.08, 0.13], [-0.12, -0.12]])
"""(3, 2) Cb and Cr of the cyan, magenta and green lines of the published task's pictures, about half strength."""
FRAME_ROWS = 576


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrambledLines(LinePass):
    """Each line of a band, or of the whole picture, moves by its own amount.

    The band drifts and breathes; in the published task's worst frames it is the whole picture and the shifts of
    neighbouring lines are nearly independent (TAPE, WACV 2024, figures of the data set).
    """

    pixels: float = 14.0
    """Standard deviation of a line's own shift in the middle of the band at intensity 1."""

    def shift(self, grid: Grid, moments: Moments) -> Tensor:
        height = grid.height
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
            shift[position] = lines * intensity * self.pixels * (0.2 + 0.8 * moments.drift(position, "size", 12.0))
        return shift


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeWave(LinePass):
    """Lines sway together: two slow waves down the picture and a little smooth noise."""

    pixels: float = 5.0
    """Largest shift at intensity 1."""

    def shift(self, grid: Grid, moments: Moments) -> Tensor:
        height = grid.height
        shift = torch.zeros(len(moments.indices), height)
        rows = torch.arange(height) / FRAME_ROWS
        for position in moments.active():
            draw = moments.generator(position)
            lines = 0.4 * smooth(torch.randn(height, generator=draw), 6.0)
            for wave, period in (("slow", 90.0), ("quick", 25.0)):
                cycles = 1.0 + FRAME_ROWS / period * moments.drift(position, f"{wave} cycles", 40.0)
                phase = 2 * math.pi * (moments.drift(position, f"{wave} phase", 7.0) * 3)
                lines += 0.5 * torch.sin(2 * math.pi * cycles * rows + phase)
            shift[position] = lines * moments.intensities[position] * self.pixels
        return shift


@dataclass(frozen=True, slots=True, kw_only=True)
class Undersaturation(PicturePass):
    """Colour washes out and the contrast drops a little."""

    kind: ClassVar[Kind] = Kind.LEVELS
    largest_loss: float = 0.75
    """Share of the saturation that is gone at intensity 1."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            intensity = moments.intensities[position]
            keep = 1 - self.largest_loss * intensity * (0.3 + 0.7 * moments.drift(position, "depth", 30.0))
            damaged[position, 0] = (picture[position, 0] - 0.5) * (1 - 0.08 * intensity) + 0.5
            damaged[position, 1:] *= keep
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class ColouredLines(PicturePass):
    """Full-width lines, one to three high, lose their colour and take a pastel one; luma stays nearly as it was."""

    kind: ClassVar[Kind] = Kind.CHROMA

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
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
                along = torch.lerp(ends[0], ends[1], torch.linspace(0, 1, width)).to(picture.device)
                damaged[position, 1:, rows] *= 1 - loss * along
                damaged[position, 1:, rows] += hue[:, None, None].to(picture.device) * along
                damaged[position, 0, rows] += 0.05 * lift * along
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class StreakyNoise(PicturePass):
    """Luma noise, partly low-passed along the line; chroma noise in streaks of about eight pixels by two lines."""

    kind: ClassVar[Kind] = Kind.NOISE
    luma_sigma: float = 0.06
    """Standard deviation of luma noise at intensity 1."""
    chroma_sigma: float = 0.05
    """Of chroma noise, before it is stretched."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        height, width = picture.shape[-2:]
        for position in moments.active():
            intensity, draw = moments.intensities[position], moments.generator(position)
            luma = torch.randn(height, width + 2, generator=draw)
            soft = moments.drift(position, "softness", 30.0)
            blurred = (luma[:, :-2] + luma[:, 1:-1] + luma[:, 2:]) * 3**-0.5
            level = self.luma_sigma * intensity * (0.15 + 0.85 * moments.drift(position, "luma", 20.0))
            damaged[position, 0] += level * torch.lerp(luma[:, 1:-1], blurred, soft).to(picture.device)
            coarse = torch.randn(1, 2, (height + 1) // 2, (width + 7) // 8, generator=draw)
            streaks = interpolate(coarse, size=(height, width), mode="bilinear", align_corners=False)[0]
            level = self.chroma_sigma * intensity * moments.drift(position, "chroma", 20.0)
            damaged[position, 1:] += level * streaks.to(picture.device)
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlaidDropouts(PicturePass):
    """Short horizontal pieces of lines are white, dark, grey, or the line above (the compensator's work).

    Lengths are log-normal around 35 pixels; a piece is one or two lines high, starts sharply and decays to the right.
    """

    kind: ClassVar[Kind] = Kind.LINES
    per_frame: float = 40.0
    """Mean number at intensity 1 in a 720 x 576 picture; the tail is long because dropouts cluster."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            self._drop(damaged[position], moments, position)
        return damaged

    def _drop(self, picture: Tensor, moments: Moments, position: int) -> None:
        height, width = picture.shape[-2:]
        draw = moments.generator(position)
        scale = height * width / (720 * 576)
        cluster = torch.randn(1, generator=draw).mul(0.8).exp().item()
        mean = self.per_frame * moments.intensities[position] ** 2 * scale * cluster
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
