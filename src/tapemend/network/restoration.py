"""The default network: frames of the same scene are brought to a damaged frame's place, then a U-Net looks at them all.

Damage on tape lies along lines, so the first level has a quarter of the columns and keeps every row apart.
The answer is a change of the input, weighed by a gate that learns where damage is, so that a clean picture stays as it
was. A frame's answer depends on its neighbour on either side and its references, on no other frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle

from tapemend.network.blocks import ROUGH, blocks, folded, folding, roughness, start_at_zero, unfold_pixels
from tapemend.network.lending import Lending, shows_the_same
from tapemend.network.mixing import Mixing
from tapemend.network.motion import COARSEST, LENDS, block_means, brought, motion

FOLD = 4
"""Pixels of a line that are one in the first level."""
GRID_ROWS, GRID_COLUMNS = COARSEST, 8 * FOLD
"""Heights and widths the network takes are multiples of these."""
NEIGHBOURS = (-1, 1)
"""Frames that are always looked at, by their distance; at a shot's ends the frame itself takes their place."""
DOUBTFUL, CERTAIN = 0.3, 0.6
"""Gate up to which nothing is changed, and from which on everything that the network answers."""
AROUND = 33
"""Pixels a side of the blocks in which the gate must be closed to be overruled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorationConfig:
    """Everything that shapes the network; stored in the checkpoint."""

    widths: tuple[int, int, int, int] = (24, 48, 96, 128)
    """Channels of the four levels; the first is a multiple of eight."""
    depths: tuple[int, int, int, int] = (2, 3, 3, 3)
    """Residual blocks of each level of the encoder; the decoder has one fewer, at least one."""

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns, in whole steps of the grid, beyond which nothing in the parts of a picture changes a pixel.

        A tile with that margin gives the picture without tiles.
        """
        strides = (1, 2, 4, 8)
        levels = sum(2 * depth * stride for depth, stride in zip(self.depths, strides, strict=True))
        unlevels = sum(2 * max(1, depth - 1) * stride for depth, stride in zip(self.depths[:3], strides, strict=False))
        rows = 3 + levels + sum(strides) + unlevels + 1
        columns = FOLD * rows + AROUND // 2
        rows += AROUND // 2
        return rows + -rows % GRID_ROWS, columns + -columns % GRID_COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """All that is seen of N frames, at their place, H x W pixels."""

    frames: Tensor
    """(N, 3, H, W) Y'CbCr."""
    neighbours: Tensor
    """(N, 2, 3, H, W), brought to the frames' place, in the order of NEIGHBOURS."""
    references: Tensor
    """(N, D, 3, H, W), brought there."""
    lendable: Tensor
    """(N, D, H, W), 1 where a reference may lend and shows the same, else 0."""
    torn: Tensor
    """(N, 1, H, W) how surely lines of the frames are torn or lost there, 0 to 1."""
    marred: Tensor
    """(N, 1, H, W) how surely something else is damaged there, 0 to 1."""

    def part(self, rows: slice, columns: slice, precision: torch.dtype) -> "Seen":
        """A piece of the picture in the network's precision."""
        return Seen(**{name: getattr(self, name)[..., rows, columns].to(precision) for name in self.__slots__})


