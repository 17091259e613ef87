"""What clean frames before and after a damaged one agree on, where they tell better than restoring does.

Where motion is found exactly, and wherever nothing moves, two clean frames brought to a frame's place are the same but
for their noise, and so is what the frame showed. How far they are apart says how wrong their mean may be; how much
restoring had to change says how wrong that may be; each weighs by the other's square (Wiener's filter). What only the
frame itself shows, seen in neither, is coarse and stays. Nothing here is learned.
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from tapemend.network.motion import LENDS, block_means, brought, motion

SAMPLE = 2
"""Pixels a side of what is weighed alike."""
NEAR, COARSE = 5, 9
"""Samples a side of the blocks in which frames are held against each other, and in which what only one shows is
seen."""
LEFT = 0.25
"""Share of its own change by which what is restored may be wrong."""
ANOTHER = 0.03
"""Difference of the means of luma in COARSE blocks from which on the frame shows something else; it weighs a quarter
there."""
EPSILON = 1e-8
"""Added where nothing is changed and nothing is apart: there the frame stays."""


def consensus(restored: Tensor, change: Tensor, lenders: Tensor, lendable: Tensor) -> Tensor:
    """What to add to a restored frame, (3, H, W).

    restored: (3, H, W) float32 Y'CbCr, H and W multiples of 16; change: (3, H, W) how it was changed by what may be
    wrong; lenders: (2, 3, H, W), a clean frame before it and one after it; lendable: (2, rows, columns) bool, regions
    of them that are clean.
    """
    there = interpolate(lendable[:, None].to(lenders), lenders.shape[-2:])
    vectors = motion(restored[None], lenders[None])
    fetched, may = brought(torch.cat([lenders, there], 1)[None], vectors)[0].tensor_split([3], 1)
    one, other = fetched
    more = (one + other) / 2 - restored
    doubt, apart = (_nearby(each) for each in (LEFT * change, (one - other) / 2))
    elsewise = block_means(avg_pool2d(more[None, :1], SAMPLE), COARSE)[0] / ANOTHER
    weight = doubt.square() / (doubt.square() + apart.square() + EPSILON) / (1 + elsewise.square()).square()
    luma, chroma = interpolate(weight[None], more.shape[-2:], mode="bilinear", align_corners=False)[0]
    agreed: Tensor = (may.amin(0) >= LENDS) * torch.stack([luma, chroma, chroma]) * more
    return agreed


def _nearby(change: Tensor) -> Tensor:
    """(3, H, W) to (2, h, w): how large a change is around each sample, of luma, and of Cb and Cr together."""
    sizes = torch.stack([change[0].abs(), change[1:].abs().mean(0)])
    return block_means(avg_pool2d(sizes[None], SAMPLE), NEAR)[0]
