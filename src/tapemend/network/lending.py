"""What is lent to a damaged frame: by neighbours and references at its place, and by itself with its lines put back."""

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, max_pool2d

from tapemend.network.blocks import ROUGH, folding, roughness, start_at_zero

KINDS = 3
"""Neighbours, references, and the frame itself with its lines put back."""
SEEN = 3 + ROUGH + 1 + KINDS
"""Channels of a lender: how it differs from the frame, its roughness, where it may lend, what it is."""
HEADS = 8
"""Groups of channels, each with weights of its own."""
BLOCKED = -1e4
"""Weight, before the softmax, of a lender where it must not lend; finite, so that half precision keeps it."""


class Lending(nn.Module):
    """Attention pooling over lenders, pixel by pixel (TAPE, section 3.3, pools over its references so).

    Each lender was brought to its place before, so that attention has only to weigh them against each other. Beside
    them stands one that lends nothing: it takes the weight where none fits.
    """

    def __init__(self, channels: int, fold: int) -> None:
        super().__init__()
        self.fold = fold
        self.look = folding(SEEN, channels, fold)
        self.offer = nn.Conv2d(channels, HEADS + channels, 3, padding=1)
        self.merge = nn.Conv2d(channels, channels, 1)
        start_at_zero(self.merge)

    def forward(self, frames: Tensor, lenders: Tensor, lendable: Tensor, kinds: Tensor) -> Tensor:
        """What is lent.

        frames: (N, 3, H, W) Y'CbCr; lenders: (N, L, 3, H, W), brought to the frames' place; lendable: (N, L, H, W) 1
        where one may lend, else 0; kinds: (L, KINDS) 1 for what each is, else 0. The order of lenders has no meaning.
        Returns (N, C, H, W/fold).
        """
        count, number = lenders.shape[:2]
        difference = (lenders - frames[:, None]).flatten(0, 1)
        seen = [difference, roughness(lenders.flatten(0, 1)), lendable.flatten(0, 1)[:, None]]
        kind = kinds.repeat(count, 1)[..., None, None].expand(-1, -1, *frames.shape[-2:])
        everything = torch.cat([*seen, kind], 1).contiguous(memory_format=torch.channels_last)
        offer = self.offer(leaky_relu(self.look(everything), 0.1))
        weights, values = torch.unflatten(offer, 0, (count, number)).tensor_split([HEADS], 2)
        blocked = torch.unflatten(max_pool2d(1 - seen[-1], (1, self.fold)), 0, (count, number))
        weights = weights + BLOCKED * blocked
        weights = torch.cat([weights, torch.zeros_like(weights[:, :1])], 1).softmax(1)[:, :-1]
        values = torch.unflatten(values, 2, (HEADS, -1))
        lent: Tensor = self.merge((weights[:, :, :, None] * values).sum(1).flatten(1, 2))
        return lent
