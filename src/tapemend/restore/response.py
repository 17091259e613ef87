"""Luma of a window's damaged frames, evened along its lines as clean frames before and after them have it."""

import torch
from torch import Tensor

from tapemend.network.response import PIECE, equalised, equaliser
from tapemend.restore.plan import Plan
from tapemend.restore.restorer import for_motion
from tapemend.restore.sides import Sides
from tapemend.restore.windows import Window


@torch.no_grad()
def evened(plan: Plan, window: Window, pictures: Tensor, sides: Sides, device: torch.device) -> tuple[Tensor, Tensor]:
    """The pictures that a window sees, (T, 3, H, W) Y'CbCr, those of damaged frames evened, and (T,) by what that
    frequency of each was multiplied that changed most, 1 where none did."""
    height, width = pictures.shape[-2:]
    even, most = pictures.clone(), torch.ones(len(pictures))
    if width < PIECE:
        return even, most
    for place, index in enumerate(range(window.first, window.last)):
        if not (plan.scored(index) and plan.verdict.damaged[index]) or plan.verdict.lost[index]:
            continue
        frame = for_motion(pictures[place], device)
        told = equaliser(frame, sides.of(index))
        if (told.gains != 1).any():
            even[place, 0] = equalised(frame[0], told)[:height, :width].cpu()
            most[place] = told.gains[told.gains.log().abs().argmax()]
    return even, most
