"""Pixels that a restored picture is mixed of, beside what the network makes itself.

What is fine in a picture passes through the network's features with loss, and so does what others lend. Here it need
not: for every pixel weights say how much goes into it of the pictures beside it in time, of what is lent, and of its
own surroundings (kernel prediction, Bako et al., SIGGRAPH 2017).
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad

from tapemend.network.blocks import start_at_zero, unfold_pixels

NEAR, WIDE = (0.25, 0.5, 0.25), (0.125, 0.125, 0.125, 0.25, 0.125, 0.125, 0.125)
"""Weights of means over lines or columns; all of these, and their products, are exact in any precision."""
FAR = 8
"""Pixels a side of the blocks whose means, drawn out between their centres, are the widest around a pixel."""

OWN = (((1.0,), NEAR), (NEAR, (1.0,)), (NEAR, NEAR), ((1.0,), WIDE), (WIDE, (1.0,)), (WIDE, WIDE))
"""Of the means around a pixel of the picture itself: down and along the line."""
BESIDE = ((NEAR, NEAR), (WIDE, WIDE))
"""Of those of the mean of the pictures beside it."""
LENT = ((NEAR, NEAR),)
"""Of those of what is lent."""
OFFERS = 3 + len(OWN) + 1 + len(BESIDE) + len(LENT)
"""Two neighbours, what is lent, and these means."""


class Mixing(nn.Module):
    """Weights, and what they say is mixed; a new one mixes nothing in."""

    own: Tensor
    beside: Tensor
    lent: Tensor

    def __init__(self, channels: int, fold: int) -> None:
        super().__init__()
        self.fold = fold
        self.weigh = nn.Conv2d(channels, 2 * OFFERS * fold, 3, padding=1)
        start_at_zero(self.weigh)
        self.register_buffer("own", _kernels(OWN, less=1.0), persistent=False)
        self.register_buffer("beside", _kernels(BESIDE, less=0.0), persistent=False)
        self.register_buffer("lent", _kernels(LENT, less=0.0), persistent=False)

    def forward(self, features: Tensor, frames: Tensor, nearest: Tensor, lent: Tensor) -> Tensor:
        """The change (N, 3, H, W) that is mixed.

        features: (N, C, H, W/fold); frames: (N, 3, H, W) Y'CbCr; nearest: (N, 2, 3, H, W), the changes to their
        neighbours, brought to their place; lent: (N, 3, H, W), the change that lenders offer; H and W are multiples of
        FAR. Luma and chroma have weights of their own.
        """
        weights = torch.unflatten(unfold_pixels(self.weigh(features), 1, self.fold), 1, (OFFERS, 2))
        luma, chroma = torch.zeros_like(frames[:, :1]), torch.zeros_like(frames[:, 1:])
        for offer, shares in zip(self._offers(frames, nearest, lent), weights.unbind(1), strict=True):
            luma = luma.addcmul(offer[:, :1], shares[:, :1])
            chroma = chroma.addcmul(offer[:, 1:], shares[:, 1:])
        return torch.cat([luma, chroma], 1)

    def _offers(self, frames: Tensor, nearest: Tensor, lent: Tensor) -> Iterator[Tensor]:
        """OFFERS changes (N, 3, H, W) of the frames."""
        yield from nearest.unbind(1)
        yield lent
        yield from _means(frames, self.own)
        yield interpolate(avg_pool2d(frames, FAR), scale_factor=FAR, mode="bilinear", align_corners=False) - frames
        yield from _means(nearest.mean(1), self.beside)
        yield from _means(lent, self.lent)


def _means(pictures: Tensor, kernels: Tensor) -> Iterator[Tensor]:
    """(N, C, H, W), each component by each of the kernels (K, side, side), borders replicated."""
    margin = kernels.shape[-1] // 2
    planes = pad(pictures, (margin,) * 4, mode="replicate").flatten(0, 1)[:, None]
    yield from torch.unflatten(conv2d(planes, kernels[:, None]), 0, pictures.shape[:2]).unbind(2)


def _kernels(shapes: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...], less: float) -> Tensor:
    """(K, side, side) kernels of means, less so much of the pixel itself."""
    side = max(len(weights) for pair in shapes for weights in pair)
    kernels = torch.zeros(len(shapes), side, side)
    for number, (down, along) in enumerate(shapes):
        product = torch.tensor(down)[:, None] * torch.tensor(along)
        margins = [(side - length) // 2 for length in (len(along), len(along), len(down), len(down))]
        kernels[number] = pad(product, margins)
    kernels[..., side // 2, side // 2] -= less
    return kernels
