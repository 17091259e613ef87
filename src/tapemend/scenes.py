"""Shots that show the same scene: a tape cuts away and comes back.

Each shot has a portrait, the median signature of some of its clean frames, and each is compared with the portraits of
a bounded number of others. So the cost per shot is constant, and what is kept is some numbers per shot.
"""

import numpy as np
from numpy.typing import NDArray

from tapemend.frames import Shot

SAMPLED_FRAMES = 16
"""Frames, evenly over the shot, that a portrait is the median of; a burst of damage among them does not show."""
LENDING_SHOTS = 2048
"""Portraits that each shot is compared with at most: those of the shots with the most clean frames."""
MATCHES = 4
"""Other shots named for each."""
SAME_SCENE = 0.9
"""Least cosine of two portraits, or of two frames of different shots, that show the same."""
CHUNK_SHOTS = 512


def shots_alike(
    signature: NDArray[np.uint8], shots: tuple[Shot, ...], clean: NDArray[np.intp]
) -> tuple[tuple[int, ...], ...]:
    """Which other shots show what a shot shows.

    Args:
        signature: (N, 12, 16, 3), may be memory-mapped: SAMPLED_FRAMES of each shot are read.
        shots: Of the tape, in order.
        clean: Frames that may lend, rising.

    Returns:
        For each shot the places in ``shots`` of at most MATCHES others that have clean frames, most alike first.
    """
    edges = np.searchsorted(clean, [(shot.start, shot.stop) for shot in shots]).reshape(-1, 2)
    counts = edges[:, 1] - edges[:, 0]
    lenders = np.sort(np.argsort(-counts, kind="stable")[:LENDING_SHOTS])
    lenders = lenders[counts[lenders] > 0]
    if len(lenders) == 0 or len(shots) < 2:
        return ((),) * len(shots)
    portraits = np.stack(
        [_portrait(signature, shot, clean[first:last]) for shot, (first, last) in zip(shots, edges, strict=True)]
    )
    alike: list[tuple[int, ...]] = []
    for first in range(0, len(shots), CHUNK_SHOTS):
        cosine = portraits[first : first + CHUNK_SHOTS] @ portraits[lenders].T
        cosine[lenders[None] == np.arange(first, first + len(cosine))[:, None]] = -1.0
        order = np.argsort(-cosine, axis=1, kind="stable")[:, :MATCHES]
        alike += [
            tuple(int(lenders[place]) for place in places if row[place] >= SAME_SCENE)
            for row, places in zip(cosine, order, strict=True)
        ]
    return tuple(alike)


def _portrait(signature: NDArray[np.uint8], shot: Shot, clean: NDArray[np.intp]) -> NDArray[np.float32]:
    """(cells * 3,) of length 1, each channel's mean removed; of the shot's clean frames, or of all if none is clean."""
    frames = clean if len(clean) else np.arange(shot.start, shot.stop)
    parts = min(SAMPLED_FRAMES, len(frames))
    sampled = frames[(2 * np.arange(parts) + 1) * len(frames) // (2 * parts)]
    shown = np.median(signature[sampled].reshape(parts, -1, 3), axis=0)
    shown -= shown.mean(axis=0)
    return np.asarray(shown.ravel() / max(1e-6, float(np.linalg.norm(shown))), np.float32)
