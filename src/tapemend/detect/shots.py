"""Signatures → shots: cuts found although frames tear, flash and drop out.

Two frames are compared by the median over the signature's cells of the luma difference, with the median difference
taken out first: a band of damage moves few cells, a flash or a fade moves all alike, lost colour moves none. A cut then
is a place that *every* frame shortly before and *every* frame shortly after differ across: of a burst of damage the
frames on its two sides look alike.
"""

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tapemend.frames import Shot

CELLS = 12 * 16
REACH = 5
"""Frames looked at on each side of a cut; bursts of damage of up to REACH - 1 frames are never cuts."""
SHORTEST_SHOT = REACH + 1
"""Frames; two cuts nearer to each other are one."""
FLOOR = 0.35
"""Least distance that may be a cut. In sixty clips, hand-held sport among them, motion reached 0.39 once and
else 0.26; of frames of two different clips 99 in 100 differ by more than 0.43."""
CEILING = 0.7
"""Distance that always is a cut; 95 in 100 pairs of frames of different clips reach it."""
DEVIATIONS = 8.0
"""A cut stands out from the frames around it by this many of their standard deviations (1.4826 median deviations)."""
SURER = 0.25
"""How much higher others' scores may be than a frame's of which they tell something: what hurts them may be why they
are unlike it, and it must not be made like them."""
NEIGHBOURHOOD = 32
"""The frames around: this block of frames, the one before and the one after."""
CONTRAST_OFFSET = 4
"""Levels of 255 added to the contrast that distances are relative to: the noise of a signature's cell."""
CHUNK_FRAMES = 4096


def find_shots(signature: NDArray[np.uint8]) -> tuple[Shot, ...]:
    """Divides a tape into shots.

    A dissolve is no cut unless it takes only a few frames; a fade over black is one at most. A burst of damage longer
    than REACH - 1 frames is no cut when its frames are all different and the frames on both its sides look alike; if
    they do not look alike, it counts as one cut, at the place where the difference is greatest. Frames that differ from
    the rest of the tape in brightness or colour alone are no cut. Damage of more than half the picture in every frame
    hides cuts, and a picture that is lost for long enough to move on counts as one.

    Args:
        signature: (N, 12, 16, 3) uint8 Y'CbCr, may be memory-mapped: read in chunks, a few bytes a frame are kept.

    Returns:
        Shots in order that cover 0 to N - 1 exactly; none for N = 0.
    """
    count = len(signature)
    if count == 0:
        return ()
    contrast, distance = neighbour_distances(signature)
    _compare_both_sides(signature, contrast, distance)
    threshold = _threshold(distance)
    starts = [0]
    for first, last in _runs(distance > threshold):
        cut = first + int(distance[first : last + 1].argmax())
        before = np.arange(max(0, first - REACH), first)
        after = np.arange(last, min(count, last + REACH))
        here, there = (grid.ravel() for grid in np.meshgrid(before, after))
        limit = threshold[cut] if last - first < 2 * REACH else CEILING  # a long burst hides motion too
        alike = distances(signature, contrast, here, there).min() <= limit
        if not alike and cut - starts[-1] >= SHORTEST_SHOT and count - cut >= SHORTEST_SHOT:
            starts.append(cut)
    return tuple(Shot(start=start, stop=stop) for start, stop in zip(starts, [*starts[1:], count], strict=True))


def _luma(signature: NDArray[np.uint8]) -> NDArray[np.int16]:
    """(K, 12, 16, 3) to (K, 192)."""
    return signature[..., 0].reshape(len(signature), CELLS).astype(np.int16)


def _median(values: NDArray[np.int16]) -> NDArray[np.int16]:
    """Upper median over the last axis, which stays with length 1."""
    middle = values.shape[-1] // 2
    return np.partition(values, middle, axis=-1)[..., middle : middle + 1]


def _deviation(values: NDArray[np.int16]) -> NDArray[np.int16]:
    """Median deviation from the median over cells, (K, cells) to (K,)."""
    return _median(np.abs(values - _median(values)))[..., 0]


