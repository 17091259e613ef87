"""How far each line of a picture lies aside, told by the blanking beside it.

Captures that hold more of each line than the picture show where it begins and ends, and a line that a deck or a capture
card put in the wrong place takes both with it. So one picture tells, without its neighbours, and what is bent alike in
every picture too; beside others it tells what no motion does, that all of a picture lies aside. Nothing here is
learned.

Other things are dark at a picture's sides: bars, a film's worn gate, night. Blanking is narrow, and only lines whose
two edges lie aside by the same are believed. A mask that a camera or an encoder laid over the picture stands still and
says nothing of the lines under it, so where none sways nothing is told.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from tapemend.lines import sums_of_lines

BLACK = 0.08
"""Luma that blanking and its noise stay below."""
LIT = 0.2
"""Luma from which on what is beside an edge is bright enough to show where the edge is."""
SHARE = 6
"""An edge is looked for in so large a part of a line, one to so many, at either end."""
NARROWEST, WIDEST = 3, 0.1
"""Columns of blanking that are told from a dark border of the picture, and the largest blank share of a line."""
BESIDE = 4, 12
"""Columns beyond the first that is not black in which the picture's brightness is taken."""
RISE = 6.0
"""Columns within which an edge has risen to half of it, or it is none."""
AGREEMENT = 1.5
"""Pixels by which a line's two edges may lie aside differently."""
ENOUGH = 0.25
"""Share of lines that must show both edges, alike."""
FAR = 6.0
"""The same, beyond which one of them is none; and how far an edge counts from the median of its side."""
AGAINST = ((AGREEMENT, -0.6), (FAR, -0.3))
"""Lines whose edges lie aside differently by less, and the correlation of both edges' distances from their borders that
these lines must not exceed: as far as a line's left edge moves inwards, its right one moves outwards. Under a mask that
stands still both only have noise, and edges that are worn each for itself agree by chance, here and there."""
LINES = 2.0
"""Lines (a Gaussian's deviation) whose places are taken together: an edge has the picture's noise."""
PRECISION = 0.3
"""Standard deviation of a place at best, pixels."""
SWITCHING = 0.035
"""Share of the lines, the lowest, that are left as they are: there heads take turns, on every good tape."""


