"""One damage per pass. Pictures are Y'CbCr, (T, 3, H, W) float32, luma 0 to 1 (100 IRE), chroma -0.5 to 0.5.

A pass is a frozen dataclass of plain numbers, strings and flags, in physical units, that TOML can state. A line pass
gives a horizontal displacement per line; the chain moves the lines once. A picture pass changes the picture; a tearing
pass is one that moves lines while it does so, and says by how much. Each acts at moments; an intensity of zero is the
identity. A default for which no source is named was set by eye, beside captures and stills of real tapes.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import torch
from torch import Tensor

from tapemend.degrade.grid import Grid
from tapemend.degrade.timeline import drift, generator, uniform


class Kind(StrEnum):
    """The kinds of damage that masks tell apart, in the order of their maps."""

    GEOMETRY = "geometry"
    LINES = "lines"
    CHROMA = "chroma"
    NOISE = "noise"
    LEVELS = "levels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Where in the tape a pass acts, and how strongly."""

    seed: int
    name: str
    """The step's name, part of every key."""
    indices: tuple[int, ...]
    """T picture indices."""
    intensities: tuple[float, ...]
    """T intensities, 0 to 1."""

    def generator(self, position: int) -> torch.Generator:
        """The generator of the picture at this position of the batch; on the CPU."""
        return generator(self.seed, self.name, self.indices[position])

    def drift(self, position: int, what: str, period: float) -> float:
        """A slowly moving number in [0, 1] for the picture at this position; ``period`` in pictures."""
        return drift(self.seed, f"{self.name}/{what}", self.indices[position], period)

    def constant(self, what: str) -> float:
        """A number in [0, 1) that is the same for the whole tape."""
        return uniform(self.seed, self.name, "constant", what)

    def head(self, position: int, heads: int = 2) -> int:
        """Which head of the drum read the picture at this position."""
        return self.indices[position] % heads

    def active(self) -> list[int]:
        """Positions whose intensity is not zero."""
        return [position for position, intensity in enumerate(self.intensities) if intensity > 0.0]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePass(ABC):
    """Moves lines."""

    kind: ClassVar[Kind] = Kind.GEOMETRY

    @abstractmethod
    def shift(self, grid: Grid, moments: Moments) -> Tensor:
        """(T, H) displacement in pixels, positive to the right; zero where the intensity is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturePass(ABC):
    """Changes pictures."""

    kind: ClassVar[Kind]
    memory: ClassVar[int] = 0
    """Pictures before a picture that change it; a batch starts with so many more, or with the tape."""

    @abstractmethod
    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        """The damaged pictures, a new tensor of the same shape (T, 3, H, W); those of zero intensity as they were."""

    def shift(self, grid: Grid, moments: Moments) -> Tensor:
        """(T, H) pixels by which ``apply`` moves each line to the right."""
        return torch.zeros(len(moments.indices), grid.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class TearingPass(PicturePass):
    """Changes pictures and moves their lines in doing so."""

    @abstractmethod
    def tear(self, grid: Grid, moments: Moments, position: int, draw: torch.Generator) -> Tensor:
        """(H,) pixels by which the lines of the picture at this position move to the right.

        What it needs of the picture's generator it draws first, so that ``apply`` and ``shift`` draw the same.
        """

    def shift(self, grid: Grid, moments: Moments) -> Tensor:
        shift = torch.zeros(len(moments.indices), grid.height)
        for position in moments.active():
            shift[position] = self.tear(grid, moments, position, moments.generator(position))
        return shift


Pass = LinePass | PicturePass
