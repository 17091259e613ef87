"""Scores → verdict: which frames and regions are damaged, by Otsu's threshold, with "not separable" as an answer.

Otsu's method (IEEE Trans. SMC 9(1), 1979) always splits in two, an all-clean tape too. Here its split only counts when
the histogram shows two groups: a valley between two peaks that is deep and that chance does not explain. Where there
is one, the threshold moves from Otsu's to the floor of that valley, because Otsu's lies half-way between the means and
so inside the wider group when one is wider (few score alike when damaged, many when clean).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.filters import threshold_otsu

from tapemend.frames import Analysis, Verdict, damaged_cells

__all__ = ["damaged_cells", "judge"]

ABSOLUTE_THRESHOLD = 0.17
"""Frames of an absolute scorer above this are damaged where the tape itself gives no threshold.

Well below a half: clean frames score less (docs/detection.md), what is overlooked stays, and what is restored for
nothing hardly changes.
"""
ABSOLUTE_CELL_THRESHOLD = 96
"""The same for regions, 0 to 255."""
CELL_THRESHOLD_RANGE = (24, 160)
"""What an absolute scorer's threshold for regions may be moved to by the tape, 0 to 255."""
LEAST_DISTANCE = 0.1
"""Absolute scorers: means of clean and damaged that are nearer than this are two kinds of the same."""
LEAST_DAMAGED_MEAN = 0.15
"""Absolute scorers: a group below this is not damaged, however far from the other."""
MOST_CLEAN_MEAN = 0.5
"""Absolute scorers: a group above this is not clean, however far from the other."""
BELOW_EVERY_COSINE = -2.0
"""Threshold of a relative scorer whose scores do not separate: every frame is above it."""
ABOVE_EVERY_CELL = 255
"""The same for regions: none is above it, so damage has no known place and damaged frames are damaged everywhere."""

HISTOGRAM_BINS = 256
SMOOTHING = 1 / 8
"""Standard deviation of the smoothing of the histogram, as a share of the distance between Otsu's two means."""
LEAST_VALLEY_DEPTH = 0.5
"""1 - valley / lower peak of the smoothed histogram; 4 sigma between equal Gaussian groups reach it, 3 do not."""
LEAST_SIGNIFICANCE = 2.0
"""Difference of the lower peak's and the valley's effective counts, in standard deviations of that difference."""
CHUNK_FRAMES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class _Split:
    """A histogram cut in two at the floor of its valley."""

    first_upper: int
    """Index of the first bin of the upper group."""
    lower_mean: float
    upper_mean: float
    depth: float
    """Of the valley, 0 none to 1 empty."""
    significance: float
    """Of the valley, in standard deviations."""

    @property
    def has_a_valley(self) -> bool:
        """Whether the histogram shows two groups and not one."""
        return self.depth >= LEAST_VALLEY_DEPTH and self.significance >= LEAST_SIGNIFICANCE

    def fits_absolute_scores(self, full_scale: float) -> bool:
        """Whether the groups are a clean and a damaged one on a scale where full_scale is certain damage."""
        lower, upper = self.lower_mean / full_scale, self.upper_mean / full_scale
        return upper - lower >= LEAST_DISTANCE and lower <= MOST_CLEAN_MEAN and upper >= LEAST_DAMAGED_MEAN


def judge(analysis: Analysis) -> Verdict:
    """Judges every frame and region of a tape; the tape's own scores set the thresholds.

    An absolute scorer's two groups must also be a clean and a damaged one: means LEAST_DISTANCE apart, the lower at
    most MOST_CLEAN_MEAN, the upper at least LEAST_DAMAGED_MEAN. So a tape with all scores under 0.1 is clean and one
    with all over 0.5 is damaged, whatever their shape. Where the scores do not separate (one frame, equal scores, one
    group, a wide even spread, or fewer than about four frames in a group):

    - an absolute scorer's frames are judged by ABSOLUTE_THRESHOLD, so mostly all clean or all damaged;
    - of a relative scorer's frames nothing is known and all are judged damaged: restored, without references.

    Regions: the same over all cells of the tape; an absolute scorer's threshold stays in CELL_THRESHOLD_RANGE and is
    ABSOLUTE_CELL_THRESHOLD when not separable, a relative one's is ABOVE_EVERY_CELL then (see damaged_cells).

    Args:
        analysis: Of the whole tape; (N,) finite scores, N may be 0. cell_score is read in chunks.

    Returns:
        The verdict; its confidence is the depth of the valley in the frame scores, 0 when not separable.

    Raises:
        ValueError: A score is not finite.
    """
    scores = analysis.frame_score.astype(np.float64)
    if not np.isfinite(scores).all():
        frame = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise ValueError(f"frame {frame} has the score {scores[frame]}; every score must be a number")
    split, threshold, reason = _split_frames(scores, analysis.absolute)
    if split is None:
        threshold = ABSOLUTE_THRESHOLD if analysis.absolute else BELOW_EVERY_COSINE
        reason += (
            f", so the scorer's own threshold of {threshold:g} was used"
            if analysis.absolute
            else ", and this scorer only ranks frames, so every frame is taken for damaged"
        )
    return Verdict(
        threshold=threshold,
        cell_threshold=_cell_threshold(analysis),
        separable=split is not None,
        confidence=split.depth if split else 0.0,
        reason=reason + ".",
        damaged=scores > threshold,
        lost=np.zeros(len(scores), np.bool_),
        fading=np.ones(len(scores), np.float32),
        levels=np.ones((len(scores), 2), np.float32),
        hops=np.zeros(len(scores), np.float32),
    )


