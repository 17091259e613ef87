"""A tape's own clean stretches: found by the verdict on it, some held out, packed as training has its clips."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tapemend.colour import to_codes, to_ycbcr
from tapemend.decode import STATES, Reader
from tapemend.encode.target import disk_errors
from tapemend.frames import Analysis, FrameState, PixelLayout, Shot, Verdict, damaged_cells
from tapemend.train.data import SHORTEST, Store

FEW = 0.01
"""Share of its regions that may be judged damaged in a frame that is not: single ones mostly are so wrongly."""
NEIGHBOURS = 2
"""Frames next to one that is not clean are left out: damage comes and goes by degrees."""
LONGEST = 40
"""Frames of a stretch; longer ones are cut apart."""
GAP = 8
"""Frames left out between two stretches that were one."""
MOST = 14
"""Stretches that are taken, evenly from the whole tape: 560 frames, 0.7 GB at 720x576, however long the tape is."""
HELD_OUT = 5
"""Of so many stretches one is held out, the second of them. Damage comes in bursts between clean stretches: what is
held out lies as near to what is learned from as what is to be restored does."""
CHUNK_FRAMES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretches:
    """Clean frames in a row, each range in one shot and apart from every other."""

    clean_frames: int
    """Frames of the tape that are clean, in however short a row."""
    learned: tuple[range, ...]
    """What is learned from."""
    held_out: tuple[range, ...]
    """What is judged by."""

    @property
    def count(self) -> int:
        """Stretches that are taken."""
        return len(self.learned) + len(self.held_out)


def find_stretches(reader: Reader, analysis: Analysis, verdict: Verdict, shots: Sequence[Shot]) -> Stretches:
    """The stretches of a surveyed tape in which every frame is clean and came whole out of the file."""
    clean = ~verdict.damaged & (reader.index.state == STATES.index(FrameState.DECODED))
    for start in range(0, len(clean), CHUNK_FRAMES):
        chunk = np.arange(start, min(start + CHUNK_FRAMES, len(clean)))
        clean[chunk] &= damaged_cells(analysis, verdict, chunk).mean(axis=(1, 2)) <= FEW
    learned, held_out = _divided(list(_stretches(_apart(clean), shots)))
    return Stretches(clean_frames=int(clean.sum()), learned=learned, held_out=held_out)


def pack_stretches(
    reader: Reader, layout: PixelLayout, stretches: Sequence[range], folder: Path, told: Callable[[int], None]
) -> Store:
    """Pack stretches at the tape's own size into a folder; ``told`` hears how many frames are new.

    Raises TargetNotWritable where the disk is full.
    """
    paths = tuple(folder / f"{stretch.start:08}.npy" for stretch in stretches)
    with disk_errors(folder):
        folder.mkdir()
    for path, stretch in zip(paths, stretches, strict=True):
        packed: NDArray[np.uint8] | None = None
        for number, frame in enumerate(reader.frames(stretch.start, stretch.stop)):
            codes = to_codes(to_ycbcr(frame.planes, layout)).numpy()
            if packed is None:
                with disk_errors(folder):
                    packed = np.lib.format.open_memmap(path, "w+", np.uint8, (len(stretch), *codes.shape))
            packed[number] = codes
            told(1)
    return Store.opened(paths)


def _divided(found: Sequence[range]) -> tuple[tuple[range, ...], tuple[range, ...]]:
    """At most MOST of all stretches, to learn from and held out."""
    taken = [found[number * len(found) // MOST] for number in range(MOST)] if len(found) > MOST else found
    return tuple(stretch for number, stretch in enumerate(taken) if number % HELD_OUT != 1), tuple(taken[1::HELD_OUT])


def _apart(clean: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N,) frames that are clean and not next to one that is not."""
    apart = clean.copy()
    for distance in range(1, NEIGHBOURS + 1):
        apart[distance:] &= clean[:-distance]
        apart[:-distance] &= clean[distance:]
    return apart


def _stretches(clean: NDArray[np.bool_], shots: Sequence[Shot]) -> Iterator[range]:
    """Every row of SHORTEST clean frames or more in a shot, cut into equal stretches of fewer than LONGEST."""
    for shot in shots:
        edges = np.flatnonzero(np.diff(clean[shot.start : shot.stop], prepend=False, append=False)) + shot.start
        for start, stop in edges.reshape(-1, 2).tolist():
            parts = (stop - start + GAP) // (LONGEST + GAP) + 1
            length = (stop - start - GAP * (parts - 1)) // parts
            if length >= SHORTEST:
                yield from (
                    range(start + part * (length + GAP), start + part * (length + GAP) + length)
                    for part in range(parts)
                )
