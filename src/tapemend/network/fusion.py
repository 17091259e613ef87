"""Attention from damaged frames to the clean references that may lend to them."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from tapemend.network.blocks import fold_pixels, unfold_pixels

QUERY_ROWS, QUERY_COLUMNS = 16, 4
"""Tokens of a query window; keys come from a window of twice that, centred on it."""
FURTHEST_ROWS, FURTHEST_COLUMNS = 3 * QUERY_ROWS // 2, 3 * QUERY_COLUMNS // 2
"""Tokens from a query to the end of its key window, from the other end of its own."""
HEADS = 3
"""One for each of Y', Cb and Cr, so that each head also lends that component's pixels."""
BLOCKED = -1e4
"""Added to the attention of a token that must not lend; finite, so that half precision keeps it."""


class ReferenceFusion(nn.Module):
    """Each token of a damaged frame looks at the same place, and around it, in every reference at once.

    Queries from the damaged frame, keys and values from all D references in one softmax (TAPE, section 3.3, fuses each
    reference apart and pools; one softmax weighs the references against each other by content). A learned token that
    lends nothing takes the attention where no reference fits. Beside features, the attention fetches the references'
    pixels themselves: each head those of one component.
    """

    offsets: Tensor

    def __init__(self, channels: int, fold_rows: int, fold_columns: int) -> None:
        super().__init__()
        self.fold = (fold_rows, fold_columns)
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.merge = nn.Conv2d(channels, channels, 1)
        self.nothing = nn.Parameter(torch.zeros(HEADS))
        self.position = nn.Parameter(torch.zeros(HEADS, 3 * QUERY_ROWS - 1, 3 * QUERY_COLUMNS - 1))
        self.register_buffer("offsets", _offsets(), persistent=False)

    def forward(
        self, features: Tensor, references: Tensor, pictures: Tensor, lendable: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Fuse.

        features: (B, T, C, h, w) of damaged frames. references: (B, D, C, h, w) features, and pictures (B, D, 3, H, W)
        pixels, of their references; lendable: (B, D, h, w) bool, tokens that may lend. h and w are multiples of the
        query window. Returns features (B*T, C, h, w) and lent pixels (B*T, 3, H, W).
        """
        frames, depth = features.shape[1], references.shape[1]
        channels, height, width = features.shape[2:]
        query = _query_windows(self.query(features.flatten(0, 1)), frames)
        flat = references.flatten(0, 1)
        key = _key_windows(self.key(flat), depth)
        patches = fold_pixels(pictures.flatten(0, 1), *self.fold)
        both = torch.cat(
            [torch.unflatten(self.value(flat), 1, (HEADS, -1)), torch.unflatten(patches, 1, (HEADS, -1))], 2
        )
        value = _key_windows(both.flatten(1, 2), depth)
        blocked = _key_windows((~lendable).flatten(0, 1)[:, None].to(features.dtype), depth, heads=1, border=1.0)
        scores = query @ key.transpose(-1, -2) * (channels // HEADS) ** -0.5
        # index_select, because the gradient of [:, offsets] differs from run to run where several threads add it up.
        position = self.position.flatten(1).index_select(1, self.offsets.flatten())
        scores = scores + torch.unflatten(position, 1, self.offsets.shape).repeat(1, frames, depth)
        scores = scores + BLOCKED * blocked.transpose(-1, -2)
        nothing = self.nothing[None, None, :, None, None].to(scores.dtype).expand(*scores.shape[:-1], 1)
        weights = torch.cat([scores, nothing], -1).softmax(-1)[..., :-1]
        fused = _join_windows(weights @ value, frames, height, width)
        own, lent = torch.unflatten(fused, 1, (HEADS, -1)).tensor_split([channels // HEADS], 2)
        merged: Tensor = self.merge(own.flatten(1, 2))
        return merged, unfold_pixels(lent.flatten(1, 2), *self.fold)


def _offsets() -> Tensor:
    """(query tokens, key tokens) index into the table of relative positions."""
    query_rows, query_columns = torch.arange(QUERY_ROWS), torch.arange(QUERY_COLUMNS)
    key_rows, key_columns = torch.arange(2 * QUERY_ROWS), torch.arange(2 * QUERY_COLUMNS)
    rows = key_rows[None, :] - query_rows[:, None] + QUERY_ROWS - 1
    columns = key_columns[None, :] - query_columns[:, None] + QUERY_COLUMNS - 1
    both = rows[:, None, :, None] * (3 * QUERY_COLUMNS - 1) + columns[None, :, None, :]
    return both.reshape(QUERY_ROWS * QUERY_COLUMNS, 4 * QUERY_ROWS * QUERY_COLUMNS)


def _query_windows(features: Tensor, frames: int) -> Tensor:
    """(B*T, heads*d, h, w) to (B, windows, heads, T*tokens, d)."""
    count, channels, height, width = features.shape
    rows, columns = height // QUERY_ROWS, width // QUERY_COLUMNS
    cut = features.reshape(-1, frames, HEADS, channels // HEADS, rows, QUERY_ROWS, columns, QUERY_COLUMNS)
    return cut.permute(0, 4, 6, 2, 1, 5, 7, 3).reshape(count // frames, rows * columns, HEADS, -1, channels // HEADS)


def _key_windows(features: Tensor, depth: int, heads: int = HEADS, border: float = 0.0) -> Tensor:
    """(B*D, heads*d, h, w) to (B, windows, heads, D*tokens, d), windows twice the query's; outside is ``border``."""
    rows, columns = QUERY_ROWS // 2, QUERY_COLUMNS // 2
    wide = pad(features, (columns, columns, rows, rows), value=border)
    cut = wide.unfold(2, 2 * QUERY_ROWS, QUERY_ROWS).unfold(3, 2 * QUERY_COLUMNS, QUERY_COLUMNS)
    cut = torch.unflatten(torch.unflatten(cut, 0, (-1, depth)), 2, (heads, -1))
    count, _, _, size, window_rows, window_columns = cut.shape[:6]
    return cut.permute(0, 4, 5, 2, 1, 6, 7, 3).reshape(count, window_rows * window_columns, heads, -1, size)


def _join_windows(windows: Tensor, frames: int, height: int, width: int) -> Tensor:
    """(B, windows, heads, T*tokens, d) to (B*T, heads*d, h, w)."""
    rows, columns = height // QUERY_ROWS, width // QUERY_COLUMNS
    cut = windows.reshape(windows.shape[0], rows, columns, HEADS, frames, QUERY_ROWS, QUERY_COLUMNS, -1)
    return cut.permute(0, 4, 3, 7, 1, 5, 2, 6).reshape(windows.shape[0] * frames, -1, height, width)
