"""The account in numbers: how many frames were damaged, repaired, left alone; what kinds of damage, and where."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tapemend.frames import Account, FrameState, Survey, WindowNote

KINDS = ("geometry", "lines", "chroma", "noise", "levels")
"""Of damage, in the order of Analysis.kind_score."""
STATES = tuple(FrameState)
"""In the order of FrameIndex.state's numbers."""
CHUNK_FRAMES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOfDamage:
    """One kind of damage, over the frames judged damaged."""

    name: str
    mean: float
    """Mean score, 0 to 1; 0 when no frame is damaged."""
    strongest_in: int
    """Damaged frames in which no other kind scores higher."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Summary:
    """What the account comes to."""

    frame_count: int
    duration: Fraction
    """Seconds from the first frame's beginning to the last one's end."""
    damaged: int
    """Frames judged damaged."""
    repaired: int
    """Of these, the ones that changed."""
    repaired_in_regions: int
    """Frames not judged damaged as a whole of which a region changed."""
    identical: int
    """Frames that came out of the file and left with every sample as it was."""
    filled: int
    """Frames the file could not give, copied from a neighbour."""
    mean_changed: float
    """Mean share of samples changed, over the frames that changed at all; 0 when none did."""
    steadied: int
    """Frames of which lines were put back."""
    farthest: float
    """Pixels that a line was put back by at most; 0 when none was."""
    strengthened: int
    """Frames whose colour was strengthened as a whole."""
    strongest_gain: float
    """By what a frame's colour was multiplied at most; 1 when none was strengthened."""
    weakened: int
    """Frames whose colour was weakened as a whole."""
    weakest_gain: float
    """By what a frame's colour was multiplied at least; 1 when none was weakened."""
    turned: int
    """Frames whose hue was turned as a whole."""
    farthest_turn: float
    """Degrees by which it was at most, either way; 0 when none was."""
    recoloured: int
    """Frames of which lines had no colour and got that of others."""
    evened: int
    """Frames whose luma was evened along its lines."""
    weakest_detail_gain: float
    """By what a frequency was multiplied at least; 1 when none was weakened."""
    strongest_detail_gain: float
    """By what a frequency was multiplied at most; 1 when none was strengthened."""
    levelled: int
    """Frames that flickered and got the brightness of others."""
    held: int
    """Frames that hopped and were put back up or down."""
    made_up: int
    """Frames that showed nothing of their shot and were made up of others."""
    kinds: tuple[KindOfDamage, ...]
    """In the order of KINDS."""
    where: NDArray[np.float64]
    """(rows, columns) mean score of each region over the damaged frames, 0 to 1, row-major over the picture."""

    @property
    def changed(self) -> int:
        """Frames of which any sample changed."""
        return self.repaired + self.repaired_in_regions


def summarise(account: Account) -> Summary:
    """Return the numbers of an account; what is memory-mapped is read in chunks."""
    changed, damaged = account.changed > 0, account.verdict.damaged
    filled = frames_in_state(account, FrameState.FILLED)
    from_file = np.ones(len(changed), np.bool_)
    from_file[filled] = False
    kinds, where = damage_found(account)
    did = account.settings["restore"]
    made_up = account.verdict.lost & changed & did["make_up"]
    levelled = account.verdict.flickering & changed & did["levels"]
    held = account.verdict.hopping & changed & did["hold"]
    return Summary(
        frame_count=len(account.index),
        duration=duration(account),
        damaged=int(damaged.sum()),
        repaired=int((damaged & changed).sum()),
        repaired_in_regions=int((~damaged & changed).sum()),
        identical=int((from_file & ~changed).sum()),
        filled=len(filled),
        mean_changed=float(account.changed[changed].mean(dtype=np.float64)) if changed.any() else 0.0,
        steadied=int((account.moved > 0).sum()),
        farthest=float(account.moved.max(initial=0.0)),
        strengthened=int((account.chroma_gains > 1).sum()),
        strongest_gain=float(account.chroma_gains.max(initial=1.0)),
        weakened=int((account.chroma_gains < 1).sum()),
        weakest_gain=float(account.chroma_gains.min(initial=1.0)),
        turned=int((account.hues != 0).sum()),
        farthest_turn=float(np.abs(account.hues).max(initial=0.0)),
        recoloured=int((account.recoloured > 0).sum()),
        evened=int((account.detail_gains != 1).sum()),
        weakest_detail_gain=float(account.detail_gains.min(initial=1.0)),
        strongest_detail_gain=float(account.detail_gains.max(initial=1.0)),
        levelled=int(levelled.sum()),
        held=int(held.sum()),
        made_up=int(made_up.sum()),
        kinds=kinds,
        where=where,
    )


def duration(survey: Survey) -> Fraction:
    """Return the seconds from the first frame's beginning to the last one's end."""
    index = survey.index
    return int(index.pts[-1] - index.pts[0]) * index.time_base + 1 / survey.frame_rate


def frames_in_state(survey: Survey, state: FrameState) -> NDArray[np.intp]:
    """Return the indices of the frames that came out of the file in this state."""
    return np.flatnonzero(survey.index.state == STATES.index(state))


def window_changes(account: Account) -> NDArray[np.float64]:
    """Return for each window the mean share of samples changed over its frames, (number of windows,)."""
    total = np.concatenate(([0.0], np.cumsum(account.changed, dtype=np.float64)))
    starts = np.array([window.start for window in account.windows], np.intp)
    stops = np.array([window.stop for window in account.windows], np.intp)
    mean: NDArray[np.float64] = (total[stops] - total[starts]) / np.maximum(1, stops - starts)
    return mean


def most_changed_windows(account: Account, count: int) -> list[tuple[WindowNote, float]]:
    """Return the windows with the most change, at most ``count``, most first, each with its mean share."""
    shares = window_changes(account)
    order = np.argsort(-shares, kind="stable")[:count]
    return [(account.windows[place], float(shares[place])) for place in order]


def damage_found(survey: Survey) -> tuple[tuple[KindOfDamage, ...], NDArray[np.float64]]:
    """Return the kinds of damage and the mean region scores (rows, columns), both over the damaged frames."""
    analysis, damaged = survey.analysis, survey.verdict.damaged
    kind_sum, strongest = np.zeros(len(KINDS), np.int64), np.zeros(len(KINDS), np.int64)
    cell_sum = np.zeros(analysis.cell_score.shape[1:], np.int64)
    for start in range(0, len(analysis), CHUNK_FRAMES):
        chunk = slice(start, start + CHUNK_FRAMES)
        kinds = analysis.kind_score[chunk][damaged[chunk]]
        kind_sum += kinds.sum(axis=0, dtype=np.int64)
        strongest += np.bincount(kinds[kinds.any(axis=1)].argmax(axis=1), minlength=len(KINDS))
        cell_sum += analysis.cell_score[chunk][damaged[chunk]].sum(axis=0, dtype=np.int64)
    scale = 255 * max(1, int(damaged.sum()))
    found = zip(KINDS, kind_sum, strongest, strict=True)
    kinds_of_damage = tuple(
        KindOfDamage(name=name, mean=float(total / scale), strongest_in=int(frames)) for name, total, frames in found
    )
    return kinds_of_damage, cell_sum / scale