def _split_frames(scores: NDArray[np.float64], absolute: bool) -> tuple[_Split | None, float, str]:
    """The split of frame scores (N,), its threshold, and the reason up to the full stop; None when not separable."""
    if len(scores) < 2 or scores.min() == scores.max():
        return None, 0.0, "There are no two different scores to tell apart"
    counts, edges = np.histogram(scores, HISTOGRAM_BINS)
    split = _split_histogram(counts, (edges[:-1] + edges[1:]) / 2)
    if not split.has_a_valley and split.depth >= LEAST_VALLEY_DEPTH:
        return None, 0.0, "The scores are too few to show two groups"
    if not split.has_a_valley:
        return None, 0.0, f"The scores form one group (the valley in them is {split.depth:.0%} deep)"
    groups = f"two groups, around {split.lower_mean:.3g} and {split.upper_mean:.3g}"
    if absolute and not split.fits_absolute_scores(1.0):
        return None, 0.0, f"The scores form {groups}, which are not a clean and a damaged one"
    upper = scores >= edges[split.first_upper]
    threshold = float((scores[~upper].max() + scores[upper].min()) / 2)
    return split, threshold, f"The scores form {groups}, with a valley {split.depth:.0%} deep between them"


def _cell_threshold(analysis: Analysis) -> int:
    """The threshold for regions, 0 to 255, from the histogram of all cells of the tape."""
    counts = np.zeros(256, np.int64)
    for start in range(0, len(analysis), CHUNK_FRAMES):
        counts += np.bincount(analysis.cell_score[start : start + CHUNK_FRAMES].ravel(), minlength=256)
    not_separable = ABSOLUTE_CELL_THRESHOLD if analysis.absolute else ABOVE_EVERY_CELL
    if np.count_nonzero(counts) < 2:
        return not_separable
    split = _split_histogram(counts, np.arange(256, dtype=np.float64))
    if not split.has_a_valley or (analysis.absolute and not split.fits_absolute_scores(255.0)):
        return not_separable
    threshold = split.first_upper - 1
    return int(np.clip(threshold, *CELL_THRESHOLD_RANGE)) if analysis.absolute else threshold


def _split_histogram(counts: NDArray[np.int64], centres: NDArray[np.float64]) -> _Split:
    """Cuts a histogram at the floor of the valley between Otsu's two means.

    The histogram is smoothed with a Gaussian of SMOOTHING times the distance of these means. A smoothed value s over
    bins of N samples has the variance of a count of sqrt(2) s, which gives the valley's significance.

    Args:
        counts: (K,) samples in each bin, at least two bins not empty.
        centres: (K,) their values, rising.
    """
    otsu = int(np.searchsorted(centres, threshold_otsu(hist=(counts, centres)))) + 1  # type: ignore[no-untyped-call]
    low = np.average(centres[:otsu], weights=counts[:otsu])
    high = np.average(centres[otsu:], weights=counts[otsu:])
    width = (high - low) * SMOOTHING
    kernel = np.exp(-0.5 * ((centres[:, None] - centres[None, :]) / width) ** 2)
    smooth = np.sqrt(2.0) * (kernel @ counts)
    first, last = (int(np.abs(centres - mean).argmin()) for mean in (low, high))
    between = smooth[first : last + 1]
    floor = np.flatnonzero(between <= between.min() * (1 + 1e-9))
    valley = first + int(floor[len(floor) // 2])
    peak = min(smooth[: valley + 1].max(), smooth[valley:].max())

    # The valley's own bin goes to the upper group, unless that leaves one of the groups empty.
    filled = np.flatnonzero(counts)
    cut = min(max(valley, int(filled[0]) + 1), int(filled[-1]))
    lower_mean = float(np.average(centres[:cut], weights=counts[:cut]))
    upper_mean = float(np.average(centres[cut:], weights=counts[cut:]))
    return _Split(
        first_upper=cut,
        lower_mean=lower_mean,
        upper_mean=upper_mean,
        depth=float(1 - smooth[valley] / peak),
        significance=float((peak - smooth[valley]) / np.sqrt(peak + smooth[valley])),
    )
