"""Pixels that a restored picture is mixed of, beside what the network makes itself.

What is fine in a picture passes through the network's features with loss, and so does what others lend. Here it need
not: for every pixel weights say how much goes into it of the pictures beside it in time, of what is lent, and of its
own surroundings (kernel prediction, Bako et al., SIGGRAPH 2017).
"""

from collections.abc import Iterator
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, pad

from tapemend.network.blocks import start_at_zero, unfold_pixels

NEAR, WIDE = 1, 3
"""Pixels to either side, down or along a line, in the means around a pixel, in which it counts itself twice."""
FAR = 8
"""Pixels a side of the blocks whose means, drawn out between their centres, are the widest around a pixel."""
OFFERS = 13
"""Two neighbours, what is lent, seven means of the picture's own, two of its neighbours' and one of what is lent."""


class Mixing(nn.Module):
    """Weights, and what they say is mixed; a new one mixes nothing in."""

    def __init__(self, channels: int, fold: int) -> None:
        super().__init__()
        self.fold = fold
        self.weigh = nn.Conv2d(channels, 2 * OFFERS * fold, 3, padding=1)
        start_at_zero(self.weigh)

    def forward(self, features: Tensor, frames: Tensor, nearest: Tensor, lent: Tensor) -> Tensor:
        """The change (N, 3, H, W) that is mixed.

        features: (N, C, H, W/fold); frames: (N, 3, H, W) Y'CbCr; nearest: (N, 2, 3, H, W), the changes to their
        neighbours, brought to their place; lent: (N, 3, H, W), the change that lenders offer; H and W are multiples of
        FAR. Luma and chroma have weights of their own.
        """
        weights = torch.unflatten(unfold_pixels(self.weigh(features), self.fold), 1, (OFFERS, 2))
        luma, chroma = torch.zeros_like(frames[:, :1]), torch.zeros_like(frames[:, 1:])
        for offer, shares in zip(_offers(frames, nearest, lent), weights.unbind(1), strict=True):
            luma = luma.addcmul(offer[:, :1], shares[:, :1])
            chroma = chroma.addcmul(offer[:, 1:], shares[:, 1:])
        return torch.cat([luma, chroma], 1)


def _offers(frames: Tensor, nearest: Tensor, lent: Tensor) -> Iterator[Tensor]:
    """OFFERS changes (N, 3, H, W) of the frames."""
    yield from nearest.unbind(1)
    yield lent
    for reach in (NEAR, WIDE):
        along, down = _more(frames, reach, -1), _more(frames, reach, -2)
        yield from (along, down, down + _mean(along, reach, -2))
    yield interpolate(avg_pool2d(frames, FAR), scale_factor=FAR, mode="bilinear", align_corners=False) - frames
    beside = nearest.mean(1)
    for changes, reach in ((beside, NEAR), (beside, WIDE), (lent, NEAR)):
        yield _mean(_mean(changes, reach, -1), reach, -2)


def _mean(changes: Tensor, reach: int, axis: int) -> Tensor:
    """(N, C, H, W) of each pixel and those beside it, down the picture or along the line."""
    return reduce(Tensor.add_, _beside(changes, reach, axis), 2 * changes) / (2 * reach + 2)


def _more(pictures: Tensor, reach: int, axis: int) -> Tensor:
    """(N, C, H, W) what such a mean is more than the pixel: small differences, which half precision can add."""
    return reduce(Tensor.add_, (other - pictures for other in _beside(pictures, reach, axis))) / (2 * reach + 2)


def _beside(pictures: Tensor, reach: int, axis: int) -> Iterator[Tensor]:
    """(N, C, H, W) moved by up to reach pixels to either side, borders replicated."""
    ends = (reach, reach, 0, 0) if axis == -1 else (0, 0, reach, reach)
    wide, size = pad(pictures, ends, mode="replicate"), pictures.shape[axis]
    return (wide.narrow(axis, start, size) for start in range(2 * reach + 1) if start != reach)
