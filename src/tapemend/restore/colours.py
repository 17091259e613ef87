"""Colour of a window's frames that is weak, too strong, turned or gone, made as clean frames of the scene have it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tapemend.network.saturation import chroma_gain, lent_colour, with_lent
from tapemend.restore.plan import Plan
from tapemend.restore.restorer import for_motion
from tapemend.restore.windows import Window

NEAR = 3
"""Clean frames of a window that say how much colour its damaged ones should have."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Colours:
    """Who tells a window's damaged frames which colour they should have: clean ones near by, and references."""

    plan: Plan
    window: Window
    references: Tensor
    """(D, 3, H, W) Y'CbCr, on the device, of sizes between which motion is found."""
    lendable: Tensor
    """(D, rows, columns) bool, regions of them that may lend; there too."""

    def lent(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """The pictures that the window sees, (T, 3, H, W) Y'CbCr, lines that have no colour with that of clean frames,
        and which lines these are, (T, H), 1 such and 0 others."""
        height, width = pictures.shape[-2:]
        lost = torch.zeros(len(pictures), height)
        recoloured = pictures.clone()
        for place, frame, near, far in self._lenders(pictures):
            colour, lines = lent_colour(frame, *(torch.cat(pair) for pair in zip(near, far, strict=True)))
            if lines.any():
                recoloured[place] = with_lent(frame, colour, lines)[:, :height, :width].cpu()
                lost[place] = lines[:height].cpu()
        return recoloured, lost

    def gains(self, pictures: Tensor) -> Tensor:
        """(T,) complex, by what to multiply Cb + i Cr of the pictures, (T, 3, H, W) Y'CbCr: 1 of those that are not
        damaged.

        Clean frames near by tell, references only where there are none: over a long shot a camera changes colour too.
        Where neither can be held against the frame, the shot's signatures tell, more roughly.
        """
        gains = [complex(1)] * len(pictures)
        for place, frame, near, far in self._lenders(pictures):
            told = chroma_gain(frame, *(near if len(near[0]) else far))
            gains[place] = told if told != 1 else self.plan.fading(self.window.first + place)
        return torch.tensor(gains, dtype=torch.complex128)

    def _lenders(self, pictures: Tensor) -> Iterator[tuple[int, Tensor, tuple[Tensor, Tensor], tuple[Tensor, Tensor]]]:
        """Of each damaged picture its place and itself, the clean ones next to it, NEAR at most, and the references,
        both with the regions that may lend; pictures as the references are."""
        frames, far, may = for_motion(pictures, self.references.device), self.references, self.lendable
        hurt = [self.plan.hurt(index) for index in range(self.window.first, self.window.last)]
        clean = [place for place, damaged in enumerate(hurt) if not damaged]
        for place in np.flatnonzero(hurt).tolist():
            nearest = sorted(clean, key=lambda other: abs(other - place))[:NEAR]
            yield place, frames[place], (frames[nearest], may.new_ones(len(nearest), *may.shape[1:])), (far, may)
