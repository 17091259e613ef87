"""Losses of the RF signal: dropouts, with and without a compensator, losses of colour only, scratches.

Lengths follow what is measured on tapes. None is under half a microsecond, the number falls with the length, and only
damaged surfaces give long ones ("Dropout origins, concealment and compensator comparison", archive.org, figure 1).
The usual count is of losses of 5 us and 12 dB (bavc/FFmpeg, issue 3). vhs-decode (doc.py, formats.py) takes for a
loss what falls under 0.18 of the field's mean envelope, and joins losses less than 0.75 us apart.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import torch
from torch import Tensor

from tapemend.degrade.grid import Grid
from tapemend.degrade.passes import Kind, Moments, PicturePass

SHORTEST = 0.5
"""Microseconds; the RF level cannot fall and return faster."""
LONGEST_LINES = 12.0
"""A loss that lasts longer is a clogged head, and no dropout."""
RISE = 0.3
"""Microseconds in which the picture goes and comes: the envelope's own bandwidth."""
RECOVERY = 1.3
"""Microseconds in which a flash fades: the time constant of the de-emphasis of VHS (IEC 60774-1)."""
RINGING = 2.2e6
"""Hz, of the luma low-pass behind the demodulator when it is struck."""
CROSSING = 4.85e3 * math.sin(math.radians(5.97))
"""Millimetres a second at which a head crosses the tape: its speed and the angle of its track (IEC 60774-1, PAL)."""
WHITE, BLACK = 1.05, -0.04
"""Where the demodulator's output ends when there is nothing to demodulate: the white and dark clips."""


class Compensator(StrEnum):
    """What the player puts in place of the loss."""

    NONE = "none"
    LINE = "line"
    LATE = "late"
    GREY = "grey"


@dataclass(frozen=True, slots=True)
class Runs:
    """The pixels of runs along the scan, run after run; of pixels in several runs only the last run's."""

    run: Tensor
    """(P,) which run."""
    step: Tensor
    """(P,) samples since its start."""
    back: Tensor
    """(P,) lines up to the line before the run at the same column."""
    line: Tensor
    """(P,) scan line."""
    column: Tensor
    """(P,) pixel of it."""
    rows_per_line: int
    height: int

    def rows(self) -> list[Tensor]:
        """(P,) the rows of the picture that show these lines; several in pictures of more rows than a field."""
        first = self.line * self.rows_per_line
        return [(first + row).clamp(max=self.height - 1) for row in range(self.rows_per_line)]


def line_rows(grid: Grid) -> int:
    """Rows of the picture for a scan line."""
    return max(1, round(grid.rows(1)))


def scan_period(grid: Grid) -> int:
    """Samples of a whole line, blanking included."""
    return max(grid.width, round(grid.sample_rate / grid.standard.line_rate))


def scan_lines(grid: Grid) -> int:
    """Scan lines that the picture shows."""
    return math.ceil(grid.height / line_rows(grid))


