"""The embedded scorer's network: frames in a row in, a map of how damaged each region is, by kind."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tapemend.network.blocks import ROUGH, blocks, compress, roughness

CELL_ROWS, CELL_COLUMNS = 8, 16
"""Pixels per cell of the map."""
SEEN = 3 + ROUGH + 2
"""Channels of what the network sees of a frame: itself, its roughness, how its luma differs from either neighbour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DamageConfig:
    """Everything that shapes the network; stored in the checkpoint."""

    widths: tuple[int, int, int] = (24, 32, 56)
    """Channels at 2 x 8, 4 x 16 and 8 x 16 pixels."""
    depth: int = 2
    """Residual blocks of the last two levels."""
    kinds: int = 5
    """Kinds of damage told apart, in the order of the simulator's."""


class DamageNetwork(nn.Module):
    """Sees single lines, and what changes from frame to frame, at a small part of the restorer's cost.

    One frame does not tell lines out of place from grass, nor dropouts from glitter; its neighbours do.
    """

    def __init__(self, config: DamageConfig) -> None:
        super().__init__()
        first, second, third = config.widths
        self.body = nn.Sequential(
            nn.Conv2d(SEEN, first, (2, 4), stride=(2, 4)),
            nn.LeakyReLU(0.1),
            nn.Conv2d(first, second, 4, stride=2, padding=1),
            blocks(second, config.depth),
            nn.Conv2d(second, third, (4, 3), stride=(2, 1), padding=1),
            blocks(third, config.depth),
            nn.Conv2d(third, config.kinds, 1),
        )

    def forward(self, clip: Tensor) -> Tensor:
        """Frames 0 to T + 1 in a row to a map of each but the first and the last.

        Args:
            clip: (N, T + 2, 3, H, W) Y'CbCr, H a multiple of 8 and W of 16.

        Returns:
            (N, T, kinds, H/8, W/16) logits.
        """
        logits: Tensor = self.body(self._look(clip).flatten(0, 1))
        return torch.unflatten(logits, 0, (len(clip), -1))

    def features(self, clip: Tensor) -> list[Tensor]:
        """What its two levels of residual blocks make of each frame but the first and the last: (N * T, C, h, w)."""
        current, found = self._look(clip).flatten(0, 1), []
        for layer in list(self.body)[:-1]:
            current = layer(current)
            if isinstance(layer, nn.Sequential):
                found.append(current)
        return found

    def _look(self, clip: Tensor) -> Tensor:
        """(N, T + 2, 3, H, W) to (N, T, SEEN, H, W/2).

        Half the columns will do: damage on tape is long along the line.
        """
        half = (clip[..., ::2] + clip[..., 1::2]) / 2
        change = compress(half[:, 1:, :1] - half[:, :-1, :1])
        own = half[:, 1:-1]
        rough = torch.unflatten(roughness(own.flatten(0, 1)), 0, own.shape[:2])
        return torch.cat([own, rough, change[:, :-1], change[:, 1:]], 2)


def with_ends(clip: Tensor) -> Tensor:
    """(N, T, 3, H, W) to (N, T + 2, 3, H, W): the first and the last frame stand beside themselves."""
    return torch.cat([clip[:, :1], clip, clip[:, -1:]], 1)
