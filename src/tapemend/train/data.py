"""Clean clips, packed once, and cut at random."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
import numpy as np
import torch
from av.container import InputContainer
from numpy.typing import NDArray
from torch import Tensor

from tapemend.colour import from_codes
from tapemend.encode.target import written_aside
from tapemend.errors import NotAVideo
from tapemend.source import main_video, open_container
from tapemend.train.photographs import filmed, is_photograph

SHORT_SIDE = 576
"""Clips are scaled to this (area averaging): standard definition hides their own coding."""
FRAMES = 120
"""Frames kept per clip, evenly cut from its beginning, middle and end in runs of a third each; made per photograph."""
SHORTEST = 16
"""Frames a clip must have, so that a window leaves frames outside of it that can lend."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """Packed clips: each (T, 3, H, W) uint8 limited-range Y'CbCr 4:4:4, memory-mapped, in runs of FRAMES // 3."""

    paths: tuple[Path, ...]
    """The packed files."""
    clips: tuple[NDArray[np.uint8], ...]

    @classmethod
    def opened(cls, paths: tuple[Path, ...]) -> "Store":
        """Map packed files into memory."""
        return cls(paths=paths, clips=tuple(np.load(path, mmap_mode="r") for path in paths))

    def __reduce__(self) -> tuple[Callable[..., "Store"], tuple[tuple[Path, ...]]]:
        """Another process opens the files itself; gigabytes of pictures are not sent to it."""
        return Store.opened, (self.paths,)

    def cut(
        self, clip: int, frames: Sequence[int], corners: Sequence[tuple[int, int]], size: tuple[int, int]
    ) -> Tensor:
        """(N, 3, rows, columns) float32 Y'CbCr: of each frame the part with this (top, left) corner."""
        rows, columns = size
        block = np.stack(
            [
                self.clips[clip][frame, :, top : top + rows, left : left + columns]
                for frame, (top, left) in zip(frames, corners, strict=True)
            ]
        )
        return from_codes(torch.from_numpy(block))


def pack(folder: Path, cache: Path) -> Store:
    """Open the packed clips, and photographs, of a folder, packing first those that are not in the cache yet."""
    paths = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    if not paths:
        raise NotAVideo(f"{folder}: no clips to train on; name a folder of clean videos or photographs")
    cache.mkdir(parents=True, exist_ok=True)
    for path in paths:
        if not (packed := cache / f"{path.name}.npy").exists():
            log.info("packing %s", path.name)
            with written_aside(packed) as aside, aside.open("wb") as file:
                np.save(file, _read(path))
    return Store.opened(tuple(cache / f"{path.name}.npy" for path in paths))


def _read(path: Path) -> NDArray[np.uint8]:
    with open_container(path) as container:
        try:
            stream = main_video(container, path)
            if is_photograph(container):
                stills = container.decode(stream)
                kept = [view for still in stills for view in filmed(still, path.name, FRAMES // 3, _size(still))]
            else:
                kept = list(_scaled(container, stream))
        except av.error.FFmpegError as error:
            raise NotAVideo(f"{path}: does not decode ({error.strerror}); take it out of the folder") from error
    if len(kept) < SHORTEST:
        raise NotAVideo(f"{path}: {len(kept)} frames decode, training needs {SHORTEST}; take it out of the folder")
    return np.stack(kept)


def _scaled(container: InputContainer, stream: av.VideoStream) -> Iterator[NDArray[np.uint8]]:
    """The frames that are kept of a clip, (3, H, W) uint8 limited-range Y'CbCr 4:4:4."""
    stream.thread_type = "AUTO"
    total = stream.frames or sum(1 for _ in container.decode(stream))
    container.seek(0)
    wanted = _wanted(total)
    for number, frame in enumerate(container.decode(stream)):
        if number in wanted:
            rows, columns = _size(frame)
            yield (
                frame.reformat(columns, rows, "yuv444p", dst_color_range=1, interpolation="AREA")
                .to_ndarray()
                .astype(np.uint8, copy=False)
            )


def _size(frame: av.VideoFrame) -> tuple[int, int]:
    """Rows and columns that a frame is scaled to."""
    scale = SHORT_SIDE / min(frame.width, frame.height)
    return round(frame.height * scale / 16) * 16, round(frame.width * scale / 16) * 16


def _wanted(total: int) -> set[int]:
    run = FRAMES // 3
    if total <= FRAMES:
        return set(range(total))
    return {start + step for start in (0, (total - run) // 2, total - run) for step in range(run)}
