"""The embedded scorer's network: one frame in, a map of how damaged each region is, by kind."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tapemend.network.blocks import ROUGH, blocks, fold_pixels, roughness

CELL_ROWS, CELL_COLUMNS = 8, 16
"""Pixels per cell of the map."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DamageConfig:
    """Everything that shapes the network; stored in the checkpoint."""

    widths: tuple[int, int, int] = (24, 48, 64)
    """Channels at 2 x 8, 4 x 16 and 8 x 16 pixels."""
    depth: int = 2
    """Residual blocks of the last two levels."""
    kinds: int = 5
    """Kinds of damage told apart, in the order of the simulator's."""


class DamageNetwork(nn.Module):
    """Sees single lines (two rows by eight columns become channels) at a small part of the restorer's cost."""

    def __init__(self, config: DamageConfig) -> None:
        super().__init__()
        first, second, third = config.widths
        self.body = nn.Sequential(
            nn.Conv2d((3 + ROUGH) * 2 * 8, first, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(first, second, 4, stride=2, padding=1),
            blocks(second, config.depth),
            nn.Conv2d(second, third, (4, 3), stride=(2, 1), padding=1),
            blocks(third, config.depth),
            nn.Conv2d(third, config.kinds, 1),
        )

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 3, H, W) Y'CbCr, H a multiple of 8 and W of 16, to logits (N, kinds, H/8, W/16)."""
        logits: Tensor = self.body(fold_pixels(torch.cat([picture, roughness(picture)], 1), 2, 8))
        return logits
