"""Scores + verdict → which clean frames help which frames.

A window asks for the regions in which its damaged frames are damaged. What may lend is a frame outside the window that
is clean there, of the same shot or, if it is wholly clean, of one that shows the same scene; wholly clean frames come
before those that are damaged elsewhere. The paper (arXiv 2310.14926) takes the most similar clean frames of the whole
tape, near duplicates included; here those chosen lie apart in time as long as there are enough of them.
"""

from bisect import bisect_right
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tapemend.frames import Analysis, References, Shot, Verdict, damaged_cells
from tapemend.scenes import SAME_SCENE, shots_alike
from tapemend.settings import ReferenceSettings

NEAREST_RANKS = (0, 1, 2, 3, 5, 8, 12, 18, 26, 38, 56, 80, 120, 180, 260, 400)
"""Which of the frames before the window, counted backwards, and after it, are looked at: dense near it, then sparse."""
STRATA = 48
"""Frames looked at from evenly over the shot, besides."""
DOUBTS = (0.25, 0.375, 0.5, 0.75)
"""Shares of the threshold for regions; of two frames under it the one that stays below more of them is surer clean."""
STRATA_ELSEWHERE = 12
"""The same of each other shot that shows the same scene."""
GAPS = (12, 6, 3, 1)
"""Least distances in frames between two that are chosen; the next only when too few lie that far apart."""
LEAST_CELLS = 12
"""Cells of the signature that two frames must both show undamaged; with fewer, all cells are compared."""
DECIMALS = 2
"""Of the similarity: finer differences are noise of the signature, and the nearer frame comes first."""
MIDDLE = 128.0
"""Of a signature's codes."""
LEAST_SQUARE = 1e-6
"""Sum of squared differences from the mean below which a picture is flat: less is rounding."""
CACHED_SHOTS = 32


