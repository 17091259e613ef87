"""What frequency modulation adds to the luma: its noise, its threshold, its overload, its carrier."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from tapemend.degrade.grid import Grid
from tapemend.degrade.passes import Kind, Moments, PicturePass
from tapemend.degrade.passes.dropouts import Runs, line_rows, runs_of, scan_lines, scan_period
from tapemend.degrade.signal import Response, low_pass, noise_lines

DEVIATION = 0.7e6
"""Hz of carrier for 100 IRE: of VHS, 1 MHz from sync tip to white (IEC 60774-1)."""
EMPHASIS_CORNERS = (122.4e3, 612e3)
"""Hz between which the de-emphasis of VHS falls by 14 dB: 1.3 us, and a fifth of it (vhs-decode, formats.py)."""
RF_BANDWIDTH = 5e6
"""Hz, of the limiter's input."""
CLIPS = (-0.073, 1.093)
"""Luma that 8-bit capture can hold: codes 0 and 255 of BT.601."""


def emphasis_loss(frequency: Tensor) -> Tensor:
    """Complex gain of the de-emphasis, 1 at zero frequency."""
    low, high = EMPHASIS_CORNERS
    return (1 + 1j * frequency / high) / (1 + 1j * frequency / low)


def discriminator_noise(bandwidth: float) -> Response:
    """White noise at the carrier after the discriminator, where it rises with frequency, de-emphasis and low-pass."""
    end = low_pass(bandwidth)
    return lambda frequency: frequency * emphasis_loss(frequency).abs() * end(frequency)


