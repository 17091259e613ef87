"""Parts that the networks share."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu, pad

WHOLE = {4: torch.int32, 8: torch.complex64, 16: torch.complex128}
"""Numbers by their bytes."""
ROUGH = 4
"""Channels of roughness."""
HALF_ROUGH = 0.05
"""Difference that is compressed to one half."""


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a skip; the second starts at zero, so that a new block is the identity.

    No normalisation: its statistics would tie a pixel to the whole picture, and tiles would show.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        start_at_zero(self.second)

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        change: Tensor = self.second(leaky_relu(self.first(features), 0.1, inplace=True))
        return change.add_(features)


def start_at_zero(convolution: nn.Conv2d) -> None:
    """Make a fresh convolution answer zero."""
    for parameter in convolution.parameters():
        nn.init.zeros_(parameter)


def blocks(channels: int, count: int) -> nn.Sequential:
    """``count`` residual blocks in a row."""
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(count)))


def roughness(picture: Tensor) -> Tensor:
    """(N, 3, H, W) to (N, 4, H, W): how lines and columns differ from their neighbours.

    Second differences down the picture (of all components) and along the line (of luma), compressed so that faint
    noise counts and no edge drowns it: damage is a matter of these, and a network is slow to learn them by itself.
    """
    tall = pad(picture, (0, 0, 1, 1), mode="replicate")
    wide = pad(picture[:, :1], (1, 1, 0, 0), mode="replicate")
    down = (tall[..., :-2, :] + tall[..., 2:, :]).sub_(picture, alpha=2)
    along = (wide[..., :-2] + wide[..., 2:]).sub_(picture[:, :1], alpha=2)
    return compress(torch.cat([down, along], 1))


def compress(difference: Tensor) -> Tensor:
    """Differences to -1 to 1, HALF_ROUGH to one half."""
    return difference / difference.abs().add_(HALF_ROUGH)


def folding(channels: int, to: int, columns: int) -> nn.Conv2d:
    """A convolution that sees three rows and three groups of ``columns`` pixels and answers once per row and group."""
    return nn.Conv2d(channels, to, (3, 3 * columns), stride=(1, columns), padding=(1, columns))


def folded(convolution: nn.Conv2d, pictures: Tensor, besides: Tensor | None = None) -> Tensor:
    """What a ``folding`` answers, (N, channels, H, W) to (N, to, H, W/columns), with (to,) besides its bias.

    Where channels lie last, the pixels of a group are channels of one as they lie, and it is a convolution of 3x3 of
    these, which takes less time.
    """
    assert convolution.bias is not None
    bias, columns = convolution.bias if besides is None else convolution.bias + besides, convolution.stride[1]
    lines = pictures.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)
    groups = torch.unflatten(lines, 2, (-1, columns)).flatten(3).permute(0, 3, 1, 2)
    weight = torch.unflatten(convolution.weight, 3, (3, columns)).permute(0, 4, 1, 2, 3).flatten(1, 2)
    return conv2d(groups, weight, bias, padding=1)


class _Unfolding(torch.autograd.Function):
    """Channels that become pixels of a line.

    They lie one after another, channels last, so that they are moved as one number of another type, in a quarter of the
    time; autograd cannot follow such numbers, and is told here how they go back.
    """

    @staticmethod
    def forward(context: Any, features: Tensor, columns: int) -> Tensor:
        """(N, C*columns, H, W) to (N, C, H, W*columns); WHOLE has numbers of 4, 8 or 16 bytes."""
        context.columns = columns
        count, _, height, width = features.shape
        whole = features.permute(0, 2, 3, 1).flatten().view(WHOLE[columns * features.itemsize])
        lines = whole.view(count, height, width, -1).permute(0, 3, 1, 2)
        return lines.flatten().view(features.dtype).view(count, -1, height, width * columns)

    @staticmethod
    def backward(context: Any, pixels: Tensor) -> tuple[Tensor, None]:
        """The way back."""
        count, channels, height, _ = pixels.shape
        whole = pixels.flatten().view(WHOLE[context.columns * pixels.itemsize])
        cells = whole.view(count, channels, height, -1).permute(0, 2, 3, 1)
        features = cells.flatten().view(pixels.dtype).view(count, height, -1, channels * context.columns)
        return features.permute(0, 3, 1, 2), None


def unfold_pixels(features: Tensor, columns: int) -> Tensor:
    """(N, C*columns, H, W) to (N, C, H, W*columns): channels become pixels of a line."""
    pixels: Tensor = _Unfolding.apply(features, columns)  # type: ignore[no-untyped-call]
    return pixels
