"""What clean frames before and after a damaged one agree on, where they tell better than restoring does.

Where motion is found exactly, and wherever nothing moves, two clean frames brought to a frame's place are the same but
for their noise, and so is what the frame showed. How far they are apart says how wrong their mean may be; how much
restoring had to change says how wrong that may be; each weighs by the other's square (Wiener's filter). What only the
frame itself shows, seen in neither, is coarse and stays. Nothing here is learned.
"""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from tapemend.network.motion import LENDS, block_means, brought, motion

NEAR, COARSE = 9, 17
"""Pixels a side of the blocks in which frames are held against each other, and in which what only one shows is seen."""
LEFT = 0.25
"""Share of its own change by which what is restored may be wrong."""
ANOTHER = 0.03
"""Difference of the means of luma in COARSE blocks from which on the frame shows something else; it weighs a quarter
there."""
EPSILON = 1e-8
"""Added where nothing is changed and nothing is apart: there the frame stays."""


def consensus(restored: Tensor, change: Tensor, lenders: Tensor, lendable: Tensor) -> Tensor:
    """What to add to a restored frame, (3, H, W).

    restored: (3, H, W) float32 Y'CbCr, H and W multiples of 16; change: (3, H, W) by which it differs from what was
    given; lenders: (2, 3, H, W), a clean frame before it and one after it; lendable: (2, rows, columns) bool, regions
    of them that are clean.
    """
    there = interpolate(lendable[:, None].to(lenders), lenders.shape[-2:])
    vectors = motion(restored[None], lenders[None])
    fetched, may = brought(torch.cat([lenders, there], 1)[None], vectors)[0].tensor_split([3], 1)
    one, other = fetched
    more = (one + other) / 2 - restored
    doubt, apart = (_nearby(each) for each in (LEFT * change, (one - other) / 2))
    elsewise = block_means(more[None, :1], COARSE)[0] / ANOTHER
    weight = doubt.square() / (doubt.square() + apart.square() + EPSILON) / (1 + elsewise.square()).square()
    agreed: Tensor = (may.amin(0) >= LENDS) * weight * more
    return agreed


def _nearby(change: Tensor) -> Tensor:
    """(3, H, W) to the same: how large a change is around each pixel, of luma, and of Cb and Cr together."""
    sizes = torch.stack([change[0].abs(), change[1:].abs().mean(0)])
    luma, chroma = block_means(sizes[None], NEAR)[0]
    return torch.stack([luma, chroma, chroma])
