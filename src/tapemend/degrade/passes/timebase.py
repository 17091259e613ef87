"""Time base: lines and pictures that come early or late, and what a time base corrector makes of them."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import pad

from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Kind, LinePass, Moments, PicturePass, TearingPass
from tapemend.degrade.timeline import uniform

CONVERTER_FLOOR = -15 / 219
"""Luma of the lowest code that a converter gives, 1 of 8 bits (BT.601-7: black is 16, white 235)."""


def hidden_lines(grid: Grid) -> float:
    """Lines of a field that are not in the picture: 24.5 of 312.5, or 22.5 of 262.5."""
    return grid.standard.line_rate / grid.standard.field_rate - grid.standard.field_lines


def head_passes(grid: Grid) -> Tensor:
    """(H,) sweeps of a quadruplex drum from the top of the picture to each row.

    The drum turns 240 or 250 times a second and has four heads: 16 sweeps of 16.4 lines are a field of 525 lines, 20
    of 15.6 one of 625 lines (IEC 60347, transverse track recorders). So a head comes back to the same lines.
    """
    sweeps = 20 if grid.standard is Standard.PAL else 16
    return grid.line_numbers() * sweeps * grid.standard.field_rate / grid.standard.line_rate


def sway(moments: Moments, position: int, share: float, period: float) -> float:
    """A level that swings slowly: always 1 at a share of 0, from side to side, -1 to 1, at a share of 1."""
    return 1 - share + share * (2 * moments.drift(position, "sway", period) - 1)


def leaky_walk(rows: int, memory: float, draw: torch.Generator) -> Tensor:
    """(rows,) a random walk that forgets over ``memory`` rows, unit variance; a servo pulls it back."""
    memory = max(memory, 0.01)
    reach = math.ceil(5 * memory)
    kernel = torch.exp(-torch.arange(reach, -1, -1) / memory)
    steps = torch.randn(rows + reach, generator=draw)
    return torch.conv1d(steps[None, None], (kernel / kernel.norm())[None, None])[0, 0]


def move_in_blanking(lines: Tensor, shift: Tensor) -> Tensor:
    """(3, R, W) lines moved right by (R,) pixels; what comes in from their ends is blanking, so black."""
    planes, rows, width = lines.shape
    shift = shift.clamp(-width, width)
    whole = shift.floor().long()
    border = int(whole.abs().max()) + 1
    wide = pad(lines, (border, border))
    starts = torch.arange(planes * rows) * wide.shape[-1] + (border - whole).repeat(planes)
    starts, later = starts.to(lines.device), (shift - whole).repeat(planes)[:, None].to(lines.device)
    windows = wide.flatten().unfold(0, width, 1)
    moved = windows.index_select(0, starts).lerp_(windows.index_select(0, starts - 1), later)
    return moved.reshape(planes, rows, width)


def runs(touched: Tensor) -> list[slice]:
    """The stretches of an (H,) mask that are true."""
    edges = torch.diff(pad(touched.int(), (1, 1))).nonzero()[:, 0].tolist()
    return [slice(first, stop) for first, stop in zip(edges[::2], edges[1::2], strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineJitter(LinePass):
    """Verticals wobble and fray: each line comes a little early or late.

    The tape's speed under the head is uneven: friction gives a random walk from line to line, the drum's bearing and
    motor a wave that stands still, since the drum is locked to the picture, the capstan a wave that runs through it.
    AV Artifact Atlas: time-base error; with only ``line_microseconds``, AV Artifact Atlas: video jitter.
    """

    walk_microseconds: float = 0.22
    """RMS of the random walk down the picture."""
    walk_lines: float = 12.0
    """Lines over which the walk forgets."""
    line_microseconds: float = 0.03
    """RMS of each line's own error; decks without a corrector have 20 to 50 ns."""
    drum_microseconds: float = 0.12
    """RMS of the drum's wave."""
    drum_harmonic: int = 5
    """Waves for each turn of the drum; a turn is two fields (IEC 60774-1)."""
    capstan_microseconds: float = 0.12
    """RMS of the capstan's wave."""
    capstan_hertz: float = 131.0
    """Frequency of the capstan motor's cogging."""

    def shift(self, grid: Grid, moments: Moments) -> Tensor:
        shift = torch.zeros(len(moments.indices), grid.height)
        standard = grid.standard
        for position in moments.active():
            draw = moments.generator(position)
            seconds = grid.seconds(moments.indices[position])
            drum = _sine(self.drum_harmonic * standard.field_rate / 2 * seconds + moments.constant("drum"))
            capstan = _sine(self.capstan_hertz * seconds + moments.constant("capstan"))
            microseconds = (
                self.walk_microseconds * leaky_walk(grid.height, grid.rows(self.walk_lines), draw)
                + self.line_microseconds * torch.randn(grid.height, generator=draw)
                + self.drum_microseconds * drum
                + self.capstan_microseconds * capstan
            )
            shift[position] = microseconds * grid.pixels(moments.intensities[position])
        return shift


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagging(LinePass):
    """The top of the picture bends aside like a flag in the wind, the bottom a little.

    Wrong tape tension makes the tracks longer or shorter than they were recorded: lines jump at the change of heads,
    and the display's flywheel needs many lines to follow. AV Artifact Atlas: skew error (flagging).
    """

    microseconds: float = 5.0
    """Displacement of the first line, to the right."""
    lines: float = 14.0
    """Lines over which the hook falls to 37 %."""
    bottom_microseconds: float = 2.0
    """Displacement of the last line."""
    bottom_lines: float = 4.0
    """Lines over which the bottom's hook grows."""
    swing: float = 0.5
    """Share of it that swings: 0 stands still, 1 goes from side to side."""
    period: float = 9.0
    """Pictures between its turns."""

    def shift(self, grid: Grid, moments: Moments) -> Tensor:
        shift = torch.zeros(len(moments.indices), grid.height)
        lines = grid.line_numbers()
        top = self.microseconds * torch.exp(-lines / self.lines)
        bottom = self.bottom_microseconds * torch.exp((lines - lines[-1]) / self.bottom_lines)
        for position in moments.active():
            level = sway(moments, position, self.swing, self.period)
            shift[position] = (top + bottom) * level * grid.pixels(moments.intensities[position])
        return shift


