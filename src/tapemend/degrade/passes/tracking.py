"""Heads and tracks: what a head reads of a track that it does not follow, or not all of, or through dirt.

How strong, dense and soft snow is and how far lines are torn was set by eye.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor

from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Kind, Moments, PicturePass, TearingPass
from tapemend.degrade.passes.colour import turned
from tapemend.degrade.passes.timebase import (
    CONVERTER_FLOOR,
    head_passes,
    hidden_lines,
    leaky_walk,
    move_in_blanking,
    runs,
    sway,
)
from tapemend.degrade.signal import Response, filter_lines, low_pass, noise_lines
from tapemend.degrade.timeline import generator

STRIP_LINES = 256
"""Lines' worth of each kind of noise that is kept; pictures take windows of it at random."""
ENVELOPE_HERTZ = 0.22e6
"""Bandwidth of the carrier's level along a line where little of it is left: streaks of some microseconds."""
COLOUR_HERTZ = 0.5e6
"""Bandwidth of colour-under chroma (IEC 60774-1)."""
LUMA_HERTZ = 3.0e6
"""Bandwidth of VHS luma (IEC 60774-1)."""
CLICK_MICROSECONDS = 0.45
"""Time constant of the tail that a demodulator's click has after the de-emphasis."""
CLICKS_PER_MICROSECOND = 1.8
"""Of a frequency demodulator that gets noise alone."""
SNOW_MEAN, SNOW_SIGMA = 0.5, 0.3
"""Luma of a demodulator that gets noise alone: about the middle of its range, and it fills it."""
CONVERTER_TOP = 238 / 219
"""Luma of the highest code that a converter gives, 254 of 8 bits (BT.601-7)."""
COLOUR_SIGMA = 0.06
"""Chroma's noise where half of its carrier is lost."""
LEAST_SHIFT, LEAST_LOSS = 0.1, 0.002
"""Pixels, and share of a line: what is less is not seen, and lines of less are left as they are."""
SNOW_EDGE = 0.9
"""Softness of the threshold where picture turns into snow, standard deviations of the carrier's level."""


def bury(luma: Tensor, loss: Tensor, grid: Grid, draw: torch.Generator, clustering: float = 0.4) -> None:
    """Make (R, W) lines, in place, what a frequency demodulator gives when it loses its carrier.

    loss: (R, 1) or (R, W), share of each line that is below the threshold, 0 the picture and 1 all snow. The carrier
    dips along the line, and differs from line to line by the share ``clustering``, so snow comes in streaks and in
    whole lines.
    """
    own = torch.randn(len(luma), 1, generator=draw) * math.sqrt(clustering)
    threshold = (own + torch.special.ndtri(loss)) / SNOW_EDGE + 0.5
    level = _windows("envelope", len(luma), grid, draw).mul_(math.sqrt(1 - clustering) / SNOW_EDGE)
    cover = level.add_(threshold).clamp_(0, 1)
    luma.lerp_(_windows("snow", len(luma), grid, draw).to(luma.device), cover.to(luma.device))


