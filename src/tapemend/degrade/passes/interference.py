"""Other signals on the video's cable or aerial: carriers that draw patterns, echoes that draw ghosts."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Kind, Moments, PicturePass

SYNC_LEVEL = -0.43
"""Of the sync tip, in 100 IRE (BT.1700: 300 mV under 700 mV of picture)."""
FRONT_PORCH, SYNC, BACK_PORCH = 1.5, 4.7, 5.8
"""Microseconds before, of and after the sync pulse (BT.1700)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Herringbone(PicturePass):
    """Fine slanting lines scroll over the whole picture; where their carrier carries sound they bend like bones.

    A radio carrier gets into the cable. It beats with nothing of the video, so its phase goes on from line to line by a
    fraction of a turn, which sets the slant, and from field to field, which sets the scroll.

    AV Artifact Atlas: herringbone, ground loop interference; moire of two carriers.
    """

    kind: ClassVar[Kind] = Kind.NOISE
    frequency: float = 2.6e6
    """Hz, of the carrier or of its beat with the picture carrier."""
    amplitude: float = 0.07
    """Half of the peak to peak at intensity 1, in 100 IRE."""
    slant: float = 0.17
    """Turns that the phase is ahead on the next line of the field; the frequency is tuned to it."""
    scroll: float = 0.9
    """Turns from a field to the next."""
    bend: float = 1.2
    """Radians by which the sound on the carrier swings its phase: the bones."""
    tone: float = 300.0
    """Hz, of that sound."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        line_rate = grid.standard.line_rate
        hertz = (round(self.frequency / line_rate) + self.slant) * line_rate
        lines = grid.line_numbers()
        across = 2 * math.pi * hertz / grid.sample_rate * torch.arange(grid.width)
        for position in moments.active():
            turns = self.scroll * moments.indices[position] + moments.drift(position, "phase", 40.0)
            sound = self.tone * grid.seconds(moments.indices[position])
            swing = self.bend * (0.3 + 0.7 * moments.drift(position, "sound", 15.0))
            down = 2 * math.pi * (self.slant * lines + turns % 1.0) + swing * torch.sin(2 * math.pi * sound).float()
            strength = self.amplitude * moments.intensities[position]
            # The cosine of a sum, by its two products.
            rows, columns = torch.stack([down.cos(), -down.sin()]), torch.stack([across.cos(), across.sin()])
            damaged[position, 0].addmm_(strength * rows.T.to(picture.device), columns.to(picture.device))
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Ghost(PicturePass):
    """A weak copy of the picture stands beside it, later by microseconds; with it the copy of its blanking.

    The aerial hears the station a second time from a hill or a house, or a badly terminated cable throws the signal
    back. A carrier that comes back in the opposite phase makes a negative copy; a cable that leads where the aerial is
    not needed makes one that comes earlier. The subcarrier of the copy is turned by the delay: NTSC shows other hues,
    PAL, whose lines turn in opposite senses, less colour.

    AV Artifact Atlas: ghost.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    microseconds: float = 2.6
    """Delay of the copy; below zero it comes before the picture."""
    strength: float = 0.28
    """Of the copy at intensity 1; below zero it is negative."""
    second: float = 0.3
    """Of the copy's own copy at twice the delay, as its share of the first."""
    flutter: float = 0.3
    """Share of the strength that comes and goes over half a second, with the wind."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            wind = 1 - self.flutter * moments.drift(position, "wind", grid.standard.field_rate / 2)
            strength = self.strength * moments.intensities[position] * wind
            self._echo(damaged[position], picture[position], self.microseconds, strength, grid)
            self._echo(damaged[position], picture[position], 2 * self.microseconds, strength * abs(self.second), grid)
            # The receiver's automatic gain holds the sum of the syncs.
            damaged[position] /= 1 + 0.5 * strength * (1 + abs(self.second))
        return damaged

    def _echo(self, onto: Tensor, picture: Tensor, delay: float, gain: float, grid: Grid) -> None:
        """Add a (3, H, W) picture as it stands ``delay`` microseconds later, in place, with the blanking before it."""
        shift = grid.pixels(abs(delay))
        whole, part = math.floor(shift), shift % 1.0
        turn = 2 * math.pi * grid.standard.subcarrier * delay * 1e-6
        for tap, weight in ((whole, gain * (1 - part)), (whole + 1, gain * part)):
            kept = max(grid.width - tap, 0)
            late, early = slice(grid.width - kept, None), slice(0, kept)
            target, source = (
                (onto[..., late], picture[..., early]) if delay > 0 else (onto[..., early], picture[..., late])
            )
            target[0].add_(source[0], alpha=weight)
            target[1:].add_(source[1:], alpha=weight * math.cos(turn))
            if grid.standard is Standard.NTSC:
                target[1].sub_(source[2], alpha=weight * math.sin(turn))
                target[2].add_(source[1], alpha=weight * math.sin(turn))
        porch = BACK_PORCH if delay > 0 else FRONT_PORCH
        first, last = (max(whole - round(grid.pixels(end)), 0) for end in (porch + SYNC, porch))
        if delay < 0:
            first, last = (max(grid.width - end, 0) for end in (last, first))
        onto[0, :, first:last] += gain * SYNC_LEVEL
