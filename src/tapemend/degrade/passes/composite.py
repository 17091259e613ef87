"""The composite path: luma and chroma in one signal, and what decoders make of it.

Chroma rides on a subcarrier inside the band of luma. A decoder that takes them apart imperfectly leaves dots of chroma
in luma (dot crawl, checkerboard) and colours in fine luma detail (cross-colour); one whose phase is wrong gets hues
wrong, which a simple PAL decoder shows as stripes (Hanover bars).
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from tapemend.degrade.grid import LUMA_SAMPLE_RATE, Grid, Standard
from tapemend.degrade.passes import Kind, Moments, PicturePass

BORDER = 12
"""Samples replicated on both sides of a line, more than all filters reach."""
ENCODER_FILTER = 4
DECODER_FILTER = {Standard.PAL: 8, Standard.NTSC: 12}
"""Orders of the binomial chroma filters: 3 dB down at 1.8 MHz, and at 1.3 and 1.0 MHz (BT.1700: PAL 1.3, NTSC's I 1.3
and Q 0.4 MHz), so that luma's own lowest frequencies, which demodulation moves to the subcarrier's, are gone."""
BLUE, RED = 0.874, 1.230
"""U and V of full Cb and Cr: 1.772 x 0.493 and 1.402 x 0.877."""
SETTLE_DEGREES_PERIOD = 60.0
"""Pictures between the knots of a phase that wanders."""


class Decoder(StrEnum):
    """How luma and chroma are taken apart."""

    NONE = "none"
    """Not at all: luma keeps all of the chroma, as of an S-video cable that carries composite."""
    NOTCH = "notch"
    """Chroma is what lies around the subcarrier."""
    COMB = "comb"
    """Chroma is half the difference to the line above of opposite subcarrier phase (NTSC the last, PAL the last but
    one), around the subcarrier."""
    TWO_LINE_COMB = "two-line-comb"
    """The same with such a line above and one below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositePath(PicturePass):
    """The picture coded to composite and decoded again by a decoder of some kind.

    The signal is sampled at 13.5 MHz. NTSC's subcarrier has 227.5 cycles a line and turns by half a cycle a line and a
    frame (four fields until it repeats); PAL's has 283.75 and 25 Hz more, eight fields, and V changes sign each line
    (BT.1700). So what leaks stands in a pattern that moves with the index: dots that crawl along edges, rainbows over
    fine stripes that change. Pictures of a whole frame's height are taken for two fields woven together, those of a
    field's for one.

    AV Artifact Atlas: dot crawl (notch), poor Y/C decoding (none), Venetian blind (PAL with phase_error_degrees and no
    delay line), subcarrier phase error (phase_error_degrees). What has no degrees (the decoder) is blended with the
    picture by the intensity.
    """

    kind: ClassVar[Kind] = Kind.CHROMA
    decoder: Decoder = Decoder.NOTCH
    delay_line: bool = True
    """PAL: chroma of each line is averaged with that of the line above, which turns errors of hue into ones of
    saturation. Without, hue is wrong to one side on one line and to the other on the next."""
    phase_error_degrees: float = 0.0
    """Of the decoder's subcarrier to the coder's."""
    drift_degrees: float = 0.0
    """That this error grows by from line to line of a field."""
    burst_noise_degrees: float = 0.0
    """Standard deviation of a line's own error, from noise in its burst."""
    preemphasis: float = 0.0
    """Gain minus one of what lies above some 1 MHz, before the decoder: sharper, more colour, more cross-talk."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        coded = picture.clone()
        samples = max(1, round(grid.width * LUMA_SAMPLE_RATE / grid.sample_rate))
        for position in moments.active():
            before = picture[position]
            if samples != grid.width:
                before = interpolate(before, size=samples, mode="linear", align_corners=False)
            change = self._path(before, grid, moments, position) - before
            if samples != grid.width:
                change = interpolate(change, size=grid.width, mode="linear", align_corners=False)
            coded[position] += moments.intensities[position] * change
        return coded

    def _path(self, picture: Tensor, grid: Grid, moments: Moments, position: int) -> Tensor:
        standard, height = grid.standard, grid.height
        weave = 2 if grid.rows(1.0) >= 2 else 1
        wide = pad(picture, (BORDER, BORDER), mode="replicate")
        wide[1:] = binomial(wide[1:], ENCODER_FILTER)
        sine, cosine, switch = _carrier(standard, moments.indices[position], weave, height, wide.shape[2])
        sine, cosine, switch = (table.to(picture.device) for table in (sine, cosine, switch))
        signal = torch.addcmul(wide[0], wide[1], sine, value=BLUE).addcmul_(wide[2] * switch, cosine, value=RED)
        if self.preemphasis:
            signal = signal + self.preemphasis * (signal - binomial(signal, 2 * ENCODER_FILTER))
        chroma = self._chroma(signal, weave * (2 if standard is Standard.PAL else 1))
        # Twice the product with the carrier is the colour difference and a component at twice the subcarrier.
        blue, red = binomial(torch.stack([chroma * sine, chroma * cosine]).mul_(2), DECODER_FILTER[standard])
        luma = signal
        if self.decoder != Decoder.NONE:
            luma = torch.addcmul(signal, blue, sine, value=-1).addcmul_(red, cosine, value=-1)
        error = self._phase_error(height, weave, moments, position).to(picture.device)[:, None]
        turned = (blue * error.cos() + red * error.sin(), (red * error.cos() - blue * error.sin()) * switch)
        if standard is Standard.PAL and self.delay_line:
            turned = (0.5 * (turned[0] + _above(turned[0], weave)), 0.5 * (turned[1] + _above(turned[1], weave)))
        return torch.stack([luma, turned[0] / BLUE, turned[1] / RED])[..., BORDER:-BORDER]

    def _chroma(self, signal: Tensor, lines: int) -> Tensor:
        if self.decoder == Decoder.COMB:
            return 0.5 * (signal - _above(signal, lines))
        if self.decoder == Decoder.TWO_LINE_COMB:
            return 0.5 * signal - 0.25 * (_above(signal, lines) + _below(signal, lines))
        return signal

    def _phase_error(self, height: int, weave: int, moments: Moments, position: int) -> Tensor:
        """(H,) radians."""
        lines = torch.div(torch.arange(height), weave, rounding_mode="floor")
        own = torch.randn(height, generator=moments.generator(position))
        degrees = self.phase_error_degrees + self.drift_degrees * lines + self.burst_noise_degrees * own
        return torch.deg2rad(degrees)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourLockLoss(PicturePass):
    """Hue turns along each line, more and more to the right, and runs through all colours as the lock slips.

    A decoder whose oscillator does not lock to the burst has a slightly wrong frequency: each line begins right, or
    nearly, where the burst has pulled the phase, and drifts off until the next. Atlas' example is PAL U-matic, whose
    playback decodes the chroma before it is coded anew, so that PAL's switching does not cancel the error. AV Artifact
    Atlas: loss of colour lock.
    """

    kind: ClassVar[Kind] = Kind.CHROMA
    ramp_degrees: float = 150.0
    """Turn of hue from the left to the right border at intensity 1, when largest; it wanders."""
    line_degrees: float = 8.0
    """Standard deviation of the phase that each line begins with."""
    slip: float = 0.3
    """Turns a picture's height that the phase slips by when the lock is lost wholly; it comes and goes."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        along, down = torch.linspace(0, 1, grid.width), torch.linspace(0, 1, grid.height)
        for position in moments.active():
            wander = moments.drift(position, "ramp", SETTLE_DEGREES_PERIOD)
            slipping = max(0.0, 2 * moments.drift(position, "slip", SETTLE_DEGREES_PERIOD) - 1)
            own = torch.randn(grid.height, generator=moments.generator(position))
            start = self.line_degrees * own + 360 * self.slip * slipping * down
            ramp = self.ramp_degrees * (0.6 + 0.4 * wander) * along
            scale = math.radians(moments.intensities[position])
            chroma = picture[position, 1:]
            rows, columns = (_turn(part * scale, picture.device) for part in (start, ramp))
            damaged[position, 1:] = torch.view_as_real(
                torch.complex(chroma[0], chroma[1]) * rows[:, None] * columns
            ).permute(2, 0, 1)
        return damaged


