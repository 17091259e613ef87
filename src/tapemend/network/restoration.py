"""The default network: a U-Net over the window, line by line at first, with the references fused by attention.

Damage on tape lies along lines, so the first level folds four pixels of a line into channels and keeps every row apart;
neighbour frames enter at full resolution there and by a temporal shift in every level of the encoder. The answer is a
change of the input, weighed by a gate that learns where damage is, so that a clean picture stays as it was.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tapemend.network.blocks import ROUGH, blocks, fold_pixels, roughness, shift_in_time, start_at_zero, unfold_pixels
from tapemend.network.fusion import FURTHEST_COLUMNS, FURTHEST_ROWS, QUERY_COLUMNS, QUERY_ROWS, ReferenceFusion

FOLD = 4
"""Pixels of a line that become channels in the first level."""
ROW_STRIDE, COLUMN_STRIDE = 4, 16
"""Pixels per token where references are fused."""
GRID_ROWS, GRID_COLUMNS = ROW_STRIDE * QUERY_ROWS, COLUMN_STRIDE * QUERY_COLUMNS
"""Heights and widths the network takes are multiples of these: 64 x 64 pixels, one attention window."""
DOUBTFUL, CERTAIN = 0.3, 0.6
"""Gate up to which nothing is changed, and from which on everything that the network answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorationConfig:
    """Everything that shapes the network; stored in the checkpoint."""

    widths: tuple[int, int, int, int] = (24, 48, 96, 128)
    """Channels of the four levels; the third is a multiple of three."""
    depths: tuple[int, int, int, int] = (1, 2, 2, 2)
    """Residual blocks of each level of the encoder; the decoder has one fewer, at least one."""

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns, in whole attention windows, beyond which nothing in a picture changes a pixel.

        A tile with that margin gives the picture without tiles.
        """
        strides = (1, 2, 4, 8)
        levels = [2 * depth * stride for depth, stride in zip(self.depths, strides, strict=True)]
        unlevels = [2 * max(1, depth - 1) * stride for depth, stride in zip(self.depths[:3], strides, strict=False)]
        to_references = 2 + sum(levels[:3]) + sum(strides[:2])
        to_the_last_level = to_references + levels[3] + strides[2]
        back = sum(unlevels) + 1
        own, lent = to_the_last_level + strides[3] + back, to_references + 1 + back
        rows = max(own, lent + ROW_STRIDE * FURTHEST_ROWS)
        columns = max(FOLD * own, FOLD * lent + COLUMN_STRIDE * FURTHEST_COLUMNS)
        return rows + -rows % GRID_ROWS, columns + -columns % GRID_COLUMNS


class RestorationNetwork(nn.Module):
    """Restores the frames of a window, each once."""

    def __init__(self, config: RestorationConfig) -> None:
        super().__init__()
        first, second, third, fourth = config.widths
        self.stem = nn.Conv2d((3 * 3 + ROUGH) * FOLD, first, 3, padding=1)
        self.levels = nn.ModuleList(blocks(w, d) for w, d in zip(config.widths, config.depths, strict=True))
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in ((first, second), (second, third), (third, fourth))
        )
        self.fusion = ReferenceFusion(third, ROW_STRIDE, COLUMN_STRIDE)
        self.lend = nn.Conv2d(3 * FOLD, first, 3, padding=1)
        self.ups = nn.ModuleList(nn.Conv2d(a, 4 * b, 1) for a, b in ((fourth, third), (third, second), (second, first)))
        self.unlevels = nn.ModuleList(
            blocks(w, max(1, d - 1)) for w, d in zip(config.widths[2::-1], config.depths[2::-1], strict=True)
        )
        self.head = nn.Conv2d(first, 4 * FOLD, 3, padding=1)
        start_at_zero(self.head)

    def encode(self, window: Tensor) -> list[Tensor]:
        """(B, T, 3, H, W) to the features of each frame at four levels, each (B*T, C, h, w)."""
        frames = window.shape[1]
        before = torch.cat([window[:, :1], window[:, :-1]], 1)
        after = torch.cat([window[:, 1:], window[:, -1:]], 1)
        changes = torch.cat([before - window, after - window], 2).flatten(0, 1)
        pictures = window.flatten(0, 1)
        seen = torch.cat([pictures, changes, roughness(pictures)], 1)
        features: list[Tensor] = [self.levels[0](self.stem(fold_pixels(seen, 1, FOLD)))]
        for down, level in zip(self.downs, list(self.levels)[1:], strict=True):
            features.append(level(shift_in_time(down(features[-1]), frames)))
        return features

    def encode_reference(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) references, each on its own, to their features (N, C, h, w) where they are fused."""
        still = torch.zeros_like(pictures)
        alone = torch.cat([pictures, still, still, roughness(pictures)], 1)
        features: Tensor = self.levels[0](self.stem(fold_pixels(alone, 1, FOLD)))
        for down, level in zip(list(self.downs)[:2], list(self.levels)[1:3], strict=True):
            features = level(shift_in_time(down(features), 1))
        return features

    def decode(
        self, pictures: Tensor, features: list[Tensor], fused: Tensor | None, lent: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) frames, their features, and what references lend, to (change, gate logit).

        change: (N, 3, H, W), already weighed by the gate; gate logit: (N, 1, H, W).
        """
        skips = list(features[:3])
        if fused is not None and lent is not None:
            skips[2] = skips[2] + fused
            skips[0] = skips[0] + self.lend(fold_pixels(lent - pictures, 1, FOLD))
        current = features[3]
        for up, level, skip in zip(self.ups, self.unlevels, reversed(skips), strict=True):
            current = level(unfold_pixels(up(current), 2, 2) + skip)
        answer = unfold_pixels(self.head(current), 1, FOLD)
        return answer[:, :3] * torch.sigmoid(answer[:, 3:]), answer[:, 3:]

    def lend_to(self, features: Tensor, references: Tensor, lendable: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """(B, T, C, h, w) features and (B, D, 3, H, W) references to what ReferenceFusion gives; None for D = 0."""
        count, depth = references.shape[:2]
        if not depth:
            return None, None
        keys = torch.unflatten(self.encode_reference(references.flatten(0, 1)), 0, (count, depth))
        fused: tuple[Tensor, Tensor] = self.fusion(features, keys, references, lendable)
        return fused

    def restore_frames(self, window: Tensor, keep: list[int], references: Tensor, lendable: Tensor) -> Tensor:
        """The change of the frames at positions ``keep`` of one window (1, T, 3, H, W): (len(keep), 3, H, W).

        Where the gate is in doubt the picture stays as it was: what little it lets through there is mostly wrong.
        """
        features = [level[keep] for level in self.encode(window)]
        fused, lent = self.lend_to(features[2][None], references, lendable)
        change, gate = self.decode(window[0, keep], features, fused, lent)
        return change * ((torch.sigmoid(gate) - DOUBTFUL) / (CERTAIN - DOUBTFUL)).clamp(0, 1)

    def forward(self, window: Tensor, references: Tensor, lendable: Tensor) -> tuple[Tensor, Tensor]:
        """Restore every frame of a window.

        window: (B, T, 3, H, W) Y'CbCr; references: (B, D, 3, H, W), D may be 0; lendable: (B, D, H/4, W/16) bool.
        Returns (restored (B, T, 3, H, W), gate logits (B, T, 1, H, W)).
        """
        shape = window.shape[:2]
        features = self.encode(window)
        fused, lent = self.lend_to(torch.unflatten(features[2], 0, shape), references, lendable)
        change, gate = self.decode(window.flatten(0, 1), features, fused, lent)
        return window + torch.unflatten(change, 0, shape), torch.unflatten(gate, 0, shape)