def lines_aside(luma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """How far lines lie to the right of most of their picture's, pixels (B, H), the variance of that (B, H), and how
    far most lines of each picture lie to the right of where they do in most pictures, (B,).

    luma: (B, H, W), black 0, white 1, pictures of one shot. The variance is infinite, and the place 0, where blanking
    tells nothing: where there is none to be seen, or the picture beside it is dark.
    """
    places, variances = torch.zeros_like(luma[..., 0]), torch.full_like(luma[..., 0], torch.inf)
    middles = torch.full_like(luma[:, 0, 0], torch.nan)
    if luma.shape[-1] >= SHARE * BESIDE[1]:
        for number in _with_blanking(luma).nonzero()[:, 0].tolist():
            found, middle = _by_edges(luma[number])
            places[number], variances[number] = _averaged(found)
            known = variances[number].isfinite()
            middles[number] = middle + (places[number, known].median() if known.any() else 0)
    whole = torch.where(variances.isfinite().any(1), middles - middles.nanmedian(), 0.0)
    return places, variances, whole


def _with_blanking(luma: Tensor) -> Tensor:
    """(B,) bool: whether enough lines are black at both ends."""
    black = torch.stack([luma[..., 1:NARROWEST], luma[..., -NARROWEST:-1]], -1).amax((-1, -2)) < BLACK
    return black.float().mean(-1) > ENOUGH


def _by_edges(luma: Tensor) -> tuple[Tensor, Tensor]:
    """(H, W) to (H,) places of lines by their edges beside most of them, and where those are, (); not a number where
    they tell nothing: the places too where no line lies aside."""
    edges = torch.stack([_edges(luma), _edges(luma.flip(-1))])
    edges[:, round((1 - SWITCHING) * len(luma)) :] = torch.nan
    gone = edges == 0
    left, right = torch.where(gone, torch.nan, edges)
    blank = left + right
    usual = blank.nanmedian()
    both = (blank - usual).abs() < AGREEMENT
    nothing = torch.full_like(blank, torch.nan)
    if both.float().mean() < ENOUGH or usual > WIDEST * luma.shape[-1]:
        return nothing, nothing[0]
    middle = (left - right)[both].median() / 2
    if not _move_alike(left, right, usual):
        return nothing, middle
    places = torch.where(both, (left - right) / 2, torch.nan)
    places = torch.where(gone[1] & (left > usual - NARROWEST), left - usual / 2, places)
    places = torch.where(gone[0] & (right > usual - NARROWEST), usual / 2 - right, places)
    return places - middle, middle


def _move_alike(left: Tensor, right: Tensor, usual: Tensor) -> bool:
    """Whether edges, (H,) each of which some are not numbers, lie where they do because their lines lie aside."""
    apart = (left + right - usual).abs()
    return all(_correlation(left, right, apart < most) < limit for most, limit in AGAINST)


def _correlation(left: Tensor, right: Tensor, among: Tensor) -> float:
    """Of both edges, (H,) each, means over the lines around each, among some of them."""
    own = torch.stack([torch.where(among, each - each[among].median(), torch.nan) for each in (left, right)])
    near, counts, _ = _around(own)
    return float(torch.corrcoef(near[:, counts[0] >= 1].clamp(-FAR, FAR))[0, 1])


def _edges(luma: Tensor) -> Tensor:
    """(H, W) to (H,) columns at which lines reach half of the brightness beside.

    0 where they are lit from the first column on, not a number where it is too dark to tell.
    """
    width = luma.shape[-1] // SHARE
    near = _softened(luma[:, :width])
    column = torch.arange(width)
    first = _first(near > BLACK)
    inside = (column >= first[:, None] + BESIDE[0]) & (column < first[:, None] + BESIDE[1])
    bright = (near * inside).sum(1) / inside.sum(1)
    reached = _first(near > bright[:, None] / 2).clamp(1, width - 1)
    before, there = (near.gather(1, each[:, None])[:, 0] for each in (reached - 1, reached))
    edge = reached - (there - bright / 2) / (there - before)
    told = (bright > LIT) & ((edge - first).abs() < RISE)
    return torch.where(first < NARROWEST, 0.0, torch.where(told, edge, torch.nan))


def _first(which: Tensor) -> Tensor:
    """(H, W) bool to (H,) the first column that is; W where none is."""
    return torch.where(which.any(1), which.int().argmax(1), which.shape[1])


def _softened(luma: Tensor) -> Tensor:
    """(H, W), means over three lines and three columns."""
    tall = pad(luma[None], (1, 1, 1, 1), mode="replicate")[0]
    lines = tall[:-2] + tall[1:-1] + tall[2:]
    return (lines[:, :-2] + lines[:, 1:-1] + lines[:, 2:]) / 9


def _averaged(places: Tensor) -> tuple[Tensor, Tensor]:
    """(H,) places to means over the lines around that have one, and the variances of those."""
    mean, count, spread = (each[0] for each in _around(places[None]))
    variance = torch.where(count >= 1, spread / count.clamp(min=1) + PRECISION**2, torch.inf)
    return torch.where(count >= 1, mean, 0.0), variance


def _around(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(N, H), some not numbers: weighed means of those around each, the sums of their weights, and their variances."""
    known = values.nan_to_num()
    parts = torch.cat([values.isfinite().to(known), known, known.square()])
    count, total, squares = sums_of_lines(parts, LINES).chunk(3)
    mean = total / count.clamp(min=1)
    return mean, count, (squares / count.clamp(min=1) - mean.square()).clamp(min=0)
