"""Luma of a window's damaged frames, evened along its lines as clean frames before and after them have it."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from tapemend.network.response import PIECE, equalised, equaliser
from tapemend.restore.plan import Plan
from tapemend.restore.restorer import for_motion
from tapemend.restore.windows import Window

Lender = tuple[int, Tensor, Tensor]
"""A frame's index, its picture (3, H, W) and its regions that are clean, (rows, columns) bool."""


@torch.no_grad()
def evened(
    plan: Plan, window: Window, pictures: Tensor, lent: Sequence[Lender], device: torch.device
) -> tuple[Tensor, Tensor]:
    """The pictures that a window sees, (T, 3, H, W) Y'CbCr, those of damaged frames evened, and (T,) by what that
    frequency of each was multiplied that changed most, 1 where none did.

    Clean frames that the window sees tell, and from sides on which there are none what is lent.
    """
    height, width = pictures.shape[-2:]
    even, most = pictures.clone(), torch.ones(len(pictures))
    indices = range(window.first, window.last)
    damaged = [index for index in indices if plan.scored(index) and not plan.verdict.lost[index]]
    if width < PIECE or not damaged:
        return even, most
    given = for_motion(pictures, device)
    clean = torch.ones_like(torch.from_numpy(plan.cells(0)))
    near = [(index, given[index - window.first], clean) for index in indices if not plan.hurt(index)]
    for place in (index - window.first for index in damaged):
        sides = _sides(window.first + place, near, lent)
        told = equaliser(given[place], [(for_motion(other, device), may.to(device)) for _, other, may in sides])
        if (told.gains != 1).any():
            even[place, 0] = equalised(given[place, 0], told)[:height, :width].cpu()
            most[place] = told.gains[told.gains.log().abs().argmax()]
    return even, most


def _sides(index: int, near: Sequence[Lender], lent: Sequence[Lender]) -> Iterator[Lender]:
    """The nearest of those near by before a frame and after it, or the nearest of the others there."""
    for sign in (-1, 1):
        for lenders in (near, lent):
            there = [lender for lender in lenders if sign * (lender[0] - index) > 0]
            if there:
                yield min(there, key=lambda lender: abs(lender[0] - index))
                break