def discolour(chroma: Tensor, loss: Tensor, sigma: float, grid: Grid, draw: torch.Generator) -> None:
    """Take from (2, R, W) chroma, in place, the share (R, 1) of its carrier that is lost, and add noise of ``sigma``.

    Noise is strongest half way: without any carrier the colour killer takes it away too.
    """
    noisy = 4 * sigma * loss * (1 - loss)
    for plane in chroma:
        noise = _windows("colour", len(plane), grid, draw).mul_(noisy).to(plane.device)
        torch.addcmul(noise, plane, (1 - loss).to(plane.device), out=plane)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistracking(TearingPass):
    """Bars of white and dark streaks in which lines are torn sideways and colour is gone.

    Where the head strays from its track onto a neighbour of the other azimuth there is no carrier to read: luma turns
    into the demodulator's clicks, the lines' sync is found anywhere, the colour killer closes. AV Artifact Atlas:
    tracking error (mistracking); with several bars rolling, AV Artifact Atlas: long play mismatch, incorrect speed.
    """

    kind: ClassVar[Kind] = Kind.LINES
    place: float = 0.75
    """Centre of the first bar, share of the picture's height from the top."""
    height_lines: float = 64.0
    """Height of a bar, at its foot."""
    bars: int = 1
    """Bars in a picture, at even distances."""
    roll_lines: float = 0.0
    """Lines that the bars move down from picture to picture; negative up."""
    wander: float = 0.06
    """How far the bars stray from their place, share of the picture's height."""
    period: float = 30.0
    """Pictures between the turns of that."""
    flatness: float = 1.6
    """How soon a bar's loss is complete from its edge to its middle: 1 just there, more on a wider plateau."""
    loss: float = 0.97
    """Largest share of a line that is snow."""
    wave_microseconds: float = 2.5
    """Displacement of a bar's middle, to the right."""
    jitter_microseconds: float = 1.6
    """RMS of the lines' own errors in a bar's middle."""
    other_head: float = 0.6
    """How much of it the second head gets: 1 as much, 0 nothing, so that each other field is good."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            draw = moments.generator(position)
            shift = self.tear(grid, moments, position, draw)
            _misread(damaged[position], self.loss * self._depth(grid, moments, position), shift, grid, draw)
        return damaged

    def tear(self, grid: Grid, moments: Moments, position: int, draw: torch.Generator) -> Tensor:
        depth = self._depth(grid, moments, position)
        walk = leaky_walk(grid.height, grid.rows(1.5), draw)
        shift = depth * (self.wave_microseconds * depth + self.jitter_microseconds * walk) * grid.pixels(1.0)
        return _worth_moving(shift)

    def _depth(self, grid: Grid, moments: Moments, position: int) -> Tensor:
        """(H,) how far off its track the head is: 1 in the middles of the bars, 0 from their edges on."""
        lines, between = grid.line_numbers(), (grid.standard.field_lines + hidden_lines(grid)) / max(self.bars, 1)
        strayed = self.wander * (2 * moments.drift(position, "place", self.period) - 1)
        middle = (self.place + strayed) * grid.standard.field_lines + self.roll_lines * moments.indices[position]
        away = ((lines - middle + between / 2) % between - between / 2).abs()
        profile = (1 - away / (self.height_lines / 2)).clamp(min=0.0)
        share = moments.intensities[position] * (self.other_head if moments.head(position) else 1.0)
        return (profile * self.flatness).clamp(max=1.0) * share


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSwitching(TearingPass):
    """The last lines are torn to one side, noisy and pale, and it begins in the middle of a line.

    There one head leaves the tape and the other has just come onto it: the signal jumps in time, the flywheel follows
    over some lines, and the automatic gain and colour loops settle. AV Artifact Atlas: head-switching noise.
    """

    kind: ClassVar[Kind] = Kind.LINES
    height_lines: float = 6.5
    """Lines from the change of heads to the vertical sync; VHS: 6.5 +- 1.5 (IEC 60774-1)."""
    offset_lines: float = 1.5
    """How many of these are below the picture."""
    microseconds: float = 5.5
    """Displacement of the first line after the change, to the right."""
    recovery_lines: float = 3.5
    """Lines over which it falls to 37 %."""
    jitter_microseconds: float = 0.5
    """RMS of the lines' own errors there."""
    heads_differ: float = 0.15
    """How much more one head's jump is, and how much less the other's, share of it."""
    start: float = 0.62
    """Where along the line the change comes, share of its length."""
    start_jitter: float = 0.03
    """RMS of that from picture to picture."""
    noise: float = 0.5
    """Share of the first line after the change that is snow."""
    noise_lines: float = 1.8
    """Lines over which that falls to 37 %."""
    colour_loss: float = 0.8
    """Share of the colour that the first line after the change has lost; it comes back half as fast as noise goes."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        since = self._since(grid)
        count, first_rows = len(since), since < 1.0
        columns = torch.linspace(0, 1, grid.width)
        for position in moments.active():
            intensity, draw = moments.intensities[position], moments.generator(position)
            start, late = self._change(grid, moments, position, draw)
            lines = picture[position, :, -count:]
            moved = move_in_blanking(lines, late)
            noisy = intensity * torch.exp(-since / self.noise_lines)[:, None]
            pale = self.colour_loss * intensity * torch.exp(-since / (2 * self.noise_lines))[:, None]
            discolour(moved[1:], pale, 0.08, grid, draw)
            burst = torch.exp(-(columns - start).clamp(min=0) / 0.1)
            burst = torch.where(first_rows[:, None], burst, 1.0)
            bury(moved[0], self.noise * noisy * burst, grid, draw, clustering=0.1)
            before = (first_rows[:, None] & (columns < start)).to(picture.device)
            damaged[position, :, -count:] = torch.where(before, lines, moved)
        return damaged

    def tear(self, grid: Grid, moments: Moments, position: int, draw: torch.Generator) -> Tensor:
        """The first line counts as moved where most of it is."""
        start, late = self._change(grid, moments, position, draw)
        moved = torch.where((self._since(grid) < 1.0) & (start > 0.5), 0.0, late)
        return torch.cat([torch.zeros(grid.height - len(moved)), moved])

    def _since(self, grid: Grid) -> Tensor:
        """(R,) lines since the change of heads, of the picture's last rows."""
        count = min(grid.height, max(1, round(grid.rows(self.height_lines - self.offset_lines))))
        return torch.arange(count) * grid.lines(1.0)

    def _change(self, grid: Grid, moments: Moments, position: int, draw: torch.Generator) -> tuple[float, Tensor]:
        """Where along its line the change of heads comes, and (R,) by how many pixels the last rows are late."""
        since = self._since(grid)
        start = self.start + self.start_jitter * torch.randn(1, generator=draw).item()
        head = 1 + self.heads_differ * (1 - 2 * moments.head(position))
        own = self.jitter_microseconds * torch.randn(len(since), generator=draw)
        late = self.microseconds * head * torch.exp(-since / self.recovery_lines) + own
        return start, late * grid.pixels(moments.intensities[position])


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadClog(PicturePass):
    """Every other field is buried in snow, partly or whole, without colour; it comes and goes over some pictures.

    Debris fills one head's gap: its carrier sinks until the demodulator gets noise alone, worst where the dirt holds
    the tape off, and comes back when the tape wipes the head. AV Artifact Atlas: video head clog; with ``both`` and
    little ``loss``, AV Artifact Atlas: low RF.
    """

    kind: ClassVar[Kind] = Kind.NOISE
    head: int = 1
    """Which of the two heads is dirty."""
    both: bool = False
    """Both are."""
    loss: float = 1.0
    """Largest share of a line that is snow."""
    extent: float = 1.0
    """How much of the picture the worst is, share of its height."""
    steadiness: float = 0.3
    """The least the clog is: 1 does not come and go."""
    period: float = 25.0
    """Pictures between its turns."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        down = torch.linspace(0, 1, grid.height)
        for position in moments.active():
            if not self.both and moments.head(position) != self.head:
                continue
            dirt = (1.5 * moments.drift(position, "dirt", self.period) - 0.25) * (1 - self.steadiness)
            level = moments.intensities[position] * min(max(self.steadiness + dirt, 0.0), 1.0)
            middle = moments.drift(position, "middle", 2 * self.period)
            away = (down - middle).abs() / max(self.extent, 0.01)
            loss = self.loss * level * (2 * level - away + 0.1).clamp(0, 1)
            _misread(damaged[position], loss, torch.zeros(grid.height), grid, moments.generator(position))
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class DirtyDrum(PicturePass):
    """Grainy, discoloured lines across the whole picture stay for many pictures and creep up or down.

    Dirt or a score on the drum lifts the tape where the head passes it, at the same lines of every picture. AV
    Artifact Atlas: dirty head drum.
    """

    kind: ClassVar[Kind] = Kind.LINES
    count: int = 7
    """Dirty lines on the drum."""
    thickness_lines: float = 2.4
    """Height of the largest."""
    creep: float = 0.05
    """How far a line moves, share of the picture's height."""
    period: float = 150.0
    """Pictures between the turns of that."""
    loss: float = 0.55
    """Largest share of a line that is snow."""
    tint: float = 0.16
    """Largest chroma that a line takes on."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            draw = moments.generator(position)
            rows, loss, tint = self._lines(grid, moments, position)
            lines = picture[position, :, rows]
            bury(lines[0], self.loss * loss, grid, draw, clustering=0.15)
            discolour(lines[1:], 0.9 * loss, 0.06, grid, draw)
            lines[1:] += (tint * loss).to(picture.device)
            damaged[position, :, rows] = lines
        return damaged

    def _lines(self, grid: Grid, moments: Moments, position: int) -> tuple[Tensor, Tensor, Tensor]:
        """(R,) rows that are dirty, (R, 1) how much each, (2, R, 1) the chroma of its tint."""
        loss, tint = torch.zeros(grid.height), torch.zeros(2, grid.height)
        for line in range(self.count):
            place = moments.constant(f"place {line}") + self.creep * moments.drift(position, f"{line}", self.period)
            strength = 0.35 + 0.65 * moments.drift(position, f"strength {line}", 20.0)
            thickness = (0.3 + 0.7 * moments.constant(f"thickness {line}")) * self.thickness_lines
            top = int(place % 1 * grid.height)
            rows = slice(top, top + max(1, round(grid.rows(thickness))))
            turn = 2 * math.pi * moments.constant(f"hue {line}")
            loss[rows] = strength * moments.intensities[position]
            tint[:, rows] = self.tint * torch.tensor([[math.cos(turn)], [math.sin(turn)]])
        touched = loss.nonzero()[:, 0]
        return touched, loss[touched, None], tint[:, touched, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthwiseChange(TearingPass):
    """Towards one end of the picture snow grows, colour goes and lines lean aside.

    Tape that stretched or shrank along its length has its tracks at another angle: the head leaves the track more and
    more, and every line is late or early by more than the last. AV Artifact Atlas: lengthwise expansion, lengthwise
    shrinkage.
    """

    kind: ClassVar[Kind] = Kind.LINES
    microseconds: float = 4.0
    """Displacement of the last line at that end: to the right for stretched tape, negative for shrunken."""
    reach: float = 0.6
    """Share of the picture's height that is harmed."""
    loss: float = 0.8
    """Largest share of a line that is snow, at the end."""
    top: bool = False
    """It is the top of the picture that is harmed."""
    swing: float = 0.1
    """Share of it that swings: 0 stands still, 1 goes from side to side."""
    period: float = 30.0
    """Pictures between its turns."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            draw = moments.generator(position)
            shift = self.tear(grid, moments, position, draw)
            loss = self.loss * self._level(moments, position) * self._off_track(grid).square()
            _misread(damaged[position], loss, shift, grid, draw)
        return damaged

    def tear(self, grid: Grid, moments: Moments, position: int, draw: torch.Generator) -> Tensor:
        level, off_track = self._level(moments, position), self._off_track(grid)
        loss = self.loss * level * off_track.square()
        lean = self.microseconds * off_track.square() + 0.4 * loss * leaky_walk(grid.height, grid.rows(2.0), draw)
        return _worth_moving(lean * grid.pixels(level))

    def _off_track(self, grid: Grid) -> Tensor:
        """(H,) 0 where the head follows the track, 1 at the end where it is farthest from it."""
        down = torch.linspace(1, 0, grid.height) if self.top else torch.linspace(0, 1, grid.height)
        return (1 - (1 - down) / max(self.reach, 0.01)).clamp(min=0.0)

    def _level(self, moments: Moments, position: int) -> float:
        return moments.intensities[position] * abs(sway(moments, position, self.swing, self.period))


@dataclass(frozen=True, slots=True, kw_only=True)
class Crease(TearingPass):
    """Narrow bands of snow with a kink in every vertical move steadily down the picture.

    The head rides over a fold: it loses contact and its way along the tape is longer. Tracks are slanted, so a fold
    across the tape meets each track later than the one before. A track of VHS spans 97 mm of tape, which passes at
    23.4 mm/s (625 lines, SP; IEC 60774-1): 207 pictures from top to bottom, 1.4 lines from one to the next. AV Artifact
    Atlas: tape deformation; with ``speed_lines`` 0 at ``place`` 1, a curled edge.
    """

    kind: ClassVar[Kind] = Kind.LINES
    speed_lines: float = 1.4
    """Lines that it moves down from picture to picture."""
    place: float = 0.3
    """Where it is at the tape's start, share of the picture's height."""
    height_lines: float = 12.0
    """Height of a fold's band, where its effect is over half its largest."""
    folds: int = 2
    """Folds that follow each other, as where a pack of tape cinched."""
    spacing_lines: float = 34.0
    """Lines between these."""
    loss: float = 0.85
    """Largest share of a line that is snow."""
    wave_microseconds: float = 2.2
    """Largest displacement, one way before the fold and the other way after it."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            draw = moments.generator(position)
            shift = self.tear(grid, moments, position, draw)
            loss, _ = self._folded(grid, moments, position)
            _misread(damaged[position], self.loss * moments.intensities[position] * loss, shift, grid, draw)
        return damaged

    def tear(self, grid: Grid, moments: Moments, position: int, draw: torch.Generator) -> Tensor:
        loss, wave = self._folded(grid, moments, position)
        own = 0.15 * loss * leaky_walk(grid.height, grid.rows(1.0), draw)
        return _worth_moving((4 * wave + own) * self.wave_microseconds * grid.pixels(moments.intensities[position]))

    def _folded(self, grid: Grid, moments: Moments, position: int) -> tuple[Tensor, Tensor]:
        """(H,) how far each line is off the head, 0 to 1, and (H,) its way along the tape, longer or shorter."""
        lines, whole = grid.line_numbers(), grid.standard.field_lines + hidden_lines(grid)
        middle = self.place * grid.standard.field_lines + self.speed_lines * moments.indices[position]
        loss, wave = torch.zeros(grid.height), torch.zeros(grid.height)
        for fold in range(self.folds):
            size = 1.0 if fold == 0 else 0.3 + 0.6 * moments.constant(f"fold {fold}")
            away = (lines - middle + fold * self.spacing_lines + whole / 2) % whole - whole / 2
            bump = size * torch.exp(-4 * math.log(2) * (away / (self.height_lines * size)).square())
            loss = torch.maximum(loss, bump.square())
            wave += bump * (away / self.height_lines)
        return loss, wave


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashRecord(PicturePass):
    """A band of rainbow and coloured noise slides down the picture.

    An edit began without the erase head before the drum having passed the tape: under the new colour the old one is
    still there, and the two carriers beat. The border of erased tape lies across it and tracks are slanted, so it
    takes seconds to move from top to bottom. AV Artifact Atlas: crash record.
    """

    kind: ClassVar[Kind] = Kind.CHROMA
    speed_lines: float = 1.4
    """Lines that it moves down from picture to picture; VHS, see Crease."""
    place: float = 0.3
    """Where its middle is at the tape's start, share of the picture's height."""
    height_lines: float = 90.0
    """Height of the band."""
    edge_lines: float = 10.0
    """Lines over which it comes and goes."""
    rainbow: float = 0.12
    """Chroma of the beat."""
    turns: float = 1.6
    """Turns of hue along a line."""
    line_turns: float = 0.045
    """Turns of hue from line to line."""
    noise: float = 0.06
    """RMS of the chroma's noise."""
    luma_noise: float = 0.04
    """RMS of luma's."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        lines = grid.line_numbers()
        whole = grid.standard.field_lines + hidden_lines(grid)
        along = torch.linspace(0, self.turns, grid.width)
        for position in moments.active():
            draw = moments.generator(position)
            middle = self.place * grid.standard.field_lines + self.speed_lines * moments.indices[position]
            away = ((lines - middle + whole / 2) % whole - whole / 2).abs()
            depth = ((self.height_lines / 2 - away) / self.edge_lines).clamp(0, 1) * moments.intensities[position]
            touched = depth.nonzero()[:, 0]
            depth = depth[touched, None]
            rows = len(touched)
            wander = leaky_walk(rows, grid.rows(8.0), draw)[:, None] * 0.08 if rows else depth
            phase = 3 * moments.drift(position, "phase", 6.0) + self.line_turns * lines[touched, None] + wander
            angle = 2 * math.pi * (along + phase)
            beat = torch.stack([angle.cos(), angle.sin()]) * self.rainbow
            noise = torch.stack([_windows("colour", rows, grid, draw) for _ in range(2)]) * self.noise
            grain = _windows("grain", rows, grid, draw) * self.luma_noise
            change = torch.cat([grain[None], beat + noise]) * depth
            change[1:] -= 0.5 * depth * picture[position, 1:, touched].cpu()
            damaged[position, :, touched] += change.to(picture.device)
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadBanding(PicturePass):
    """Bands of 16 lines differ in colour, brightness and grain, in turns of four.

    The four heads of a quadruplex drum are each equalised by hand; one set wrongly shows at its own lines of every
    picture. AV Artifact Atlas: head equalisation error.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    saturation: float = 0.35
    """Largest share by which a head's colour is too strong or too weak."""
    hue_degrees: float = 14.0
    """Largest error of a head's hue."""
    level: float = 0.05
    """Largest error of a head's luma, share of white."""
    noise: float = 0.045
    """RMS of the worst head's luma noise."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        head = head_passes(grid).long() % 4
        errors = {what: _head_errors(moments, what)[head, None] for what in ("saturation", "hue", "level", "noise")}
        for position in moments.active():
            intensity, draw = moments.intensities[position], moments.generator(position)
            noisy = errors["noise"].clamp(min=0.0) * (self.noise * intensity)
            grainy = noisy[:, 0].nonzero()[:, 0]
            gain = (1 + errors["level"] * self.level * intensity).to(picture.device)
            damaged[position, 0] *= gain
            grain = _windows("grain", len(grainy), grid, draw) * noisy[grainy]
            damaged[position, 0, grainy] += grain.to(picture.device)
            turn = errors["hue"] * math.radians(self.hue_degrees * intensity)
            strength = (1 + errors["saturation"] * self.saturation * intensity).to(picture.device)
            damaged[position, 1:] = strength * turned(picture[position, 1:], turn)
        return damaged


def _head_errors(moments: Moments, what: str) -> Tensor:
    """(4,) each head's error, -1 to 1, their mean removed and the largest brought to 1: decks are set by the mean."""
    errors = torch.tensor([moments.constant(f"{what} {head}") for head in range(4)])
    errors -= errors.mean()
    return errors / errors.abs().max()