@dataclass(frozen=True, slots=True, kw_only=True)
class LuminanceNoise(PicturePass):
    """Fine grain over the whole picture, drawn out along the lines, with no colour.

    Noise of the tape and of the first amplifier is white at the carrier. Discriminated it is triangular, its amplitude
    proportional to the frequency, and the de-emphasis takes its middle down: what is left is mostly fine.

    AV Artifact Atlas: luminance noise.
    """

    kind: ClassVar[Kind] = Kind.NOISE
    bandwidth: float = 3.0e6
    """Hz, of the luma low-pass: 3 MHz for VHS, 5 MHz for S-VHS and the professional formats."""
    sigma: float = 0.04
    """Standard deviation at intensity 1, in 100 IRE: a good cassette's 43 dB are 0.007, a poor dub's 28 dB 0.04."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        response = discriminator_noise(self.bandwidth)
        for position in moments.active():
            noise = noise_lines(grid.height, grid, response, moments.generator(position)).to(picture.device)
            damaged[position, 0].add_(noise, alpha=self.sigma * moments.intensities[position])
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class LowRF(PicturePass):
    """A noisy picture with sparkles: white and black points with a sharp front and a tail to the right.

    Where the noise at times outweighs the carrier its phase slips by a whole turn, and the discriminator gives an
    impulse of a cycle (S. O. Rice, "Noise in FM receivers", 1963, whose rates are used). White is recorded at the
    highest frequency, where the head's output is least, and sharp edges overshoot in the pre-emphasis: there are more.

    AV Artifact Atlas: low RF.
    """

    kind: ClassVar[Kind] = Kind.NOISE
    carrier_to_noise: float = 17.0
    """dB at black and intensity 1; the noise's voltage falls with the intensity. The threshold of FM is near 10 dB."""
    fading: float = 7.0
    """dB, the standard deviation of how much the carrier sinks for moments in a rough contact of head and tape."""
    tilt: float = 4.0
    """dB that the carrier is weaker at white."""
    bandwidth: float = 3.0e6
    """Hz, of the luma low-pass."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            draw = moments.generator(position)
            ratio = 10 ** (self.carrier_to_noise / 10) / moments.intensities[position] ** 2
            luma = picture[position, 0]
            response = discriminator_noise(self.bandwidth)
            noise = noise_lines(grid.height, grid, response, draw).to(picture.device)
            noise *= 1 + (10 ** (self.tilt / 20) - 1) * luma
            level = luma + noise * self.sigma(ratio, grid)
            self._sparkle(level, luma, ratio, grid, draw)
            damaged[position, 0] = level
        return damaged

    def sigma(self, ratio: float, grid: Grid) -> float:
        """Standard deviation of the noise at black, in 100 IRE, for a carrier-to-noise power ratio."""
        frequency = torch.linspace(0, grid.sample_rate / 2, 256)
        power = discriminator_noise(self.bandwidth)(frequency).square().mean().item() * grid.sample_rate / 2
        return math.sqrt(power / (ratio * RF_BANDWIDTH)) / DEVIATION

    def clicks(self, level: Tensor, ratio: Tensor) -> Tensor:
        """Clicks a second at a level of the emphasised luma, for a carrier-to-noise power ratio at black."""
        local = ratio * 10 ** (-self.tilt / 10 * level)
        still = RF_BANDWIDTH / math.sqrt(12) * torch.erfc(local.sqrt())
        return still + (level - 0.5).abs() * DEVIATION * torch.exp(-local)

    def _sparkle(self, level: Tensor, luma: Tensor, ratio: float, grid: Grid, draw: torch.Generator) -> None:
        """Clicks onto ``level`` in place: drawn at the highest rate, and kept as the luma has it there."""
        lines, width = scan_lines(grid), grid.width
        deepest = 10 ** (-2.0 * self.fading / 10)
        highest = self.clicks(torch.tensor(2.0), torch.tensor(ratio * deepest))
        mean = (highest * lines * width / grid.sample_rate).clamp(max=0.2 * lines * width)
        count = int(torch.poisson(mean, generator=draw))
        place = torch.randint(lines * width, (count,), generator=draw)
        line, column = place // width, place % width
        row = line * line_rows(grid)
        before = (column - math.ceil(grid.pixels(0.3))).clamp(min=0)
        here, there = (luma[row.to(luma.device), at.to(luma.device)].cpu() for at in (column, before))
        emphasised = (here + (here - there).abs()).clamp(-0.5, 2.0)
        sunk = ratio * 10 ** (-self.fading / 10 * torch.randn(count, generator=draw).clamp(0.0, 2.0))
        kept = torch.rand(count, generator=draw) * highest < self.clicks(emphasised, sunk)
        drawn = torch.rand(count, generator=draw)
        # A click pulls the frequency to the middle of the band: dark in bright places, bright in dark ones.
        upward = drawn[kept] < (0.85 - 0.7 * emphasised[kept]).clamp(0.1, 0.9)
        pulse = _click(grid)
        starts = line[kept] * scan_period(grid) + column[kept]
        runs = runs_of(starts, torch.full_like(starts, len(pulse)), grid)
        size = (0.4 + 0.6 * torch.rand(len(starts), generator=draw)) * torch.where(upward, 1.0, -1.0)
        _add(level, runs, size[runs.run] * pulse[runs.step])


def _click(grid: Grid) -> Tensor:
    """(L,) a whole cycle's impulse after de-emphasis, in 100 IRE: a front of a low-pass' width and a tail of 1.3 us."""
    low, high = (2 * math.pi * corner for corner in EMPHASIS_CORNERS)
    since = torch.arange(math.ceil(grid.pixels(4.0)) + 1) / grid.sample_rate
    front = torch.exp(-((since / 0.12e-6) ** 2)) / (0.12e-6 * math.sqrt(math.pi) / 2)
    return (low / high * front + (1 - low / high) * low * torch.exp(-low * since)) / DEVIATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearding(PicturePass):
    """Black hairs, like a beard, grow to the right from the brightest edges, other ones on each line and picture.

    The pre-emphasis of a hard edge swings the carrier further than the tape's channel goes; half-waves are lost and the
    demodulator takes the highest frequency for a low one, which is black, until the carrier is back in the channel.

    AV Artifact Atlas: bearding.
    """

    kind: ClassVar[Kind] = Kind.LINES
    overshoot: float = 0.9
    """How far the pre-emphasis overshoots, of the height of an edge."""
    limit: float = 1.0
    """Level of the emphasised luma from which carrier is lost, in 100 IRE."""
    length: float = 1.8
    """Microseconds, the mean of a hair's length; exponentially distributed."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        reach = max(1, round(grid.pixels(0.3)))
        step = line_rows(grid)
        for position in moments.active():
            intensity, draw = moments.intensities[position], moments.generator(position)
            luma = picture[position, 0]
            lines = luma[::step]
            if grid.width <= reach:
                continue
            before, after = lines[:, :-reach], lines[:, reach:]
            excess = torch.maximum(before, after) + self.overshoot * (after - before).abs() - self.limit
            line, column = (torch.nonzero(excess > 0).T).cpu()
            over = excess[line, column].cpu()
            kept = torch.rand(len(line), generator=draw) < intensity * over.clamp(max=0.4)
            starts = line[kept] * scan_period(grid) + column[kept] + reach
            drawn = -torch.rand(len(starts), generator=draw).clamp(min=0.01).log()
            lengths = (grid.pixels(self.length) * drawn * (0.3 + 0.7 * intensity)).long().clamp(min=2)
            runs = runs_of(starts, lengths, grid)
            size = 0.5 + 0.5 * torch.rand(len(starts), generator=draw)
            cover = size[runs.run] * (1 - runs.step / lengths[runs.run]).sqrt()
            _fade(damaged[position], runs, cover.to(picture.device))
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierLeak(PicturePass):
    """A fine texture over the whole picture, like cloth, that follows the brightness: the carrier itself.

    In the oldest formats the carrier of black lies within the luma's own band; an unbalanced demodulator lets it
    through, stronger from one of the two heads. Its frequency moves with the luma, so that each grey has its own mesh.

    AV Artifact Atlas: carrier leak.
    """

    kind: ClassVar[Kind] = Kind.NOISE
    amplitude: float = 0.08
    """Half of the peak to peak at black and intensity 1, in 100 IRE, before the luma low-pass."""
    black: float = 2.0e6
    """Hz, the carrier at black: of the half-inch decks before EIAJ-1 some 2 MHz, of EIAJ-1 3.5 MHz."""
    deviation: float = 1.0e6
    """Hz from black to white."""
    bandwidth: float = 2.4e6
    """Hz, of the luma low-pass that lets the carrier of white through least."""
    other_head: float = 0.6
    """Its strength in the pictures of the other head."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            luma = picture[position, 0].clamp(0.0, 1.0)
            size = self.amplitude * moments.intensities[position]
            size *= self.other_head if moments.head(position) else 1.0
            cycles = (self.black + self.deviation * luma) / grid.sample_rate
            along = cycles.cumsum(-1)
            # Blanking is recorded as black; whole cycles are dropped line by line, which keeps the phase exact.
            blanking = self.black * (1 / grid.standard.line_rate - grid.width / grid.sample_rate)
            line = along[:, -1].double() + blanking
            first = (line.cumsum(0) - line) / line_rows(grid) + torch.rand(
                1, generator=moments.generator(position)
            ).item()
            phase = along + first.remainder(1.0).float()[:, None]
            gain = 1 / (1 + (cycles * (grid.sample_rate / self.bandwidth)) ** 4)
            damaged[position, 0] += size * gain * torch.cos(2 * math.pi * phase)
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Snow(PicturePass):
    """White and black ticks with short ringing tails, gathered in some lines: the snow of a signal that is nearly gone.

    Its form is that of ntsc-rs (``snow_intensity``, ``snow_anisotropy``): transients of 8 to 64 samples, a quarter wave
    or less that dies out.

    AV Artifact Atlas: low RF, video head clog.
    """

    kind: ClassVar[Kind] = Kind.NOISE
    per_second: float = 60000.0
    """Mean number of ticks at intensity 1."""
    anisotropy: float = 0.5
    """0: anywhere; 1: nearly all in few lines."""
    amplitude: float = 1.0
    """Of the strongest, in 100 IRE; white ones are twice as strong as black ones."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        lines, period = scan_lines(grid), scan_period(grid)
        for position in moments.active():
            draw = moments.generator(position)
            mean = self.per_second * moments.intensities[position] * lines * grid.width / grid.sample_rate
            count = int(torch.poisson(torch.tensor(mean), generator=draw))
            weight = torch.exp(5 * self.anisotropy * torch.randn(lines, generator=draw)).cumsum(0)
            line = torch.searchsorted(weight, torch.rand(count, generator=draw) * weight[-1]).clamp(max=lines - 1)
            starts = line * period + torch.randint(grid.width, (count,), generator=draw)
            drawn = torch.rand(3, count, generator=draw)
            lengths = (grid.pixels(0.6) + grid.pixels(4.1) * drawn[0]).long().clamp(min=1)
            runs = runs_of(starts, lengths, grid)
            share = runs.step / lengths[runs.run]
            wave = torch.cos(math.pi * share / (3 + 2 * drawn[1][runs.run])) * (1 - share).square()
            size = self.amplitude * (1.5 * drawn[2] - 0.5)
            _add(damaged[position, 0], runs, size[runs.run] * wave)
        return damaged


def _add(luma: Tensor, runs: Runs, values: Tensor) -> None:
    """Onto the pixels of runs of (H, W) luma, in place, as far as capture can hold it."""
    values, column = values.to(luma.device), runs.column.to(luma.device)
    for row in (rows.to(luma.device) for rows in runs.rows()):
        luma[row, column] = (luma[row, column] + values).clamp(*CLIPS)


def _fade(picture: Tensor, runs: Runs, cover: Tensor) -> None:
    """The pixels of runs of a (3, H, W) picture towards black, in place."""
    column = runs.column.to(picture.device)
    for row in (rows.to(picture.device) for rows in runs.rows()):
        picture[:, row, column] *= 1 - cover
