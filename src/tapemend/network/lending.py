"""What neighbours and references lend to a damaged frame at its place."""

from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu

from tapemend.network.blocks import ROUGH, folded, folding, roughness, start_at_zero
from tapemend.network.motion import block_means, filled, trusted

SEEN = 3 + ROUGH + 2
"""Channels of a lender: how it differs from the frame, its roughness, where it may lend, where the frame is torn."""
HEADS = 8
"""Groups of channels, each with weights of its own."""
BLOCKED = -1e4
"""Weight, before the softmax, of a lender where it must not lend; finite, so that half precision keeps it."""
ALIKE = 32
"""Pixels a side of the blocks by whose means a reference is held against the frame; lines of damage weigh little."""
ANOTHER = 0.025
"""Difference of such means of luma, less the picture's median difference, from which on it shows something else."""


class Lending(nn.Module):
    """Attention pooling over lenders, pixel by pixel (TAPE, section 3.3, pools over its references so).

    Each lender was brought to its place before, so that attention has only to weigh them against each other. Beside
    them stands one that lends nothing: it takes the weight where none fits.
    """

    def __init__(self, channels: int, fold: int) -> None:
        super().__init__()
        self.fold = fold
        self.look = folding(SEEN, channels, fold)
        self.kinds = nn.Parameter(torch.zeros(2, channels))
        self.offer = nn.Conv2d(channels, HEADS + channels, 3, padding=1)
        self.merge = nn.Conv2d(channels, channels, 1)
        start_at_zero(self.merge)

    def forward(
        self, frames: Tensor, torn: Tensor, lenders: Tensor, lendable: Tensor, neighbours: int
    ) -> tuple[Tensor, Tensor]:
        """What is lent.

        frames: (N, 3, H, W) Y'CbCr; torn: (N, 1, H, W) how surely their lines are torn or lost, 0 to 1; lenders:
        (N, L, 3, H, W), brought to the frames' place, so many neighbours and then references; lendable: (N, L, H, W) 1
        where one may lend, else 0. The order of lenders of a kind has no meaning. Returns features (N, C, H, W/fold),
        and the change (N, 3, H, W) to the frames by pixels of the lenders, each as its groups weigh it in the mean.
        """
        kinds = [self.kinds[int(number >= neighbours)] for number in range(lenders.shape[1])]
        changes = [lender - frames for lender in lenders.unbind(1)]
        each = zip(changes, lenders.unbind(1), lendable[:, :, None].unbind(1), kinds, strict=True)
        weights, values = zip(*(self._offered(torn, *lender) for lender in each), strict=True)
        shares = torch.stack([*weights, torch.zeros_like(weights[0])]).softmax(0)[:-1]
        lent = reduce(torch.add, (share[:, :, None] * value for share, value in zip(shares, values, strict=True)))
        weighed = zip(shares.mean(2, keepdim=True).repeat_interleave(self.fold, -1), changes, strict=True)
        return self.merge(lent.flatten(1, 2)), reduce(torch.add, (share * change for share, change in weighed))

    def _offered(
        self, torn: Tensor, change: Tensor, lender: Tensor, may: Tensor, kind: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The weights (N, HEADS, H, W/fold) of one lender (N, 3, H, W), which differs from the frames by a change and
        may lend where (N, 1, H, W) is 1, and its values (N, HEADS, C/HEADS, H, W/fold).

        A lender at a time stays in the processor's cache, and a weight is spread over its values faster where channels
        lie one after another in memory.
        """
        looked = folded(self.look, torch.cat([change, roughness(lender), may, torn], 1), kind)
        offer = self.offer(leaky_relu(looked, 0.1, inplace=True)).contiguous()
        barred = reduce(torch.maximum, ((1 - may)[..., first :: self.fold] for first in range(self.fold)))
        return offer[:, :HEADS] + BLOCKED * barred, torch.unflatten(offer[:, HEADS:], 1, (HEADS, -1))


def shows_the_same(frames: Tensor, torn: Tensor, lenders: Tensor) -> Tensor:
    """Where lenders (N, D, 3, H, W), brought to their place, show what frames (N, 3, H, W) show: (N, D, H, W) bool.

    A picture that is brighter as a whole shows the same. Where the frames are torn, (N, 1, H, W), what is around tells.
    """
    difference = lenders[:, :, 0] - frames[:, None, 0]
    if not difference.numel():
        return difference < ANOTHER
    means = block_means(difference, ALIKE, ALIKE // 2)
    apart = (means - means.flatten(2).median(2).values[..., None, None]).abs()
    apart = filled(apart, trusted(interpolate(torn, apart.shape[-2:], mode="bilinear", antialias=True)))
    return interpolate(apart, difference.shape[-2:], mode="bilinear") < ANOTHER