@dataclass(frozen=True, slots=True, kw_only=True)
class TensionSkew(LinePass):
    """The picture breaks sideways in one step near its bottom, and what is left of the step bends its top.

    A track that is too long or too short ends early or late: the next head's first line comes with the difference,
    which the flywheel takes up over the lines that follow, hidden ones among them. AV Artifact Atlas: skew error
    (flagging).
    """

    microseconds: float = 6.0
    """Step at the change of heads, to the right."""
    switch_lines: float = 4.0
    """Lines from the change of heads to the bottom of the picture; VHS changes 6.5 +- 1.5 lines before the vertical
    sync (IEC 60774-1), of which 2.5 are not in the picture."""
    recovery_lines: float = 22.0
    """Lines over which the flywheel brings the step to 37 %."""
    swing: float = 0.15
    """Share of it that swings with the tension: 0 stands still, 1 goes from side to side."""
    period: float = 20.0
    """Pictures between its turns."""

    def shift(self, grid: Grid, moments: Moments) -> Tensor:
        shift = torch.zeros(len(moments.indices), grid.height)
        lines = grid.line_numbers()
        switch = grid.standard.field_lines - self.switch_lines
        since = torch.where(lines < switch, lines + self.switch_lines + hidden_lines(grid), lines - switch)
        step = self.microseconds * torch.exp(-since / self.recovery_lines)
        for position in moments.active():
            level = sway(moments, position, self.swing, self.period)
            shift[position] = step * level * grid.pixels(moments.intensities[position])
        return shift


@dataclass(frozen=True, slots=True, kw_only=True)
class DihedralError(LinePass):
    """Verticals open into a V at the top: alternate fields lean to opposite sides.

    The two heads are not half a turn apart, so one field comes early and the next late by the same time. AV Artifact
    Atlas: dihedral maladjustment.
    """

    microseconds: float = 2.5
    """How early or late a head's first line is."""
    lines: float = 24.0
    """Lines over which the display's flywheel brings it to 37 %."""

    def shift(self, grid: Grid, moments: Moments) -> Tensor:
        shift = torch.zeros(len(moments.indices), grid.height)
        lean = self.microseconds * torch.exp(-grid.line_numbers() / self.lines)
        for position in moments.active():
            side = 1 - 2 * moments.head(position)
            shift[position] = lean * side * grid.pixels(moments.intensities[position])
        return shift


