"""Every frame through a scorer, once, in order; what grows with the tape goes to disk."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from tapemend.colour import to_ycbcr
from tapemend.detect.shots import SURER
from tapemend.frames import Analysis, Frame, PixelLayout

CELL_ROWS, CELL_COLUMNS = 18, 24
"""Regions of a picture, whatever its size."""
SIGNATURE_ROWS, SIGNATURE_COLUMNS = 12, 16
KINDS = 5
BATCH = 4
"""Frames scored together."""
SURELY_CLEAN = 0.1
"""Score of a frame up to which damage beside it did no harm."""
ANALYSIS_FILES = FRAMES, CELLS, TORN, KIND_SCORES, SIGNATURES = (
    "frames.f32",
    "cells.u8",
    "torn.u8",
    "kinds.u8",
    "signatures.u8",
)
"""What an analysis consists of on disk."""


class Scores(NamedTuple):
    """How damaged B frames are, all 0 to 1 but where a scorer has a scale of its own."""

    frames: Tensor
    """(B,)."""
    cells: Tensor
    """(B, 18, 24) of each region."""
    torn: Tensor
    """(B, 18, 24) how surely lines are torn or lost in each region; 0 where a scorer does not tell."""
    kinds: Tensor
    """(B, 5) of each kind."""


Batch = tuple[Tensor, Scores]
"""Frames in a row between their neighbours, as a scorer takes them, and their scores."""


class Scorer(Protocol):
    """Says how damaged pictures are."""

    name: str
    """Name and version, for the report and the journal."""
    absolute: bool
    """Whether 0.5 means the same on every tape."""

    def score(self, pictures: Tensor) -> Scores:
        """Scores B frames in a row.

        Args:
            pictures: (B + 2, 3, H, W) float32 Y'CbCr, luma 0 to 1, chroma -0.5 to 0.5: the frames, between the one
                before them and the one after them. The tape's first and last frame stand beside themselves.
        """
        ...


def analyse(frames: Iterable[Frame], layout: PixelLayout, scorer: Scorer, folder: Path) -> Analysis:
    """Score all frames and describe each by a coarse signature; results lie in ``folder`` and are memory-mapped.

    Raises OSError when the disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / FRAMES).open("wb") as frame_file,
        (folder / CELLS).open("wb") as cell_file,
        (folder / TORN).open("wb") as torn_file,
        (folder / KIND_SCORES).open("wb") as kind_file,
        (folder / SIGNATURES).open("wb") as signature_file,
    ):
        batches = ((pictures, scorer.score(pictures)) for pictures in _in_a_row(frames, layout))
        for pictures, scores in _by_themselves(batches, scorer) if scorer.absolute else batches:
            frame_file.write(scores.frames.cpu().numpy().astype(np.float32).tobytes())
            for values, file in (
                (scores.cells, cell_file),
                (scores.torn, torn_file),
                (scores.kinds, kind_file),
                (signature(pictures[1:-1]), signature_file),
            ):
                file.write((values.cpu() * 255).round().clamp(0, 255).to(torch.uint8).numpy().tobytes())
    return load(folder, scorer.name, scorer.absolute)


def load(folder: Path, scorer: str, absolute: bool) -> Analysis:
    """The analysis that lies in a folder."""

    def mapped(name: str, shape: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return np.memmap(folder / name, dtype=np.uint8, mode="r").reshape(-1, *shape)

    return Analysis(
        frame_score=np.fromfile(folder / FRAMES, dtype=np.float32),
        cell_score=mapped(CELLS, (CELL_ROWS, CELL_COLUMNS)),
        torn_score=mapped(TORN, (CELL_ROWS, CELL_COLUMNS)),
        kind_score=mapped(KIND_SCORES, (KINDS,)),
        signature=mapped(SIGNATURES, (SIGNATURE_ROWS, SIGNATURE_COLUMNS, 3)),
        scorer=scorer,
        absolute=absolute,
    )


def signature(pictures: Tensor) -> Tensor:
    """(B, 3, H, W) Y'CbCr to (B, 12, 16, 3) means over a coarse grid, 0 to 1 with neutral chroma at 0.5."""
    means = adaptive_avg_pool2d(pictures, (SIGNATURE_ROWS, SIGNATURE_COLUMNS)).permute(0, 2, 3, 1)
    return (means + torch.tensor([0.0, 0.5, 0.5])).clamp(0, 1)


def _by_themselves(batches: Iterable[Batch], scorer: Scorer) -> Iterator[Batch]:
    """Batches in a row, frames beside surely damaged ones scored again without them.

    What changes from a damaged frame to the next is seen in both, and a clean one between two looks as if it swayed.
    """
    held, before = None, -math.inf
    for batch in batches:
        if held is not None:
            yield held[0], _alone(*held, (before, batch[1].frames[0].item()), scorer)
            before = held[1].frames[-1].item()
        held = batch
    if held is not None:
        yield held[0], _alone(*held, (before, -math.inf), scorer)


def _alone(pictures: Tensor, scores: Scores, around: tuple[float, float], scorer: Scorer) -> Scores:
    """The scores of a batch, lower ones of frames that stand beside themselves where they stood beside damage; around:
    the scores of the frames before the batch and after it."""
    own = torch.tensor([around[0], *scores.frames.tolist(), around[1]])
    surer = torch.stack([own[:-2], own[2:]]) > own[1:-1] + SURER
    told = Scores(*(each.clone() for each in scores))
    for place in (surer.any(0) & (own[1:-1] > SURELY_CLEAN)).nonzero()[:, 0].tolist():
        before, frame, after = pictures[place : place + 3]
        row = torch.stack([frame if surer[0, place] else before, frame, frame if surer[1, place] else after])
        again = scorer.score(row)
        if again.frames[0] < scores.frames[place]:
            for each, lower in zip(told, again, strict=True):
                each[place] = lower[0]
    return told


def _in_a_row(frames: Iterable[Frame], layout: PixelLayout) -> Iterator[Tensor]:
    """(B + 2, 3, H, W) up to BATCH frames in a row between their neighbours; each frame is one of the B once."""
    pictures = (to_ycbcr(frame.planes, layout) for frame in frames)
    row = [first, first] if (first := next(pictures, None)) is not None else []
    for picture in pictures:
        row.append(picture)
        if len(row) == BATCH + 2:
            yield torch.stack(row)
            row = row[-2:]
    if row:
        yield torch.stack([*row, row[-1]])
