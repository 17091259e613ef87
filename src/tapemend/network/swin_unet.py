"""The network of the TAPE paper (arXiv 2310.14926, section 3): a Swin U-Net, references fused on the way up.

Built from the paper, for comparison with the default network. Damage on analog tape breaks what optical flow needs, so
nothing is warped: attention in windows of two frames, eight rows and eight columns does the aligning. Without
references it is the network that came before (Agnolucci et al., ACM Multimedia 2022).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, max_pool2d, pixel_shuffle

from tapemend.network.attention import SwinBlocks, Window, to_features, to_tokens
from tapemend.network.blocks import start_at_zero
from tapemend.network.mrsff import ReferenceFusion
from tapemend.network.reach import Span, before_blocks, before_convolution, before_fusion, before_windows, union
from tapemend.network.swin import PATCH, PatchMerging, SwinExtractor

LEVELS = 3
"""Levels with a skip; a fourth, the coarsest, is the bottom."""
COARSEST = 16
"""Pixels per token at the bottom, and in the extractor's last stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperConfig:
    """Everything that shapes the network; stored in the checkpoint. The paper's values unless said otherwise."""

    widths: tuple[int, int, int, int] = (96, 192, 384, 768)
    """Channels at a half, a quarter, an eighth and a sixteenth of the picture."""
    depths: tuple[int, int, int, int] = (2, 2, 6, 2)
    """Attention blocks there, on the way down and again on the way up."""
    heads: tuple[int, int, int, int] = (8, 8, 8, 8)
    """Of each level's attention."""
    window: Window = (2, 8, 8)
    """Frames, rows and columns of an attention window, in tokens."""
    references: bool = True
    """Whether there is any fusion; without it, this is the network of 2022."""
    fusion_depths: tuple[int, int, int] = (2, 2, 6)
    """Blocks that fuse references, at the first three levels."""
    extractor_widths: tuple[int, int, int] = (96, 192, 384)
    """Channels of the references' Swin at a quarter, an eighth and a sixteenth of the picture; Swin-T's."""
    extractor_depths: tuple[int, int, int] = (2, 2, 6)
    """Its attention blocks."""
    extractor_heads: tuple[int, int, int] = (3, 6, 12)
    """Its heads."""
    extractor_window: int = 8
    """Side of its windows. Swin-T has 7, which would make the grid 896 pixels."""

    @property
    def grid(self) -> tuple[int, int]:
        """Heights and widths, in pixels, that the network takes are multiples of these: whole windows at the bottom."""
        return self._grid(self.window[1]), self._grid(self.window[2])

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns, in whole grids, beyond which nothing in a picture changes a pixel.

        A tile with that margin, started on the grid, gives the picture without tiles.
        """
        return self._reach(self.window[1]), self._reach(self.window[2])

    def _grid(self, side: int) -> int:
        return COARSEST * (math.lcm(side, self.extractor_window) if self.references else side)

    def _reach(self, side: int) -> int:
        grid = self._grid(side)
        first, last = self._seen(side, (0, grid))
        margin = max(-first, last - grid)
        return margin + -margin % grid

    def _seen(self, side: int, span: Span) -> Span:
        """The pixels that have a say in those of ``span``, from the head back to the input."""
        span = before_convolution(span, 1)
        lent = []
        for level in range(LEVELS):
            span = self._before_stage(_before_expansion(span, 2**level), level, side)
            if self.references:
                stride = 2 ** (level + 1)
                span = before_convolution(span, stride)
                looked_at = before_fusion(span, stride, side, self.fusion_depths[level])
                lent.append(self._before_extractor(looked_at, level))
        span = self._before_stage(_before_expansion(span, 2**LEVELS), LEVELS, side)
        for level in reversed(range(LEVELS)):
            span = self._before_stage(before_windows(span, 2 ** (level + 2)), level, side)
        return union(before_convolution(before_windows(span, 2), 1), *lent)

    def _before_stage(self, span: Span, level: int, side: int) -> Span:
        stride = 2 ** (level + 1)
        return before_blocks(before_convolution(span, stride), stride, side, self.depths[level])

    def _before_extractor(self, span: Span, level: int) -> Span:
        """From the reference features of a level back to the references."""
        stride = PATCH * 2**level
        span = before_convolution(before_windows(span, stride), stride)
        for stage in reversed(range(level + 1)):
            stride = PATCH * 2**stage
            span = before_blocks(
                before_windows(span, stride), stride, self.extractor_window, self.extractor_depths[stage]
            )
        return span


class SwinStage(nn.Module):
    """Attention blocks and a convolution around one skip."""

    def __init__(self, channels: int, heads: int, window: Window, depth: int) -> None:
        super().__init__()
        self.blocks = SwinBlocks(channels, heads, window, depth)
        self.smooth = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, H, W, C) to the same."""
        return tokens + to_tokens(self.smooth(to_features(self.blocks(tokens))), tokens.shape[1])