@dataclass(frozen=True, slots=True, kw_only=True)
class VacuumGuideError(LinePass):
    """Verticals become scallops, a bow for each sweep of about 16 lines, or saw teeth.

    A vacuum guide cups two-inch tape around the drum. At a wrong height the head's speed along the tape changes in the
    sweep, which bows the lines; pressed too far or too little, every sweep is stretched, which tilts them. AV Artifact
    Atlas: vacuum guide error.
    """

    scallop_microseconds: float = 0.8
    """Depth of the bow: guide height."""
    skew_microseconds: float = 0.0
    """Depth of the saw tooth: guide position."""
    swing: float = 0.05
    """Share of it that swings: 0 stands still, 1 goes from side to side."""
    period: float = 30.0
    """Pictures between its turns."""

    def shift(self, grid: Grid, moments: Moments) -> Tensor:
        shift = torch.zeros(len(moments.indices), grid.height)
        along = 2 * (head_passes(grid) % 1) - 1
        bow = self.scallop_microseconds * (along.square() - 1 / 3) + self.skew_microseconds * along / 2
        for position in moments.active():
            level = sway(moments, position, self.swing, self.period)
            shift[position] = bow * level * grid.pixels(moments.intensities[position])
        return shift


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedLines(PicturePass):
    """Groups of lines all show the line above them; in places only a block of the lines does.

    A time base corrector has no good line to read, so it gives the last one again until the tape is readable. Groups
    keep to the part of the picture where the tape is bad. AV Artifact Atlas: TBC processing artifact.
    """

    kind: ClassVar[Kind] = Kind.LINES
    groups: float = 9.0
    """Mean number of groups in a picture at intensity 1."""
    lines: float = 6.0
    """Mean number of lines of a group; lengths are exponential."""
    blocks: float = 0.35
    """Share of the groups that are blocks."""
    block_microseconds: float = 14.0
    """Mean width of a block."""
    spread: float = 0.25
    """Standard deviation of the groups' places around the bad part, share of the picture's height."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            draw = moments.generator(position)
            mean = torch.tensor(self.groups * moments.intensities[position])
            centre = moments.drift(position, "centre", 40.0)
            for _ in range(int(torch.poisson(mean, generator=draw).clamp(max=60).item())):
                length, width, kind, left = torch.rand(4, generator=draw).tolist()
                place = centre + self.spread * torch.randn(1, generator=draw).item()
                top = 1 + int(place % 1 * (grid.height - 1))
                rows = 1 + int(grid.rows(-math.log(1 - length) * self.lines))
                held = damaged[position, :, top - 1 : top + rows]
                if kind < self.blocks:
                    first = int(left * grid.width)
                    held = held[
                        ..., first : first + 1 + int(grid.pixels(-math.log(1 - width) * self.block_microseconds))
                    ]
                held[:, 1:] = held[:, :1].clone()
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPicture(PicturePass):
    """The picture stands still for a few pictures, then jumps on.

    A corrector with a picture store shows what it has while the tape gives no sync. AV Artifact Atlas: TBC processing
    artifact.
    """

    kind: ClassVar[Kind] = Kind.GEOMETRY
    memory: ClassVar[int] = 12
    pictures: float = 8.0
    """Longest hold, pictures, at intensity 1; up to 12."""
    period: int = 20
    """Pictures in which there is one hold."""
    frames: bool = False
    """The store holds two fields, and shows them in turn."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            held = self._held(moments, position)
            damaged[position] = picture[max(position - held, 0)]
        return damaged

    def _held(self, moments: Moments, position: int) -> int:
        """How many pictures ago the shown one was read."""
        block, age = divmod(moments.indices[position], self.period)
        length = self.pictures * (0.4 + 0.6 * uniform(moments.seed, moments.name, "length", block))
        start = int(uniform(moments.seed, moments.name, "start", block) * max(self.period - length, 0))
        age -= start
        if not 0 <= age <= min(length * moments.intensities[position], self.memory):
            return 0
        return age - age % 2 if self.frames else age


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncLoss(TearingPass):
    """The picture rolls: the black bar between two pictures passes through, and lines tear where it ends.

    The display or digitiser does not find the vertical sync, so it starts its pictures anywhere; after the bar its
    flywheel has to find the lines again. Weak sync only slips and is caught: at half the intensity the picture rolls
    half its height and falls back. AV Artifact Atlas: sync loss (roll).
    """

    kind: ClassVar[Kind] = Kind.GEOMETRY
    pictures: float = 45.0
    """Pictures of a full roll; negative rolls upwards."""
    unevenness: float = 0.4
    """Rolls that the speed runs ahead or falls behind."""
    tear_microseconds: float = 7.0
    """Displacement of the first line after the bar, to the right."""
    tear_lines: float = 20.0
    """Lines over which it falls to 37 %."""
    tear_noise: float = 0.35
    """RMS of the lines' own errors there, share of the tear."""
    test_signal: bool = True
    """Two lines of the bar carry an insertion test signal, as broadcasts do (BT.473)."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        bar = self._bar(grid).to(picture.device)
        for position in moments.active():
            top = grid.height + bar.shape[1] - self._first(grid, moments, position)
            endless = torch.cat([picture[position], bar, picture[position]], 1)
            damaged[position] = endless[:, top : top + grid.height]
            shift = self.tear(grid, moments, position, moments.generator(position))
            for rows in runs(shift != 0):
                damaged[position, :, rows] = move_in_blanking(damaged[position, :, rows], shift[rows])
        return damaged

    def tear(self, grid: Grid, moments: Moments, position: int, draw: torch.Generator) -> Tensor:
        since = torch.arange(grid.height) - self._first(grid, moments, position)
        lines = since % (grid.height + self._bar_rows(grid)) * grid.lines(1.0)
        walk = leaky_walk(grid.height, grid.rows(3.0), draw)
        tear = self.tear_microseconds * torch.exp(-lines / self.tear_lines) * (1 + self.tear_noise * walk)
        return torch.where(lines < 5 * self.tear_lines, tear * grid.pixels(moments.intensities[position]), 0.0)

    def _first(self, grid: Grid, moments: Moments, position: int) -> int:
        """The row at which the picture's first line is; above it is the bar."""
        ahead = self.unevenness * moments.drift(position, "ahead", 25.0)
        turns = moments.indices[position] / self.pictures + moments.constant("start") + ahead
        return int(turns % 1 * moments.intensities[position] * (grid.height + self._bar_rows(grid)))

    def _bar_rows(self, grid: Grid) -> int:
        return max(1, round(grid.rows(hidden_lines(grid))))

    def _bar(self, grid: Grid) -> Tensor:
        """(3, R, W) the lines between two pictures: half a picture's equalising and broad pulses, then black ones."""
        rows = self._bar_rows(grid)
        lines = torch.arange(rows) * grid.lines(1.0)
        along = torch.linspace(0, 1, grid.width)
        bar = torch.zeros(3, rows, grid.width)
        bar[0, (lines >= 2.5) & (lines < 5)] = CONVERTER_FLOOR
        if self.test_signal:
            staircase = ((along - 0.45) * 10).floor().clamp(0, 5) / 5
            bar[0, (lines >= 15) & (lines < 17)] = torch.where(along < 0.2, 1.0, staircase)
        return bar


