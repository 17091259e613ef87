"""Signatures → frames that show nothing of their shot: snow, black, a player's blue.

A scorer that looks at a picture and those beside it takes snow for a fabric; beside its shot it shows. Such frames are
bursts of a few, each wholly unlike the frames on both sides, which are alike. Light that is brighter everywhere is a
flash, and was filmed; so was what comes and goes every few frames, as a strobe does.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tapemend.detect.shots import CEILING, FLOOR, REACH, distances, neighbour_distances
from tapemend.frames import Analysis, Shot, Verdict

QUIET = 2
"""Frames on either side of a burst, besides the next one, between which nothing jumps."""
BRIGHTER = 0.9
"""Share of the cells in which a flash is brighter than the frame before it."""


def with_lost(verdict: Verdict, analysis: Analysis, shots: Sequence[Shot]) -> Verdict:
    """The verdict on a tape, that takes its lost frames for damaged too; one that hops is not lost."""
    lost = find_lost(analysis.signature, shots) & ~verdict.hopping
    number = int(lost.sum())
    said = f" Of {number} nothing of the shot is to be seen." if number else ""
    return replace(verdict, damaged=verdict.damaged | lost, lost=lost, reason=verdict.reason + said)


def find_lost(signature: NDArray[np.uint8], shots: Sequence[Shot]) -> NDArray[np.bool_]:
    """Bursts of up to REACH - 1 lost frames, (N,); both their sides are in the same shot.

    signature: (N, 12, 16, 3) uint8 Y'CbCr, may be memory-mapped.
    """
    lost = np.zeros(len(signature), np.bool_)
    contrast, distance = neighbour_distances(signature)
    starts = [shot.start for shot in shots]
    for first in np.flatnonzero(distance >= CEILING).tolist():
        shot = shots[bisect_right(starts, first) - 1]
        for after in range(first + 1, min(first + REACH, shot.stop) if first > shot.start else first):
            burst = np.arange(first, after)
            sides = [np.full_like(burst, side) for side in (first - 1, after)]
            alike = distances(signature, contrast, sides[0][:1], sides[1][:1]) < FLOOR
            unlike = np.array([distances(signature, contrast, burst, side) for side in sides]) >= CEILING
            beside = [*distance[max(first - QUIET, 1) : first], *distance[after + 1 : after + 1 + QUIET]]
            brighter = (signature[first:after, ..., 0] > signature[first - 1, ..., 0]).mean(axis=(1, 2))
            if alike and unlike.all() and max(beside, default=0) < CEILING and brighter.max() < BRIGHTER:
                lost[first:after] = True
                break
    return lost
