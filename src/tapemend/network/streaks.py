"""Dropouts: parts of single lines that are brighter or darker than all around them, in the picture and in time.

Where the tape gives nothing for some microseconds a deck shows a white or black streak, a line or a few high, in one
frame. What is filmed is seen in the frame before or after too, a little aside if it moves, or above and below. Nothing
here is learned. The spike detection index of A. Kokaram (Motion Picture Restoration, Springer 1998, ch. 6) over windows
instead of along motion, which damage misleads, and as R. Storey detects film dirt (SMPTE J. 94, 1985), but along lines.
"""

from collections.abc import Callable

import torch
from torch import Tensor

ASIDE = 4
"""Columns to either side over which others are looked at: what moves by less is no streak."""
LINES = 6
"""Lines up and down of other frames that are looked at."""
APART = 1, 3
"""Lines to those above and below that a streak is held against; all of one distance must be unlike it: dropouts are one
line high, or two or three."""
SHORTEST = 5
"""Columns, an odd number: shorter ones are glitter."""
CODES = 255
Choice = Callable[[Tensor, Tensor], Tensor]
"""Of two pictures, the less or the greater of each two pixels."""


def streaks(luma: Tensor) -> Tensor:
    """(T + 2, H, W) luma of frames in a row, black 0, white 1, to (T, H, W), all but the first and the last: by how
    much each pixel of a streak is brighter or darker than what is around it, 0 of others.

    Columns are of half a picture's width, 360 for 720. SHORTEST // 2 columns at either end of a streak are not told,
    nor streaks in the outermost lines of the picture, where heads switch on every good tape. A frame beside itself,
    as the first and the last of a tape are, is held against its other neighbour; between two of itself it has none.
    To 1/255.
    """
    codes = (luma * CODES).round_().clamp_(0, CODES).to(torch.uint8)
    same = (codes[1:] == codes[:-1]).flatten(1).all(1)[:, None, None]
    return _brighter(codes, same).maximum(_brighter(CODES - codes, same)).to(luma) / CODES


def _brighter(codes: Tensor, same: Tensor) -> Tensor:
    """The same of bright ones; uint8 both; same: (T + 1, 1, 1) whether a frame is the one before once more."""
    along = _extreme(codes, ASIDE, 2, torch.maximum)
    near = _extreme(along, LINES, 1, torch.maximum)
    before, after = torch.where(same[:-1], near[2:], near[:-2]), torch.where(same[1:], near[:-2], near[2:])
    around = torch.stack([_beside(along[1:-1], lines) for lines in APART]).amin(0).maximum(before).maximum(after)
    excess = codes[1:-1].maximum(around) - around
    return _extreme(excess, SHORTEST // 2, 2, torch.minimum)


def _beside(codes: Tensor, lines: int) -> Tensor:
    """(T, H, W): the greater of the pixels so many lines above and below."""
    wider = _widened(codes, lines, 1)
    return wider[:, : -2 * lines].maximum(wider[:, 2 * lines :])


def _extreme(codes: Tensor, reach: int, side: int, choose: Choice) -> Tensor:
    """The least or greatest of what is up to ``reach`` away along a side; in windows that double, for ``max_pool2d``
    takes thirty times as long."""
    found, window = _widened(codes, reach, side), 1
    while window <= 2 * reach:
        step = min(window, 2 * reach + 1 - window)
        left = found.shape[side] - step
        found, window = choose(found.narrow(side, 0, left), found.narrow(side, step, left)), window + step
    return found


def _widened(codes: Tensor, reach: int, side: int) -> Tensor:
    """With so much more at both ends of a side, as the ends are; ``pad`` knows no uint8."""
    ends = (codes.narrow(side, place, 1) for place in (0, codes.shape[side] - 1))
    first, last = (torch.repeat_interleave(end, reach, side) for end in ends)
    return torch.cat([first, codes, last], side)
