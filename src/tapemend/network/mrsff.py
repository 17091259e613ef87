"""Multi-reference fusion: each window of each damaged frame meets the same window of every reference.

TAPE (arXiv 2310.14926), section 3.3, "Multi-Reference Spatial Feature Fusion": windowed cross-attention with each of
the D references apart, then attention pooling over D, so that content decides which reference is believed.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from tapemend.network.attention import (
    DEVIATION,
    Position,
    Window,
    attend,
    blocked_tokens,
    join_windows,
    linear,
    per_token,
    shifts,
    split_windows,
    to_features,
    to_tokens,
)


def attend_references(query: Tensor, key: Tensor, value: Tensor, position: Tensor, blocked: Tensor) -> Tensor:
    """Each of T frames' windows attends to the same window of each of D references, one softmax for each of them.

    Args:
        query: (B, T, windows, N, C) float.
        key: (B, D, windows, N, C).
        value: (B, D, windows, N, C).
        position: (heads, N, N), added to the attention.
        blocked: (B, D, windows, N), 1 where a token must not lend, else 0.

    Returns:
        (B, T, windows, N, D, C): what token N of frame T gets from reference D.
    """
    count, frames, windows, tokens, _ = query.shape
    depth, heads = key.shape[1], len(position)
    asking = torch.unflatten(query, -1, (heads, -1)).permute(0, 2, 4, 1, 3, 5)  # (B, windows, heads, T, N, d)
    asking = asking[:, None].expand(-1, depth, -1, -1, -1, -1, -1).flatten(0, 2).flatten(2, 3)
    asked, given = (torch.unflatten(x, -1, (heads, -1)).transpose(3, 4).flatten(0, 2) for x in (key, value))
    fused = attend(asking, asked, given, position.repeat(1, frames, 1), blocked.flatten(0, 2))
    apart = fused.reshape(count, depth, windows, heads, frames, tokens, -1)
    return apart.permute(0, 4, 2, 5, 1, 3, 6).flatten(-2)


class AttentionPooling(nn.Module):
    """One token of many that are about the same place: their mean asks, it and they answer (as in CLIP's ResNets).

    Positions are those within the window; references have none, so their order does not matter.
    """

    def __init__(self, channels: int, heads: int, places: int) -> None:
        super().__init__()
        self.heads = heads
        self.position = nn.Parameter(torch.empty(places, 1, channels))
        nn.init.trunc_normal_(self.position, std=DEVIATION)
        self.query = linear(channels, channels)
        self.key = linear(channels, channels)
        self.value = linear(channels, channels)
        self.merge = linear(channels, channels)

    def forward(self, tokens: Tensor, lends: Tensor) -> Tensor:
        """Pool over D.

        tokens: (..., N, D, C), D at least 1; lends: bool, broadcastable to (..., N, D), of which references anything
        was taken. Returns (..., N, C), which means nothing where none of them lends.
        """
        share = lends / lends.sum(-1, keepdim=True).clamp(min=1)
        share = share.to(tokens.dtype)[..., None]
        placed = tokens + self.position
        query = self._heads(self.query((placed * share).sum(-2, keepdim=True)))  # (..., N, 1, heads, d)
        # The mean's key and value are the mean of keys and values, as these are affine.
        key, value = (
            self._heads(torch.cat([(each * share).sum(-2, keepdim=True), each], -2))
            for each in (self.key(placed), self.value(placed))
        )
        scores = (query * key).sum(-1) * query.shape[-1] ** -0.5  # (..., N, 1 + D, heads)
        counted = torch.cat([torch.ones_like(lends[..., :1]), lends], -1)[..., None]
        weights = scores.masked_fill(~counted, torch.finfo(scores.dtype).min).softmax(-2)
        pooled: Tensor = self.merge((weights[..., None] * value).sum(-3).flatten(-2))
        return pooled

    def _heads(self, tokens: Tensor) -> Tensor:
        """(..., C) to (..., heads, d)."""
        return torch.unflatten(tokens, -1, (self.heads, -1))


class FusionBlock(nn.Module):
    """What the references lend, then a layer per token, each around a skip."""

    def __init__(self, channels: int, heads: int, window: Window, shift: Window) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.before = nn.LayerNorm(channels)
        self.before_lending = nn.LayerNorm(channels)
        self.query = linear(channels, channels)
        self.lend = linear(channels, 2 * channels)
        self.position = Position(window, heads)
        self.pool = AttentionPooling(channels, heads, window[1] * window[2])
        self.merge = linear(channels, channels)
        self.think = per_token(channels)

    def forward(self, tokens: Tensor, references: Tensor, blocked: Tensor) -> Tensor:
        """(B, T, H, W, C) frames to the same; without references, or where none may lend, by the second part alone.

        references: (B, D, H, W, C), D may be 0; blocked: (B, D, windows, N), 1 where a token must not lend, else 0.
        """
        if references.shape[1]:
            tokens = tokens + self._lent(tokens, references, blocked)
        thought: Tensor = self.think(tokens)
        return tokens + thought

    def _lent(self, tokens: Tensor, references: Tensor, blocked: Tensor) -> Tensor:
        """(B, T, H, W, C): zero in windows in which no reference may lend anything."""
        asking = split_windows(self.query(self.before(tokens)), self.window, self.shift)
        lenders = split_windows(self.lend(self.before_lending(references)), self.window, self.shift)
        key, value = lenders.flatten(2, 3).chunk(2, -1)
        lends = (blocked == 0).any(-1).transpose(1, 2)[:, None, :, None]  # (B, 1, windows, 1, D)
        position = self.position()
        # Frame by frame, because what each token gets from each reference takes D times the memory of the tokens.
        frames = [
            self.pool(attend_references(frame[:, None], key, value, position, blocked), lends)
            for frame in asking.flatten(2, 3).unbind(1)
        ]
        lent = self.merge(gelu(torch.cat(frames, 1))) * lends.any(-1, keepdim=True)
        windows = torch.unflatten(lent, 2, asking.shape[2:4])
        return join_windows(windows, tokens.shape[1:4], self.window, self.shift)


class ReferenceFusion(nn.Module):
    """Blocks in a row, every other one half a window further, and a convolution, all around one skip."""

    def __init__(self, channels: int, heads: int, side: tuple[int, int], depth: int) -> None:
        """``side``: rows and columns of a window, in tokens."""
        super().__init__()
        self.window = (1, *side)
        self.shifts = shifts(self.window)
        self.blocks = nn.ModuleList(FusionBlock(channels, heads, self.window, self.shifts[i % 2]) for i in range(depth))
        self.smooth = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, tokens: Tensor, references: Tensor, lendable: Tensor) -> Tensor:
        """Fuse.

        Args:
            tokens: (B, T, H, W, C) of the damaged frames.
            references: (B, D, H, W, C), D may be 0.
            lendable: (B, D, H, W) bool, tokens that may lend.

        Returns:
            (B, T, H, W, C). Without references it is what it is with references of which nothing may lend.
        """
        present = lendable.to(tokens.dtype)
        blocked = [blocked_tokens(present, self.window, shift).flatten(2, 3) for shift in self.shifts]
        fused = tokens
        for index, block in enumerate(self.blocks):
            fused = block(fused, references, blocked[index % 2])
        return tokens + to_tokens(self.smooth(to_features(fused)), tokens.shape[1])