def _relative(difference: NDArray[np.int16], one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Deviation of a difference (K, cells) over the contrasts (K,) of the two pictures; about 1 for unlike pictures."""
    scale = np.maximum(one, other).astype(np.float32) + CONTRAST_OFFSET
    return np.asarray(_deviation(difference) / scale, np.float32)


def neighbour_distances(signature: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Contrast of every frame (N,), and the distance of every frame to the one before (N,), 0 for the first."""
    count = len(signature)
    contrast = np.zeros(count, np.uint8)
    distance = np.zeros(count, np.float32)
    for start in range(0, count, CHUNK_FRAMES):
        stop = min(count, start + CHUNK_FRAMES)
        first = max(0, start - 1)
        luma = _luma(signature[first:stop])
        contrast[first:stop] = _deviation(luma)
        distance[first + 1 : stop] = _relative(
            luma[1:] - luma[:-1], contrast[first : stop - 1], contrast[first + 1 : stop]
        )
    return contrast, distance


def told_in_chunks(shot: Shot, reach: int, tell: Callable[[slice], NDArray[np.float32]]) -> NDArray[np.float32]:
    """What is told of each frame of a shot beside others of it, (n, ...).

    ``tell`` is asked about CHUNK_FRAMES frames in a row with up to ``reach`` on either side, and answers for all.
    """
    parts = []
    for start in range(shot.start, shot.stop, CHUNK_FRAMES):
        first, stop = max(shot.start, start - reach), min(start + CHUNK_FRAMES, shot.stop)
        parts.append(tell(slice(first, min(stop + reach, shot.stop)))[start - first : stop - first])
    return np.concatenate(parts)


def distances(
    signature: NDArray[np.uint8], contrast: NDArray[np.uint8], one: NDArray[np.intp], other: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Distances (K,) of frames one (K,) to frames other (K,)."""
    return _relative(_luma(signature[other]) - _luma(signature[one]), contrast[one], contrast[other])


def _compare_both_sides(
    signature: NDArray[np.uint8], contrast: NDArray[np.uint8], distance: NDArray[np.float32]
) -> None:
    """Lowers, in place, each distance to the least between any of the REACH frames before and after the place.

    Only where it matters: what has fallen under FLOOR is no cut and is not looked at again.
    """
    pairs = [pair for pair in product(range(1, REACH + 1), range(REACH)) if pair != (1, 0)]
    candidates = np.flatnonzero(distance >= FLOOR)
    for start in range(0, len(candidates), CHUNK_FRAMES):
        left = candidates[start : start + CHUNK_FRAMES]
        for back, ahead in sorted(pairs, key=sum, reverse=True):
            left = left[distance[left] >= FLOOR]
            inside = left[(left >= back) & (left + ahead < len(distance))]
            across = distances(signature, contrast, inside - back, inside + ahead)
            distance[inside] = np.minimum(distance[inside], across)


def _threshold(distance: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) what a distance must exceed: local median + DEVIATIONS, between FLOOR and CEILING; constant in a block."""
    count = len(distance)
    blocks = -(-count // NEIGHBOURHOOD)
    threshold = np.empty(count, np.float32)
    for block in range(blocks):
        around = distance[max(0, block - 1) * NEIGHBOURHOOD : (block + 2) * NEIGHBOURHOOD]
        middle = np.median(around)
        spread = 1.4826 * np.median(np.abs(around - middle))
        threshold[block * NEIGHBOURHOOD : (block + 1) * NEIGHBOURHOOD] = middle + DEVIATIONS * spread
    return np.clip(threshold, FLOOR, CEILING)


def _runs(marked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of each run of marks; marks at most REACH apart are one run."""
    places = np.flatnonzero(marked)
    if len(places) == 0:
        return []
    breaks = np.flatnonzero(np.diff(places) > REACH)
    firsts = places[np.concatenate(([0], breaks + 1))]
    lasts = places[np.concatenate((breaks, [len(places) - 1]))]
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]
