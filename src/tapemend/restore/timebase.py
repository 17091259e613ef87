"""How far the lines of a window's frames lie out of place, each frame measured once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tapemend.network.blanking import lines_aside
from tapemend.network.motion import COARSEST
from tapemend.network.timebase import UNTOLD, displacements, offset
from tapemend.restore.restorer import on_the_grid
from tapemend.restore.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Anchor:
    """A clean frame of the scene, elsewhere on the tape, whose lines are where they belong."""

    index: int
    picture: Tensor
    """(3, H, W) Y'CbCr."""
    sound: Tensor
    """(H,) bool, lines in which nothing is damaged."""


class TimeBase:
    """Measures frames as windows ask for them, in order. Against its neighbours a frame is measured once, so it comes
    out the same in any window; between anchors only in its own; by its blanking it always comes out the same."""

    def __init__(self, device: torch.device, stride: int = 1) -> None:
        """stride: frames from one to the next that shows the same lines, 2 where fields became frames.

        Fields of different parity show slanted edges elsewhere, which would be taken for lines out of place.
        """
        self.device, self.stride = device, stride
        self._known: dict[int, tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def displacements(
        self, window: Window, pictures: Tensor, damaged: Tensor, anchors: Sequence[Anchor] = ()
    ) -> Tensor:
        """How far each line lies to the right of where it belongs, pixels.

        pictures: (T, 3, H, W) Y'CbCr, the frames that the window sees; damaged: (T,) how surely each is, 0 to 1.
        Returns (T, H). What a window does not see is forgotten: ask in order.
        """
        self._known = {index: found for index, found in self._known.items() if index >= window.first}
        found = pictures.new_zeros(pictures.shape[0], pictures.shape[2])
        indices = range(window.first, window.last)
        for first in range(min(self.stride, len(indices))):
            alike = slice(first, None, self.stride)
            of_parity = [anchor for anchor in anchors if (anchor.index - indices[first]) % self.stride == 0]
            own = torch.tensor([window.start <= index < window.stop for index in indices[alike]])
            held = self._held(indices[alike], pictures[alike], own & (damaged[alike] > 0), of_parity)
            held.append(lines_aside(pictures[alike, 0]))
            offsets = self._offsets(indices[alike], pictures[alike])
            found[alike] = displacements(*offsets, damaged[alike], held)
        return found

    def _offsets(self, indices: range, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Offsets and variances (T - 2, H) of frames that follow each other against their neighbours."""
        for index, around in zip(indices[1:-1], _triples(pictures), strict=True):
            if index not in self._known:
                self._known[index] = self._measured(around)
        nothing = pictures.new_empty(0, pictures.shape[2])
        known = [self._known[index] for index in indices[1:-1]]
        offsets, variances = (torch.stack(each) for each in zip(*known, strict=True)) if known else (nothing, nothing)
        return offsets, variances

    def _held(
        self, indices: range, pictures: Tensor, wanted: Tensor, anchors: Sequence[Anchor]
    ) -> list[tuple[Tensor, Tensor]]:
        """Offsets and variances (T, H) of the frames that are wanted, (T,) bool, between two anchors if there are two.

        If nothing is told of one frame, because too much moved between the anchors, the next ones are not tried.
        """
        pair = _on_either_side(anchors, indices)
        if pair is None:
            return []
        before, after = pair
        offsets = pictures.new_zeros(pictures.shape[0], pictures.shape[2])
        variances = torch.full_like(offsets, torch.inf)
        for number in wanted.nonzero()[:, 0].tolist():
            share = (indices[number] - before.index) / (after.index - before.index)
            around = torch.stack([before.picture, pictures[number], after.picture])
            offsets[number], variances[number] = self._measured(around, share)
            variances[number, ~(before.sound & after.sound)] = torch.inf
            if not (variances[number] < UNTOLD).any():
                break
        return [(offsets, variances)]

    def _measured(self, around: Tensor, share: float = 0.5) -> tuple[Tensor, Tensor]:
        height = around.shape[2]
        before, frame, after = on_the_grid(around, (COARSEST, COARSEST)).to(self.device)
        offsets, variances = offset(before, frame, after, share)
        return offsets[:height].cpu(), variances[:height].cpu()


def _on_either_side(anchors: Sequence[Anchor], indices: range) -> tuple[Anchor, Anchor] | None:
    """The anchors next to some frames, one before and one after them if there are; in time's order."""
    middle = indices[len(indices) // 2]
    near = sorted(anchors, key=lambda anchor: abs(anchor.index - middle))
    before = [anchor for anchor in near if anchor.index < middle]
    after = [anchor for anchor in near if anchor.index > middle]
    pair = [*before[:1], *after[:1]] if before and after else near[:2]
    return (pair[0], pair[1]) if len(pair) == 2 and pair[0].index != pair[1].index else None


def _triples(pictures: Tensor) -> Iterator[Tensor]:
    """Each picture between its neighbours, (3, 3, H, W), but the first and the last."""
    return (pictures[number - 1 : number + 2] for number in range(1, len(pictures) - 1))
