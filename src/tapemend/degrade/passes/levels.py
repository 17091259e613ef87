"""Video levels that were set, cut or moved wrongly, and light and mains that beat with the field."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Kind, Moments, PicturePass

WIDEST = (-0.08, 1.1)
"""Luma levels that no 8-bit capture goes beyond (BT.601: -0.073 to 1.087)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrushedSetup(PicturePass):
    """Shadows are one flat black: what was darker than a level is gone.

    A recording without NTSC's setup of 7.5 IRE goes through equipment that takes it away, or a black level is set too
    low, and the clip below black cuts the rest.

    AV Artifact Atlas: crushed setup.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    depth: float = 0.15
    """How far black is pushed down at intensity 1, in 100 IRE; twice the setup and more is seen on bad dubs."""
    stretched: bool = True
    """Whether white stays where it is, as with a processing amplifier; else all goes down."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            depth = self.depth * moments.intensities[position]
            gain = 1 / (1 - depth) if self.stretched else 1.0
            luma = picture[position, 0]
            pushed = (luma - depth) * gain
            damaged[position, 0] = pushed.clamp(min=0.0).maximum(pushed.minimum(luma.clamp(max=0.0)))
            damaged[position, 1:] *= gain
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class HighVideoLevel(PicturePass):
    """Whites are burnt out: above 100 IRE the recorder's white clip has cut everything, colours there are pale.

    AV Artifact Atlas: high video level.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    gain: float = 1.45
    """Of luma and chroma at intensity 1."""
    clip: float = 1.0
    """Level of the white clip, in 100 IRE."""
    knee: float = 0.06
    """Range under the clip in which it sets in, in 100 IRE."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            gain = 1 + (self.gain - 1) * moments.intensities[position]
            luma = picture[position, 0]
            hot = luma * gain
            start = self.clip - self.knee
            # A parabola leads from the straight part into the clip; what was above the clip before stays there.
            over = (hot - start).clamp(0.0, 2 * self.knee)
            clipped = hot.clamp(max=start) + over - over.square() / (4 * max(self.knee, 1e-6))
            damaged[position, 0] = clipped.maximum(luma.minimum(hot))
            damaged[position, 1:] *= gain * (1 - (hot - clipped).clamp(0.0, 0.8))
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelClamping(PicturePass):
    """Highlights, shadows and saturated colours are flat plates: a legaliser has cut the levels to limits.

    AV Artifact Atlas: level clamping.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    low: float = 0.05
    """Least luma at intensity 1, in 100 IRE."""
    high: float = 0.8
    """Most luma."""
    chroma: float = 0.16
    """Most amplitude of the chroma; 0.5 is the largest that Cb and Cr can hold."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            share = moments.intensities[position]
            low, high = (
                wide + (limit - wide) * share for wide, limit in zip(WIDEST, (self.low, self.high), strict=True)
            )
            damaged[position, 0].clamp_(low, high)
            limit = math.hypot(0.5, 0.5) * (1 - share) + self.chroma * share
            amplitude = picture[position, 1].hypot(picture[position, 2])
            damaged[position, 1:] *= (limit / amplitude.clamp(min=1e-6)).clamp(max=1.0)
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelErrors(PicturePass):
    """Brightness, contrast and gamma are wrong: grey blacks, dull whites, dark or pale middle tones.

    A tape is dubbed without bars to line up to, or a setup of 7.5 IRE is added where there is one.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    setup: float = 0.075
    """Lift of black at intensity 1, in 100 IRE (BT.1700: 7.5 IRE of NTSC-M)."""
    gain: float = 0.85
    """Of luma and chroma."""
    gamma: float = 1.15
    """Exponent of the luma; over 1 darkens the middle."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            share = moments.intensities[position]
            gain, gamma = 1 + (self.gain - 1) * share, 1 + (self.gamma - 1) * share
            luma = picture[position, 0]
            curved = luma.clamp(min=0.0).pow(gamma) + luma.clamp(max=0.0)
            damaged[position, 0] = self.setup * share + gain * curved
            damaged[position, 1:] *= gain
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class GainPumping(PicturePass):
    """The picture darkens and comes back every few seconds, the top of the field more than the rest.

    A recorder's automatic gain measures sync and the lines after it. Pulses of copy protection there, which come and
    go in cycles, look like a picture too bright, and the gain is taken down; it recovers down the field.

    AV Artifact Atlas: none of its own; it is what copy protection does to a dub.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    depth: float = 0.5
    """Share of the gain that is lost at the top of the field when the pulses are highest, at intensity 1."""
    period: float = 6.0
    """Seconds of a cycle of the pulses."""
    held: float = 0.55
    """Share of the loss that is still there at the bottom of the field."""
    recovery: float = 60.0
    """Lines in which the rest of it goes: the automatic gain's time constant."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        lines = grid.line_numbers()
        down = self.held + (1 - self.held) * torch.exp(-lines / self.recovery)
        for position in moments.active():
            seconds = moments.indices[position] / grid.standard.field_rate
            turn = seconds / self.period + moments.constant("turn")
            # The pulses rise slowly, stay, and fall: a sine that is driven into its limits.
            pulses = 0.5 + 0.5 * math.tanh(2.5 * math.sin(2 * math.pi * turn)) / math.tanh(2.5)
            loss = self.depth * moments.intensities[position] * (0.15 + 0.85 * pulses)
            damaged[position] *= (1 - loss * down).to(picture.device)[:, None]
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class HumBar(PicturePass):
    """A broad, milky bar of brightness rolls up the picture.

    Two earths at different potential put the mains onto the video. Its frequency is nearly the field's, 60 and 59.94
    Hz, or 50 Hz of a mains that is not quite the camera's, and the difference is the speed of the bar.

    AV Artifact Atlas: AC beat (ground loop), hum and buzz.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    amplitude: float = 0.3
    """Lift in the middle of the bar at intensity 1, in 100 IRE."""
    beat: float = 0.35
    """Hz by which the mains is faster than the field; below zero the bar rolls down."""
    bars: int = 1
    """Bars in the picture; 2 with the hum of a rectifier."""
    sharpness: float = 2.5
    """1 is a sine; more makes the bar narrower than the dark between."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        hertz = self.bars * grid.standard.field_rate + self.beat
        for position in moments.active():
            turns = grid.seconds(moments.indices[position]) * hertz + moments.constant("turn")
            wave = (0.5 + 0.5 * torch.cos(2 * math.pi * turns)).pow(self.sharpness)
            hum = (self.amplitude * moments.intensities[position] * (wave - 0.15)).float()[:, None].to(picture.device)
            damaged[position, 0] += hum * (1.1 - picture[position, 0]).clamp(0.3, 1.0)
            damaged[position, 1:] *= 1 - hum.clamp(min=0.0)
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class FluorescentStrobing(PicturePass):
    """The brightness pulses many times a second, in bands that run through the picture; the dark ones are greenish.

    A fluorescent lamp goes out twice in each period of the mains. Where twice the mains is no multiple of the field
    rate each field, and within it each line of a tube that is scanned on, catches another part of the pulses.

    AV Artifact Atlas: fluorescent strobing.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    depth: float = 0.35
    """Share of the light that is gone in the lamp's dark at intensity 1, after the camera's integration."""
    mains: float = 0.0
    """Hz; 0 is that of the other standard: 60 Hz for PAL, 50 Hz for NTSC, as on journeys."""
    banding: float = 0.35
    """Share of the pulse that is seen as a band within the field; the rest is the same for the whole field."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        mains = self.mains or (60.0 if grid.standard is Standard.PAL else 50.0)
        for position in moments.active():
            turns = grid.seconds(moments.indices[position]) * (2 * mains) + moments.constant("turn")
            pulse = 0.5 - 0.5 * torch.cos(2 * math.pi * turns)
            loss = self.depth * moments.intensities[position] * torch.lerp(pulse[0], pulse, self.banding)
            dark = loss.float()[:, None].to(picture.device)
            luma = picture[position, 0]
            damaged[position] *= 1 - dark
            # The phosphors that glow on between the pulses are the yellow and green ones.
            damaged[position, 1:] -= 0.08 * dark * luma
        return damaged
