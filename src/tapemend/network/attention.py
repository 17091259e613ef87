"""Attention within windows of tokens: of a clip with itself, and of a clip with its references.

Swin (Liu et al., ICCV 2021) and Video Swin (Liu et al., CVPR 2022): windows lie edge to edge, and in every other block
half a window further. Tokens are (B, T, H, W, C) here. A window that reaches over an edge is completed with tokens that
are never looked at, so what stands beyond the edge does not matter; nothing is rolled around.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention

Window = tuple[int, int, int]
"""Frames, rows and columns, in tokens."""
BLOCKED = -1e4
"""Added to the attention of a token that must not be looked at; finite, so that half precision keeps it."""
ALIGNED = 8
"""Widths of a head that the fused kernels take are multiples of this."""
DEVIATION = 0.02
"""Of fresh weights, as in Swin."""
GROWTH = 4
"""How much wider than a token the hidden layer behind an attention is."""


def split_windows(tokens: Tensor, window: Window, shift: Window) -> Tensor:
    """Cut tokens into windows of which one starts at ``shift``.

    Args:
        tokens: (B, T, H, W, C).
        window: Tokens of a window along each dimension, N in all.
        shift: Less than the window.

    Returns:
        (B, t, h, w, N, C): windows and their tokens, both in raster order; zeros beyond the edges.
    """
    count, *size, channels = tokens.shape
    early, above, left = _margins(size, window, shift)
    whole = pad(tokens, (0, 0, *left, *above, *early))
    frames, rows, columns = window
    t, h, w = (length // part for length, part in zip(whole.shape[1:4], window, strict=True))
    cut = whole.reshape(count, t, frames, h, rows, w, columns, channels)
    return cut.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(count, t, h, w, frames * rows * columns, channels)


def join_windows(windows: Tensor, size: Sequence[int], window: Window, shift: Window) -> Tensor:
    """The inverse of split_windows: (B, t, h, w, N, C) to (B, T, H, W, C), ``size`` being T, H and W."""
    count, t, h, w, _, channels = windows.shape
    frames, rows, columns = window
    cut = windows.reshape(count, t, h, w, frames, rows, columns, channels).permute(0, 1, 4, 2, 5, 3, 6, 7)
    whole = cut.reshape(count, t * frames, h * rows, w * columns, channels)
    for dimension, (length, (before, _)) in enumerate(zip(size, _margins(size, window, shift), strict=True), start=1):
        whole = whole.narrow(dimension, before, length)
    return whole


def blocked_tokens(present: Tensor, window: Window, shift: Window) -> Tensor:
    """(B, T, H, W) 1 where a token may be looked at, to (B, t, h, w, N) 1 where not: nor may any beyond the edges."""
    return 1 - split_windows(present[..., None], window, shift)[..., 0]


def attend(query: Tensor, key: Tensor, value: Tensor, position: Tensor, blocked: Tensor) -> Tensor:
    """Scaled dot product attention within each of G windows.

    Blocking is one more component of the keys, which every query multiplies by one: a mask for each query and key
    would be far larger than the tokens. Heads are filled up to a multiple of ALIGNED with zeros.

    Args:
        query: (G, heads, N, D) float.
        key: (G, heads, K, D).
        value: (G, heads, K, D).
        position: (heads, N, K), added to the attention.
        blocked: (G, K), 1 where a key must not be looked at, else 0. Where all are, the answer means nothing.

    Returns:
        (G, heads, N, D).
    """
    width = query.shape[-1]
    room = -(width + 1) % ALIGNED
    barred = (BLOCKED * blocked).to(key.dtype)[:, None, :, None].expand(-1, key.shape[1], -1, -1)
    asking = pad(torch.cat([query * width**-0.5, torch.ones_like(query[..., :1])], -1), (0, room))
    asked = pad(torch.cat([key, barred], -1), (0, room))
    given = pad(value, (0, 1 + room))
    fused = scaled_dot_product_attention(asking, asked, given, attn_mask=position.to(query.dtype)[None], scale=1.0)
    return fused[..., :width]


class Position(nn.Module):
    """A learned attention for each relative place within a window and each head (Swin, section 3.2)."""

    places: Tensor

    def __init__(self, window: Window, heads: int) -> None:
        super().__init__()
        extents = [2 * length - 1 for length in window]
        self.table = nn.Parameter(torch.empty(extents[0] * extents[1] * extents[2], heads))
        nn.init.trunc_normal_(self.table, std=DEVIATION)
        axes = torch.meshgrid(*(torch.arange(length) for length in window), indexing="ij")
        tokens = torch.stack(axes).flatten(1)
        between = tokens[:, :, None] - tokens[:, None, :] + torch.tensor(window)[:, None, None] - 1
        places = (between[0] * extents[1] + between[1]) * extents[2] + between[2]
        self.register_buffer("places", places, persistent=False)

    def forward(self) -> Tensor:
        """(heads, N, N): of each query of a window (second) and each key (third)."""
        # index_select, because the gradient of table[places] differs from run to run where several threads add it up.
        chosen = self.table.index_select(0, self.places.flatten())
        return torch.unflatten(chosen.T, 1, self.places.shape)


class SwinBlock(nn.Module):
    """Self-attention within windows, then a layer per token, each around a skip (Video Swin, section 3.1)."""

    def __init__(self, channels: int, heads: int, window: Window, shift: Window) -> None:
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.before = nn.LayerNorm(channels)
        self.project = linear(channels, 3 * channels)
        self.position = Position(window, heads)
        self.merge = linear(channels, channels)
        self.think = per_token(channels)

    def forward(self, tokens: Tensor, blocked: Tensor) -> Tensor:
        """(B, T, H, W, C) to the same; blocked: (windows, N), 1 beyond the edges, of one clip."""
        count, *size, _ = tokens.shape
        windows = split_windows(self.project(self.before(tokens)), self.window, self.shift)
        query, key, value = to_heads(windows.flatten(0, 3), 3, self.heads)
        fused = attend(query, key, value, self.position(), blocked.repeat(count, 1))
        joined = torch.unflatten(fused.transpose(1, 2).flatten(2), 0, windows.shape[:4])
        tokens = tokens + self.merge(join_windows(joined, size, self.window, self.shift))
        thought: Tensor = self.think(tokens)
        return tokens + thought


class SwinBlocks(nn.Module):
    """Blocks in a row, every other one half a window further."""

    def __init__(self, channels: int, heads: int, window: Window, depth: int) -> None:
        super().__init__()
        self.window = window
        self.shifts = shifts(window)
        self.blocks = nn.ModuleList(SwinBlock(channels, heads, window, self.shifts[i % 2]) for i in range(depth))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, H, W, C) to the same, any T, H and W."""
        present = tokens.new_ones(1, *tokens.shape[1:4])
        blocked = [blocked_tokens(present, self.window, shift).flatten(0, 3) for shift in self.shifts]
        for index, block in enumerate(self.blocks):
            tokens = block(tokens, blocked[index % 2])
        return tokens


