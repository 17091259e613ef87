"""Signatures → frames that as a whole are darker or brighter than those just before and after them.

A recorder's automatic gain that starts at something, or a bad contact, scales the whole picture alike for a frame or a
few; beside its shot it shows. Light that is filmed comes from somewhere. What fades, or a lamp that is switched,
differs from one side only. A frame that is brighter may be a flash, and stays; beside darker ones it is flicker. What
is surely damaged otherwise may be darker or brighter by that, and tells nothing of a frame that surely is not.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tapemend.detect.shots import SURER, told_in_chunks
from tapemend.frames import Analysis, Shot, Verdict

REACH = 8
"""Frames on either side that a frame is held against, of which most must not be dark themselves: where things move and
few are like it, bursts of three are found."""
LEAST = 0.06
"""Natural logarithm of the gain from which on it is seen: scenes that hurry change by half as much."""
MOST = 1.0
"""The same, beyond which too little of the picture is left to be brightened."""
DARK = 12.0
"""Luma, in codes of 255, below which a cell tells nothing."""
LUMA_CHANGE = 10.0
"""Difference of luma, in codes of 255, from which on a cell shows something else."""
COVERED = 0.7
"""Share of the cells that must be scaled alike."""
COLOURFUL = 3.0
"""RMS of chroma, in codes of 255, below which luma alone tells the gain."""


def with_flicker(verdict: Verdict, analysis: Analysis, shots: Sequence[Shot]) -> Verdict:
    """The verdict on a tape, that takes frames whose brightness jumps for damaged too."""
    found = replace(verdict, levels=find_levels(analysis.signature, shots, analysis.frame_score))
    number = int((found.flickering & ~verdict.damaged).sum())
    said = f" {number} more are darker or brighter than those beside them." if number else ""
    return replace(found, damaged=verdict.damaged | found.flickering, reason=verdict.reason + said)


def find_levels(
    signature: NDArray[np.uint8], shots: Sequence[Shot], scores: NDArray[np.float32]
) -> NDArray[np.float32]:
    """By what luma and chroma of each frame are to be multiplied, (N, 2), to be as those around are.

    signature: (N, 12, 16, 3) uint8 Y'CbCr, may be memory-mapped: it is read in chunks; scores: (N,) how surely frames
    are damaged otherwise. 1 of frames that stay.
    """
    levels = np.ones((len(signature), 2), np.float32)
    for shot in shots:
        told = told_in_chunks(shot, 2 * REACH, lambda part: _levels(signature[part], scores[part]))
        levels[shot.start : shot.stop] = told
    return levels


def _levels(signature: NDArray[np.uint8], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 2) of frames in a row, (N, 12, 16, 3), of one shot."""
    cells = signature.reshape(len(signature), -1, 3) - np.array([0, 128, 128], np.float32)
    gains = np.zeros((len(cells), 2))
    for index in _candidates(cells[..., 0].mean(1)):
        sides = slice(max(0, index - REACH), index), slice(index + 1, index + 1 + REACH)
        tell = scores < scores[index] + SURER
        before, after = (_gains(cells[index], cells[side][tell[side]]) for side in sides)
        if before[0] * after[0] > 0:
            gains[index] = min(before, after, key=lambda gain: abs(float(gain[0])))
    luma = gains[:, 0]
    seen = (np.abs(luma) > LEAST) & (np.abs(luma) < MOST)
    dark = np.flatnonzero(seen & (luma > 0))
    for index in np.flatnonzero(seen & (luma < 0)).tolist():
        seen[index] = (np.abs(dark - index) <= REACH).any()
    return np.exp(gains * seen[:, None]).astype(np.float32)


def _candidates(mean: NDArray[np.float32]) -> list[int]:
    """Frames whose mean luma (N,) is not between those of both sides."""
    if len(mean) < 3:
        return []
    log = np.log(np.maximum(mean, 1.0))
    edges = np.pad(log, REACH, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(edges, REACH)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        before, after = (np.nanmedian(each, 1) - log for each in (around[: len(log)], around[REACH + 1 :]))
    return np.flatnonzero(np.minimum(before, after) * np.maximum(before, after) > (LEAST / 2) ** 2).tolist()


def _gains(own: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logarithms of the gains of luma and chroma that make a frame's cells (C, 3) those of others (K, C, 3): medians
    over the others that it is like, 0 where there is none."""
    lit = own[:, 0] > DARK
    if not lit.any():
        return np.zeros(2)
    luma = np.median(np.maximum(others[:, lit, 0], 1) / own[lit, 0], 1)
    like = (np.abs(others[..., 0] - luma[:, None] * own[:, 0]) < LUMA_CHANGE).mean(1) > COVERED
    if not like.any():
        return np.zeros(2)
    strength, theirs = (np.sqrt(np.square(each[..., 1:]).mean((-2, -1))) for each in (own, others[like]))
    chroma = theirs / strength if min(strength, theirs.min()) > COLOURFUL else luma[like]
    return np.median(np.log([luma[like], chroma]), 1)
