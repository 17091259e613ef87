"""Training samples: a window and its references, cut and damaged; a function of (seed, step) and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, avg_pool2d, interpolate, max_pool2d

from tapemend.degrade import VISIBLE, Damaged, Preset, degrade
from tapemend.degrade.timeline import generator, uniform
from tapemend.detect.damage import TORN_KINDS, visible
from tapemend.lines import means_of_lines, move_lines
from tapemend.network.damage import CELL_COLUMNS, CELL_ROWS
from tapemend.network.timebase import displacements, from_halfway
from tapemend.train.data import FRAMES, Store
from tapemend.train.overlays import textured, with_borders, with_graphics
from tapemend.train.tapes import tape

MARGIN = 40
"""Columns cut beyond each side, so that moved lines bring in true picture."""
FASTEST_PAN = 14.0
"""Pixels from frame to frame, in either direction."""
SMALLEST = 0.5
"""Of its size, as far as a picture is reduced."""
STRIDES = (1, 2, 3)
SUREST, LEAST_SURE = 0.1, 0.4
"""Standard deviation of what is measured of a line's place, pixels."""
ASTRAY_LINES = 15
"""Lines that are mismeasured alike."""
BLURRED_LINES = 2.5
"""Lines (standard deviation) that are measured as one."""
ANCHORED = 0.5
"""Share of windows whose lines are held against frames in which they are where they belong."""
TORN_LINE = 0.5
"""Pixels that a line lies aside of those around it, from which on it is torn."""
UNFOUND = 0.25
"""Share of windows in which no torn line is put back; of those of the others any share is."""
ASTRAY, FAR_ASTRAY, ASTRAY_SHARE = 0.2, 6.0, 0.04
"""Standard deviation of the places of torn lines that are found, pixels; of some of them, and their share."""
LENT_REGION = 16
"""Lines and columns of a region of a reference that lends or does not."""
OVERLOOKED = 0.4
"""Share of the damaged references whose damage is not known."""
UNSCORED, MISSED, MISTAKEN = 0.15, 0.4, 0.08
"""Share of windows whose torn regions are not known; how unsure these may be; standard deviation of what is said."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """What a step learns from; B windows of T frames with D references."""

    damaged: Tensor
    """(B, T, 3, H, W) float32 Y'CbCr."""
    clean: Tensor
    """(B, T, 3, H, W)."""
    cells: Tensor
    """(B, T, K, H/8, W/16) how much each kind of damage changed each region: root of the mean square."""
    references: Tensor
    """(B, D, 3, H, W)."""
    lendable: Tensor
    """(B, D, H, W) bool, pixels of the references that may lend."""
    torn: Tensor
    """(B, T, H/32, W/32) how surely lines are torn or lost in each region, 0 to 1, as a scorer might say."""
    again: Tensor
    """(B,) bool, windows that are to be looked at a second time, when a first look has restored all of their frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSettings:
    """How samples are cut."""

    rows: int = 128
    columns: int = 192
    frames: int = 5
    windows: int = 3
    """Windows per step."""
    references: int = 3
    """References per window at most."""
    foreign_share: float = 0.2
    """Share of references that show something else: none may be trusted unseen."""
    presets: tuple[str, ...] = (
        "first-2026-11",
        "first-2026-11",
        "paper-2023",
        "paper-2023",
        "family-vhs-sp-2026-11",
        "family-vhs-lp-2026-11",
        "family-vhs-ep-ntsc-2026-11",
        "camcorder-video8-2026-11",
        "archive-umatic-2026-11",
    )
    """Kinds of tape; each window is of one of them, or recorded like it and damaged otherwise."""
    varied_share: float = 0.0
    """Share of windows damaged by passes drawn at random."""
    fields_share: float = 0.3
    """Share of windows that are fields on tape, damaged as such and interpolated to frames afterwards."""
    clean_share: float = 0.15
    """Share of windows left undamaged."""
    spared_share: float = 0.0
    """Share of windows in which damage spares some frames, and share of those in which it spares all but a band."""
    texture_share: float = 0.2
    """Share of windows with fine texture laid over them: clean clips lost much of theirs to their coding, and a network
    that never saw grass takes it for damage."""
    adrift_share: float = 0.3
    """Share of these textures that move against what is filmed."""
    graphics_share: float = 0.0
    """Share of windows with titles and the like laid over them, or drawn altogether."""
    borders_share: float = 0.0
    """Share of windows with blanking around them."""
    pan_share: float = 0.2
    """Share of windows in which the camera pans, besides what it does in the clip."""
    fast_share: float = 0.3
    """Share of windows of every second or third frame of their clip: things move more from frame to frame."""
    far_share: float = 0.3
    """Share of windows of more of the picture, reduced up to SMALLEST: finer detail than the clip has."""
    steady_share: float = 0.0
    """Share of windows whose lines are put back, as a restoration does before its network sees them."""
    cut_share: float = 0.0
    """Share of windows with a cut in them, for networks that see frames before shots are found."""
    again_share: float = 0.0
    """Share of windows that are looked at a second time."""


def sample(store: Store, settings: SampleSettings, seed: int, step: int) -> Batch:
    """The batch of one step; the same for the same (store, settings, seed, step)."""
    depth = reference_count(settings, seed, step)
    parts = [window(store, settings, depth, (seed, step, number)) for number in range(settings.windows)]
    return Batch(**dict(zip(Batch.__dataclass_fields__, map(torch.stack, zip(*parts, strict=True)), strict=True)))


def reference_count(settings: SampleSettings, seed: int, step: int) -> int:
    """References of the windows of a step: networks have to do with few, and with none."""
    return round(settings.references * (0, 1, 2, 2, 3)[int(5 * uniform(seed, "depth", step))] / 3)


def window(store: Store, settings: SampleSettings, depth: int, key: tuple[int, int, int]) -> tuple[Tensor, ...]:
    """One window, the parts of a batch in their order; key: (seed, step, number)."""
    draw = generator(*key, "window")
    clip = int(torch.randint(len(store.clips), (), generator=draw))
    length, _, height, width = store.clips[clip].shape
    stride = STRIDES[int(3 * uniform(*key, "stride"))] if uniform(*key, "fast") < settings.fast_share else 1
    reach = min((settings.frames - 1) * stride, length - 1) + 1
    start = _start(length, reach, draw)
    frames = [min(start + stride * number, start + reach - 1) for number in range(settings.frames)]
    if torch.rand((), generator=draw) < 0.5:
        frames.reverse()
    lenders = [lender(frames, length, draw) for _ in range(depth)]
    picture = _filmed(store, settings, clip, frames + lenders, key)
    damaging = tape(settings.presets, settings.varied_share, settings.clean_share, key)
    first = int(torch.randint(10_000, (), generator=draw))
    indices = range(first, first + len(picture))
    fields = bool(torch.rand((), generator=draw) < settings.fields_share)
    if fields:
        picture = _separated(picture, first)
    own = settings.frames
    spoil = partial(degrade, seed=key[1] * 1009 + key[2], whole=(height // (1 + fields), width))
    truth = _spared(spoil(picture[:own], indices[:own], damaging), settings.spared_share, key)
    steady = uniform(*key, "steady") < settings.steady_share
    seen, found = _steadied(truth, key) if steady else (truth.picture, torch.zeros_like(truth.shift))
    parts = [seen, truth.clean, truth.change]
    lent = _references(spoil, picture[own:], indices[own:], damaging, draw)
    if fields:
        parts = [_interpolated(part, first) for part in parts]
        lent = [_interpolated(part, first + own) for part in lent]
    damaged, clean, change, references, lendable = (
        part[..., MARGIN : MARGIN + settings.columns] for part in (*parts, *lent)
    )
    cells = avg_pool2d(change.square(), (CELL_ROWS, CELL_COLUMNS)).sqrt()
    torn = _as_scored(cells, key) * (1 - avg_pool1d(found, (4 * CELL_ROWS // (1 + fields)))[..., None])
    again = torch.tensor(uniform(*key, "again") < settings.again_share)
    return damaged, clean, cells, references, lendable[:, 0] == 1, torn, again


def _filmed(store: Store, settings: SampleSettings, clip: int, frames: list[int], key: tuple[int, int, int]) -> Tensor:
    """(N, 3, H, W) frames of a clip, cut and varied: what a camera might have seen."""
    draw = generator(*key, "camera")
    size = settings.rows, settings.columns + 2 * MARGIN
    *_, height, width = store.clips[clip].shape
    far = uniform(*key, "how far") if uniform(*key, "far") < settings.far_share else 0.0
    scale = max(1 - far * (1 - SMALLEST), size[0] / height, size[1] / width)
    rows, columns = min(height, round(size[0] / scale)), min(width, round(size[1] / scale))
    top = int(torch.randint(height - rows + 1, (), generator=draw))
    left = int(torch.randint(width - columns + 1, (), generator=draw))
    pans = uniform(*key, "pan") < settings.pan_share
    down, along = (pans * FASTEST_PAN * (2 * speed - 1) for speed in torch.rand(2, generator=draw).tolist())
    corners = [
        (
            min(max(0, top + round(down * (frame - frames[0]))), height - rows),
            min(max(0, left + round(along * (frame - frames[0]))), width - columns),
        )
        for frame in frames
    ]
    picture = store.cut(clip, frames, corners, (rows, columns))
    if (rows, columns) != size:
        picture = interpolate(picture, size, mode="bilinear", antialias=True)
    if uniform(*key, "texture") < settings.texture_share:
        reduced = size[0] / rows
        cameras = [(reduced * (top - corners[0][0]), reduced * (left - corners[0][1])) for top, left in corners]
        picture = textured(picture, frames, cameras, uniform(*key, "adrift") < settings.adrift_share, draw)
    if uniform(*key, "graphics") < settings.graphics_share:
        picture = with_graphics(picture, frames, draw)
    picture = _vary(picture, draw)
    if uniform(*key, "borders") < settings.borders_share:
        picture = with_borders(picture, MARGIN, draw)
    if uniform(*key, "cut") < settings.cut_share:
        cut = 1 + int((settings.frames - 1) * uniform(*key, "cut at"))
        picture = torch.cat([picture[:cut], picture[cut:].flip(-2)])
    for number in range(settings.frames, len(picture)):
        if uniform(*key, f"foreign {number}") < settings.foreign_share:
            picture[number] = picture[number].flip(-2)
    return picture


def _start(length: int, frames: int, draw: torch.Generator) -> int:
    """A window's first frame; windows do not cross from one packed run into the next."""
    start = int(torch.randint(max(1, length - frames + 1), (), generator=draw))
    run = FRAMES // 3
    return start if length < FRAMES else min(start, start // run * run + run - frames)


def lender(window: list[int], length: int, draw: torch.Generator) -> int:
    """A frame outside the window, mostly near; in a clip too short for the distance drawn, its first or last frame."""
    distance = int(torch.randint(1, 30, (), generator=draw))
    below, above = min(window) - distance, max(window) + distance
    wants_below = bool(torch.rand((), generator=draw) < 0.5)
    if below >= 0 and (wants_below or above >= length):
        return below
    if above < length:
        return above
    return 0 if min(window) > 0 else length - 1


def _vary(picture: Tensor, draw: torch.Generator) -> Tensor:
    """Mirror, sharpness, contrast, saturation and a little grain: clean frames of real tapes are not pristine."""
    mirror, sharpness, chroma_soft, contrast, saturation, grain = torch.rand(6, generator=draw).tolist()
    if mirror < 0.5:
        picture = picture.flip(-1)
    picture = torch.cat([_resharpened(picture[:, :1], sharpness), picture[:, 1:]], 1)
    if chroma_soft < 0.6:
        picture = torch.cat([picture[:, :1], _blur(picture[:, 1:], torch.ones(9) / 9)], 1)
    picture = torch.cat(
        [(picture[:, :1] - 0.4) * (0.7 + 0.5 * contrast) + 0.4, picture[:, 1:] * (0.4 + 0.9 * saturation)], 1
    )
    if grain < 0.3:
        picture = picture + 0.004 * torch.randn(picture.shape, generator=draw)
    return picture


def _resharpened(luma: Tensor, amount: float) -> Tensor:
    """Soft along the line for amounts below 0.4, sharpened in both directions above 0.7, more and more."""
    if amount < 0.4:
        kernel = torch.tensor([0.25, 0.5, 0.25]) if amount < 0.2 else torch.tensor([0.1, 0.24, 0.32, 0.24, 0.1])
        return _blur(luma, kernel)
    if amount > 0.7:
        kernel = torch.tensor([0.25, 0.5, 0.25])
        soft = _blur(_blur(luma, kernel).mT, kernel).mT
        return luma + 5 * (amount - 0.7) * (luma - soft)
    return luma


def _steadied(truth: Damaged, key: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """(T, 3, H, W) with the lines put back from the truth, as uncertain as measuring whole pictures would find it, and
    (T, H) 1 for torn lines among them, else 0.

    Of a crop's short lines measuring itself finds less than of whole ones.
    """
    if len(truth.shift) < 3:
        return truth.picture, torch.zeros_like(truth.shift)
    draw = generator(*key, "measured")
    alike = means_of_lines(truth.shift, BLURRED_LINES)
    alone = truth.shift - alike
    aside = _aside(alike, alone.square(), key, draw)
    found = _found(alone, key, draw)
    far = torch.rand(alone.shape, generator=draw) < ASTRAY_SHARE
    error = torch.where(far, FAR_ASTRAY, ASTRAY) * torch.randn(alone.shape, generator=draw)
    return move_lines(truth.picture, -(aside + found * (alone + error))), found


def _aside(alike: Tensor, lost: Tensor, key: tuple[int, int, int], draw: torch.Generator) -> Tensor:
    """(T, H) where lines that lie aside (T, H) alike with those around them are found to be, by frames before and after
    or by frames in which lines are where they belong; lost: (T, H) square of what each lies aside by itself."""
    count, height = alike.shape
    doubt = SUREST + (LEAST_SURE - SUREST) * uniform(*key, "doubt")
    astray = _blur(torch.randn(count, 1, 1, height, generator=draw), torch.ones(ASTRAY_LINES) / ASTRAY_LINES**0.5)
    error, unsure = doubt * astray[:, 0, 0], doubt**2 + lost
    offsets, variances = from_halfway(alike) + error[1:-1], unsure[1:-1] + lost[:-2] + lost[2:]
    if uniform(*key, "anchored") >= ANCHORED:
        return displacements(offsets, variances, torch.ones(count))
    middle = alike.median(1, keepdim=True).values
    return middle + displacements(offsets, variances, torch.ones(count), [(alike + error, unsure)])


def _found(alone: Tensor, key: tuple[int, int, int], draw: torch.Generator) -> Tensor:
    """(T, H) how far each line lies aside of those around it to 1 for torn ones that are put back, else 0: many or few
    of a window, and more here than there."""
    if uniform(*key, "unfound") < UNFOUND:
        return torch.zeros_like(alone)
    here = _blur(torch.randn(alone.shape, generator=draw), torch.ones(ASTRAY_LINES) / ASTRAY_LINES**0.5)
    luck = (here + torch.randn(alone.shape, generator=draw)) / 2**0.5
    likely = torch.tensor(uniform(*key, "found share")).clamp(1e-3, 1 - 1e-3)
    found: Tensor = (alone.abs() > TORN_LINE) & (luck < torch.special.ndtri(likely))
    return found.float()


def _as_scored(cells: Tensor, key: tuple[int, int, int]) -> Tensor:
    """(T, K, H/8, W/16) changes by kind to (T, H/32, W/32), how surely lines are torn: less sure than the truth, and
    noisy; of some windows nothing is known."""
    change = avg_pool2d(cells[:, :TORN_KINDS].square().amax(1), (4, 2)).sqrt()
    draw = generator(*key, "scored")
    known = uniform(*key, "unscored") >= UNSCORED
    sure = visibility(change) * (1 - MISSED * uniform(*key, "sure"))
    return known * (sure + MISTAKEN * torch.randn(sure.shape, generator=draw)).clamp(0, 1)


def _spared(truth: Damaged, share: float, key: tuple[int, int, int]) -> Damaged:
    """The window with some of it as it was: whole frames, each as likely as not, or all lines but a band that wanders.

    Damage of most kinds comes alone somewhere, and a network that only saw it everywhere takes what is beside it for
    damaged too.
    """
    count, height = truth.shift.shape
    chance = partial(uniform, *key)
    hit = torch.ones(count, height, dtype=torch.bool)
    if chance("frames spared") < share:
        hit &= torch.tensor([[chance("spared", number) < 0.5] for number in range(count)])
    if chance("band") < share:
        lines = (0.06 + 0.5 * chance("band's height")) * height
        tops = (chance("band's place") + 0.2 * (chance("band's speed") - 0.5) * torch.arange(count)) * height
        hit &= (torch.arange(height) - tops[:, None]) % height < lines
    mask = hit[:, None, :, None]
    return Damaged(
        picture=torch.where(mask, truth.picture, truth.clean),
        clean=truth.clean,
        shift=truth.shift * hit,
        change=truth.change * mask,
    )


def _separated(picture: Tensor, first: int) -> Tensor:
    """Every second line, even and odd in turn from picture to picture: (T, C, H, W) to fields (T, C, H/2, W)."""
    return torch.stack([frame[:, (first + number) % 2 :: 2] for number, frame in enumerate(picture.unbind())])


def _interpolated(fields: Tensor, first: int) -> Tensor:
    """Fields to frames, the lines between theirs interpolated: interlaced tapes arrive like this."""
    count, components, rows, columns = fields.shape
    frames = fields.new_empty(count, components, 2 * rows, columns)
    for number, field in enumerate(fields):
        odd = (first + number) % 2
        other = torch.cat([field[:, 1:], field[:, -1:]], 1) if not odd else torch.cat([field[:, :1], field[:, :-1]], 1)
        frames[number, :, odd::2] = field
        frames[number, :, 1 - odd :: 2] = (field + other) / 2
    return frames


def _blur(picture: Tensor, kernel: Tensor) -> Tensor:
    """Low-pass along the line, borders replicated."""
    reach = len(kernel) // 2
    shape = picture.shape
    lines = torch.nn.functional.pad(picture.reshape(-1, 1, shape[-1]), (reach, reach), mode="replicate")
    return torch.conv1d(lines, kernel[None, None]).reshape(shape)


def _references(
    spoil: Callable[[Tensor, range, Preset], Damaged],
    picture: Tensor,
    indices: range,
    damaging: Preset,
    draw: torch.Generator,
) -> list[Tensor]:
    """(D, 3, H, W) references as a tape has them, and (D, 1, H, W) 1 where they may lend: whole regions or not at all.

    A quarter of them are damaged, and of some of these it is overlooked.
    """
    lent, lendable = picture.clone(), torch.ones(len(picture), 1, *picture.shape[-2:])
    for number in range(len(picture)):
        one = slice(number, number + 1)
        damaged = bool(torch.rand((), generator=draw) < 0.25)
        truth = spoil(picture[one], indices[one], damaging if damaged else replace(damaging, damage=()))
        lent[one] = truth.picture
        overlooked = bool(torch.rand((), generator=draw) < OVERLOOKED)
        lendable[one] = 1 - (1 - overlooked) * _regions(truth.change.square().sum(1, keepdim=True).sqrt() >= VISIBLE)
    return [lent, lendable]


def _regions(pixels: Tensor) -> Tensor:
    """(1, 1, H, W) bool pixels to 1 in all regions that have any of them, else 0."""
    hit = max_pool2d(pixels.float(), LENT_REGION, ceil_mode=True)
    height, width = pixels.shape[-2:]
    return interpolate(hit, scale_factor=LENT_REGION, mode="nearest")[..., :height, :width]


def visibility(change: Tensor) -> Tensor:
    """How visible a change is, 0 to 1: 1 - exp(-(change / VISIBLE)^2), 63 % at VISIBLE."""
    return visible(energy_of(change))


def energy_of(change: Tensor) -> Tensor:
    """A change as the scorer tells it: its mean square, 1 at VISIBLE."""
    return (change / VISIBLE).square()
