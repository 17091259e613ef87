"""Lines torn each for itself: how far each one lies aside, told by what others show there and by the lines around it.

A mistracked band has lines of which no neighbour knows the place of the next, so that nothing may be averaged over
them as ``network/timebase.py`` does. Instead every whole number of pixels is tried for every line, and the cheapest way
down the picture taken (Viterbi's algorithm, as Lang, A Dynamic Programming Solution to Bounded Dejittering Problems,
SSVM 2017, has it for single pictures): a line should look like the same line of frames of the scene, like the line
above, and stay where it is unless its region is torn. Nothing here is learned.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from tapemend.lines import means_of_lines

REACH = 32
"""Pixels aside at most, to either side."""
PARTS = 8
"""Parts of a line, each held against the frame that is most like it there."""
OUTLIER = 0.15
"""Difference of luma beyond which it counts no more."""
SPREAD = 8.0
"""Lines (standard deviation) over which the usual difference is taken."""
FLOOR = 0.002
"""Added to the usual difference: what quantisation does."""
LIKE_OTHERS, LIKE_THE_NEXT = 15.0, 60.0
"""What a line costs that differs as usual from the same line elsewhere, and from the line below."""
MOVED, SOUND = 3.0, 20.0
"""What a line costs that is out of place, and how much more where nothing says that it is torn."""
EACH_PIXEL, ELSEWHERE = 1.0, 6.0
"""What it costs to be further aside than the line above, for a pixel, and at most."""
TORN = 0.2
"""How surely a region is torn, from which on its lines are tried."""
HEADS = 0.02
"""Share of the picture, at its bottom, where heads are switched: lines are torn and noisy there on a good tape too."""
BETTER = 0.98
"""Difference from others, beside that of the line where it is, that a moved line has at most."""


def places_of_torn(frame: Tensor, lenders: Tensor, torn: Tensor) -> Tensor:
    """How far each line lies to the right of where it belongs, pixels (H,); 0 where it is not torn or nothing is found.

    frame: (H, W) luma, W a multiple of twice PARTS; lenders: (L, H, W) what other frames show there, at least one;
    torn: (H,) how surely each line is torn, 0 to 1.
    """
    found = torch.zeros_like(torn)
    above_heads = torch.arange(len(torn), device=torn.device) < round((1 - HEADS) * len(torn))
    torn = torn * above_heads
    wanted = (torn > TORN).nonzero()[:, 0]
    if not len(wanted) or len(torn) < 2:
        return found
    rows = slice(max(0, int(wanted[0]) - 1), int(wanted[-1]) + 2)
    others = _in_usual(_unlike_others(frame[rows], lenders[:, rows]))
    below = _in_usual(_unlike_the_next(frame[rows]), _steps(lenders[:, rows]))
    steps = torch.arange(-REACH, REACH + 1, device=torn.device)
    staying = (MOVED + SOUND * (1 - torn[rows]))[:, None] * (steps != 0)
    path = _cheapest(LIKE_OTHERS * others + staying, LIKE_THE_NEXT * below)
    there = others.gather(1, path[:, None])[:, 0]
    accepted = (there < BETTER * others[:, REACH]) & (torn[rows] > TORN)
    found[rows] = torch.where(accepted, path - REACH + _between(others, path), 0.0)
    return found


def _unlike_others(frame: Tensor, lenders: Tensor) -> Tensor:
    """(H, 2 REACH + 1) mean difference of each line, moved back by so many pixels, from what others show.

    Every second pixel will do.
    """
    width = frame.shape[1] // 2
    wide = pad(frame[None], (REACH, REACH), mode="replicate")[0]
    halves, lenders = [wide[:, parity::2].contiguous() for parity in range(2)], lenders[..., ::2].contiguous()
    costs = []
    for start in range(2 * REACH + 1):
        first = start // 2
        difference = (halves[start % 2][:, first : first + width] - lenders).abs_().clamp_(max=OUTLIER)
        costs.append(torch.unflatten(difference, 2, (PARTS, -1)).mean(3).amin(0).mean(1))
    return torch.stack(costs, 1)


def _unlike_the_next(frame: Tensor) -> Tensor:
    """(H - 1, 4 REACH + 1) mean difference of each line from the one below, moved back by so many pixels more."""
    width = frame.shape[1]
    wide = pad(frame[None, :-1], (2 * REACH, 2 * REACH), mode="replicate")[0]
    costs = [
        (wide[:, start : start + width] - frame[1:]).abs_().clamp_(max=OUTLIER).mean(1)
        for start in range(4 * REACH + 1)
    ]
    return torch.stack(costs, 1)


def _steps(lenders: Tensor) -> Tensor:
    """(H - 1,) how unlike the line below each line is in the frame where it is most like it."""
    return (lenders[:, 1:] - lenders[:, :-1]).abs().clamp(max=OUTLIER).mean(2).amin(0)


def _in_usual(costs: Tensor, elsewhere: Tensor | None = None) -> Tensor:
    """(H, S) differences as multiples of the least ones of the lines around, or of (H,) those elsewhere if greater."""
    usual = means_of_lines(costs.amin(1)[None], SPREAD)[0]
    usual = usual if elsewhere is None else usual.maximum(elsewhere)
    return costs / (usual[:, None] + FLOOR)


def _cheapest(own: Tensor, between: Tensor) -> Tensor:
    """(H,) the numbers of the S places that cost least in all: (H, S) each, and (H - 1, 2 S - 1) by how much further to
    the right a line is than the one below."""
    last = own.shape[1] - 1
    leaving = (EACH_PIXEL * torch.arange(-last, last + 1, device=own.device).abs()).clamp(max=ELSEWHERE)
    total, before = own[0], []
    # Of a line and the next: [last - q, p] is what it costs to be at q after p.
    steps = (between + leaving).unfold(1, last + 1, 1)
    for line, step in zip(own[1:].unbind(), steps.unbind(), strict=True):
        best = (total + step).min(1)
        before.append(best.indices)
        total = best.values.flip(0) + line
    path = [int(total.argmin())]
    for best_before in reversed(torch.stack(before).tolist()):
        path.append(best_before[last - path[-1]])
    return torch.tensor(path[::-1], device=own.device)


def _between(costs: Tensor, path: Tensor) -> Tensor:
    """(H,) the part of a pixel that a parabola through the costs around the places has its least at, -0.5 to 0.5."""
    around = (path.clamp(1, costs.shape[1] - 2)[:, None] + torch.arange(-1, 2, device=path.device)).long()
    left, here, right = costs.gather(1, around).unbind(1)
    curved = left + right - 2 * here
    least = (left >= here) & (right >= here) & (curved > 0)
    return torch.where(least, (left - right) / (2 * curved.clamp(min=1e-9)), 0.0)