@dataclass(frozen=True, slots=True, kw_only=True)
class VerticalJitter(PicturePass):
    """The whole picture hops up and down by a line or so.

    Noise at the vertical sync, or a track that starts early or late, makes the digitiser count its lines from the
    wrong one; lines are counted, so hops at intensity 1 are whole lines. AV Artifact Atlas: video jitter.
    """

    kind: ClassVar[Kind] = Kind.GEOMETRY
    lines: float = 1.0
    """RMS of the hops from picture to picture."""
    weave_lines: float = 0.5
    """Reach of a slow up and down."""
    bounce_lines: float = 0.0
    """How much lower the pictures of the second head are."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            hop = torch.randn(1, generator=moments.generator(position)).item()
            weave = 2 * moments.drift(position, "weave", 12.0) - 1
            lines = self.lines * hop + self.weave_lines * weave + self.bounce_lines * moments.head(position)
            down = grid.rows(round(lines)) * moments.intensities[position]
            rows = math.floor(down)
            damaged[position] = pad(picture[position], (0, 0, rows, -rows))
            if down > rows:
                damaged[position].lerp_(pad(picture[position], (0, 0, rows + 1, -rows - 1)), down - rows)
        return damaged


def _sine(turns: Tensor) -> Tensor:
    """Unit variance."""
    return (2 * math.pi * turns).sin().float() * math.sqrt(2)
