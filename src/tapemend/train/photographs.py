"""Photographs become clips: a camera wanders over each, slowly, with a little zoom."""

from collections.abc import Iterator

import av
import numpy as np
import torch
from av.container import InputContainer
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

from tapemend.colour import from_codes, to_codes
from tapemend.degrade.timeline import generator

SIZES = (1.2, 1.8, 2.7)
"""Photograph to frame, side to side, of each run of frames; less where it has fewer pixels, at least the first."""
FASTEST = 4.0
"""Pixels from frame to frame that the camera moves, in either direction."""
ZOOM = 0.1
"""By how much, at most, a frame shows less than those of its run show at their widest."""


def is_photograph(container: InputContainer) -> bool:
    """Whether the file is a still picture."""
    return container.format.name == "image2" or container.format.name.endswith("_pipe")


def filmed(photograph: av.VideoFrame, name: str, run: int, frame: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
    """A run of ``run`` frames at each of SIZES, one after the other; the same for the same name.

    frame: rows and columns, about the photograph's shape. Yields (3, rows, columns) limited-range Y'CbCr.
    """
    most = min(photograph.height, photograph.width) / min(frame)
    for number, size in enumerate(SIZES):
        scale = max(SIZES[0], min(size, most))
        height, width = (round(side * scale) for side in frame)
        codes = photograph.reformat(width, height, "yuv444p", dst_color_range=1, interpolation="AREA").to_ndarray()
        picture = from_codes(torch.from_numpy(codes))[None]
        for places in _wandering(frame, (height, width), run, generator(name, "photograph", number)):
            view = grid_sample(picture, places[None], padding_mode="border", align_corners=False)
            yield to_codes(view[0]).numpy()


def _wandering(frame: tuple[int, int], picture: tuple[int, int], run: int, draw: torch.Generator) -> Iterator[Tensor]:
    """Where each frame's pixels are in the picture, (H, W, 2) columns and rows as grid_sample takes them."""
    start, speed, zoom = torch.rand(3, 2, generator=draw)
    time = torch.arange(run)[:, None]
    shown = torch.tensor(frame) * torch.lerp(1 - ZOOM * zoom[:1], 1 - ZOOM * zoom[1:], time / run)
    room = torch.tensor(picture) - shown
    corner = (start * room + FASTEST * (2 * speed - 1) * time).clamp(min=0).minimum(room)
    rows, columns = ((torch.arange(side) + 0.5) / side for side in frame)
    for (top, left), (high, wide) in zip(corner, shown, strict=True):
        down, along = (top + high * rows) / picture[0], (left + wide * columns) / picture[1]
        yield 2 * torch.stack([along.expand(len(down), -1), down[:, None].expand(-1, len(along))], -1) - 1