class PatchExpansion(nn.Module):
    """Each token becomes four of ``outputs`` channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.widen = nn.Conv2d(inputs, 4 * outputs, 3, padding=1)
        self.smooth = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, 2H, 2W)."""
        expanded: Tensor = self.smooth(leaky_relu(pixel_shuffle(self.widen(features), 2), 0.1))
        return expanded


class ReferenceFeatures(nn.Module):
    """The extractor's features, each brought to the width and size of a level of the U-Net."""

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        widths, heads, window = config.extractor_widths, config.extractor_heads, config.extractor_window
        self.extractor = SwinExtractor(widths, config.extractor_depths, heads, window)
        self.lifts = nn.ModuleList(
            nn.Conv2d(inputs, 4 * outputs, 3, padding=1) for inputs, outputs in zip(widths, config.widths, strict=False)
        )

    def forward(self, references: Tensor) -> list[Tensor]:
        """(B, D, 3, H, W) Y'CbCr to (B, D, h, w, C) at a half, a quarter and an eighth; D at least 1."""
        features = self.extractor(references.flatten(0, 1))
        lifted = (pixel_shuffle(lift(each), 2) for lift, each in zip(self.lifts, features, strict=True))
        return [to_tokens(each, references.shape[1]) for each in lifted]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WholeWindow:
    """A window, which frames of it are asked for, and their references."""

    window: Tensor
    """(1, T, 3, H, W) Y'CbCr."""
    references: Tensor
    """(1, D, 3, H, W)."""
    lendable: Tensor
    """(1, D, H, W) bool."""
    numbers: tuple[int, ...]
    """Of the frames asked for."""

    def part(self, rows: slice, columns: slice, precision: torch.dtype) -> "WholeWindow":
        """A piece of the picture in the network's precision."""
        return WholeWindow(
            window=self.window[..., rows, columns].to(precision),
            references=self.references[..., rows, columns].to(precision),
            lendable=self.lendable[..., rows, columns],
            numbers=self.numbers,
        )


