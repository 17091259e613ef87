"""The embedded scorer's network: frames in a row in, a map of how damaged each region is, by kind."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad

from tapemend.network.blocks import ROUGH, blocks, compress, roughness, start_at_zero

CELL_ROWS, CELL_COLUMNS = 8, 16
"""Pixels per cell of the map."""
STEP_SIZES = 4
"""Sizes at which it is measured how far lines lie aside, of half the picture's columns, each half the one before."""
FLAT = 1e-3
"""Sum of squared differences along a line below which nothing tells its place."""
SEEN = 3 + ROUGH + 2
"""Channels of what the network sees of a frame: itself, its roughness, how its luma differs from either neighbour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DamageConfig:
    """Everything that shapes the network; stored in the checkpoint."""

    widths: tuple[int, int, int] = (24, 40, 80)
    """Channels at 2 x 8, 4 x 16 and 8 x 16 pixels."""
    depth: int = 2
    """Residual blocks of the last two levels."""
    kinds: int = 5
    """Kinds of damage told apart, in the order of the simulator's."""


class AlongLines(nn.Module):
    """Adds what whole lines have in common, beside what the whole picture has.

    Damage crosses the picture, texture ends where its object does; and what is odd depends on what is usual there.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, (5, 1), padding=(2, 0))
        self.usual = nn.Conv2d(channels, channels, 1, bias=False)
        self.second = nn.Conv2d(channels, channels, 1)
        start_at_zero(self.second)

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        lines = features.mean(-1, keepdim=True)
        seen = self.first(lines) + self.usual(lines.mean(-2, keepdim=True))
        common: Tensor = self.second(leaky_relu(seen, 0.1))
        return features + common


class DamageNetwork(nn.Module):
    """Sees single lines, and what changes from frame to frame, at a small part of the restorer's cost.

    One frame does not tell lines out of place from grass, nor dropouts from glitter; its neighbours do, and what a
    line has in common from border to border.
    """

    def __init__(self, config: DamageConfig) -> None:
        super().__init__()
        first, second, third = config.widths
        self.stem = nn.Conv2d(SEEN, first, (2, 4), stride=(2, 4))
        self.steps = nn.Conv1d(4 * STEP_SIZES, first, 2, stride=2)
        self.body = nn.Sequential(
            nn.LeakyReLU(0.1),
            AlongLines(first),
            nn.Conv2d(first, second, 4, stride=2, padding=1),
            AlongLines(second),
            blocks(second, config.depth),
            nn.Conv2d(second, third, (4, 3), stride=(2, 1), padding=1),
            AlongLines(third),
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
        logits: Tensor = self.body(self._look(clip))
        return torch.unflatten(logits, 0, (len(clip), -1))

    def features(self, clip: Tensor) -> list[Tensor]:
        """What its two levels of residual blocks make of each frame but the first and the last: (N * T, C, h, w)."""
        current, found = self._look(clip), []
        for layer in list(self.body)[:-1]:
            current = layer(current)
            if isinstance(layer, nn.Sequential):
                found.append(current)
        return found

    def _look(self, clip: Tensor) -> Tensor:
        """(N, T + 2, 3, H, W) to (N * T, C, H/2, W/8).

        Half the columns will do: damage on tape is long along the line.
        """
        half = halved(clip)
        change = compress(half[:, 1:, :1] - half[:, :-1, :1])
        own = half[:, 1:-1].flatten(0, 1)
        beside = torch.cat([change[:, :-1], change[:, 1:]], 2).flatten(0, 1)
        looked: Tensor = self.stem(torch.cat([own, roughness(own), beside], 1))
        sizes = [half[:, :, 0]]
        while len(sizes) < STEP_SIZES:
            sizes.append(halved(sizes[-1]))
        steps = [steps_between_lines([size[:, 1:-1] for size in sizes]), steps_between_frames(sizes)]
        aside: Tensor = self.steps(torch.cat(steps, 1))
        return looked + aside[..., None]


def halved(pictures: Tensor) -> Tensor:
    """(..., W) to (..., W/2): means along the line, of an odd width all but the last."""
    return (pictures[..., :-1:2] + pictures[..., 1::2]) / 2


def steps_between_lines(sizes: list[Tensor]) -> Tensor:
    """How far lines lie to the right of those above, and those below of them, to (N * T, 2 K, H), -1 to 1.

    sizes: luma at K sizes, (N, T, H, W) each. Of grass each part says otherwise, and what slants does so over many
    lines.
    """
    steps = torch.stack([_steps_aside(size[..., 1:, :], size[..., :-1, :]) for size in sizes], 2).flatten(0, 1)
    return torch.cat([pad(steps, (1, 0)), pad(steps, (0, 1))], 1)


def steps_between_frames(sizes: list[Tensor]) -> Tensor:
    """How far the lines of each frame but the first and the last lie to the right of the same lines of the frame before
    and of the frame after, to (N * T, 2 K, H), -1 to 1.

    sizes: luma at K sizes, (N, T + 2, H, W) each. What moves steadily moves as far from the one as to the other; lines
    that sway do not.
    """
    steps = torch.stack([_steps_aside(size[:, 1:], size[:, :-1]) for size in sizes], 2)
    return torch.cat([steps[:, :-1], -steps[:, 1:]], 2).flatten(0, 1)


def _steps_aside(lines: Tensor, others: Tensor) -> Tensor:
    """How far lines lie to the right of others, (..., W) twice to (...), compressed to -1 to 1, 1 pixel to 1/2.

    One step of least squares along the whole line (Lucas and Kanade, IJCAI 1981).
    """
    both = lines + others
    along = (both[..., 2:] - both[..., :-2]) / 4
    change = (others - lines)[..., 1:-1]
    step = (along * change).sum(-1) / (along.square().sum(-1) + FLAT)
    return step / (step.abs() + 1)


def with_ends(clip: Tensor) -> Tensor:
    """(N, T, 3, H, W) to (N, T + 2, 3, H, W): the first and the last frame stand beside themselves."""
    return torch.cat([clip[:, :1], clip, clip[:, -1:]], 1)