def runs_of(starts: Tensor, lengths: Tensor, grid: Grid) -> Runs:
    """(N,) first samples, counted along the scan from the picture's first, and (N,) numbers of samples, to pixels.

    A run that passes the end of a line goes on in the next one, after the blanking.
    """
    period = scan_period(grid)
    run = torch.arange(len(starts)).repeat_interleave(lengths)
    step = torch.arange(len(run)) - (lengths.cumsum(0) - lengths)[run]
    sample = starts[run] + step
    column, line = sample % period, sample.div(period, rounding_mode="floor")
    seen = (column < grid.width) & (sample >= 0) & (line < scan_lines(grid))
    run, step, line, column = run[seen], step[seen], line[seen], column[seen]
    place = line * grid.width + column
    last = torch.full((scan_lines(grid) * grid.width,), -1).scatter_reduce(0, place, run, "amax")
    seen = last[place] == run
    run, step, line, column = run[seen], step[seen], line[seen], column[seen]
    back = step.div(period, rounding_mode="floor") + 1
    return Runs(run, step, back, line, column, line_rows(grid), grid.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loss(PicturePass):
    """What is seen where the RF signal is lost."""

    kind: ClassVar[Kind] = Kind.LINES
    compensator: Compensator = Compensator.LATE
    """"none": white and black streaks of noise that ring and fade; "line": the line before the loss, its colour from
    two lines before, as PAL's phase asks for, and NTSC decks with the same delay line do; "late": the same, but its
    front is seen before the compensator switches; "grey": a level of 50 IRE, as in the first compensators."""
    late: float = 0.8
    """Microseconds that the late one takes to switch."""
    white_share: float = 0.7
    """Share of flashes that are white; the others are black."""

    def lose(
        self, picture: Tensor, clean: Tensor, starts: Tensor, lengths: Tensor, grid: Grid, draw: torch.Generator
    ) -> None:
        """Lose runs of samples of ``clean`` (3, H, W) in ``picture``; starts and lengths as ``runs_of`` has them."""
        tail = math.ceil(grid.pixels(3 * RECOVERY)) if self.compensator is Compensator.NONE else 0
        runs = runs_of(starts, lengths + tail, grid)
        white = torch.where(torch.rand(len(starts), generator=draw) < self.white_share, WHITE, BLACK)[runs.run]
        noise = torch.randn(3, len(runs.step) + 2, generator=draw)
        flash = _flash(runs, lengths, white, (noise[:, :-2] + 2 * noise[:, 1:-1] + noise[:, 2:]) / 6**0.5, grid)
        cover, open_ = self._cover(runs, lengths, grid)
        flash, cover, open_ = (part.to(picture.device) for part in (flash, cover, open_))
        back, column = (part.to(picture.device) for part in (runs.back * runs.rows_per_line, runs.column))
        even = back + back % (2 * runs.rows_per_line)
        for row in (rows.to(picture.device) for rows in runs.rows()):
            concealed = torch.full_like(flash, 0.5)
            concealed[1:] = 0.0
            if self.compensator is not Compensator.GREY:
                concealed[0] = clean[0, (row - back).clamp(min=0), column]
                concealed[1:] = clean[1:, (row - even).clamp(min=0), column]
            content = concealed.lerp(flash, open_)
            picture[:, row, column] = clean[:, row, column].lerp(content, cover)

    def _cover(self, runs: Runs, lengths: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
        """(P,) how much of the picture is gone, and how much of what is there instead is the flash."""
        rise = max(grid.pixels(RISE), 1.0)
        left = lengths[runs.run] - runs.step
        front = ((runs.step + 1) / rise).clamp(max=1.0)
        if self.compensator is Compensator.NONE:
            return front * torch.exp(left.clamp(max=0) / grid.pixels(RECOVERY)), torch.ones_like(front)
        late = grid.pixels(self.late) if self.compensator is Compensator.LATE else 0.0
        return front.minimum(left / rise).clamp(max=1.0), ((late - runs.step) / rise).clamp(0.0, 1.0)


def _flash(runs: Runs, lengths: Tensor, level: Tensor, noise: Tensor, grid: Grid) -> Tensor:
    """(3, P) the demodulator's output without a carrier: it runs into a clip, rings, and is noise around it."""
    since = runs.step / grid.sample_rate
    ring = 0.3 * torch.exp(-since / 0.6e-6) * torch.cos(2 * math.pi * RINGING * since)
    luma = level + (level - 0.5).sign() * ring - (level - 0.5) * 0.4 * noise[0].abs() * (lengths[runs.run] > runs.step)
    return torch.stack([luma.clamp(-0.073, 1.093), 0.05 * noise[1], 0.05 * noise[2]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropouts(_Loss):
    """Short pieces of lines are lost: white or black streaks, or patches of the line above.

    A particle or a missing piece of the coating lifts the head from the tape, the RF level falls by 12 dB or more, and
    the limiter has no carrier to hold. They come in clusters where the tape was touched, at the same places of tracks
    that lie side by side, and more often on one head than on the other. How many there are, how long and how
    clustered was set by eye: counts of real tapes were not at hand.

    AV Artifact Atlas: video dropout.
    """

    per_second: float = 2500.0
    """Mean number at intensity 1; a good cassette has some dozens a minute, one that sheds has thousands a second."""
    median: float = 4.0
    """Microseconds; half of the common losses are shorter."""
    spread: float = 1.0
    """Standard deviation of the logarithm of their lengths: two thirds between 1.5 and 11 us."""
    long_share: float = 0.03
    """Share of the losses that are long: craters and creases of the tape."""
    long_lines: float = 1.2
    """Their mean length in scan lines; exponentially distributed."""
    clusters: int = 3
    """Places of the picture where losses gather; they wander as the defect passes the tracks."""
    clustered: float = 0.6
    """Share of the losses that lie in them."""
    head_imbalance: float = 0.35
    """How much more than the mean the worse of two heads loses, 0 to 1; the other loses as much less."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        seconds = grid.lines(grid.height) / grid.standard.line_rate
        for position in moments.active():
            draw = moments.generator(position)
            head = 1 + self.head_imbalance * (1 - 2 * moments.head(position))
            shower = torch.randn(1, generator=draw).mul(0.6).exp() / math.exp(0.18)
            mean = self.per_second * seconds * moments.intensities[position] * head * shower
            count = int(torch.poisson(mean, generator=draw))
            starts = self._starts(count, grid, moments, position, draw)
            self.lose(damaged[position], picture[position], starts, self.lengths(count, grid, draw), grid, draw)
        return damaged

    def lengths(self, count: int, grid: Grid, draw: torch.Generator) -> Tensor:
        """(N,) samples of losses."""
        common = self.median * (self.spread * torch.randn(count, generator=draw)).exp()
        line = 1e6 / grid.standard.line_rate
        long = -self.long_lines * line * torch.rand(count, generator=draw).clamp(min=1e-6).log()
        chosen = torch.where(torch.rand(count, generator=draw) < self.long_share, long, common)
        return (grid.pixels(1.0) * chosen.clamp(SHORTEST, LONGEST_LINES * line)).long().clamp(min=1)

    def _starts(self, count: int, grid: Grid, moments: Moments, position: int, draw: torch.Generator) -> Tensor:
        lines, period = scan_lines(grid), scan_period(grid)
        line, column = lines * torch.rand(count, generator=draw), period * torch.rand(count, generator=draw)
        which = torch.randint(max(self.clusters, 1), (count,), generator=draw)
        gathered = torch.rand(count, generator=draw) < self.clustered
        scatter = torch.randn(2, count, generator=draw)
        for cluster in range(self.clusters):
            here = gathered & (which == cluster)
            middle, left, size = (
                moments.drift(position, f"{what} {cluster}", period)
                for what, period in (("line", 9.0), ("column", 14.0), ("size", 11.0))
            )
            line[here] = lines * (middle + (0.01 + 0.1 * size * size) * scatter[0, here])
            column[here] = grid.width * (left + 0.35 * scatter[1, here])
        return line.long() * period + column.long().clamp(0, period - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChromaDropouts(PicturePass):
    """Pieces of lines lose their colour and keep their luma; a little false colour stands in them.

    The colour-under carrier is weak and shares the tape with the luma's strong one: at a loss that the limiter of the
    luma still holds, colour is gone, and its narrow band makes the ends soft.

    AV Artifact Atlas: video dropout, chrominance noise.
    """

    kind: ClassVar[Kind] = Kind.CHROMA
    per_second: float = 900.0
    """Mean number at intensity 1."""
    mean_lines: float = 0.7
    """Mean length in scan lines; exponentially distributed."""
    rise: float = 1.5
    """Microseconds of the ends: a colour bandwidth of some 0.3 MHz."""
    tint: float = 0.07
    """Standard deviation of the false colour of a piece."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        period, lines = scan_period(grid), scan_lines(grid)
        for position in moments.active():
            draw = moments.generator(position)
            seconds = grid.lines(grid.height) / grid.standard.line_rate
            mean = torch.tensor(self.per_second * seconds * moments.intensities[position])
            count = int(torch.poisson(mean, generator=draw))
            starts = torch.randint(lines * period, (count,), generator=draw)
            drawn = -self.mean_lines * torch.rand(count, generator=draw).clamp(min=1e-4).log()
            lengths = (drawn * period).long().clamp(min=math.ceil(grid.pixels(2 * self.rise)))
            runs = runs_of(starts, lengths, grid)
            rise = max(grid.pixels(self.rise), 1.0)
            ends = torch.minimum(runs.step + 1, lengths[runs.run] - runs.step)
            cover = (ends / rise).clamp(max=1.0).to(picture.device)
            hue = (self.tint * torch.randn(2, count, generator=draw))[:, runs.run].to(picture.device)
            column = runs.column.to(picture.device)
            for row in (rows.to(picture.device) for rows in runs.rows()):
                damaged[position, 1:, row, column] = picture[position, 1:, row, column].lerp(hue, cover)
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratches(_Loss):
    """Lines at nearly the same height are lost in picture after picture.

    A scratch along the tape, from a dirty guide or a burr, is crossed by every sweep of the heads at the same place.
    The track lies at six degrees to the tape's edge, so that a scratch as narrow as 0.05 mm takes 0.1 ms: one and a
    half lines. In worn tape much of it is half lost.

    AV Artifact Atlas: scratches, tape wear.
    """

    compensator: Compensator = Compensator.NONE
    count: int = 5
    """Scratches across the tape's width."""
    width: float = 0.05
    """Millimetres of the widest at intensity 1."""
    wander: float = 2.5
    """Lines that a scratch moves up and down."""
    wear: float = 0.5
    """Share of each scratch's length that is worn through; the rest is in pieces. 0 to 1."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        period = scan_period(grid)
        for position in moments.active():
            draw = moments.generator(position)
            starts, lengths = [], []
            for scratch in range(self.count):
                place = moments.constant(f"line {scratch}") * scan_lines(grid)
                place += self.wander * (2 * moments.drift(position, f"wander {scratch}", 15.0) - 1)
                size = self.width * (0.25 + 0.75 * moments.constant(f"width {scratch}")) * moments.intensities[position]
                samples = grid.pixels(1e6 * size / CROSSING)
                along = torch.rand(2, 8, generator=draw)
                start = place * period + grid.pixels(2.0) * torch.randn(1, generator=draw)
                starts += [start, start + samples * along[0]]
                lengths += [torch.tensor([self.wear * samples]), -0.15 * samples * along[1].clamp(min=0.01).log()]
            runs = (torch.cat(starts).long(), torch.cat(lengths).long().clamp(min=1))
            self.lose(damaged[position], picture[position], *runs, grid, draw)
        return damaged
