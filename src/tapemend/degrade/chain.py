"""The tape run backwards: clean pictures in, damaged ones out, with the truth about what was done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import torch
from torch import Tensor

from tapemend.degrade.passes import LinePass, Moments, PicturePass
from tapemend.degrade.passes.chroma import chroma_loss, undersaturation
from tapemend.degrade.passes.geometry import edge_wave, mistracking, move_lines
from tapemend.degrade.passes.lines import dropouts
from tapemend.degrade.passes.noise import tape_noise
from tapemend.degrade.timeline import burst


class Kind(StrEnum):
    """The kinds of damage that masks tell apart, in the order of their maps."""

    GEOMETRY = "geometry"
    LINES = "lines"
    CHROMA = "chroma"
    NOISE = "noise"
    LEVELS = "levels"


LINE_PASSES: Mapping[str, LinePass] = MappingProxyType({"mistracking": mistracking, "edge_wave": edge_wave})
PICTURE_PASSES: Mapping[str, tuple[Kind, PicturePass]] = MappingProxyType(
    {
        "undersaturation": (Kind.LEVELS, undersaturation),
        "chroma_loss": (Kind.CHROMA, chroma_loss),
        "tape_noise": (Kind.NOISE, tape_noise),
        "dropouts": (Kind.LINES, dropouts),
    }
)
"""In the order in which they act, after the lines have moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """When and how strongly a pass acts."""

    strength: float
    """Largest intensity, 0 to 1; 0 is the identity."""
    share: float
    """Share of the damaged stretches in which it acts, 0 to 1."""
    period: float
    """Frames between its changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A kind of tape: its passes, and how much of it is damaged."""

    description: str
    damaged_share: float
    """Share of frames in damaged stretches; outside of them every pass is silent."""
    stretch: float
    """Frames between the changes from damaged to clean stretches."""
    passes: Mapping[str, Burst]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Damaged:
    """A damaged clip and the truth about it."""

    picture: Tensor
    """(T, 3, H, W) float32 Y'CbCr."""
    shift: Tensor
    """(T, H) how far each line was moved to the right, pixels."""
    change: Tensor
    """(T, K, H, W) how much each Kind changed each pixel: root of the mean square over Y', Cb and Cr."""


def degrade(picture: Tensor, indices: Sequence[int], preset: Preset, seed: int) -> Damaged:
    """Damage frames ``indices`` of a tape.

    picture: (T, 3, H, W) float32 Y'CbCr, luma 0 to 1, chroma -0.5 to 0.5. The same (seed, preset, index, picture) gives
    the same frame in any batch.
    """
    frame_count, _, height, width = picture.shape
    shift = torch.zeros(frame_count, height)
    for name, line_pass in LINE_PASSES.items():
        shift = shift + line_pass(height, _moments(name, indices, preset, seed))
    current = move_lines(picture, shift) if shift.any() else picture
    energy = {kind: torch.zeros(frame_count, height, width) for kind in Kind}
    energy[Kind.GEOMETRY] += (current - picture).square().mean(1)
    for name, (kind, picture_pass) in PICTURE_PASSES.items():
        moments = _moments(name, indices, preset, seed)
        if moments.active():
            before, current = current, picture_pass(current, moments)
            energy[kind] += (current - before).square().mean(1)
    return Damaged(picture=current, shift=shift, change=torch.stack([energy[kind] for kind in Kind], 1).sqrt())


def intensity(name: str, index: int, preset: Preset, seed: int) -> float:
    """Intensity of a pass at a frame, 0 to 1: the tape's own bad stretches times the pass's bursts."""
    own = preset.passes.get(name)
    if own is None or own.strength == 0.0:
        return 0.0
    tape = burst(seed, "tape", index, preset.stretch, preset.damaged_share)
    return own.strength * tape * burst(seed, name, index, own.period, own.share) if tape > 0.0 else 0.0


def _moments(name: str, indices: Sequence[int], preset: Preset, seed: int) -> Moments:
    return Moments(
        seed=seed,
        name=name,
        indices=tuple(indices),
        intensities=tuple(intensity(name, index, preset, seed) for index in indices),
    )
