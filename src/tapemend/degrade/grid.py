"""The raster of a tape: where samples and lines stand in time, for both television standards."""

from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

LUMA_SAMPLE_RATE = 13.5e6
"""Hz, of a line of 720 samples (BT.601-7, table 3)."""
DIGITAL_LINE = 720
"""Samples of the digital active line (BT.601-7, table 3): 53.3 microseconds."""


class Standard(StrEnum):
    """The two rasters of analog television (BT.1700), with the colour system that goes with each."""

    PAL = "pal"
    NTSC = "ntsc"

    @property
    def field_rate(self) -> float:
        """Fields a second."""
        return 50.0 if self is Standard.PAL else 60.0 / 1.001

    @property
    def field_lines(self) -> int:
        """Active lines of a field in a capture: 576 or 480 lines of a frame, half of them each."""
        return 288 if self is Standard.PAL else 240

    @property
    def line_rate(self) -> float:
        """Lines a second, with those that are blanked."""
        return 15625.0 if self is Standard.PAL else 4.5e6 / 286

    @property
    def subcarrier(self) -> float:
        """Hz (BT.1700: PAL 283.75 lines + 25 Hz, NTSC 227.5 lines)."""
        return 4433618.75 if self is Standard.PAL else 315e6 / 88


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How a picture samples the raster.

    A picture is what one sweep of a head reads, a field; of progressive clips whole frames are taken for it, and every
    measure in lines is then that share of the picture's height. Its width is the digital active line whatever its
    number of pixels, so that frequencies and times hold for any size.
    """

    standard: Standard
    height: int
    width: int
    whole: tuple[int, int] | None = None
    """Height and width of the whole picture where this is a piece of it, as training cuts them: a line is then no
    shorter and a band no higher, only fewer of them fit in."""

    @property
    def _whole(self) -> tuple[int, int]:
        return self.whole or (self.height, self.width)

    @property
    def sample_rate(self) -> float:
        """Pixels a second along the line."""
        return LUMA_SAMPLE_RATE * self._whole[1] / DIGITAL_LINE

    def rows(self, lines: float) -> float:
        """Rows of the picture that so many lines of a field take."""
        return lines * self._whole[0] / self.standard.field_lines

    def lines(self, rows: float) -> float:
        """The other way."""
        return rows * self.standard.field_lines / self._whole[0]

    def line_numbers(self) -> Tensor:
        """(H,) each row's place down the picture, in lines of a field."""
        return torch.arange(self.height) * self.lines(1.0)

    def seconds(self, index: int) -> Tensor:
        """(H,) float64 seconds from the tape's start at which the rows of picture ``index`` are scanned."""
        return index / self.standard.field_rate + self.line_numbers().double() / self.standard.line_rate

    def pixels(self, microseconds: float) -> float:
        """Pixels along the line that so much time takes."""
        return microseconds * 1e-6 * self.sample_rate
