"""Pixels that a restored picture is mixed of, beside what the network makes itself.

What is fine in a picture passes through the network's features with loss, and so does what others lend. Here it need
not: for every pixel weights say how much goes into it of the pictures beside it in time, of what is lent, and of its
own surroundings (kernel prediction, Bako et al., SIGGRAPH 2017).
"""

from collections.abc import Iterator
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from tapemend.network.blocks import start_at_zero, unfold_pixels

NEAR, WIDE = (0.25, 0.5, 0.25), (0.125, 0.125, 0.125, 0.25, 0.125, 0.125, 0.125)
"""Weights of means over lines or columns; all of these, and their products, are exact in any precision."""
OWN = (((1.0,), NEAR), (NEAR, (1.0,)), (NEAR, NEAR), (WIDE, WIDE))
"""Of the means around a pixel of the picture itself: down and along the line."""
BESIDE = ((NEAR, NEAR),)
"""Of those of the mean of the pictures beside it."""
OFFERS = 3 + len(OWN) + len(BESIDE)
"""Two neighbours, what is lent, and these means."""


class Mixing(nn.Module):
    """Weights, and what they say is mixed; a new one mixes nothing in."""

    own: Tensor
    beside: Tensor

    def __init__(self, channels: int, fold: int) -> None:
        super().__init__()
        self.fold = fold
        self.weigh = nn.Conv2d(channels, 2 * OFFERS * fold, 3, padding=1)
        start_at_zero(self.weigh)
        self.register_buffer("own", _kernels(OWN, less=1.0), persistent=False)
        self.register_buffer("beside", _kernels(BESIDE, less=0.0), persistent=False)

    def forward(self, features: Tensor, frames: Tensor, neighbours: Tensor, lent: Tensor) -> Tensor:
        """The change (N, 3, H, W) that is mixed.

        features: (N, C, H, W/fold); frames: (N, 3, H, W) Y'CbCr; neighbours: (N, 2, 3, H, W), brought to their place;
        lent: (N, 3, H, W), the change that lenders offer. Luma and chroma have weights of their own.
        """
        weights = torch.unflatten(unfold_pixels(self.weigh(features), 1, self.fold), 1, (OFFERS, 2))
        each = zip(self._offers(frames, neighbours, lent), weights.unbind(1), strict=True)
        return reduce(torch.add, (change * torch.cat([share, share[:, 1:]], 1) for change, share in each))

    def _offers(self, frames: Tensor, neighbours: Tensor, lent: Tensor) -> Iterator[Tensor]:
        """OFFERS changes (N, 3, H, W) of the frames."""
        changes = neighbours - frames[:, None]
        yield from changes.unbind(1)
        yield lent
        yield from _means(frames, self.own)
        yield from _means(changes.mean(1), self.beside)


def _means(pictures: Tensor, kernels: Tensor) -> Iterator[Tensor]:
    """(N, 3, H, W) by each of the kernels (3 * K, 3, h, w), borders replicated."""
    height, width = kernels.shape[-2:]
    wide = pad(pictures, (width // 2, width // 2, height // 2, height // 2), mode="replicate")
    means = conv2d(wide.contiguous(memory_format=torch.channels_last), kernels)
    yield from torch.unflatten(means, 1, (-1, 3)).unbind(1)


def _kernels(shapes: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...], less: float) -> Tensor:
    """(3 * K, 3, side, side) kernels of means of each of three components, less so much of the pixel itself."""
    side = max(len(weights) for pair in shapes for weights in pair)
    kernels = torch.zeros(len(shapes), 3, 3, side, side)
    for number, (down, along) in enumerate(shapes):
        product = torch.tensor(down)[:, None] * torch.tensor(along)
        margins = [(side - length) // 2 for length in (len(along), len(along), len(down), len(down))]
        kernels[number, range(3), range(3)] = pad(product, margins)
    kernels[:, range(3), range(3), side // 2, side // 2] -= less
    return kernels.flatten(0, 1)