def _worth_moving(shift: Tensor) -> Tensor:
    """(H,) without what is too little to be seen."""
    return torch.where(shift.abs() > LEAST_SHIFT, shift, 0.0)


def _misread(picture: Tensor, loss: Tensor, shift: Tensor, grid: Grid, draw: torch.Generator) -> None:
    """Of (3, H, W) lines, in place, (H,) a share of the carrier is lost and they come (H,) pixels late."""
    own = 0.7 + 0.6 * torch.rand(grid.height, generator=draw)
    pale = (1.6 * loss * own).clamp(max=1.0)
    for rows in runs(shift != 0):
        picture[:, rows] = move_in_blanking(picture[:, rows], shift[rows])
    for rows in runs(loss > LEAST_LOSS):
        discolour(picture[1:, rows], pale[rows, None], COLOUR_SIGMA, grid, draw)
        bury(picture[0, rows], loss[rows, None], grid, draw)


def _windows(kind: str, rows: int, grid: Grid, draw: torch.Generator) -> Tensor:
    """(rows, W) lines of a kind of noise: windows of its strip, at random."""
    strip = _strip(kind, grid.width)
    starts = torch.randint(len(strip) - grid.width, (rows,), generator=draw)
    return strip.unfold(0, grid.width, 1).index_select(0, starts)


