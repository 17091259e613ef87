"""What tube cameras and weak light put into the picture before it is recorded."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, interpolate

from tapemend.degrade.grid import Grid
from tapemend.degrade.passes import Kind, Moments, PicturePass

FIELDS = 8
"""Pictures before one that its lag shows: a sixth of a second, in which a vidicon's falls to some per cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLag(PicturePass):
    """What moves leaves a soft trail; bright lights leave comet tails that do not fade until they end.

    The photoconductor of a vidicon lets go of its charge slowly, and the beam reads only a part of it in one scan: a
    change takes several fields. A highlight holds more charge than the beam can take away; for some fields it stays
    white, and then falls in a straight line.

    AV Artifact Atlas: image lag (comet tails).
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    memory: ClassVar[int] = FIELDS
    lag: float = 0.5
    """Share of the picture that is left from those before, at intensity 1; a vidicon has about a quarter after three
    fields."""
    decay: float = 3.0
    """Fields in which the lag falls to 1/e."""
    highlight: float = 0.8
    """Luma from which the beam cannot discharge the target, in 100 IRE."""
    comet: float = 0.9
    """Brightness of the tail's start at intensity 1, in 100 IRE."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        back = torch.arange(FIELDS, -1, -1, device=picture.device)
        weights = torch.exp(-back / self.decay)
        weights[-1] = 0.0
        weights /= weights.sum()
        excess = ((picture[:, 0] - self.highlight) / (1 - self.highlight)).clamp(0.0, 1.0)
        for position in moments.active():
            intensity = moments.intensities[position]
            seen = (position - back).clamp(min=0)
            left = seen[0].item()
            share = torch.zeros(position + 1 - int(left), device=picture.device).index_add(0, seen - seen[0], weights)
            before = torch.tensordot(share, picture[int(left) : position + 1], 1)
            damaged[position] = picture[position].lerp(before, self.lag * intensity)
            falling = torch.linspace(1.0, 0.0, FIELDS + 2)[1:-1]
            tail = torch.zeros_like(excess[position])
            for number, height in enumerate(falling.tolist(), 1):
                tail = tail.maximum(excess[max(position - number, 0)] * height)
            tail *= 1 - excess[position]
            glow = tail.clamp(max=0.7) / 0.7
            damaged[position, 0] += self.comet * intensity * glow * (1 - damaged[position, 0]).clamp(min=0.0)
            damaged[position, 1:] *= 1 - 0.7 * intensity * glow
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnIn(PicturePass):
    """Spots and bent traces stand still in the picture whatever the camera looks at.

    Lamps and the sun have burnt the tube's target: there it gives less signal, and after a still scene for a while
    more. A lamp that the camera has panned over leaves its path.

    AV Artifact Atlas: image lag (burn-in).
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    depth: float = 0.6
    """Share of the signal that is lost in the darkest spot at intensity 1; below zero the spots are bright."""
    spots: int = 4
    """Lamps that have burnt in."""
    size: float = 0.02
    """Radius of a lamp as a share of the picture's height."""
    trace: float = 0.35
    """Length of the path that each was panned over, as a share of the height."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        active = moments.active()
        if not active:
            return damaged
        burnt = self._burnt(grid, moments).to(picture.device)
        for position in active:
            gain = 1 - self.depth * moments.intensities[position] * burnt
            damaged[position] *= gain
            # The three tubes of a camera are not burnt alike: the place is a little green.
            damaged[position, 1:] -= 0.05 * (1 - gain)
        return damaged

    def _burnt(self, grid: Grid, moments: Moments) -> Tensor:
        """(H, W) how much each place has burnt, 0 to 1."""
        height, width = min(grid.height, 96), min(grid.width, 128)
        rows, columns = torch.linspace(0, 1, height)[:, None], torch.linspace(0, 4 / 3, width)
        burnt = torch.zeros(height, width)
        for spot in range(self.spots):
            x, y, angle, bent, strength = (moments.constant(f"{what} {spot}") for what in ("x", "y", "a", "b", "s"))
            for step in range(12):
                along = self.trace * step / 11
                turn = 2 * math.pi * angle + 3 * (bent - 0.5) * along / max(self.trace, 1e-6)
                far = (columns - 4 / 3 * x - along * math.cos(turn)).square() + (
                    rows - y - 0.4 * along * math.sin(turn)
                ).square()
                weight = (0.4 + 0.6 * strength) * (1.0 if step == 0 else 0.45 * (1 - step / 14))
                burnt = burnt.maximum(weight * torch.exp(-0.5 * far / self.size**2))
        return interpolate(burnt[None, None], size=(grid.height, grid.width), mode="bilinear", align_corners=True)[0, 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class LowLightNoise(PicturePass):
    """The picture swims in grain, most of all in the shadows, and in blotches of colour.

    In weak light the camera's gain is raised by 12 or 18 dB and the noise of its amplifier with it. It is added before
    the gamma, whose slope is steepest at black; colour is the difference of two noisy channels.
    """

    kind: ClassVar[Kind] = Kind.NOISE
    luma_sigma: float = 0.06
    """Standard deviation at black and intensity 1, in 100 IRE."""
    chroma_sigma: float = 0.035
    """Of Cb and Cr at black."""
    chroma_bandwidth: float = 0.7e6
    """Hz; sets the width of the blotches."""
    at_white: float = 0.3
    """Share of the noise that is left at white."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        height, width = grid.height, grid.width
        blotch = max(1, round(0.5 * grid.sample_rate / self.chroma_bandwidth))
        for position in moments.active():
            intensity, draw = moments.intensities[position], moments.generator(position)
            fine = torch.randn(height, width + 1, generator=draw)
            coarse = torch.randn(2, height, -(-width // blotch) + 1, generator=draw)
            slope = 1 - (1 - self.at_white) * picture[position, 0].clamp(0.0, 1.0)
            luma = ((fine[:, 1:] + fine[:, :-1]) * 0.5**0.5).to(picture.device)
            colour = interpolate(coarse, scale_factor=float(blotch), mode="linear")[..., :width].to(picture.device)
            damaged[position, 0] += self.luma_sigma * intensity * slope * luma
            damaged[position, 1:] += 1.2 * self.chroma_sigma * intensity * slope * colour
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaking(PicturePass):
    """Bright things drag a pale streak to the right across the picture, sometimes to its edge.

    An amplifier whose gain for low frequencies is wrong, in a camera or a cable equaliser, holds a part of what it has
    just passed for some tens of microseconds.

    AV Artifact Atlas: none of its own; near to image lag and to smear of early solid-state cameras.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    strength: float = 0.6
    """Level of the streak behind a long white, at intensity 1; below zero it is dark."""
    microseconds: float = 12.0
    """In which it falls to 1/e."""
    threshold: float = 0.6
    """Luma from which things streak, in 100 IRE."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        active = moments.active()
        if not active:
            return damaged
        step = max(1, round(grid.pixels(0.6)))
        corner = 1 / (2 * math.pi * self.microseconds * 1e-6)
        for position in active:
            bright = ((picture[position, 0] - self.threshold) / (1 - self.threshold)).clamp(0.0, 1.5)
            padded = torch.nn.functional.pad(bright, (0, -grid.width % step))
            rough = avg_pool1d(padded[None], step)[0]
            streak = _held(rough, step / grid.sample_rate * 2 * math.pi * corner)
            along = interpolate(streak[None], scale_factor=float(step), mode="linear")[0, :, : grid.width]
            damaged[position, 0].add_(along, alpha=self.strength * moments.intensities[position])
        return damaged


def _held(lines: Tensor, rate: float) -> Tensor:
    """(H, N) lines through a first-order low-pass that starts each line empty; ``rate`` of its decay a sample."""
    samples = torch.arange(lines.shape[-1], device=lines.device)
    since = (samples[None, :] - samples[:, None]).float()
    kernel = torch.where(since > 0, rate * torch.exp(-rate * since), 0.0)
    return lines @ kernel
