"""What happened along the tape, as inline SVG: one column stands for one frame, or for the highest of several.

The drawing stretches with the page; what is written on it is HTML beside it, so that letters keep their size. A column
is a place in the sequence of frames, so gaps in time take no room; the times below the plot are those of its frames.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tapemend.frames import Account, FrameIndex, Survey
from tapemend.report.document import runs
from tapemend.report.wording import clock, percent

COLUMNS = 1200
"""Columns at most."""
HEIGHT = 100
"""Of the drawing, in its own units; a column is 1 wide."""
TICKS = 8
"""Times below a plot at most."""
TICK_SECONDS = tuple(
    Fraction(step) for step in ("1/10", "1/5", "1/2", 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)
)
"""Distances between times, and every whole number of hours."""
FULL_SCALES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""What the top of the plot of changes may mean."""
SCORE_KEY = (("is-damaged", "judged damaged"), ("is-clean", "judged clean"), ("tick", "shot cut"))
"""Marks of the plot of damage, by CSS class, and what they mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What the lower and the upper edge of a plot mean."""

    low: float
    high: float

    def height(self, value: float) -> float:
        """Return a value's distance from the upper edge, kept inside the plot."""
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT * (1 - min(1.0, max(0.0, share)))


def column_count(survey: Survey) -> int:
    """Return how many columns the plots of a tape have."""
    return min(COLUMNS, len(survey.index))


def score_plot(survey: Survey, changed: NDArray[np.bool_] | None = None) -> str:
    """Return the plot of damage over time: threshold, shot cuts, and the frames (N,) that were changed, if any were."""
    columns = column_count(survey)
    score = peaks(survey.analysis.frame_score, columns)
    damaged = peaks(survey.verdict.damaged, columns)
    scale = _score_scale(survey)
    marks = [_bars(score, ~damaged, scale, "clean"), _bars(score, damaged, scale, "damaged"), _cuts(survey, columns)]
    key = [*SCORE_KEY]
    if changed is not None:
        marks.insert(0, _shading(peaks(changed, columns)))
        key.insert(2, ("shade", "changed"))
    threshold = survey.verdict.threshold
    if scale.low <= threshold <= scale.high:
        marks.append(f'<path class="threshold" d="M0 {_number(scale.height(threshold))}H{columns}"/>')
        key.append(("dash", f"threshold, {threshold:.3g}"))
    legend = "".join(f'<span><i class="{name}"></i>{meaning}</span>' for name, meaning in key)
    edges = (f"{scale.high:.3g}", f"{scale.low:.3g}")
    drawing = _drawing("Damage of each frame over time", marks, columns)
    return f'<div class="key">{legend}</div>{_plot(drawing, edges, survey.index)}'


def change_plot(account: Account) -> str:
    """Return the plot of the share of each frame that changed."""
    columns = column_count(account)
    share = peaks(account.changed, columns)
    scale = Scale(low=0.0, high=next(full for full in FULL_SCALES if full >= min(1.0, float(share.max()))))
    marks = [_bars(share, share > 0, scale, "changed")]
    drawing = _drawing("Share of each frame that changed, over time", marks, columns)
    return _plot(drawing, (percent(scale.high), percent(scale.low)), account.index)


def measure_plot(survey: Survey, values: NDArray[np.float32]) -> str:
    """Return the plot of a measure of every stored frame (N,), from 0 to the highest there is."""
    columns = min(COLUMNS, len(values))
    highest = peaks(values, columns)
    scale = Scale(low=0.0, high=max(float(highest.max()), 1e-9))
    marks = [_bars(highest, highest > 0, scale, "clean")]
    drawing = _drawing("A measure of each frame over time", marks, columns)
    return _plot(drawing, (f"{scale.high:.3g}", "0"), survey.index)


