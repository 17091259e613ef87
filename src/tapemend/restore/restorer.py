"""A window of frames and its references in, the same frames restored out."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d, interpolate, max_pool2d

from tapemend.checkpoint import Checkpoint
from tapemend.device import choose_device, choose_precision
from tapemend.network.motion import COARSEST
from tapemend.restore.networks import restoring
from tapemend.restore.tiles import tiles
from tapemend.settings import RestoreSettings

PIXELS_AT_ONCE = 1088 * 1920
"""Of a frame that is restored in one piece: about 3 GiB in float32."""
TILE = 512
"""Side of a tile where the whole picture is too much."""


class Restorer:
    """The network on its device, at full picture size."""

    def __init__(self, checkpoint: Checkpoint, settings: RestoreSettings) -> None:
        self.settings = settings
        self.name = f"{checkpoint.name} {checkpoint.sha256}"
        self.device = choose_device(settings.device)
        self.precision = choose_precision(settings.precision, self.device)
        self.network = restoring(checkpoint, self.device, self.precision)
        self.looks_twice = settings.second_look and self.network.alone
        """Whether frames that change much are restored once more, beside their restored neighbours."""

    @torch.inference_mode()
    def change(
        self,
        window: Tensor,
        keep: Sequence[int],
        references: Tensor,
        lendable: NDArray[np.bool_],
        torn: Tensor | None = None,
        marred: Tensor | None = None,
    ) -> Tensor:
        """What to add to the frames at positions ``keep`` of the window, at full strength.

        window: (T, 3, H, W) float32 Y'CbCr, all frames that are seen; references: (D, 3, H, W); lendable: (D, rows,
        columns) regions of them that may lend; torn, marred: (T, rows, columns) how surely lines are torn or lost in
        regions of the window, and how surely something else is damaged, 0 to 1, if that is known. Returns (len(keep),
        3, H, W) float32 on the CPU. Any height and width: the picture is continued by its border to the network's grid,
        and cut into tiles when memory asks for it.
        """
        height, width = window.shape[-2:]
        may = _pixels(lendable, height, width)
        unknown = window.new_zeros(len(window), 1, 1)
        there = (
            interpolate((unknown if each is None else each)[:, None], (height, width), mode="bilinear")[:, 0]
            for each in (torn, marred)
        )
        seen = (window, references, may, *there)
        given = [on_the_grid(each, self.network.grid)[None].to(self.device) for each in seen]
        groups = [[number] for number in keep] if self.network.alone else [list(keep)]
        return torch.cat([self._change(numbers, *given)[..., :height, :width] for numbers in groups])

    def _change(self, numbers: list[int], window: Tensor, *known: Tensor) -> Tensor:
        """(N, 3, H, W) on the CPU: the change of frames that are restored in one go."""
        seen = self.network.see(window, numbers, *known)
        height, width = window.shape[-2:]
        answer = torch.empty(len(numbers), 3, height, width)
        for tile in tiles(height, width, self._tile_side(height * width), self.network.grid, self.network.reach):
            part = self.network.change(seen.part(*tile.seen, self.precision))
            answer[..., *tile.kept] = part[..., *tile.inner].float().cpu()
        return answer

    def _tile_side(self, pixels: int) -> int:
        """Pixels a side of a tile: as set, else the whole picture where it fits into PIXELS_AT_ONCE."""
        if self.settings.tile:
            return self.settings.tile
        return 0 if pixels <= PIXELS_AT_ONCE else TILE


def region_weight(damaged: NDArray[np.bool_], height: int, width: int) -> Tensor:
    """(rows, columns) damaged regions to (H, W) weights: 1 there and a region around, 0 elsewhere, linear between."""
    cells = torch.from_numpy(damaged.astype(np.float32))[None, None]
    cells = adaptive_max_pool2d(cells, (min(cells.shape[2], height), min(cells.shape[3], width)))
    wide = max_pool2d(cells, 3, stride=1, padding=1)
    return interpolate(wide, size=(height, width), mode="bilinear", align_corners=False)[0, 0]


def _pixels(regions: NDArray[np.bool_], height: int, width: int) -> Tensor:
    """(D, rows, columns) regions that may lend to (D, H, W) bool pixels: those whose every region may."""
    blocked = torch.from_numpy((~regions).astype(np.float32))[:, None]
    return adaptive_max_pool2d(blocked, (height, width))[:, 0] == 0


def on_the_grid(pictures: Tensor, grid: tuple[int, int]) -> Tensor:
    """(..., H, W) continued to the right and below by their border, to sizes that the network takes."""
    for axis, step in zip((-2, -1), grid, strict=True):
        missing = -pictures.shape[axis] % step
        if missing:
            pictures = torch.cat([pictures, pictures.narrow(axis, -1, 1).repeat_interleave(missing, axis)], axis)
    return pictures


def for_motion(pictures: Tensor, device: torch.device) -> Tensor:
    """(..., H, W) on the device, continued to sizes between which motion is found."""
    return on_the_grid(pictures, (COARSEST, COARSEST)).to(device)
