"""What neighbours and references lend to a damaged frame at its place."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, max_pool2d

from tapemend.network.blocks import ROUGH, folding, roughness, start_at_zero
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

    def forward(self, frames: Tensor, torn: Tensor, lenders: Tensor, lendable: Tensor, neighbours: int) -> Tensor:
        """What is lent.

        frames: (N, 3, H, W) Y'CbCr; torn: (N, 1, H, W) how surely their lines are torn or lost, 0 to 1; lenders:
        (N, L, 3, H, W), brought to the frames' place, so many neighbours and then references; lendable: (N, L, H, W) 1
        where one may lend, else 0. The order of lenders of a kind has no meaning. Returns (N, C, H, W/fold).
        """
        count, number = lenders.shape[:2]
        difference = (lenders - frames[:, None]).flatten(0, 1)
        may = lendable.flatten(0, 1)[:, None]
        seen = torch.cat([difference, roughness(lenders.flatten(0, 1)), may, torn.repeat_interleave(number, 0)], 1)
        looked = self.look(seen)
        kinds = self.kinds[[0] * neighbours + [1] * (number - neighbours)].repeat(count, 1)
        offer = self.offer(leaky_relu(looked + kinds[..., None, None], 0.1))
        weights, values = torch.unflatten(offer, 0, (count, number)).tensor_split([HEADS], 2)
        blocked = torch.unflatten(max_pool2d(1 - may, (1, self.fold)), 0, (count, number))
        weights = weights + BLOCKED * blocked
        weights = torch.cat([weights, torch.zeros_like(weights[:, :1])], 1).softmax(1)[:, :-1]
        values = torch.unflatten(values, 2, (HEADS, -1))
        lent: Tensor = self.merge((weights[:, :, :, None] * values).sum(1).flatten(1, 2))
        return lent


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