class PaperNetwork(nn.Module):
    """Restores all frames of a window; a fresh one changes nothing."""

    alone = False
    """Attention in time ties the frames of a window together: they are restored in one go."""

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        self.stem = nn.Conv2d(3, widths[0], 3, stride=2, padding=1)
        self.stages = nn.ModuleList(self._stage(level) for level in range(LEVELS + 1))
        self.merges = nn.ModuleList(PatchMerging(a, b) for a, b in pairwise(widths))
        self.unstages = nn.ModuleList(self._stage(level) for level in range(LEVELS))
        self.expansions = nn.ModuleList(PatchExpansion(b, a) for a, b in pairwise((widths[0] // 2, *widths)))
        self.features = ReferenceFeatures(config) if config.references else None
        self.fusions = nn.ModuleList(
            ReferenceFusion(widths[level], config.heads[level], config.window[1:], config.fusion_depths[level])
            for level in range(LEVELS if config.references else 0)
        )
        self.head = nn.Conv2d(widths[0] // 2, 3, 3, padding=1)
        start_at_zero(self.head)

    @property
    def grid(self) -> tuple[int, int]:
        """Heights and widths, in pixels, that the network takes are multiples of these."""
        return self.config.grid

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns, in whole grids, beyond which nothing in a picture changes a pixel."""
        return self.config.reach

    def forward(self, window: Tensor, references: Tensor, lendable: Tensor) -> Tensor:
        """Restore every frame of a window.

        Args:
            window: (B, T, 3, H, W) float Y'CbCr, luma 0 to 1, chroma -0.5 to 0.5; any T, H and W multiples of ``grid``.
            references: (B, D, 3, H, W), as the window; D may be 0.
            lendable: (B, D, H, W) bool, pixels of references that may lend. A token lends if all its pixels may.

        Returns:
            (B, T, 3, H, W), as the window.
        """
        decoded = self._decode(self._encode(window), references, lendable)
        return window + torch.unflatten(self._answer(decoded.flatten(0, 1)), 0, window.shape[:2])

    def see(
        self,
        window: Tensor,
        numbers: Sequence[int],
        references: Tensor,
        lendable: Tensor,
        torn: Tensor | None = None,
        marred: Tensor | None = None,
    ) -> "WholeWindow":
        """What the change of some frames needs, of the whole picture: what is given, as it is.

        window: (1, T, 3, H, W); numbers: of the frames in it; references: (1, D, 3, H, W); lendable: (1, D, H, W) bool;
        torn and marred are not looked at.
        """
        return WholeWindow(window=window, references=references, lendable=lendable, numbers=tuple(numbers))

    def change(self, seen: "WholeWindow") -> Tensor:
        """What to add to the frames asked for, (N, 3, h, w)."""
        decoded = self._decode(self._encode(seen.window), seen.references, seen.lendable)
        return self._answer(decoded[0, list(seen.numbers)])

    def _stage(self, level: int) -> SwinStage:
        config = self.config
        return SwinStage(config.widths[level], config.heads[level], config.window, config.depths[level])

    def _encode(self, window: Tensor) -> list[Tensor]:
        """(B, T, 3, H, W) to (B, T, h, w, C) at the four levels."""
        tokens = to_tokens(self.stem(window.flatten(0, 1)), window.shape[1])
        levels = []
        for number, stage in enumerate(self.stages):
            tokens = stage(self.merges[number - 1](tokens) if number else tokens)
            levels.append(tokens)
        return levels

    def _decode(self, levels: list[Tensor], references: Tensor, lendable: Tensor) -> Tensor:
        """The levels and (B, D, 3, H, W) references to features (B, T, C, H/2, W/2)."""
        lenders = self._lenders(levels, references)
        tokens = levels[-1]
        for level in reversed(range(LEVELS)):
            expanded = self.expansions[level + 1](to_features(tokens))
            tokens = levels[level] + to_tokens(expanded, tokens.shape[1])
            if self.fusions:
                tokens = self.fusions[level](tokens, lenders[level], _lendable_tokens(lendable, 2 ** (level + 1)))
            tokens = self.unstages[level](tokens)
        return tokens.permute(0, 1, 4, 2, 3)

    def _lenders(self, levels: list[Tensor], references: Tensor) -> list[Tensor]:
        """Reference features (B, D, h, w, C) for the first three levels."""
        if self.features is None or not references.shape[1]:
            return [level[:, :0] for level in levels[:LEVELS]]
        lenders: list[Tensor] = self.features(references)
        return lenders

    def _answer(self, features: Tensor) -> Tensor:
        """(N, C, H/2, W/2) to the change (N, 3, H, W)."""
        change: Tensor = self.head(self.expansions[0](features))
        return change


def _lendable_tokens(lendable: Tensor, stride: int) -> Tensor:
    """(B, D, H, W) bool to (B, D, H/stride, W/stride): tokens all of whose pixels may lend."""
    if not lendable.shape[1]:
        return lendable[..., ::stride, ::stride]
    return max_pool2d((~lendable).float(), stride) == 0


def _before_expansion(span: Span, stride: int) -> Span:
    """A PatchExpansion to ``stride`` pixels per token."""
    return before_convolution(before_windows(before_convolution(span, stride), 2 * stride), 2 * stride)


PAPER_CONFIGS: Mapping[str, PaperConfig] = MappingProxyType(
    {
        "paper-base": PaperConfig(),
        "paper-2022": PaperConfig(references=False),
        "paper-small": PaperConfig(
            widths=(48, 96, 192, 384),
            heads=(3, 6, 6, 12),
            extractor_widths=(48, 96, 192),
            extractor_depths=(2, 2, 2),
            extractor_heads=(3, 6, 6),
        ),
        "paper-tiny": PaperConfig(
            widths=(16, 32, 48, 64),
            depths=(2, 2, 2, 2),
            heads=(2, 2, 3, 4),
            window=(2, 4, 4),
            fusion_depths=(2, 2, 2),
            extractor_widths=(16, 32, 48),
            extractor_depths=(2, 2, 2),
            extractor_heads=(2, 2, 3),
            extractor_window=4,
        ),
    }
)
"""By name; the first two have the papers' dimensions."""