class ReferenceFinder:
    """Answers, for any window, which frames may lend to it.

    An answer depends on what the finder was made with and on the window, on no earlier answer. It looks at some 210
    frames at most, however long the tape is.
    """

    def __init__(
        self,
        analysis: Analysis,
        verdict: Verdict,
        shots: tuple[Shot, ...],
        settings: ReferenceSettings,
        usable: NDArray[np.bool_] | None = None,
    ) -> None:
        """Indexes the clean and the damaged frames.

        Args:
            analysis: Of the whole tape, N frames.
            verdict: On it.
            shots: Of it, in order.
            settings: How many references.
            usable: (N,) frames that may lend, such as those that came whole out of the file; None for all.
        """
        self._analysis = analysis
        self._verdict = verdict
        self._shots = shots
        self._doubts = np.array(DOUBTS) * (verdict.cell_threshold + 1)
        self._starts = [shot.start for shot in shots]
        self._wanted = settings.references
        lends = np.ones(len(analysis), np.bool_) if usable is None else usable
        self._clean = np.flatnonzero(lends & ~verdict.damaged)
        self._damaged = np.flatnonzero(lends & verdict.damaged)
        self._alike = shots_alike(analysis.signature, shots, self._clean) if self._wanted else ()
        self._strata = lru_cache(maxsize=CACHED_SHOTS)(self._find_strata)
        rows, columns = analysis.cell_score.shape[1:]
        self._row_overlap = _overlap(analysis.signature.shape[1], rows)
        self._column_overlap = _overlap(analysis.signature.shape[2], columns)

    def find(self, start: int, stop: int) -> References:
        """Finds the frames that may lend to a window, best first.

        Similarity is the cosine of two signatures, the mean of each channel removed, over the cells that neither the
        window nor the other frame has damaged; a window's signature is the mean of its frames'. It is rounded to
        DECIMALS, and of two frames that are then equal the nearer in time comes first. A frame of another shot must
        reach SAME_SCENE. A second choice, a frame of the shot that is damaged but not in the region asked for, comes
        after every wholly clean frame.

        Args:
            start: First frame of the window.
            stop: Its last frame plus one.

        Returns:
            At most settings.references frames; fewer, or none, when no more are clean where it matters.

        Raises:
            ValueError: The window is empty or does not lie inside one shot.
        """
        shot = self._shot_of(start, stop)
        if self._wanted == 0:
            return References(indices=(), similarity=())
        frames = np.arange(start, stop)
        asked = self._asked(frames)
        chosen: list[tuple[int, float]] = []
        for pool, first_choice in ((self._clean, True), (self._damaged, False)):
            if len(chosen) < self._wanted and (first_choice or asked.any()):
                candidates = self._candidates(pool, shot, start, stop)
                cells = damaged_cells(self._analysis, self._verdict, candidates)
                sound = ~(cells & asked).any(axis=(1, 2))
                similarity = self._similarities(frames, asked, candidates[sound], cells[sound])
                doubt = self._doubt(candidates[sound], asked)
                ranked = _ranked(candidates[sound], similarity, doubt, start, stop)
                here = [pair for pair in ranked if pair[1] >= SAME_SCENE or shot.start <= pair[0] < shot.stop]
                taken = _distinct(here, [index for index, _ in chosen], self._wanted - len(chosen))
                chosen += sorted(taken, key=lambda pair: -pair[1])
        return References(indices=tuple(index for index, _ in chosen), similarity=tuple(value for _, value in chosen))

    def _asked(self, frames: NDArray[np.intp]) -> NDArray[np.bool_]:
        """(rows, columns) regions asked for: damaged in the window's damaged frames or, if it has none, in any."""
        hurt = frames[self._verdict.damaged[frames]]
        cells = damaged_cells(self._analysis, self._verdict, hurt if len(hurt) else frames)
        return np.asarray(cells.any(axis=0))

    def _doubt(self, candidates: NDArray[np.intp], asked: NDArray[np.bool_]) -> NDArray[np.intp]:
        """(K,) step of DOUBTS that the worst score of each in the regions asked for has reached."""
        if not asked.any():
            return np.zeros(len(candidates), np.intp)
        worst = self._analysis.cell_score[candidates][:, asked].max(axis=1)
        return np.asarray(np.digitize(worst, self._doubts), np.intp)

    def _shot_of(self, start: int, stop: int) -> Shot:
        """The shot that holds the whole window."""
        place = bisect_right(self._starts, start) - 1
        if place < 0 or not start < stop <= self._shots[place].stop:
            raise ValueError(f"the window of frames {start} to {stop - 1} does not lie inside one shot")
        return self._shots[place]

    def _candidates(self, pool: NDArray[np.intp], shot: Shot, start: int, stop: int) -> NDArray[np.intp]:
        """Frames of a pool (sorted indices) but not of the window: near ones of the shot, some from all over it, and of
        the clean ones some from all over the shots that show the same scene."""
        first, last = np.searchsorted(pool, (shot.start, shot.stop))
        before, after = np.searchsorted(pool, (start, stop))
        ranks = np.array(NEAREST_RANKS)
        places = np.concatenate((before - 1 - ranks, after + ranks))
        near = pool[places[(places >= first) & (places < last)]]
        clean = pool is self._clean
        spread = self._strata(clean, shot, STRATA)
        alike = self._alike[bisect_right(self._starts, start) - 1] if clean else ()
        elsewhere = [self._strata(clean, self._shots[place], STRATA_ELSEWHERE) for place in alike]
        return np.unique(np.concatenate((near, spread[(spread < start) | (spread >= stop)], *elsewhere)))

    def _find_strata(self, clean: bool, shot: Shot, most: int) -> NDArray[np.intp]:
        """The middle one of each of ``most`` equal parts of the shot's clean (or damaged) frames."""
        pool = self._clean if clean else self._damaged
        first, last = np.searchsorted(pool, (shot.start, shot.stop))
        parts = min(most, int(last - first))
        places: NDArray[np.intp] = first + (2 * np.arange(parts) + 1) * (last - first) // (2 * max(1, parts))
        return pool[places]

    def _similarities(
        self,
        window: NDArray[np.intp],
        asked: NDArray[np.bool_],
        candidates: NDArray[np.intp],
        cells: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """Similarity of each candidate (K,) to the window, -1 to 1.

        Args:
            window: (T,) frame indices.
            asked: (rows, columns) regions damaged in the window.
            candidates: (K,) frame indices.
            cells: (K, rows, columns) regions damaged in each.
        """
        size = len(self._row_overlap) * len(self._column_overlap)
        shown = self._analysis.signature[window].mean(axis=0).reshape(1, size, 3)
        others = self._analysis.signature[candidates].reshape(len(candidates), size, 3).astype(np.float64)
        hidden = self._row_overlap @ (cells | asked) @ self._column_overlap.T > 0
        weight = (~hidden).reshape(len(candidates), size, 1).astype(np.float64)
        weight[weight.sum(axis=(1, 2)) < LEAST_CELLS] = 1.0
        return _cosine(shown, others, weight)


def _overlap(fine: int, coarse: int) -> NDArray[np.float32]:
    """(fine, coarse) 1 where parts of two even divisions of the same length overlap, else 0."""
    one, other = np.arange(fine)[:, None], np.arange(coarse)[None, :]
    return ((one * coarse < (other + 1) * fine) & (other * fine < (one + 1) * coarse)).astype(np.float32)


def _cosine(one: NDArray[np.float64], others: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted cosine similarity (K,), each channel's weighted mean removed; of two flat pictures 1, of one 0.

    Args:
        one: (1, cells, 3), 0 to 255.
        others: (K, cells, 3), the same.
        weight: (K, cells, 1), 0 or 1, some 1 in each.
    """
    total = weight.sum(axis=1, keepdims=True)
    left, right, shown = one[0] - MIDDLE, others - MIDDLE, weight[..., 0]
    total = shown.sum(axis=1)
    weighted = right * weight
    means = shown @ left / total[:, None], (shown[:, None] @ right)[:, 0] / total[:, None]
    both = weighted.reshape(len(right), left.size) @ left.ravel() - total * (means[0] * means[1]).sum(axis=1)
    squares = (
        shown @ (left**2).sum(axis=1) - total * (means[0] ** 2).sum(axis=1),
        np.einsum("kpc,kpc->k", weighted, right) - total * (means[1] ** 2).sum(axis=1),
    )
    flat = [square < LEAST_SQUARE for square in squares]
    product = np.where(flat[0] | flat[1], 1.0, np.sqrt(np.abs(squares[0] * squares[1])))
    cosine = np.clip(both / product, -1.0, 1.0)
    return np.where(flat[0] & flat[1], 1.0, np.where(flat[0] | flat[1], 0.0, cosine))


def _ranked(
    candidates: NDArray[np.intp], similarity: NDArray[np.float64], doubt: NDArray[np.intp], start: int, stop: int
) -> list[tuple[int, float]]:
    """Candidates with their rounded similarity: least doubtful first, of these most similar, nearest, earliest."""
    rounded = np.round(similarity, DECIMALS)
    away = np.maximum(start - candidates, candidates - stop + 1)
    order = np.lexsort((candidates, away, -rounded, doubt))
    return [(int(candidates[place]), float(rounded[place])) for place in order]


def _distinct(ranked: list[tuple[int, float]], taken: list[int], wanted: int) -> list[tuple[int, float]]:
    """The first of a ranking that lie apart in time from those taken and from each other, in the order of the ranking.

    Args:
        ranked: Frames with their similarity, best first.
        taken: Frames that are chosen already.
        wanted: How many more, at least 1.
    """
    chosen: set[int] = set()
    for gap in GAPS:
        for index, _ in ranked:
            if len(chosen) < wanted and all(abs(index - other) >= gap for other in (*taken, *chosen)):
                chosen.add(index)
    return [pair for pair in ranked if pair[0] in chosen]
