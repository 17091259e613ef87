"""What is known of a tape before its first frame is restored, and what that says of each frame."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tapemend.frames import Analysis, Frame, PixelLayout, References, ScanType, Shot, Verdict, damaged_cells

DOUBT = 0.04
"""Share of the threshold for regions from which on a region of a frame that is restored may change. Where damage is,
the network's gate tells better than the scorer; the scorer says where surely nothing is."""
HURT = 0.1
"""How surely a frame is damaged that is not judged so, but some region of it: more moved such frames beside torn ones,
less left torn ones as they were."""
IN_PLACE = 0.22, 0.3
"""How torn a damaged frame's worst regions are, up to which its lines surely are where they belong, and from which on
they may not be. Below are 3 % of frames whose lines sway by 0.3 pixels or more, and a third of those whose do not."""
STRAIGHT = 0.1
"""How torn a frame's worst regions are, below which lines of others are held against its own."""
NOISE, NOISY = 3, (0.45, 0.6)
"""A kind of damage, and its mean score in a frame, 0 to 1, up to which the network's gate alone tells where noise is,
and from which on it is overruled where it sees none."""
WORST = 0.05
"""Share of the regions, those that are torn, or change, most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What is known of the whole tape before its first frame is restored; nothing in it changes any more."""

    layout: PixelLayout
    analysis: Analysis
    verdict: Verdict
    shots: tuple[Shot, ...]
    find_references: Callable[[int, int], References]
    """References for the window [start, stop)."""
    fetch: Callable[[int], Frame]
    """A frame by index."""
    scan: ScanType
    """Of the tape; if it is interlaced, frames are fields in turn, their other lines interpolated."""

    def cells(self, index: int | NDArray[np.intp]) -> NDArray[np.bool_]:
        """(rows, columns) damaged regions of a frame, or (K, rows, columns) of K of them."""
        return damaged_cells(self.analysis, self.verdict, index)

    def hurt(self, index: int) -> bool:
        """Whether any region of a frame is damaged."""
        return bool(self.cells(index).any())

    def scored(self, index: int) -> bool:
        """Whether a frame's own score says that it is damaged, not what others of its shot show."""
        return bool(self.analysis.frame_score[index] > self.verdict.threshold)

    def damaged(self, index: int) -> float:
        """How surely lines of a frame are out of place, 0 to 1: of one that only faded, hops or is lost, surely not."""
        if self.verdict.lost[index] or self.verdict.hops[index]:
            return 0.0
        if self.scored(index):
            return self._out_of_place(index)
        return HURT * self.hurt(index) * (not self.verdict.damaged[index])

    def in_place(self, index: int) -> bool:
        """Whether lines of other frames can be held against those of a frame."""
        if self.verdict.lost[index] or self.verdict.hops[index] or self.damaged(index):
            return False
        return not self.hurt(index) or self._torn_most(index) < STRAIGHT

    def _out_of_place(self, index: int) -> float:
        """The same of a frame judged damaged: as the scorer tells it of the regions torn most, if it does at all."""
        if not self.analysis.absolute:
            return 1.0
        return float(np.interp(self._torn_most(index), IN_PLACE, (0, 1)))

    def _torn_most(self, index: int) -> float:
        """How surely a frame's regions are torn that are torn most, 0 to 1."""
        return float(of_the_worst(self.torn(index, index + 1)).mean())

    def fading(self, index: int) -> float:
        """By how much a frame's colour is weaker than that of others of its shot; 1 too where there is none left."""
        told = float(self.verdict.fading[index])
        return told if math.isfinite(told) else 1.0

    def sides(self, index: int) -> tuple[int, int]:
        """The frames next to one that is lost or hops, before and after it, that do neither."""
        kept = ~(self.verdict.lost | self.verdict.hopping)
        return index - int(kept[index::-1].argmax()), index + int(kept[index:].argmax())

    def torn(self, start: int, stop: int) -> Tensor:
        """(stop - start, rows, columns) how surely lines are torn or lost in regions of frames, 0 to 1: a scorer takes
        those of frames that hop for such."""
        stays = self.verdict.hops[start:stop, None, None] == 0
        return torch.from_numpy(self.analysis.torn_score[start:stop] * stays / np.float32(255))

    def marred(self, start: int, stop: int) -> Tensor:
        """(stop - start, rows, columns) how surely regions of frames full of noise are damaged, not torn, 0 to 1."""
        found, frames = self.analysis, slice(start, stop)
        cells, torn = (scores[frames].astype(np.float32) for scores in (found.cell_score, found.torn_score))
        share = ((cells - torn) / max(1, self.verdict.cell_threshold)).clip(0, 1)
        damaged = found.frame_score[frames] > self.verdict.threshold
        full = np.interp(found.kind_score[frames, NOISE].astype(np.float32) / 255, NOISY, (0, 1)) * damaged
        return torch.from_numpy((share * full[:, None, None]).astype(np.float32))

    def own_lines(self, index: int) -> slice:
        """The lines of a frame that the tape has: of a field's every second one."""
        if not self.scan.interlaced:
            return slice(None)
        return slice((index + (self.scan is ScanType.BOTTOM_FIRST)) % 2, None, 2)

    def doubtful(self, index: int) -> NDArray[np.bool_]:
        """(rows, columns) regions of a frame that may change if it is restored: all where none stands out."""
        cells: NDArray[np.bool_] = self.analysis.cell_score[index] > DOUBT * self.verdict.cell_threshold
        return cells if cells.any() else ~cells


def of_the_worst(regions: Tensor) -> Tensor:
    """The greatest values of (1, rows, columns) regions, of the WORST share of them."""
    return regions.flatten().topk(math.ceil(WORST * regions.numel())).values