class RestorationNetwork(nn.Module):
    """Restores frames, each once."""

    alone = True
    """A frame's change does not depend on which others are asked for with it."""
    grid = (GRID_ROWS, GRID_COLUMNS)

    def __init__(self, config: RestorationConfig) -> None:
        super().__init__()
        self.reach = config.reach
        first, second, third, fourth = config.widths
        self.stem = folding(3 * 3 + ROUGH + 1, first, FOLD)
        self.lending = Lending(first, FOLD)
        self.levels = nn.ModuleList(blocks(w, d) for w, d in zip(config.widths, config.depths, strict=True))
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in ((first, second), (second, third), (third, fourth))
        )
        self.ups = nn.ModuleList(nn.Conv2d(a, 4 * b, 1) for a, b in ((fourth, third), (third, second), (second, first)))
        self.unlevels = nn.ModuleList(
            blocks(w, max(1, d - 1)) for w, d in zip(config.widths[2::-1], config.depths[2::-1], strict=True)
        )
        self.head = nn.Conv2d(first, 4 * FOLD, 3, padding=1)
        start_at_zero(self.head)
        self.mixing = Mixing(first, FOLD)

    def see(
        self,
        window: Tensor,
        numbers: Sequence[int],
        references: Tensor,
        lendable: Tensor,
        torn: Tensor | None = None,
        marred: Tensor | None = None,
    ) -> Seen:
        """Bring to some frames of B windows what others show there.

        window: (B, T, 3, H, W) float32 Y'CbCr; numbers: of the frames in each; references: (B, D, 3, H, W); lendable:
        (B, D, H, W) bool; torn, marred: (B, T, rows, columns) how surely lines are torn or lost there, and how surely
        something else is damaged, 0 to 1, if that is known. H and W are multiples of the grid. Motion is found over the
        whole picture, so this is not for tiles. N, the frames seen, is B times the numbers.
        """
        unknown = window.new_zeros(*window.shape[:2], 1, 1)
        torn, marred = (unknown if each is None else each for each in (torn, marred))
        (frames, neighbours), (own, beside) = (_with_neighbours(each, numbers) for each in (window, torn))
        lenders, may = (each.repeat_interleave(len(numbers), 0) for each in (references, lendable.to(window.dtype)))
        whole = torn.new_zeros(*lenders.shape[:2], *torn.shape[2:])
        vectors = motion(frames, torch.cat([neighbours, lenders], 1), torn=(own, torch.cat([beside, whole], 1)))
        near, far = vectors.tensor_split([len(NEIGHBOURS)], 1)
        lent, may = brought(torch.cat([lenders, may[:, :, None]], 2), far).tensor_split([3], 2)
        there, elsewise = (
            interpolate(each[:, None], frames.shape[-2:], mode="bilinear", align_corners=False)
            for each in (own, marred[:, torch.tensor(numbers)].flatten(0, 1))
        )
        lends = (may[:, :, 0] >= LENDS) & shows_the_same(frames, there, lent)
        return Seen(
            frames=frames,
            neighbours=brought(neighbours, near),
            references=lent,
            lendable=lends.to(window.dtype),
            torn=there,
            marred=elsewise,
        )

    def look(self, seen: Seen, nearest: Tensor) -> tuple[Tensor, Tensor]:
        """What is seen, as features (N, C, H, W/4), and the change (N, 3, H, W) that lenders offer.

        nearest: (N, 2, 3, H, W), the changes of the frames to their neighbours.
        """
        alone = torch.cat([seen.frames, nearest.flatten(1, 2), roughness(seen.frames), seen.torn], 1)
        own = folded(self.stem, alone)
        lendable = torch.cat([torch.ones_like(seen.neighbours[:, :, 0]), seen.lendable], 1)
        lenders = torch.cat([seen.neighbours, seen.references], 1)
        features, lent = self.lending(seen.frames, seen.torn, lenders, lendable, len(NEIGHBOURS))
        return own + features, lent

    def answer(self, seen: Seen) -> tuple[Tensor, Tensor]:
        """The change (N, 3, H, W), not yet weighed by the gate, and the gate's logit (N, 1, H, W)."""
        nearest = seen.neighbours - seen.frames[:, None]
        looked, lent = self.look(seen, nearest)
        features = [self.levels[0](looked)]
        for down, level in zip(self.downs, list(self.levels)[1:], strict=True):
            features.append(level(down(features[-1])))
        current = features[3]
        for up, level, skip in zip(self.ups, self.unlevels, reversed(features[:3]), strict=True):
            current = level(pixel_shuffle(up(current), 2) + skip)
        answer = unfold_pixels(self.head(current), FOLD)
        return answer[:, :3] + self.mixing(current, seen.frames, nearest, lent), answer[:, 3:]

    def change(self, seen: Seen) -> Tensor:
        """What to add to the frames, (N, 3, H, W).

        Where the gate is in doubt the picture stays as it was: what little it lets through there is mostly wrong. It
        was taught on tape and takes what tape does not do, white noise above all, for what was filmed; where it is
        closed all around though something is known to be damaged, it is overruled.
        """
        change, logit = self.answer(seen)
        gate = torch.sigmoid(logit)
        unseen = _certain(seen.marred) * (1 - _certain(block_means(gate.float(), AROUND))).to(gate)
        weighed: Tensor = change * torch.maximum(gate * _certain(gate), unseen)
        return weighed

    def forward(
        self, window: Tensor, references: Tensor, lendable: Tensor, torn: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Restore every frame of a window.

        window: (B, T, 3, H, W) Y'CbCr; references: (B, D, 3, H, W), D may be 0; lendable: (B, D, H, W) bool; torn:
        (B, T, rows, columns), 0 to 1, or None. Returns restored (B, T, 3, H, W) and gate logits (B, T, 1, H, W).
        """
        shape = window.shape[:2]
        with torch.no_grad():
            seen = self.see(window, range(shape[1]), references, lendable, torn)
        change, gate = (torch.unflatten(each, 0, shape) for each in self.answer(seen))
        return window + change * torch.sigmoid(gate), gate


def _certain(share: Tensor) -> Tensor:
    """0 up to DOUBTFUL, 1 from CERTAIN on, linear between."""
    return ((share - DOUBTFUL) / (CERTAIN - DOUBTFUL)).clamp(0, 1)


def _with_neighbours(window: Tensor, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
    """What is of frames of windows, (B, T, ...) to (N, ...), and what of those beside them in time, (N, 2, ...)."""
    last = window.shape[1] - 1
    places = [[min(max(number + distance, 0), last) for distance in NEIGHBOURS] for number in numbers]
    return window[:, torch.tensor(numbers)].flatten(0, 1), window[:, torch.tensor(places)].flatten(0, 1)
