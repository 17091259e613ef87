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

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._known: dict[int, tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def displacements(self, window: Window, pictures: Tensor) -> Tensor:
        """How far each line lies to the right of where it belongs, pixels.

        pictures: (T, 3, H, W) Y'CbCr, the frames that the window sees. Returns (T, H). What a window does not see is
        forgotten: ask in order.
        """
        inner = range(window.first + 1, window.last - 1)
        self._known = {
            index: self._known.get(index) or self._measured(around)
            for index, around in zip(inner, _triples(pictures), strict=True)
        }
        if not inner:
            return pictures.new_zeros(pictures.shape[0], pictures.shape[2])
        return displacements(*(torch.stack(each) for each in zip(*self._known.values(), strict=True)))

    def _measured(self, around: Tensor) -> tuple[Tensor, Tensor]:
        height = around.shape[2]
        offsets, variances = offset(*on_the_grid(around, (COARSEST, COARSEST)).to(self.device))
        return offsets[:height].cpu(), variances[:height].cpu()


def _triples(pictures: Tensor) -> Iterator[Tensor]:
    """Each picture between its neighbours, (3, 3, H, W), but the first and the last."""
    return (pictures[number - 1 : number + 2] for number in range(1, len(pictures) - 1))
