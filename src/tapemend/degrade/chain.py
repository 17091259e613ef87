"""The tape run backwards: clean pictures in, damaged ones out, with the truth about what was done."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Kind, LinePass, Moments, Pass, PicturePass
from tapemend.degrade.timeline import burst
from tapemend.lines import move_lines

VISIBLE = 0.015
"""Change of a pixel (root of the mean square over Y', Cb and Cr) from which on it is taken to be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A pass in a chain: what it does, how strongly, and when."""

    does: Pass
    name: str
    """Its own in the chain; its randomness hangs on it, so that other steps may come and go."""
    strength: float = 1.0
    """Largest intensity, 0 to 1; 0 is the identity."""
    share: float = 1.0
    """Share of the damaged stretches in which it acts, 0 to 1."""
    period: float = 12.0
    """Pictures between its changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A kind of tape: how it was recorded, what harmed it, and how much of it is damaged."""

    description: str
    standard: Standard = Standard.PAL
    recording: tuple[Step, ...] = ()
    """What its best stretches look like: the band limits and the grain that no restoration is to undo. Always on."""
    damage: tuple[Step, ...] = ()
    """What a restoration should undo, in bursts."""
    damaged_share: float = 0.6
    """Share of pictures in damaged stretches; outside of them no damage acts."""
    stretch: float = 24.0
    """Pictures between the changes from damaged to clean stretches."""

    @property
    def memory(self) -> int:
        """Pictures before a picture that its passes look back to."""
        return sum(step.does.memory for step in self.recording + self.damage if isinstance(step.does, PicturePass))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Damaged:
    """A damaged clip and the truth about it."""

    picture: Tensor
    """(T, 3, H, W) float32 Y'CbCr."""
    clean: Tensor
    """(T, 3, H, W) the same pictures as the tape's best stretches look: recorded, and not damaged."""
    shift: Tensor
    """(T, H) how far damage moved each line to the right, pixels: the sum of what each step did to the line there."""
    change: Tensor
    """(T, K, H, W) how much each Kind changed each pixel: root of the mean square over Y', Cb and Cr."""


def degrade(
    picture: Tensor,
    indices: Sequence[int],
    preset: Preset,
    seed: int,
    *,
    lead: int = 0,
    whole: tuple[int, int] | None = None,
) -> Damaged:
    """Damage pictures ``indices`` of a tape.

    picture: (T, 3, H, W) float32 Y'CbCr, luma 0 to 1, chroma -0.5 to 0.5; the first ``lead`` of them are only looked
    back to, and the answer is without them. whole: height and width of the pictures that these are pieces of. The same
    (seed, preset, index, picture) gives the same frame in any batch that has ``preset.memory`` pictures in front of it,
    or all that there are.
    """
    count, _, height, width = picture.shape
    grid = Grid(standard=preset.standard, height=height, width=width, whole=whole)
    clean = picture
    for _, after, _ in _acts(preset.recording, picture, grid, lambda step: _always(step, indices, seed)):
        clean = after
    current, shift = clean, torch.zeros(count, height, device=picture.device)
    change = torch.zeros(count, len(Kind), height, width, device=picture.device)
    changes = dict(zip(Kind, change.unbind(1), strict=True))
    acted = set()
    for kind, after, moved in _acts(preset.damage, clean, grid, lambda step: _moments(step, indices, preset, seed)):
        changes[kind] += (after - current).square_().mean(1)
        current, shift = after, shift + moved
        acted.add(kind)
    for kind in acted:
        changes[kind].sqrt_()
    return Damaged(
        picture=current[lead:],
        clean=clean[lead:],
        shift=shift[lead:],
        change=change[lead:],
    )


def intensity(step: Step, index: int, preset: Preset, seed: int) -> float:
    """Intensity of a damage at a picture, 0 to 1: the tape's own bad stretches times the step's bursts."""
    if step.strength == 0.0:
        return 0.0
    tape = burst(seed, "tape", index, preset.stretch, preset.damaged_share)
    return step.strength * tape * burst(seed, step.name, index, step.period, step.share) if tape > 0.0 else 0.0


def _acts(
    steps: Sequence[Step], picture: Tensor, grid: Grid, when: Callable[[Step], Moments]
) -> Iterator[tuple[Kind, Tensor, Tensor]]:
    """The picture after each step that acts, with its kind and the shift of its lines.

    Lines that neighbouring steps move are moved once, by the sum: each move between pixels softens them.
    """
    still = torch.zeros(len(picture), grid.height, device=picture.device)
    shift = still
    for step in steps:
        moments = when(step)
        if not moments.active():
            continue
        moved = step.does.shift(grid, moments).to(picture.device)
        if isinstance(step.does, LinePass):
            shift = shift + moved
            continue
        if shift.any():
            picture = move_lines(picture, shift)
            yield Kind.GEOMETRY, picture, shift
            shift = still
        picture = step.does.apply(picture, grid, moments)
        yield step.does.kind, picture, moved
    if shift.any():
        yield Kind.GEOMETRY, move_lines(picture, shift), shift


def _always(step: Step, indices: Sequence[int], seed: int) -> Moments:
    return Moments(seed=seed, name=step.name, indices=tuple(indices), intensities=tuple(step.strength for _ in indices))


def _moments(step: Step, indices: Sequence[int], preset: Preset, seed: int) -> Moments:
    return Moments(
        seed=seed,
        name=step.name,
        indices=tuple(indices),
        intensities=tuple(intensity(step, index, preset, seed) for index in indices),
    )