def shifts(window: Window) -> tuple[Window, Window]:
    """Where windows start in even and in odd blocks."""
    return (0, 0, 0), (window[0] // 2, window[1] // 2, window[2] // 2)


def to_heads(tokens: Tensor, parts: int, heads: int) -> tuple[Tensor, ...]:
    """(G, N, parts*heads*D) to ``parts`` tensors (G, heads, N, D)."""
    return torch.unflatten(tokens, -1, (parts, heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)


def per_token(channels: int) -> nn.Sequential:
    """The layer behind an attention: (..., C) to the same, each token on its own."""
    wide = GROWTH * channels
    return nn.Sequential(nn.LayerNorm(channels), linear(channels, wide), nn.GELU(), linear(wide, channels))


def linear(inputs: int, outputs: int, bias: bool = True) -> nn.Linear:
    """A linear layer that starts as Swin's do."""
    layer = nn.Linear(inputs, outputs, bias=bias)
    nn.init.trunc_normal_(layer.weight, std=DEVIATION)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer


def to_tokens(features: Tensor, frames: int) -> Tensor:
    """(B*T, C, H, W) to (B, T, H, W, C)."""
    return torch.unflatten(features, 0, (-1, frames)).permute(0, 1, 3, 4, 2)


def to_features(tokens: Tensor) -> Tensor:
    """(B, T, H, W, C) to (B*T, C, H, W)."""
    return tokens.flatten(0, 1).permute(0, 3, 1, 2)


def _margins(size: Sequence[int], window: Window, shift: Window) -> list[tuple[int, int]]:
    """Tokens to add before and after along each dimension, so that windows are whole and one starts at ``shift``."""
    before = [-start % whole for start, whole in zip(shift, window, strict=True)]
    return [(more, -(length + more) % whole) for length, more, whole in zip(size, before, window, strict=True)]
