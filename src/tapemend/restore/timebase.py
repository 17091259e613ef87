"""How far the lines of a window's frames lie out of place, each frame measured once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import torch
from torch import Tensor

from tapemend.network.blanking import lines_aside
from tapemend.network.timebase import UNTOLD, displacements, offset, strayed
from tapemend.restore.restorer import for_motion
from tapemend.restore.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Anchor:
    """A frame of the scene whose lines are where they belong."""

    index: int
    picture: Tensor
    """(3, H, W) Y'CbCr."""
    sound: Tensor
    """(H,) bool, lines in which nothing is damaged."""


class TimeBase:
    """Measures frames as windows ask for them, in order. Against its neighbours a frame is measured once, so it comes
    out the same in any window, as it does line against line by its blanking; between anchors it is measured in its own
    window only, and as a whole against the pictures that a window sees."""

    def __init__(self, device: torch.device, stride: int = 1) -> None:
        """stride: frames from one to the next that shows the same lines, 2 where fields became frames.

        Fields of different parity show slanted edges elsewhere, which would be taken for lines out of place.
        """
        self.device, self.stride = device, stride
        self._known: dict[int, tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def displacements(
        self, window: Window, pictures: Tensor, damaged: Tensor, anchors: Sequence[Anchor] = ()
    ) -> tuple[Tensor, Tensor]:
        """How far each line lies to the right of where it belongs, pixels, and whether blanking tells it, be it beside
        other lines of its picture only.

        pictures: (T, 3, H, W) Y'CbCr, the frames that the window sees; damaged: (T,) how surely each is, 0 to 1;
        anchors: among them, and from elsewhere on the tape. Returns (T, H), and (T, H) bool. What a window does
        not see is forgotten: ask in order.
        """
        self._known = {index: found for index, found in self._known.items() if index >= window.first}
        found = pictures.new_zeros(pictures.shape[0], pictures.shape[2])
        told = torch.zeros_like(found, dtype=torch.bool)
        indices = range(window.first, window.last)
        for first in range(min(self.stride, len(indices))):
            alike = slice(first, None, self.stride)
            of_parity = [anchor for anchor in anchors if (anchor.index - indices[first]) % self.stride == 0]
            own = torch.tensor([window.start <= index < window.stop for index in indices[alike]])
            held = self._held(indices[alike], pictures[alike], own & (damaged[alike] > 0), of_parity)
            places, variances, whole = lines_aside(pictures[alike, 0])
            held.append((places, variances))
            offsets = self._offsets(indices[alike], pictures[alike])
            relative = displacements(*offsets, damaged[alike], held)
            found[alike] = relative + (whole * (damaged[alike] > 0))[:, None]
            by_blanking = variances < UNTOLD
            told[alike] = by_blanking | (by_blanking.any(1, keepdim=True) & (relative != 0))
        return found, told

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
        """Offsets and variances (T, H) of the frames that are wanted, (T,) bool, each between two anchors if there are.

        If nothing is told of one frame, because too much moved between its anchors, others are not held against them.
        """
        offsets = pictures.new_zeros(pictures.shape[0], pictures.shape[2])
        variances = torch.full_like(offsets, torch.inf)
        in_time = sorted(anchors, key=lambda anchor: anchor.index)
        pairs = [pair for pair in combinations(in_time, 2) if pair[0].index < pair[1].index]
        untold = set[tuple[Anchor, Anchor]]()
        for number in wanted.nonzero()[:, 0].tolist():
            index = indices[number]
            pair = min(pairs, key=partial(_strayed_between, index), default=None)
            if pair is None or pair in untold or self._next_to(*pair, index):
                continue
            before, after = pair
            share = _share(index, *pair)
            around = torch.stack([before.picture, pictures[number], after.picture])
            offsets[number], variances[number] = self._measured(around, share)
            variances[number, ~(before.sound & after.sound)] = torch.inf
            if not (variances[number] < UNTOLD).any():
                untold.add(pair)
        return [(offsets, variances)] if variances.isfinite().any() else []

    def _next_to(self, before: Anchor, after: Anchor, index: int) -> bool:
        """Whether a frame's two anchors are its neighbours, against which it is measured anyway."""
        return (before.index, after.index) == (index - self.stride, index + self.stride)

    def _measured(self, around: Tensor, share: float = 0.5) -> tuple[Tensor, Tensor]:
        height = around.shape[2]
        before, frame, after = for_motion(around, self.device)
        offsets, variances = offset(before, frame, after, share)
        return offsets[:height].cpu(), variances[:height].cpu()


def _share(index: int, before: Anchor, after: Anchor) -> float:
    """Of the time from one anchor to another, at which a frame is."""
    return (index - before.index) / (after.index - before.index)


def _strayed_between(index: int, pair: tuple[Anchor, Anchor]) -> float:
    """How far what moves steadily in the long run strays at a frame from where its anchors say it is."""
    return strayed(_share(index, *pair)) * (pair[1].index - pair[0].index)


def _triples(pictures: Tensor) -> Iterator[Tensor]:
    """Each picture between its neighbours, (3, 3, H, W), but the first and the last."""
    return (pictures[number - 1 : number + 2] for number in range(1, len(pictures) - 1))
