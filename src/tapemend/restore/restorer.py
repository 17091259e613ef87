"""A window of frames and its references in, the same frames restored out."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d, interpolate, max_pool2d, pad

from tapemend.checkpoint import Checkpoint
from tapemend.device import choose_device, choose_precision
from tapemend.network.restoration import (
    COLUMN_STRIDE,
    GRID_COLUMNS,
    GRID_ROWS,
    ROW_STRIDE,
    RestorationConfig,
    RestorationNetwork,
)
from tapemend.restore.tiles import tiles
from tapemend.settings import RestoreSettings


class Restorer:
    """The network on its device, at full picture size."""

    def __init__(self, checkpoint: Checkpoint, settings: RestoreSettings) -> None:
        self.settings = settings
        self.name = f"{checkpoint.name} {checkpoint.sha256}"
        self.device = choose_device(settings.device)
        self.precision = choose_precision(settings.precision, self.device)
        config = checkpoint.settings(RestorationConfig)
        self.reach = config.reach
        network = RestorationNetwork(config)
        checkpoint.load_into(network)
        network = network.eval().to(self.device, self.precision)
        self.network: RestorationNetwork = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def change(self, window: Tensor, keep: Sequence[int], references: Tensor, lendable: NDArray[np.bool_]) -> Tensor:
        """What to add to the frames at positions ``keep`` of the window, at full strength.

        window: (T, 3, H, W) float32 Y'CbCr, all frames that are seen; references: (D, 3, H, W); lendable: (D, rows,
        columns) regions of them that may lend. Returns (len(keep), 3, H, W) float32 on the CPU. Any height and width:
        the picture is continued by its border to whole attention windows, and cut into tiles when memory asks for it.
        """
        height, width = window.shape[-2:]
        seen, lenders = _to_whole_windows(window), _to_whole_windows(references)
        tokens = _tokens(lendable, (height, width))
        answer = torch.empty(len(keep), 3, *seen.shape[-2:])
        for tile in tiles(seen.shape[-2], seen.shape[-1], self._tile_side(seen), self.reach):
            rows, columns = tile.seen
            token_rows = slice(rows.start // ROW_STRIDE, rows.stop // ROW_STRIDE)
            token_columns = slice(columns.start // COLUMN_STRIDE, columns.stop // COLUMN_STRIDE)
            part = self.network.restore_frames(
                seen[None, ..., rows, columns].to(self.device, self.precision),
                list(keep),
                lenders[None, ..., rows, columns].to(self.device, self.precision),
                tokens[None, :, token_rows, token_columns].to(self.device),
            )
            answer[..., tile.kept[0], tile.kept[1]] = part[..., tile.inner[0], tile.inner[1]].float().cpu()
        return answer[..., :height, :width]

    def _tile_side(self, seen: Tensor) -> int:
        """Pixels a side of a tile: as set, else the whole picture where it fits into PIXELS_AT_ONCE."""
        if self.settings.tile:
            return self.settings.tile
        frames, _, height, width = seen.shape
        return 0 if frames * height * width <= PIXELS_AT_ONCE else TILE


PIXELS_AT_ONCE = 12 * 640 * 1088
"""Pixels of a window, all frames together, that are restored in one piece: about 4 GiB in float32."""
TILE = 512
"""Side of a tile where the whole picture is too much."""
GRID, STRIDE = (GRID_ROWS, GRID_COLUMNS), (ROW_STRIDE, COLUMN_STRIDE)


def region_weight(damaged: NDArray[np.bool_], height: int, width: int) -> Tensor:
    """(rows, columns) damaged regions to (H, W) weights: 1 there and a region around, 0 elsewhere, linear between."""
    cells = torch.from_numpy(damaged.astype(np.float32))[None, None]
    cells = adaptive_max_pool2d(cells, (min(cells.shape[2], height), min(cells.shape[3], width)))
    wide = max_pool2d(cells, 3, stride=1, padding=1)
    return interpolate(wide, size=(height, width), mode="bilinear", align_corners=False)[0, 0]


def _tokens(lendable: NDArray[np.bool_], size: tuple[int, int]) -> Tensor:
    """(D, rows, columns) regions of a picture of that size to (D, H/4, W/16) tokens of it, continued.

    A token lends if all regions under it may.
    """
    grid = [(length + -length % whole) // token for length, whole, token in zip(size, GRID, STRIDE, strict=True)]
    if not len(lendable):
        return torch.ones(0, *grid, dtype=torch.bool)
    blocked = adaptive_max_pool2d(torch.from_numpy((~lendable).astype(np.float32))[:, None], size)
    return max_pool2d(_to_whole_windows(blocked), STRIDE)[:, 0] == 0


def _to_whole_windows(pictures: Tensor) -> Tensor:
    """(N, C, H, W) continued to the right and below by their border, to whole attention windows."""
    height, width = pictures.shape[-2:]
    return pad(pictures, (0, -width % GRID_COLUMNS, 0, -height % GRID_ROWS), mode="replicate")
