"""One damage per pass. Pictures are Y'CbCr, (T, 3, H, W) float32, luma 0 to 1, chroma -0.5 to 0.5.

A line pass gives a horizontal displacement per line, (T, H) in pixels; the chain moves the lines once. A picture pass
changes the picture. Each takes the moments it acts at; an intensity of zero is the identity.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from tapemend.degrade.timeline import drift, generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Where in the tape a pass acts, and how strongly."""

    seed: int
    name: str
    """The pass's name, part of every key."""
    indices: tuple[int, ...]
    """T frame indices."""
    intensities: tuple[float, ...]
    """T intensities, 0 to 1."""

    def generator(self, position: int) -> torch.Generator:
        """The generator of the frame at this position of the batch."""
        return generator(self.seed, self.name, self.indices[position])

    def drift(self, position: int, what: str, period: float) -> float:
        """A slowly moving number in [0, 1] for the frame at this position."""
        return drift(self.seed, f"{self.name}/{what}", self.indices[position], period)

    def active(self) -> list[int]:
        """Positions whose intensity is not zero."""
        return [position for position, intensity in enumerate(self.intensities) if intensity > 0.0]


class LinePass(Protocol):
    """Moves lines."""

    def __call__(self, height: int, moments: Moments) -> Tensor:
        """(T, H) displacement in pixels, positive to the right."""
        ...


class PicturePass(Protocol):
    """Changes pictures."""

    def __call__(self, picture: Tensor, moments: Moments) -> Tensor:
        """The damaged picture, a new tensor of the same shape."""
        ...
