"""How far the lines of a window's frames lie out of place, each frame measured once."""

from collections.abc import Iterator

import torch
from torch import Tensor

from tapemend.network.motion import COARSEST
from tapemend.network.timebase import displacements, offset
from tapemend.restore.restorer import on_the_grid
from tapemend.restore.windows import Window


class TimeBase:
    """Measures frames as windows ask for them, in order; a frame is measured alone, so it comes out the same in any."""

    def __init__(self, device: torch.device, stride: int = 1) -> None:
        """stride: frames from one to the next that shows the same lines, 2 where fields became frames.

        Fields of different parity show slanted edges elsewhere, which would be taken for lines out of place.
        """
        self.device, self.stride = device, stride
        self._known: dict[int, tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def displacements(self, window: Window, pictures: Tensor, damaged: Tensor) -> Tensor:
        """How far each line lies to the right of where it belongs, pixels.

        pictures: (T, 3, H, W) Y'CbCr, the frames that the window sees; damaged: (T,) bool. Returns (T, H). What a
        window does not see is forgotten: ask in order.
        """
        self._known = {index: found for index, found in self._known.items() if index >= window.first}
        found = pictures.new_zeros(pictures.shape[0], pictures.shape[2])
        for first in range(self.stride):
            alike = slice(first, None, self.stride)
            if len(pictures[alike]) > 2:
                found[alike] = self._among(range(window.first, window.last)[alike], pictures[alike], damaged[alike])
        return found

    def _among(self, indices: range, pictures: Tensor, damaged: Tensor) -> Tensor:
        """(T, H) displacements of three frames or more that follow each other, pictures (T, 3, H, W)."""
        for index, around in zip(indices[1:-1], _triples(pictures), strict=True):
            if index not in self._known:
                self._known[index] = self._measured(around)
        known = (self._known[index] for index in indices[1:-1])
        offsets, variances = (torch.stack(each) for each in zip(*known, strict=True))
        return displacements(offsets, variances, damaged)

    def _measured(self, around: Tensor) -> tuple[Tensor, Tensor]:
        height = around.shape[2]
        offsets, variances = offset(*on_the_grid(around, (COARSEST, COARSEST)).to(self.device))
        return offsets[:height].cpu(), variances[:height].cpu()


def _triples(pictures: Tensor) -> Iterator[Tensor]:
    """Each picture between its neighbours, (3, 3, H, W), but the first and the last."""
    return (pictures[number - 1 : number + 2] for number in range(1, len(pictures) - 1))
