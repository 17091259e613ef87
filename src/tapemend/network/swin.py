"""What references look like at three scales: a two-dimensional Swin, each picture on its own.

The first three stages of a Swin-T (Liu et al., ICCV 2021), as in TAPE (arXiv 2310.14926, section 3.3), which takes one
trained on ImageNet. Names and order of the weights allow for those of others: see ``train/extractor.py``.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from tapemend.colour import to_rgb
from tapemend.network.attention import SwinBlocks, linear, to_features, to_tokens

PATCH = 4
"""Pixels a side that become the first tokens."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of R, G, B over ImageNet, which the pretrained weights expect to be taken off and divided by."""


class PatchMerging(nn.Module):
    """Four neighbour tokens become one (Swin, section 3.1)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.before = nn.LayerNorm(4 * inputs)
        self.reduce = linear(4 * inputs, outputs, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, H, W, C) with H and W even to (B, T, H/2, W/2, outputs)."""
        quarters = [tokens[:, :, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        merged: Tensor = self.reduce(self.before(torch.cat(quarters, -1)))
        return merged


class SwinExtractor(nn.Module):
    """Pictures to features at a quarter, an eighth and a sixteenth of their size."""

    def __init__(self, widths: tuple[int, ...], depths: tuple[int, ...], heads: tuple[int, ...], window: int) -> None:
        super().__init__()
        self.widths, self.depths = widths, depths
        self.embed = nn.Conv2d(3, widths[0], PATCH, stride=PATCH)
        self.after = nn.LayerNorm(widths[0])
        self.stages = nn.ModuleList(
            SwinBlocks(width, count, (1, window, window), depth)
            for width, count, depth in zip(widths, heads, depths, strict=True)
        )
        self.merges = nn.ModuleList(PatchMerging(a, b) for a, b in pairwise(widths))

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Features of each stage, before they are merged to the next.

        Args:
            pictures: (N, 3, H, W) Y'CbCr, luma 0 to 1, chroma -0.5 to 0.5; H and W are multiples of 16.

        Returns:
            (N, C, h, w) for each of the ``widths``, h and w first a quarter of H and W, then half of that each time.
        """
        mean, deviation = (pictures.new_tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
        tokens = self.after(to_tokens(self.embed((to_rgb(pictures) - mean) / deviation), 1))
        features = []
        for number, stage in enumerate(self.stages):
            tokens = stage(self.merges[number - 1](tokens) if number else tokens)
            features.append(to_features(tokens))
        return features