def binomial(lines: Tensor, order: int) -> Tensor:
    """(..., W) low-passed with the weights of (1 + 1)^order, an even number.

    Lines are taken for one after the other, so order / 2 samples at their ends are the neighbours' business.
    """
    joined = lines.reshape(-1)
    for _ in range(order):
        joined = joined[1:] + joined[:-1]
    return pad(joined.mul_(0.5**order), (order // 2, order // 2)).view(lines.shape)


def _above(plane: Tensor, lines: int) -> Tensor:
    """(H, W) of what stands so many lines above each; the first ones have what stands below."""
    if len(plane) < 2 * lines:
        return plane
    return torch.cat([plane[lines : 2 * lines], plane[:-lines]])


def _below(plane: Tensor, lines: int) -> Tensor:
    return _above(plane.flip(0), lines).flip(0)


def _carrier(standard: Standard, index: int, weave: int, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """(H, W) sine and cosine of the subcarrier, and (H, 1) the sign of V, of picture ``index``'s lines.

    With two fields woven a picture is a frame, else a field; a field begins half a line after the last.
    """
    rows = torch.arange(height, dtype=torch.float64)
    fields = weave * index + rows % weave
    lines = torch.floor(fields * (standard.line_rate / standard.field_rate) + torch.floor(rows / weave))
    halves = fields * (standard.line_rate / standard.field_rate) % 1
    cycles = standard.subcarrier / standard.line_rate
    start = 2 * math.pi * ((lines + halves) * cycles % 1)
    along = 2 * math.pi * standard.subcarrier / LUMA_SAMPLE_RATE * torch.arange(width, dtype=torch.float64)
    phase = (start[:, None], along)
    cosines, sines = ([part.cos().float() for part in phase], [part.sin().float() for part in phase])
    sine = torch.addcmul(sines[0] * cosines[1], cosines[0], sines[1])
    cosine = torch.addcmul(cosines[0] * cosines[1], sines[0], sines[1], value=-1)
    switch = 1 - 2 * (lines % 2) if standard is Standard.PAL else torch.ones(height)
    return sine, cosine, switch.float()[:, None]


def _turn(radians: Tensor, device: torch.device) -> Tensor:
    return torch.polar(torch.ones_like(radians), radians).to(device)
