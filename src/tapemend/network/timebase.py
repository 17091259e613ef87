"""Time base errors: how far each line of a picture lies aside, told by the pictures before and after it.

Both are brought half the way to each other along the motion between them, where content that moves steadily meets, and
each line of the picture is found in their mean by Lucas-Kanade steps along the line (IJCAI 1981), coarse to fine. That
measures d(t) = s(t) - (s(t - 1) + s(t + 1)) / 2 of the displacements s, which follow by linear least squares (Wiener's
filter), given how much lines sway there at all. Between two clean pictures of the same scene the same way measures s
itself, where content moves little. Nothing here is learned.

Without clean pictures, or blanking beside them (``network/blanking.py``), what stands still in time is not seen: lines
that are out of place by the same in every picture stay as they are. So does, always, a picture that moves as a whole,
which is the camera's doing.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, avg_pool2d, interpolate, pad

from tapemend.lines import move_lines, sums_of_lines
from tapemend.network.motion import brought, motion

STEPS = ((8, 24.0, 3), (4, 10.0, 3), (2, 5.0, 2), (1, 2.5, 2))
"""Columns to a sample, lines (a Gaussian's deviation) that move as one, and Lucas-Kanade steps at that size."""
LARGEST_STEP = 1.5
"""Samples that a step goes at most."""
OUTLIER = 0.04
"""Difference from the mean of both that halves the weight of a pixel."""
DISAGREEMENT = 0.03
"""Difference between both that halves it: something is covered there, or did not move steadily."""
DAMPING = 1e-3
"""Mean square gradient of a line, times its length in pixels, below which it says nothing of its place."""
PARTS = 8
"""Parts of a line whose places are held against each other."""
PRECISION = 0.14
"""Standard deviation of an offset at best, pixels."""
UNSTEADY = 0.1
"""Share of the motion by which content strays halfway from moving steadily, as a standard deviation; by as much near
either end, for it may have rested there, and by more beyond. The parts of a line whose motion says otherwise than the
line's add theirs."""
UNTOLD = 1.0
"""Variance, pixels squared, from which on a place between two clean pictures, or by blanking, says nothing."""
LEAST = 0.2
"""Sway, RMS in pixels, that is not told from what content does by itself."""
SWAY_LINES, SWAY_FRAMES = 8.0, 3
"""Lines (standard deviation) and frames to either side over which sway is taken to be the same."""
LEAST_SWAY = 1e-4
"""Variance of displacements that is always thought possible, pixels squared."""
SOUND = 0.01
"""Share of the variance of displacements nearby that a frame is thought to have in which nothing else is damaged."""
UNSEEN = 0.05
"""Displacement, pixels, up to which a line is left where it is."""


def offset(before: Tensor, frame: Tensor, after: Tensor, share: float = 0.5) -> tuple[Tensor, Tensor]:
    """How far each line of a frame lies to the right of between its places in two others, halfway unless said.

    All (3, H, W) float32 Y'CbCr, H and W multiples of 16; share: of the time from ``before`` to ``after``, at which the
    frame is. Before or after both it is held against the nearer one. Returns pixels (H,) and their variance (H,).
    """
    around = torch.stack([before, after])[None]
    vectors = motion(frame[None], around)
    way = vectors[:, :1] - vectors[:, 1:]
    at = min(max(share, 0.0), 1.0)
    one, other = brought(around[:, :, :1], torch.cat([at * way, (at - 1) * way], 1))[0, :, 0]
    places = (at - 1) * vectors[0, 0, 0] - at * vectors[0, 1, 0]
    aside = places.median(1).values
    unsteady = UNSTEADY / 2 * strayed(share) * way[0, 0, 0].abs().mean(1)
    astray = (places - aside[:, None]).abs().mean(1)
    blocks = torch.stack([aside, unsteady.square() + astray.square()])[None]
    first, variance = interpolate(blocks, frame.shape[1], mode="linear")[0]
    found, disagreement = _registered(frame[0], one, other, first)
    return found, variance + disagreement + PRECISION**2


def strayed(share: float) -> float:
    """How far content strays from moving steadily at a share of the time between two pictures, beside halfway."""
    return max(1.0, 4 * abs(share * (1 - share)))


def from_halfway(places: Tensor) -> Tensor:
    """(T, ...) to (T - 2, ...): how far each but the first and the last lies from halfway between its neighbours."""
    return places[1:-1] - (places[:-2] + places[2:]) / 2


def displacements(
    offsets: Tensor, variances: Tensor, damaged: Tensor, held: Sequence[tuple[Tensor, Tensor]] = ()
) -> Tensor:
    """How far each line of T frames in a row lies to the right of where it belongs, pixels (T, H).

    offsets, variances: (T - 2, H), of all but the first and the last frame, as :func:`offset` finds them; damaged: (T,)
    how surely each frame is damaged, 0 to 1: those that are not are believed to be nearly in their place, and the
    others are held against them. held: places of all frames and their variances, (T, H) each, however they were found:
    between clean frames, by blanking; variances are infinite where nothing is known. No line is moved by less than
    UNSEEN, and none where nothing was measured.
    """
    count = len(damaged)
    weights = 1 / variances
    own = offsets - (offsets * weights).sum(1, keepdim=True) / weights.sum(1, keepdim=True)
    seen = from_halfway(torch.eye(count, device=offsets.device))
    sway = _sway(own, variances) if len(own) else own.new_zeros(count, own.shape[1])
    normal = torch.einsum("it,ih,iu->htu", seen, weights, seen)
    pull = (weights * own).T @ seen
    for found, variance in held:
        told = variance < UNTOLD
        middle = torch.where(told, found, torch.nan).nanmedian(1, keepdim=True).values.nan_to_num()
        places, unsure = found - middle, torch.where(told, variance, torch.inf)
        sway = torch.maximum(sway, _excess(places, unsure))
        normal = normal + torch.diag_embed(1 / unsure.T)
        pull = pull + (places / unsure).T
    prior = sway.clamp(min=LEAST_SWAY) * damaged.clamp(min=SOUND)[:, None]
    solved = torch.linalg.solve(normal + torch.diag_embed(1 / prior.T), pull).T
    return torch.where(solved.abs() < UNSEEN, 0.0, solved)


def _registered(frame: Tensor, one: Tensor, other: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
    """Luma (H, W) each: how far lines of the frame lie to the right of those of the mean of both, and the variance."""
    found = first
    whole = frame, (one + other) / 2, (one - other).abs()
    for size, lines, steps in STEPS:
        near, mean, apart = (_narrowed(each, size) for each in whole)
        agreed = 1 / (1 + (apart / DISAGREEMENT).square())
        for _ in range(steps):
            moved = move_lines(near[None, None], -found[None] / size)[0, 0]
            along = pad((moved + mean)[None], (1, 1), mode="replicate")[0]
            gradient = (along[:, 2:] - along[:, :-2]) / (4 * size)
            difference = moved - mean
            weighed = gradient * agreed / (1 + (difference / OUTLIER).square())
            pulls, holds = (
                sums_of_lines(torch.unflatten(each, 1, (PARTS if size == 1 else 1, -1)).sum(2).T, lines)
                for each in (weighed * difference, weighed * gradient)
            )
            hold = holds.sum(0) + DAMPING / size
            step = pulls.sum(0) / hold
            found = found - step.clamp(-LARGEST_STEP * size, LARGEST_STEP * size)
    return found, _disagreement(pulls, holds)


def _disagreement(pulls: Tensor, holds: Tensor) -> Tensor:
    """(PARTS, H) what pulls each part of the lines further, and what holds it: the variance of their place, (H,)."""
    places = pulls / (holds + DAMPING)
    total = holds.sum(0) + DAMPING
    spread = (holds * places.square()).sum(0) / total
    parts = total.square() / (holds.square().sum(0) + DAMPING**2)
    return (spread + PRECISION**2) / (parts - 1).clamp(min=0.3)


def _sway(offsets: Tensor, variances: Tensor) -> Tensor:
    """(T, H) variance of the displacements, from (T - 2, H) offsets: what they are more than content and noise explain.

    The offset of a line that sways without memory has 1.5 times its variance.
    """
    excess = _excess(offsets, variances) / 1.5
    return torch.cat([excess[:1], excess, excess[-1:]])


def _excess(offsets: Tensor, variances: Tensor) -> Tensor:
    """(N, H) by how much squares of offsets nearby are more than content and noise explain.

    What has an infinite variance does not count.
    """
    counted = variances.isfinite()
    excess = torch.where(counted, offsets.square() - variances - LEAST**2, 0.0)
    sums, counts = (_nearby(each) for each in (excess, counted.to(excess.dtype)))
    return sums / counts.clamp(min=0.1)


def _nearby(values: Tensor) -> Tensor:
    """(N, H) sums over SWAY_LINES and means over SWAY_FRAMES, where beyond the picture and the frames is nothing."""
    lines = sums_of_lines(values, SWAY_LINES).T[:, None]
    return avg_pool1d(lines, 2 * SWAY_FRAMES + 1, 1, SWAY_FRAMES)[:, 0].T


def _narrowed(picture: Tensor, size: int) -> Tensor:
    """(H, W) to (H, W/size): means along the line."""
    return avg_pool2d(picture[None], (1, size))[0] if size > 1 else picture
