"""The clean frames before and after each damaged frame of a window: those not judged damaged, but for some regions."""

from collections.abc import Iterator

import torch
from torch import Tensor

from tapemend.frames import References
from tapemend.restore.plan import Plan
from tapemend.restore.restorer import for_motion
from tapemend.restore.windows import Window

Lender = tuple[Tensor, Tensor]
"""A picture, (3, H, W) of sizes between which motion is found, and its regions that are clean, (rows, columns) bool."""


class Sides:
    """Clean frames that a window sees and, of sides on which it sees none, what is lent to it."""

    def __init__(
        self,
        plan: Plan,
        window: Window,
        pictures: Tensor,
        references: References,
        lent: Tensor,
        lendable: Tensor,
        device: torch.device,
    ) -> None:
        """pictures: (T, 3, H, W) Y'CbCr, the frames that the window sees; lent: (D, 3, H, W) the references; lendable:
        (D, rows, columns) bool, regions of them that are clean."""
        self.stride = 2 if plan.scan.interlaced else 1
        indices = range(window.first, window.last)
        given = for_motion(pictures, device)
        self._near = {
            index: (given[index - window.first], torch.from_numpy(~plan.cells(index)).to(device))
            for index in indices
            if not plan.verdict.damaged[index]
        }
        others = zip(for_motion(lent, device), lendable.to(device), strict=True)
        self._lent = dict(zip(references.indices, others, strict=True))

    def of(self, index: int) -> list[Lender]:
        """The nearest before a frame and the nearest after it, or one of both, or none; of fields that became frames
        those of its parity."""
        return list(self._nearest(index))

    def _nearest(self, index: int) -> Iterator[Lender]:
        for sign in (-1, 1):
            for lenders in (self._near, self._lent):
                there = [
                    other for other in lenders if sign * (other - index) > 0 and (other - index) % self.stride == 0
                ]
                if there:
                    yield lenders[min(there, key=lambda other: abs(other - index))]
                    break
