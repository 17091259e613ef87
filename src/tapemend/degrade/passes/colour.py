"""Damage to colour: noise, wrong hue and saturation, loss, displacement and smear of the chroma."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from tapemend.degrade.grid import Grid
from tapemend.degrade.passes import Kind, Moments, PicturePass
from tapemend.degrade.passes.recording import coarser, narrow, shifted, widen
from tapemend.degrade.signal import Response, filter_lines, low_pass, noise_lines, smooth

BLUE_SWING, RED_SWING = 1.772, 1.402
"""B'-Y' and R'-Y' of full Cb and Cr (BT.601-7, section 2.5.1)."""
BLUE_LUMA, RED_LUMA = 0.114, 0.299
"""Shares of B' and R' in luma (BT.601-7)."""
SMEARED = 400e3
"""Hz, all that is left of the band of smeared chroma."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChrominanceNoise(PicturePass):
    """Coloured streaks that crawl along the lines, worst where the picture is dark and saturated.

    Noise of the colour-under channel goes through its narrow filters, so its grains are long, and through the averaging
    of lines, so they are two or three lines high; the chroma amplifier's gain adds noise with the saturation, and the
    eye finds it where luma does not mask it. It grows with each copy. AV Artifact Atlas: chrominance noise.
    """

    kind: ClassVar[Kind] = Kind.NOISE
    sigma: float = 0.045
    """Standard deviation of Cb and of Cr at intensity 1 in a bright grey."""
    bandwidth: float = 320e3
    """Hz, of the colour-under channel: VHS SP (ntsc-rs)."""
    saturated: float = 1.5
    """How much more of it there is in full colour, share of sigma."""
    dark: float = 0.6
    """How much more in black."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        noisy = picture.clone()
        coarse = coarser(grid, self.bandwidth)
        for position in moments.active():
            draw = moments.generator(position)
            grains = noise_lines(2 * grid.height, coarse, low_pass(self.bandwidth, 2), draw).view(2, grid.height, -1)
            grains = _over_lines(grains, grid).to(picture.device)
            content = narrow(picture[position], grid, self.bandwidth)[0]
            saturation = (content[1:].square().sum(0).sqrt() * 2).clamp(max=1)
            level = 1 + self.saturated * saturation + self.dark * (1 - content[0]).clamp(0, 1)
            strength = self.sigma * moments.intensities[position]
            strength *= 0.7 + 0.3 * moments.drift(position, "strength", 20.0)
            noisy[position, 1:] += widen(grains * level * strength, grid)
        return noisy


@dataclass(frozen=True, slots=True, kw_only=True)
class ChromaPhaseNoise(PicturePass):
    """Each line has a hue of its own: faces are streaked green and magenta.

    Time-base error that the colour lock does not follow, or a noisy burst, turns the phase of the chroma line by line.
    AV Artifact Atlas: chrominance noise; time-base error.
    """

    kind: ClassVar[Kind] = Kind.CHROMA
    degrees: float = 25.0
    """Standard deviation of a line's hue at intensity 1."""
    smoothness: float = 1.0
    """Lines of a field over which neighbours are alike."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        reach = max(0.3, grid.rows(self.smoothness))
        for position in moments.active():
            own = torch.randn(grid.height, generator=moments.generator(position))
            radians = math.radians(self.degrees * moments.intensities[position]) * smooth(own, reach)
            damaged[position, 1:] = turned(picture[position, 1:], radians[:, None])
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class ChromaLoss(PicturePass):
    """Lines and bands without colour.

    Where the RF is too weak for the burst to be found, the colour killer opens: the line is grey from border to border
    until the colour lock is back. It takes some lines to decide, so losses come in runs. In a wide band around a spot
    of bad contact nearly every line is lost. AV Artifact Atlas: low RF; tracking error.
    """

    kind: ClassVar[Kind] = Kind.CHROMA
    runs: float = 30.0
    """Mean number of single runs a picture at intensity 1."""
    lines: float = 2.0
    """Mean length of one, lines of a field."""
    band: float = 60.0
    """Height of the band at intensity 1 when largest, lines of a field."""
    band_share: float = 0.5
    """Share of the pictures with a band."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            lost = self._lost(grid, moments, position)
            kept = (~lost).float() + lost.float() * 0.04
            damaged[position, 1:] *= kept[:, None].to(picture.device)
        return damaged

    def _lost(self, grid: Grid, moments: Moments, position: int) -> Tensor:
        """(H,) whether a line has lost its colour."""
        height, intensity, draw = grid.height, moments.intensities[position], moments.generator(position)
        rows = torch.arange(height)
        chances, lengths, ragged = torch.rand(3, height, generator=draw)
        expected = self.runs * intensity * grid.lines(height) / grid.standard.field_lines
        length = 1 + (-torch.log1p(-lengths) * max(grid.rows(self.lines) - 1, 0.1)).round()
        ends = torch.where(chances < expected / height, rows + length, torch.zeros(height))
        lost: Tensor = ends.cummax(0).values > rows
        size = 1 - (1 - moments.drift(position, "band", 25.0)) / max(self.band_share, 1e-6)
        half = 0.5 * grid.rows(self.band) * intensity * size
        centre = moments.drift(position, "centre", 30.0) * height
        # At the band's borders the killer hesitates.
        inside = (half - (rows - centre).abs()) / max(0.25 * half, 1.0)
        return torch.logical_or(lost, ragged < inside)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubcarrierPhaseError(PicturePass):
    """All hues turned by the same angle: faces green or magenta.

    The playback or the decoder was set up with the wrong phase of burst to subcarrier; of an NTSC tape, or of one that
    was decoded before it was coded again. It does not wander. AV Artifact Atlas: subcarrier phase error.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    degrees: float = 40.0
    """From B'-Y' towards R'-Y', at intensity 1; negative the other way."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            angle = torch.tensor(math.radians(self.degrees * moments.intensities[position]))
            damaged[position, 1:] = turned(picture[position, 1:], angle)
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Oversaturation(PicturePass):
    """Colours too strong: reds and blues are flat, glow, and run out to the right.

    The chroma level was set too high in a copy; the amplifier limits, so that the strongest colours lose their shades,
    and its recovery drags them along the line. AV Artifact Atlas: oversaturation.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    decibels: float = 8.0
    """Gain of the chroma at intensity 1."""
    limit: float = 0.5
    """Length of the chroma vector, in halves of its full swing, that the amplifier does not pass."""
    smear: float = 0.6
    """Microseconds, the time constant of the drag at intensity 1."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            intensity = moments.intensities[position]
            chroma, coarse = narrow(picture[position, 1:], grid, SMEARED)
            chroma = chroma * 10 ** (self.decibels * intensity / 20)
            length = chroma.square().sum(0).sqrt()
            limited = chroma / (1 + (length / self.limit) ** 4) ** 0.25
            dragged = filter_lines(limited, coarse, _drag(self.smear * intensity, 1))
            damaged[position, 1:] = torch.lerp(picture[position, 1:], widen(dragged, grid), min(1.0, 4 * intensity))
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class LowChroma(PicturePass):
    """Colours washed out: the chroma level is too low, while luma is as it was.

    A worn tape or head loses the colour-under signal, or the level was set too low in a copy; the automatic chroma
    control follows the burst, and hunts. AV Artifact Atlas: undersaturation.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    decibels: float = 12.0
    """Loss of the chroma at intensity 1."""
    hunting: float = 2.0
    """Of these, dB that come and go within a second."""
    head_decibels: float = 1.0
    """By which the second head's fields are weaker than the first's."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            loss = self.decibels - self.hunting * moments.drift(position, "hunting", 15.0)
            loss += self.head_decibels * moments.head(position)
            damaged[position, 1:] *= 10 ** (-loss * moments.intensities[position] / 20)
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class WhiteBalanceError(PicturePass):
    """A cast over the whole picture: daylight taken with a camera set to lamp light is blue, the reverse orange.

    The gains of the camera's red and blue channels do not match the light. Black stays black. AV Artifact Atlas: white
    balance error.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    red: float = 0.8
    """Gain of R' at intensity 1; green's is 1."""
    blue: float = 1.2
    """Of B'. The defaults are about half the way from 5600 K to 3200 K on gamma-corrected signals."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            intensity = moments.intensities[position]
            luma, cb, cr = picture[position]
            blue = (self.blue - 1) * intensity * torch.add(luma, cb, alpha=BLUE_SWING)
            red = (self.red - 1) * intensity * torch.add(luma, cr, alpha=RED_SWING)
            change = BLUE_LUMA * blue + RED_LUMA * red
            damaged[position, 0] += change
            damaged[position, 1] += (blue - change) / BLUE_SWING
            damaged[position, 2] += (red - change) / RED_SWING
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class ChromaDelay(PicturePass):
    """Colour stands beside its object: to the right or left, and below.

    Filters delay the narrow chroma more than luma, and each pass through a comb filter or a delay line lets it sink by
    a line. AV Artifact Atlas: Y/C delay error.
    """

    kind: ClassVar[Kind] = Kind.CHROMA
    microseconds: float = 0.6
    """To the right at intensity 1; negative: to the left."""
    lines: float = 2.0
    """Down, lines of a field."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            intensity = moments.intensities[position]
            right, down = grid.pixels(self.microseconds * intensity), grid.rows(self.lines * intensity)
            damaged[position, 1:] = shifted(shifted(picture[position, 1:], right, -1), down, -2)
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourBleeding(PicturePass):
    """Colours run over their outlines to the right, as watercolour does; luma stays sharp.

    The chroma channel has lost its upper frequencies: worn heads, a mistuned comb or decoder. AV Artifact Atlas:
    oversaturation (as its bleed).
    """

    kind: ClassVar[Kind] = Kind.CHROMA
    microseconds: float = 0.8
    """Time constant of the smear at intensity 1; it is twice that long."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            intensity = moments.intensities[position]
            chroma, coarse = narrow(picture[position, 1:], grid, SMEARED)
            smeared = filter_lines(chroma, coarse, _drag(self.microseconds * intensity, 2))
            damaged[position, 1:] = torch.lerp(picture[position, 1:], widen(smeared, grid), min(1.0, 4 * intensity))
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Moire(PicturePass):
    """Fine slanting waves lie over saturated areas, none over grey; they bend where luma changes.

    Where the composite signal is recorded by FM as it is, sidebands of the subcarrier's second harmonic fold back
    around zero frequency and beat with the carrier: |carrier - 2 x subcarrier|. The carrier follows luma, so does the
    beat; its strength goes with the square of saturation, and its phase turns with twice the hue. AV Artifact Atlas:
    moire.
    """

    kind: ClassVar[Kind] = Kind.NOISE
    level: float = 0.12
    """Amplitude in luma of the beat at intensity 1 where a colour difference is half its full swing."""
    beat: float = 1.0e6
    """Hz in black."""
    deviation: float = 0.8e6
    """Hz that it rises by up to white: less than the carrier's own, as only part of luma's detail gets there."""
    turn: float = 0.29
    """Cycles from line to line, which gives the waves their slant."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        rows = torch.arange(grid.height) / grid.rows(1.0)
        for position in moments.active():
            luma, cb, cr = picture[position]
            cycles = (self.beat + self.deviation * luma.clamp(0, 1)).cumsum(-1) / grid.sample_rate
            start = self.turn * rows + moments.constant("start") + 0.37 * moments.indices[position]
            phase = 2 * math.pi * (cycles + (start % 1)[:, None].to(picture.device))
            # The square of the chroma vector has twice its angle.
            across, along = cb.square() - cr.square(), 2 * cb * cr
            wave = across * phase.cos() - along * phase.sin()
            damaged[position, 0] += 4 * self.level * moments.intensities[position] * wave
        return damaged


def turned(chroma: Tensor, radians: Tensor) -> Tensor:
    """(2, H, W) with each colour's angle larger by radians, which broadcast to (H, W)."""
    cosine, sine = radians.cos().to(chroma.device), radians.sin().to(chroma.device)
    return torch.stack([chroma[0] * cosine - chroma[1] * sine, chroma[0] * sine + chroma[1] * cosine])


def _drag(microseconds: float, order: int) -> Response:
    """Causal first-order low-passes in a row: a smear to the right, by their time constant."""
    return lambda frequency: (1 + 2j * math.pi * frequency * microseconds * 1e-6) ** -order


def _over_lines(grains: Tensor, grid: Grid) -> Tensor:
    """Neighbouring lines averaged as playback's comb does, at unchanged deviation."""
    rows = max(1, round(grid.rows(1.0)))
    for _ in range(rows):
        grains = torch.cat([grains[:, :1], 0.5**0.5 * (grains[:, 1:] + grains[:, :-1])], 1)
    return grains / grains.std().clamp(min=1e-6)
