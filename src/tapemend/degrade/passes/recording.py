"""What recording and playing back do to a picture even on the best tape: band limits, delays, peaking, ringing."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from tapemend.degrade.formats import TapeFormat, tape_format
from tapemend.degrade.grid import Grid
from tapemend.degrade.passes import Kind, Moments, PicturePass
from tapemend.degrade.signal import Response, filter_lines

NARROWING = 8
"""Samples that a cycle of the highest chroma frequency keeps when chroma is worked on at a lower rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourUnder(PicturePass):
    """A picture recorded in a tape format and played back: softer luma, soft late colour, edges a little peaked.

    Luma passes the FM channel: a causal low-pass, so that overshoot stands to the right of an edge, and the deck's
    peaking, which has it on both sides. Chroma is heterodyned under the luma, where there is room for a few hundred kHz
    of it; it leaves the filters late, and decks whose tracks touch average it over lines to cancel the neighbour
    track, so that it sinks down by half of that distance. Each generation does all of this again: copies of copies
    are soft, ringing, and have their colours hang to the lower right (generation loss). AV Artifact Atlas: Y/C delay
    error, ringing.

    Its kind is noise: what goes is detail, at all places and in luma first.
    """

    kind: ClassVar[Kind] = Kind.NOISE
    format: str = "vhs-sp"
    """A name in tapemend.degrade.formats."""
    generations: int = 1
    """Times that it is recorded and played."""
    peaking: float = 1.5
    """dB that playback lifts the upper part of the luma band, at three quarters of it."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        tape = tape_format(self.format, grid.standard)
        played = picture.clone()
        for position in moments.active():
            intensity = moments.intensities[position]
            passes = self.generations * intensity
            played[position, 0] = filter_lines(picture[position, 0], grid, self._luma(tape, passes))
            chroma, coarse = narrow(picture[position, 1:], grid, tape.chroma_bandwidth)
            chroma = filter_lines(chroma, coarse, self._chroma(tape, passes))
            if tape.comb_lines:
                for _ in range(self.generations):
                    before = shifted(chroma, grid.rows(tape.comb_lines), -2)
                    chroma = torch.lerp(chroma, before, 0.5 * intensity)
            played[position, 1:] = widen(chroma, grid)
        return played

    def _luma(self, tape: TapeFormat, passes: float) -> Response:
        """A third-order Butterworth with its delay at 0 Hz taken out, and a bell of peaking; both ``passes`` times."""

        def response(frequency: Tensor) -> Tensor:
            ratio = frequency / tape.luma_bandwidth
            phase = 2 * ratio - torch.atan(ratio) - torch.atan2(ratio, 1 - ratio.square())
            bell = torch.exp(-(((ratio - 0.75) / 0.4) ** 2))
            decibels = self.peaking * bell - 10 * torch.log10(1 + ratio**6)
            return torch.polar(10 ** (passes * decibels / 20), passes * phase)

        return response

    def _chroma(self, tape: TapeFormat, passes: float) -> Response:
        """A second-order Butterworth's gain and the format's delay, ``passes`` times."""

        def response(frequency: Tensor) -> Tensor:
            gain = (1 + (frequency / tape.chroma_bandwidth) ** 4) ** (-passes / 2)
            return torch.polar(gain, -2 * math.pi * frequency * tape.chroma_delay * 1e-6 * passes)

        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Ringing(PicturePass):
    """Edges repeat to their right, weaker each time: a step swings around its new level before it settles.

    A resonance near the edge of the luma band, from a badly terminated cable or misadjusted peaking, answers each step
    with a damped oscillation. AV Artifact Atlas: ringing (overshoot).

    Its kind is noise: a pattern laid over luma.
    """

    kind: ClassVar[Kind] = Kind.NOISE
    overshoot: float = 0.6
    """Height of the undamped swing at intensity 1, share of the step."""
    frequency: float = 1.4e6
    """Hz of the resonance: the repeats stand 1/frequency apart."""
    decay: float = 0.6
    """Microseconds in which the swing falls to 37 %."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        rung = picture.clone()
        for position in moments.active():
            response = self._response(moments.intensities[position])
            rung[position, 0] = filter_lines(picture[position, 0], grid, response)
        return rung

    def _response(self, intensity: float) -> Response:
        """1 + the transform of the derivative of overshoot x exp(-t / decay) sin(resonance x t)."""
        resonance, damping = 2 * math.pi * self.frequency, 1e6 / self.decay

        def response(frequency: Tensor) -> Tensor:
            s = 2j * math.pi * frequency
            return 1 + intensity * self.overshoot * s * resonance / ((s + damping) ** 2 + resonance**2)

        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharpen(PicturePass):
    """Aperture correction of a camera or deck turned too high: bright and dark outlines, grain stands out.

    The second difference of luma, along the line over a tapped delay and between lines, is added to it; what is smaller
    than the coring level is taken for noise and left alone. AV Artifact Atlas: ringing (overshoot), as over-enhanced
    edges; TBC processing artifact.

    Its kind is noise, as that of ringing.
    """

    kind: ClassVar[Kind] = Kind.NOISE
    gain: float = 2.0
    """Of the detail signal along the line at intensity 1."""
    vertical: float = 0.6
    """Of that between lines."""
    reach: float = 0.15
    """Microseconds between the taps: the boost is largest at half its inverse, 3.3 MHz."""
    coring: float = 0.01
    """Level of luma below which detail is not boosted."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        sharp = picture.clone()
        for position in moments.active():
            intensity, luma = moments.intensities[position], picture[position, 0]
            detail = self.gain * _second_difference(luma, grid.pixels(self.reach), -1)
            detail += self.vertical * _second_difference(luma, grid.rows(1.0), -2)
            detail -= detail.clamp(-self.coring, self.coring)
            sharp[position, 0] += intensity * detail
        return sharp


def narrow(chroma: Tensor, grid: Grid, hertz: float) -> tuple[Tensor, Grid]:
    """(C, H, W) chroma on a coarser grid that still holds frequencies somewhat above ``hertz``, and that grid.

    Chroma of a tape fills a few hundred kHz of the picture's 6.75 MHz; work on a fifth of the samples is as good.
    """
    coarse = coarser(grid, hertz)
    return (chroma if coarse == grid else interpolate(chroma, size=coarse.width, mode="area")), coarse


def coarser(grid: Grid, hertz: float) -> Grid:
    """The grid that chroma of that bandwidth is worked on."""
    factor = max(1, int(grid.sample_rate / (NARROWING * hertz)))
    width = math.ceil(grid.width / factor)
    whole = grid.whole and (grid.whole[0], round(grid.whole[1] * width / grid.width))
    return replace(grid, width=width, whole=whole)


def widen(chroma: Tensor, grid: Grid) -> Tensor:
    """The other way: (C, H, w) to the grid's width, linear between samples."""
    if chroma.shape[-1] == grid.width:
        return chroma
    return interpolate(chroma, size=grid.width, mode="linear", align_corners=False)


def shifted(picture: Tensor, distance: float, dim: int) -> Tensor:
    """The picture moved to the right (dim -1) or down (dim -2) by pixels; linear between them, borders replicated."""
    whole = math.floor(distance)
    near = _moved(picture, whole, dim)
    return near if distance == whole else torch.lerp(near, _moved(picture, whole + 1, dim), distance - whole)


def _moved(picture: Tensor, steps: int, dim: int) -> Tensor:
    size = picture.shape[dim]
    count = min(abs(steps), size)
    if steps >= 0:
        border = picture.narrow(dim, 0, 1).expand(_with(picture.shape, dim, count))
        return torch.cat([border, picture.narrow(dim, 0, size - count)], dim)
    border = picture.narrow(dim, size - 1, 1).expand(_with(picture.shape, dim, count))
    return torch.cat([picture.narrow(dim, count, size - count), border], dim)


def _with(shape: torch.Size, dim: int, size: int) -> list[int]:
    sizes = list(shape)
    sizes[dim] = size
    return sizes


def _second_difference(luma: Tensor, distance: float, dim: int) -> Tensor:
    return luma - 0.5 * (shifted(luma, distance, dim) + shifted(luma, -distance, dim))
