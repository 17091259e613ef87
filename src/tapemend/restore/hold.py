"""Frames that hop put back up or down, as vertical hold would have kept them."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d

UNSURE = 1 / 48
"""Share of the height by which what signatures tell may be wrong."""
ALONG = 16
"""Pixels along the line that are taken together, so that what moves along it does not tell."""


def held(picture: Tensor, before: Tensor, after: Tensor, lower: float, step: int) -> Tensor:
    """A picture that stands lower than those on both sides, by about that share of its height, where they have it.

    Args:
        picture: (3, H, W) Y'CbCr.
        before: (3, H, W), the frame before it; what the picture does not show there is taken from it.
        after: (3, H, W), the frame after it.
        lower: As signatures tell it; negative if it stands higher.
        step: It is put back by a multiple of so many lines: 2 where every second line is interpolated.
    """
    height = picture.shape[1]
    own, *sides = avg_pool1d(torch.stack([picture[0], before[0], after[0]]), min(ALONG, picture.shape[2]))
    lines = _lines_lower(own, sides, lower * height, step)
    back = before.clone()
    shown, there = _in_both(height, lines)
    back[:, there] = picture[:, shown]
    return back


def _lines_lower(luma: Tensor, sides: list[Tensor], about: float, step: int) -> int:
    """By how many lines (H, W) luma stands lower than (H, W) that of the sides."""
    height = len(luma)
    first, last = (round((about + reach) / step) for reach in (-UNSURE * height, UNSURE * height))
    tried = [step * number for number in range(first, last + 1)]
    costs = []
    for lines in tried:
        shown, there = _in_both(height, lines)
        costs.append(sum((luma[shown] - side[there]).abs().mean() for side in sides))
    return tried[int(torch.tensor(costs).argmin())]


def _in_both(height: int, lower: int) -> tuple[slice, slice]:
    """The rows of a picture so many lines lower that another one of the same height has too, and these there."""
    return slice(max(0, lower), height + min(0, lower)), slice(max(0, -lower), height - max(0, lower))
