"""Signatures → frames that stand higher or lower than those just before and after them.

Where vertical sync is lost for a moment the picture hops, or rolls, and comes back (AV Artifact Atlas: sync loss). A
camera that is shaken moves less, and is elsewhere afterwards.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tapemend.detect.shots import told_in_chunks
from tapemend.frames import Analysis, Shot, Verdict

LONGEST = 3
"""Frames in a row that may stand elsewhere."""
FARTHEST = 1 / 3
"""Share of the picture's height that they may be away."""
LEAST = 1 / 48
"""The same, below which a signature is too coarse to tell."""
STEPS = 8
"""Places that are tried, to a row of the signature."""
ALIKE = 0.7
"""Share of the difference that is left in the place where a frame fits both sides best, and that these differ by."""
SAME = 1 / 40
"""Share of the picture's height by which what both sides say may differ."""


def with_hops(verdict: Verdict, analysis: Analysis, shots: Sequence[Shot]) -> Verdict:
    """The verdict on a tape, that takes frames that hop for damaged too."""
    found = replace(verdict, hops=find_hops(analysis.signature, shots))
    number = int((found.hopping & ~verdict.damaged).sum())
    said = f" {number} more stand higher or lower than those beside them." if number else ""
    return replace(found, damaged=verdict.damaged | found.hopping, reason=verdict.reason + said)


def find_hops(signature: NDArray[np.uint8], shots: Sequence[Shot]) -> NDArray[np.float32]:
    """By what share of the picture's height each frame is too low, (N,); negative if it is too high, 0 of most.

    signature: (N, 12, 16, 3) uint8 Y'CbCr, may be memory-mapped: it is read in chunks.
    """
    hops = np.zeros(len(signature), np.float32)
    for shot in shots:
        hops[shot.start : shot.stop] = told_in_chunks(shot, LONGEST, lambda part: _hops(signature[part]))
    return hops


def _hops(signature: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N,) of frames in a row, (N, 12, 16, 3), of one shot."""
    luma = signature[..., 0].astype(np.float32)
    hops = np.zeros(len(luma), np.float32)
    # The mean differences of frames, and of those 1, 2, … after them.
    differences = [np.abs(luma[away:] - luma[:-away]).mean((1, 2)) for away in range(1, LONGEST + 2)]
    for length in range(1, LONGEST + 1):
        sides = differences[length]
        apart = np.ones(len(sides), np.bool_)
        for place in range(1, length + 1):
            before, after = differences[place - 1][: len(sides)], differences[length - place][place:]
            apart &= sides < ALIKE * np.minimum(before, after)
        for first in np.flatnonzero(apart).tolist():
            burst = range(first + 1, first + 1 + length)
            told = [_hop(luma[index], luma[first], luma[first + 1 + length]) for index in burst]
            if all(told) and not hops[burst].any():
                hops[burst] = told
    return hops


def _hop(own: NDArray[np.float32], before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """How much lower than both sides a frame stands, (12, 16) luma each; 0 where they do not say the same."""
    places, left = zip(*(_place(own, side) for side in (before, after)), strict=True)
    same = abs(places[0] - places[1]) <= SAME and min(map(abs, places)) >= LEAST
    return float(np.mean(places)) if same and max(left) < ALIKE else 0.0


def _place(own: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[float, float]:
    """By what share of the height a frame is lower than where it is most like another one, (12, 16) luma each, and what
    difference is left there: of that in place, or of what the other one shows, in the rows that both show then."""
    rows = len(own)
    farthest = round(rows * FARTHEST * STEPS)
    tried = np.arange(-farthest, farthest + 1) / STEPS
    above = np.arange(rows) + tried[:, None]
    inside = (above >= 0) & (above <= rows - 1)
    first = np.clip(np.floor(above), 0, rows - 2).astype(np.intp)
    share = (above - first)[..., None]
    moved = own[first] * (1 - share) + own[first + 1] * share
    cost = (np.abs(moved - other).mean(-1) * inside).sum(1)
    best = int((cost / inside.sum(1)).argmin())
    seen = other[inside[best]]
    usual = min(np.abs(own[inside[best]] - seen).sum(), np.abs(seen - seen.mean()).sum()) / other.shape[1]
    return float(tried[best]) / rows, float(cost[best] / max(usual, 1e-6))