@lru_cache(maxsize=16)
def _strip(kind: str, width: int) -> Tensor:
    """(N,) many lines of one kind of noise, end to end: luma of snow, or Gaussian noise of unit variance."""
    grid = Grid(standard=Standard.PAL, height=STRIP_LINES, width=width)
    draw = generator("strip", kind)
    if kind == "snow":
        lines = filter_lines(_clicks(grid, draw), grid, _demodulator)
        return (lines / lines.std()).mul_(SNOW_SIGMA).add_(SNOW_MEAN).clamp_(CONVERTER_FLOOR, CONVERTER_TOP).flatten()
    responses: dict[str, Response] = {
        "envelope": low_pass(ENVELOPE_HERTZ, 1),
        "colour": low_pass(COLOUR_HERTZ, 2),
        "grain": low_pass(LUMA_HERTZ),
    }
    return noise_lines(STRIP_LINES, grid, responses[kind], draw).flatten()


def _clicks(grid: Grid, draw: torch.Generator) -> Tensor:
    """(H, W) clicks of either sign at random times, of exponential heights."""
    shape = (grid.height, grid.width)
    heights = torch.empty(shape).exponential_(generator=draw)
    signs = torch.rand(shape, generator=draw).sub(0.5).sign()
    return heights * signs * (torch.rand(shape, generator=draw) < CLICKS_PER_MICROSECOND / grid.pixels(1.0))


def _demodulator(frequency: Tensor) -> Tensor:
    """What clicks go through: the de-emphasis and luma's low-pass."""
    return low_pass(LUMA_HERTZ)(frequency) / (1 + 2j * math.pi * frequency * CLICK_MICROSECONDS * 1e-6)
