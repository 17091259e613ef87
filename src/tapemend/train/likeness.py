"""Which of the simulator's tapes is damaged most like a given one, by what a scorer says of both.

Each preset damages the tape's own clean frames, at full size and by the sampler that training uses; the scorer that
looked at the tape looks at them, and both are described by the same ten numbers a frame: the five kinds' scores, the
frame's score, the mean region's, the share of regions above the tape's threshold, and how uneven rows and columns of
regions are (a band, a burst of dropouts, noise all over). Only frames that the tape's threshold calls damaged are
compared. The distance of two distributions is the mean over the ten of the difference of their deciles (about the area
between the distribution functions), each in standard deviations of all that was measured. It says which presets look
alike to the scorer, not that the harm was the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tapemend.degrade import PRESETS
from tapemend.detect import Scorer
from tapemend.frames import Analysis, Verdict
from tapemend.train.data import Store
from tapemend.train.samples import MARGIN, SampleSettings, sample

PLACES = 8
"""Windows that each preset damages."""
SEEN = 4
"""Frames of such a window; the outer two only stand beside those that are scored."""
LOOKED_AT = 512
"""Damaged frames of the tape that are compared, evenly from all of them."""
DECILES = np.linspace(0.05, 0.95, 10)
LEAST_SPREAD = 1 / 255
"""What is smaller is the rounding of an analysis."""
NEAR = 1.2
"""Presets not further away than this times the nearest are taken with it."""

Numbers = NDArray[np.float64]


def distances(
    analysis: Analysis,
    verdict: Verdict,
    store: Store,
    how: tuple[SampleSettings, int],
    scorer: Scorer,
    told: Callable[[int], None],
) -> Mapping[str, float]:
    """How far the tape's damaged frames are from each preset's, nearest first; the same for the same seed.

    Args:
        analysis: Of the tape.
        verdict: On it; some frames of it are damaged.
        store: Clean frames of it.
        how: How training will cut samples, and the seed.
        scorer: That which the analysis is by.
        told: Hears of each preset.
    """
    damaged = np.flatnonzero(verdict.damaged)
    damaged = damaged[np.linspace(0, len(damaged) - 1, min(LOOKED_AT, len(damaged))).astype(np.intp)]
    scores = analysis.frame_score[damaged], analysis.cell_score[damaged], analysis.kind_score[damaged]
    own = _described(*scores, verdict)
    simulated = {}
    for name in PRESETS:
        simulated[name] = _simulated(store, replace(how[0], presets=(name,)), how[1], scorer, verdict)
        told(1)
    spread = np.concatenate([own, *simulated.values()]).std(axis=0).clip(min=LEAST_SPREAD)
    measured = {name: _apart(own / spread, numbers / spread) for name, numbers in simulated.items()}
    return dict(sorted(measured.items(), key=lambda entry: entry[1]))


def alike(measured: Mapping[str, float]) -> tuple[str, ...]:
    """The presets that are taken: the nearest and those that are about as near, the nearest twice as often."""
    nearest, least = min(measured.items(), key=lambda entry: entry[1])
    others = [name for name, distance in measured.items() if name != nearest and distance <= NEAR * least]
    return (nearest, nearest, *others) if others else (nearest,)


def _simulated(store: Store, samples: SampleSettings, seed: int, scorer: Scorer, verdict: Verdict) -> Numbers:
    """(K, 10) of clean frames damaged by a preset: of those judged damaged, of all where none is."""
    height, width = store.clips[0].shape[-2:]
    whole = replace(
        samples,
        rows=height - height % 2,
        columns=max(width - 2 * MARGIN, samples.columns),
        frames=SEEN,
        windows=1,
        references=0,
        clean_share=0.0,
        pan_share=0.0,
        fast_share=0.0,
    )
    scores = [scorer.score(sample(store, whole, seed, place).damaged[0]) for place in range(PLACES)]
    frames, cells, _, kinds = (
        np.concatenate([each.cpu().numpy() for each in part]) for part in zip(*scores, strict=True)
    )
    hurt = frames > verdict.threshold
    kept = hurt if hurt.any() else ~hurt
    return _described(frames[kept], (cells[kept] * 255).round(), (kinds[kept] * 255).round(), verdict)


def _described(
    frames: NDArray[np.floating], cells: NDArray[np.generic], kinds: NDArray[np.generic], verdict: Verdict
) -> Numbers:
    """(K,) scores, (K, rows, columns) regions and (K, 5) kinds, both 0 to 255, to ten numbers for each frame."""
    regions = cells.astype(np.float64)
    columns = [
        frames,
        regions.mean(axis=(1, 2)) / 255,
        (regions > verdict.cell_threshold).mean(axis=(1, 2)),
        regions.mean(axis=2).std(axis=1) / 255,
        regions.mean(axis=1).std(axis=1) / 255,
    ]
    return np.column_stack([kinds.astype(np.float64) / 255, *columns])


def _apart(one: Numbers, other: Numbers) -> float:
    """Mean difference of the deciles of (K, 10) and (L, 10)."""
    return float(np.abs(np.quantile(one, DECILES, axis=0) - np.quantile(other, DECILES, axis=0)).mean())