def region_map(where: NDArray[np.float64]) -> str:
    """Return the picture's regions (rows, columns), the darker the more damaged on average; the worst is full."""
    rows, columns = where.shape
    shares = where / max(float(where.max()), 1e-9)
    cells = (
        f'<rect x="{column}" y="{row}" width="1" height="1" fill-opacity="{shares[row, column]:.2f}"/>'
        for row in range(rows)
        for column in range(columns)
        if shares[row, column] >= 0.005
    )
    return (
        f'<svg class="regions" viewBox="0 0 {columns} {rows}" preserveAspectRatio="none" role="img" '
        f'aria-label="Where in the picture the damage lies">{"".join(cells)}</svg>'
    )


def peaks(values: NDArray[Any], columns: int) -> NDArray[Any]:
    """Return the highest of the values (N,) in each of ``columns`` even stretches, at most N of them."""
    starts = np.arange(columns) * len(values) // columns
    highest: NDArray[Any] = np.maximum.reduceat(values, starts)
    return highest


def time_ticks(index: FrameIndex) -> list[tuple[float, str]]:
    """Return where along the plot (0 to 1) which time is written: round times, at the first frame not before each."""
    elapsed = index.pts - index.pts[0]
    seconds = int(elapsed[-1]) * index.time_base
    hours = max(1, -(-seconds // (3600 * TICKS)))
    step = next((step for step in TICK_SECONDS if seconds <= step * TICKS), Fraction(3600 * hours))
    ticks: list[tuple[float, str]] = []
    for number in range(int(seconds // step) + 1):
        place = float(np.searchsorted(elapsed, float(number * step / index.time_base)) / len(index))
        if not ticks or ticks[-1][0] + 0.5 / TICKS < place < 1 - 0.25 / TICKS:
            ticks.append((place, clock(number * step, 0 if step >= 1 else 1)))
    return ticks


def _score_scale(survey: Survey) -> Scale:
    """An absolute scorer's scale is 0 to 1; another's runs over what it gave, the threshold included if it is near."""
    if survey.analysis.absolute:
        return Scale(low=0.0, high=1.0)
    score, threshold = survey.analysis.frame_score, survey.verdict.threshold
    low, high = float(score.min()), float(score.max())
    if survey.verdict.separable:
        low, high = min(low, threshold), max(high, threshold)
    margin = max(0.05 * (high - low), 1e-3)
    return Scale(low=low - margin, high=high + margin)


def _bars(values: NDArray[Any], shown: NDArray[np.bool_], scale: Scale, name: str) -> str:
    """One outline over all columns; those that are not shown stay at the lower edge."""
    heights = [scale.height(float(value)) if show else HEIGHT for value, show in zip(values, shown, strict=True)]
    outline = "".join(f"V{_number(height)}h1" for height in heights)
    return f'<path class="{name}" d="M0 {HEIGHT}{outline}V{HEIGHT}z"/>'


def _shading(marked: NDArray[np.bool_]) -> str:
    stretches = "".join(f"M{start} 0h{stop - start}v{HEIGHT}h{start - stop}z" for start, stop in runs(marked))
    return f'<path class="shade" d="{stretches}"/>'


def _cuts(survey: Survey, columns: int) -> str:
    """A tick at the upper edge for each first frame of a shot but the tape's own."""
    places = sorted({shot.start * columns // len(survey.index) for shot in survey.shots if shot.start > 0})
    ticks = "".join(f"M{place} 0v7" for place in places)
    return f'<path class="cut" d="{ticks}"/>'


def _drawing(title: str, marks: list[str], columns: int) -> str:
    return (
        f'<svg viewBox="0 0 {columns} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{title}">'
        f"{''.join(marks)}</svg>"
    )


def _plot(drawing: str, edges: tuple[str, str], index: FrameIndex) -> str:
    """A drawing with what its upper and its lower edge mean at its left, and times below it."""
    times = "".join(f'<span style="left:{100 * place:.4g}%">{text}</span>' for place, text in time_ticks(index))
    return (
        f'<div class="plot"><div class="values"><span>{edges[0]}</span><span>{edges[1]}</span></div>'
        f'{drawing}<div class="times">{times}</div></div>'
    )


def _number(height: float) -> str:
    return f"{height:.1f}".removesuffix(".0")
