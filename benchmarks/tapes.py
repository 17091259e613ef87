"""Tapes in memory for the benchmarks: frames of clips and captures on the standard raster, cut together, damaged."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor

from tapemend.colour import from_codes, to_codes
from tapemend.degrade import Damaged, Preset, degrade

ROWS, COLUMNS = 576, 720
BATCH = 8
"""Frames damaged together; the result does not depend on it."""
SHORTEST, LONGEST = 12, 40
"""Frames of a piece of a joined tape."""


def raster(path: Path, count: int, first: int = 0) -> Iterator[av.VideoFrame]:
    """Some frames of a file, 720 wide; rows are kept where they are standard, as scaling would mix fields."""
    with av.open(str(path)) as container:
        for frame in islice(container.decode(video=0), first, first + count):
            rows = frame.height if frame.height in (480, 486, 576, 608) else ROWS
            yield frame.reformat(COLUMNS, rows, "yuv444p", dst_color_range=1, interpolation="AREA")


def joined(clips: list[Path], seed: int, pieces: int) -> tuple[list[av.VideoFrame], list[int]]:
    """Pieces of clips, each of another clip than the one before, by hard cuts; a clip goes on when it comes back.

    Returns:
        The frames, and of each the number of its clip.
    """
    draw = np.random.default_rng(seed)
    taken = [0] * len(clips)
    frames: list[av.VideoFrame] = []
    scenes: list[int] = []
    for _ in range(pieces):
        others = [clip for clip in range(len(clips)) if clip not in scenes[-1:]]
        clip = others[int(draw.integers(len(others)))]
        length = int(draw.integers(SHORTEST, LONGEST + 1))
        piece = list(raster(clips[clip], length, taken[clip]))
        if len(piece) < SHORTEST:
            taken[clip] = 0
            piece = list(raster(clips[clip], length))
        taken[clip] += len(piece)
        frames += [frame.reformat(COLUMNS, ROWS, interpolation="AREA") for frame in piece]
        scenes += [clip] * len(piece)
    return frames, scenes


def on_tape(frames: Iterator[av.VideoFrame], preset: Preset, seed: int) -> Iterator[Damaged]:
    """The same frames on a tape, BATCH at a time, with the truth about them."""
    first = 0
    past: Tensor | None = None
    while batch := list(islice(frames, BATCH)):
        clean = torch.stack([from_codes(torch.from_numpy(frame.to_ndarray())) for frame in batch])
        lead = 0 if past is None else len(past)
        both = clean if past is None else torch.cat([past, clean])
        yield degrade(both, range(first - lead, first + len(clean)), preset, seed, lead=lead)
        first += len(clean)
        past = both[len(both) - preset.memory :]


def video_frames(picture: Tensor) -> Iterator[av.VideoFrame]:
    """(T, 3, H, W) Y'CbCr as a capture stores it: 8 bit, 4:4:4."""
    for codes in to_codes(picture):
        yield av.VideoFrame.from_ndarray(codes.numpy(), format="yuv444p")
