"""Signatures → frames whose colour as a whole is weaker than that of others of their shot, or gone.

No single picture tells a washed-out tape from a pale scene, so scorers do not count it, nor a colour killer's grey from
a film without colour. Beside frames of the same shot it shows: Cb and Cr of the whole picture are scaled alike, or
nothing is left of them, while luma is as it was. A thing that changes its colour, or comes into the picture, scales
nothing alike; what fades to black loses its luma too. What is surely damaged otherwise may have too much colour, so it
tells nothing of frames that surely are not.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
from numpy.typing import NDArray

from tapemend.detect.shots import SURER, told_in_chunks
from tapemend.frames import Analysis, Shot, Verdict

AWAY = (1, 2, 4, 8, 16, 32)
"""Frames to those a frame is held against, either way."""
LEAST_GAIN = 1.25
"""By how much the colour of others is stronger, at least: scenes change by a tenth themselves."""
CORRELATION = 0.97
"""Of the chroma of both, at least."""
LOST = 4.0
"""By how much it is stronger, at least, where nothing is left: what chroma there is need not go together then."""
FILMED_IN_COLOUR = 0.25
"""Share of a shot's frames that must have colour, or it was filmed without and those few are what is wrong."""
LIKEWISE = 1.1
"""Chroma of frames between faded ones, beside theirs, up to which these have faded with them."""
GREY = 1.0
"""RMS of chroma, in codes of 255, up to which it has so at any rate."""
COLOURFUL = 3.0
"""RMS of the others' chroma, in codes of 255, below which there is nothing to fade."""
LUMA_CHANGE = 6.0
"""Difference of luma, in codes of 255, from which on a cell shows something else."""
COVERED = 0.4
"""Share of the cells that must show the same."""
LUMA_GAIN = 1.12
"""By how much the others' luma contrast is stronger, at most."""


def with_faded(verdict: Verdict, analysis: Analysis, shots: Sequence[Shot]) -> Verdict:
    """The verdict on a tape, that takes its faded frames for damaged too."""
    fading = fadings(analysis.signature, shots, analysis.frame_score)
    more = int(((fading > 1) & ~verdict.damaged).sum())
    if more:
        said = f" The colour of {more} more has faded or is gone beside that of the same shot."
        verdict = replace(verdict, damaged=verdict.damaged | (fading > 1), reason=verdict.reason + said)
    return replace(verdict, fading=fading)


def fadings(signature: NDArray[np.uint8], shots: Sequence[Shot], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """By how much the colour of others is stronger, (N,); 1 of frames that have not faded, infinite where none is left.

    signature: (N, 12, 16, 3) mean Y'CbCr, 0 to 255; may be memory-mapped, it is read in chunks; scores: (N,) how surely
    frames are damaged otherwise.
    """
    found = np.ones(len(signature), np.float32)
    for shot in shots:
        within = told_in_chunks(shot, AWAY[-1], lambda part: _gains(signature[part], scores[part]))
        lost = np.isinf(within)
        if lost.mean() > 1 - FILMED_IN_COLOUR:
            within[lost] = 1
        found[shot.start : shot.stop] = within
    return found


def _gains(signature: NDArray[np.uint8], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) by how much the colour of the nearest stronger one is stronger, of frames in a row, (N, 12, 16, 3)."""
    cells = signature.astype(np.float32)
    flat = cells.reshape(len(cells), -1, 3)
    luma, chroma = flat[..., 0], flat[..., 1:] - 128
    contrast, square = luma.std(1), np.square(chroma).mean(2)
    whole = square.mean(1)
    gains = np.ones(len(cells), np.float32)
    for distance in AWAY:
        early, late = slice(None, -distance), slice(distance, None)
        same = np.abs(luma[early] - luma[late]) < LUMA_CHANGE
        both = ((chroma[early] * chroma[late]).mean(2) * same).mean(1)
        squares = [(square[each] * same).mean(1) for each in (early, late)]
        covered = same.mean(1)
        alike = both > CORRELATION * np.sqrt(squares[0] * squares[1])
        stronger = np.ones_like(gains)
        for (own, less), (other, more) in permutations(zip((early, late), squares, strict=True)):
            clear = (covered > COVERED) & (more > COLOURFUL**2 * covered)
            clear &= contrast[other] < LUMA_GAIN * contrast[own] + 1
            clear &= scores[other] < scores[own] + SURER
            gain = np.sqrt(more / np.maximum(less, 1e-6))
            lost = clear & (gain > LOST) & (whole[other] > LOST**2 * whole[own])
            found = np.where(lost, np.inf, np.where(alike & clear & (gain > LEAST_GAIN), gain, 1))
            stronger[own] = np.maximum(stronger[own], found.astype(np.float32))
        gains = np.where(gains > 1, gains, stronger)
    return _filled(gains, cells)


def _filled(gains: NDArray[np.float32], cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gains (N,) with the frames between faded ones that have as little colour, though none is like them."""
    strength = cells[..., 1:].std((1, 2, 3))
    known = np.flatnonzero(gains > 1)
    for before, after in pairwise(known.tolist()):
        between, ends = slice(before + 1, after), gains[[before, after]]
        lost = np.isinf(ends)
        most = max(GREY, LIKEWISE * max(strength[before], strength[after]))
        if after - before == 1 or not (strength[between] < most).all():
            continue
        if lost.all():
            gains[between] = np.inf
        elif after - before <= AWAY[-1] and not lost.any():
            gains[between] = np.interp(np.arange(before + 1, after), [before, after], ends)
    return gains
