"""Damage as others than our simulator make it: nothing of tape's physics, so that networks do not rely on it.

What a converter, an editor or another simulator leaves is neither drawn out along the lines nor soft at its ends.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, avg_pool2d

from tapemend.degrade.grid import Grid
from tapemend.degrade.passes import Kind, LinePass, Moments, PicturePass, TearingPass
from tapemend.degrade.passes.timebase import leaky_walk, move_in_blanking


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainNoise(PicturePass):
    """Gaussian noise, white up to the picture's finest detail, or of grains of some pixels."""

    kind: ClassVar[Kind] = Kind.NOISE
    luma_sigma: float = 0.08
    """Standard deviation at intensity 1, in 100 IRE."""
    chroma_sigma: float = 0.04
    """Of Cb and Cr."""
    grain: tuple[int, int] = (1, 1)
    """Rows and columns of a grain."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        rows, columns = self.grain
        sigmas = torch.tensor([self.luma_sigma, self.chroma_sigma, self.chroma_sigma])[:, None, None]
        for position in moments.active():
            size = 3, grid.height + rows - 1, grid.width + columns - 1
            white = torch.randn(size, generator=moments.generator(position))
            noise = avg_pool2d(white, self.grain, stride=1) * math.sqrt(rows * columns)
            damaged[position] += (moments.intensities[position] * sigmas * noise).to(picture.device)
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainStreaks(PicturePass):
    """Level pieces of lines of one colour, or noise, with hard ends."""

    kind: ClassVar[Kind] = Kind.LINES
    most: float = 40.0
    """Pieces at most, at intensity 1 in a 720 x 576 picture."""
    thickest: int = 4
    """Rows."""
    longest: float = 1.0
    """Share of a line of the longest; short ones are more."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        height, width = grid.height, grid.width
        for position in moments.active():
            draw = moments.generator(position)
            number = torch.rand(1, generator=draw).item() * self.most * height / 576 * moments.intensities[position]
            for _ in range(math.ceil(number)):
                top, left, length, high, level, noisy, *chroma = torch.rand(8, generator=draw).tolist()
                first = int(top * height)
                rows = slice(first, first + 1 + int(high * self.thickest))
                start = int((1.3 * left - 0.3) * width)
                columns = slice(max(start, 0), max(start, 0) + 3 + int(length**3 * self.longest * width))
                piece = damaged[position, :, rows, columns]
                luma = round(level) if high < 0.5 else level
                tint = [0.4 * (each - 0.5) * (noisy > 0.7) for each in chroma]
                piece[:] = torch.tensor([luma, *tint])[:, None, None].to(piece)
                if noisy < 0.2:
                    piece[0] += 0.3 * torch.randn(piece.shape[1:], generator=draw).to(piece)
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainTears(LinePass):
    """The picture cut along lines, some of its parts aside as a whole."""

    pixels: float = 20.0
    """Standard deviation of what a part lies aside, at intensity 1."""
    cuts: int = 3
    """Each of the parts between them stays, as likely as not."""

    def shift(self, grid: Grid, moments: Moments) -> Tensor:
        shift = torch.zeros(len(moments.indices), grid.height)
        for position in moments.active():
            draw = moments.generator(position)
            rows = (torch.rand(self.cuts, generator=draw) * grid.height).sort().values
            aside, moved = torch.randn(self.cuts + 1, generator=draw), torch.rand(self.cuts + 1, generator=draw) < 0.5
            part = torch.bucketize(torch.arange(grid.height, dtype=torch.float32), rows)
            shift[position] = self.pixels * moments.intensities[position] * (aside * moved)[part]
        return shift


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainBand(TearingPass):
    """Lines of a band lie aside, each by some way of its own, paler than the others, in noise and in flashes."""

    kind: ClassVar[Kind] = Kind.LINES
    place: float = 0.5
    """Of its top, share of the picture's height."""
    height_lines: float = 40.0
    roll_lines: float = 4.0
    """That it goes down from picture to picture; below the bottom it comes in at the top again."""
    jump_lines: float = 4.0
    """That it is above or below that at most, in each picture anew."""
    softness: float = 0.5
    """Share of half its height over which it fades in; 0 is as strong at its edges as in its middle."""
    lean: float = 10.0
    """Pixels that all its lines lie to the right, at intensity 1."""
    pixels: float = 8.0
    """Standard deviation of what each lies aside besides."""
    together: float = 1.0
    """Rows over which that is about the same."""
    noise: float = 0.12
    """Standard deviation in luma, in 100 IRE."""
    grain: int = 3
    """Columns of a grain of noise, and of a flash."""
    flashes: float = 0.02
    """Share of the pixels at which one begins."""
    level: float = 1.0
    """Their luma."""
    colour_loss: float = 0.8
    """Share of the colour that is gone."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            draw = moments.generator(position)
            shift, depth = self.tear(grid, moments, position, draw), self._depth(grid, moments, position)
            rows = depth > 0
            if not rows.any():
                continue
            strength, size = depth[rows, None], (int(rows.sum()), grid.width + self.grain - 1)
            white = torch.randn(size, generator=draw)
            begun = (torch.rand(size, generator=draw) < self.flashes).float()
            noise, flashes = avg_pool1d(torch.stack([white, begun]), self.grain, stride=1)
            cover = (strength * self.grain * flashes).clamp(max=1).to(picture.device)
            lines = move_in_blanking(damaged[position, :, rows], shift[rows])
            lines[0] += (strength * self.noise * math.sqrt(self.grain) * noise).to(picture.device)
            lines[0] += cover * (self.level - lines[0])
            lines[1:] *= 1 - self.colour_loss * strength.to(picture.device)
            damaged[position, :, rows] = lines
        return damaged

    def tear(self, grid: Grid, moments: Moments, position: int, draw: torch.Generator) -> Tensor:
        walk = leaky_walk(grid.height, self.together, draw)
        return self._depth(grid, moments, position) * (self.lean + self.pixels * walk)

    def _depth(self, grid: Grid, moments: Moments, position: int) -> Tensor:
        """(H,) how strong it is, 0 outside."""
        jump = self.jump_lines * (2 * moments.drift(position, "jump", 1.0) - 1)
        top = self.place * grid.height + grid.rows(self.roll_lines * moments.indices[position] + jump)
        height = max(1.0, grid.rows(self.height_lines))
        inside = (torch.arange(grid.height) + 0.5 - top) % (grid.height + height) / height
        edge = 2 * inside.minimum(1 - inside)
        return moments.intensities[position] * (edge / max(self.softness, 1e-3)).clamp(0, 1)
