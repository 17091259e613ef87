"""The colour that a frame as a whole has lost, has too much of or has turned, told by clean frames of the same scene.

A chroma signal that is weak (a worn tape, a copy's wrong level, a hunting automatic control) or too strong (a filter
that lifts the subcarrier, a control that misreads the burst) scales Cb and Cr of the whole picture alike; one decoded
against a wrong phase has its hue turned. Taken for complex numbers, Cb + i Cr, they are multiplied by another one.
Clean frames are brought to the frame's place along motion, and the ratio of their chroma to its own is the slope of a
line through the means of blocks, by total least squares, as both have noise. Blocks whose luma differs show something
else, and what single lines or dropouts do to a block's chroma is an outlier. Nothing here is learned.

A picture that is darker too, as in a fade, is left alone.

Of a picture that has no colour left there is nothing to be strengthened: it gets that of the clean frames, where they
show the same.
"""

import cmath
import math
import statistics
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from tapemend.lines import means_of_lines
from tapemend.network.motion import LEAST_TRUST, LENDS, STRIDE, block_means, brought, filled, motion

BLOCK = 3
"""Samples a side, of STRIDE pixels each, of the blocks whose means are compared."""
ANOTHER = 0.02
"""Difference of luma from which on a block is taken to show something else; it weighs a quarter there."""
OUTLIER = 0.01
"""Distance of a block's chroma from the line that halves its weight."""
ROUNDS = 4
"""Of weighing blocks anew by their distance."""
CORRELATION = 0.9
"""Of the chroma of both, below which a clean frame tells nothing."""
COVERED = 0.2
"""Share of the picture that must show the same."""
AROUND = 9
"""Pixels a side of what must be alike where colour is lent."""
PART = 16
"""Pixels of a line over which the noise of chroma is averaged before its strength is taken."""
LINES = 1.0
"""Lines (a Gaussian's deviation) whose colour is told together."""
FAR_LINES = 24.0
"""Lines around one of which no lender tells whether it has lost its colour, that tell it then."""
EPSILON = 1e-6
"""Added where there may be nothing."""
NONE, SOME = 0.25, 0.4
"""Strength of a line's chroma, beside that of others, up to which it has none, and from which on it has some."""
LEAST_CHROMA = 0.0134
"""Root mean square chroma of others, that is 3 codes of 224, below which there is none to be lent."""
LOOKS = 2
"""Motion is found by colour too, so the first ratio is a little too near to 1: it is found anew with more colour."""
LEAST, MOST = 1.1, 4.0
"""Gain below which colour is left as it is, for it changes by 6 % in six frames where a wing is opened, and above which
there is none left to be strengthened."""
TOO_MUCH = 0.8
"""Gain from which on down there is too much colour: half as much noise as colour looks like 0.85."""
LEAST_TURN, MOST_TURN = math.radians(6), math.radians(60)
"""Turn of hue below which it is left as it is, and above which frames show something else."""


def chroma_gain(frame: Tensor, references: Tensor, lendable: Tensor) -> complex:
    """By what a frame's Cb + i Cr is to be multiplied to have the colour of clean frames of its scene.

    frame: (3, H, W) float32 Y'CbCr, H and W multiples of 16; references: (D, 3, H, W); lendable: (D, rows, columns)
    bool, regions of them that are clean. The median over those that tell anything, 1 where none does.
    """
    total = complex(1)
    for _ in range(LOOKS):
        coloured = with_colour(frame[None], torch.tensor([total]))[0]
        gains = [gain for gain in map(_gain, *_beside(coloured, references, lendable)) if cmath.isfinite(gain)]
        total *= _median(gains) if gains else 1
        if _worthwhile(total) == 1:
            return 1
    return _worthwhile(total)


def _median(gains: Sequence[complex]) -> complex:
    return cmath.rect(statistics.median(map(abs, gains)), statistics.median(map(cmath.phase, gains)))


def _worthwhile(gain: complex) -> complex:
    """What of a gain is more than scenes change by themselves."""
    strength, turn = cmath.polar(gain)
    if strength > MOST or abs(turn) > MOST_TURN:
        return 1
    return cmath.rect(
        1.0 if TOO_MUCH < strength < LEAST else strength,
        0.0 if abs(turn) < LEAST_TURN else turn,
    )


def lent_colour(frame: Tensor, lenders: Tensor, lendable: Tensor) -> tuple[Tensor, Tensor]:
    """The colour that clean frames of its scene have at a frame's place, (2, H, W), and which lines have none, (H,).

    frame: (3, H, W) float32 Y'CbCr, H and W multiples of 16; lenders: (D, 3, H, W); lendable: (D, rows, columns) bool,
    regions of them that are clean. Lines without colour are 1, those with some 0. Where no lender shows what the frame
    shows, colour is that around; where all lines have theirs it is the frame's own.
    """
    if not len(lenders) or not _pale(_strength(frame[None, 1:]), _strength(lenders[:, 1:]).mean(0)).any():
        return frame[1:], torch.zeros_like(frame[0, :, 0])
    grey, others = (torch.cat([each[:, :1], torch.zeros_like(each[:, 1:])], 1) for each in (frame[None], lenders))
    clean = interpolate(lendable[:, None].to(lenders), lenders.shape[-2:])
    fetched = brought(torch.cat([lenders, clean], 1)[None], motion(grey, others[None]))[0]
    apart = block_means((fetched[:, :1] - grey[:, :1]).abs(), AROUND) / ANOTHER
    weights = (fetched[:, 3:] >= LENDS) / (1 + apart.square()).square()
    colour = (weights * fetched[:, 1:3]).sum(0) / weights.sum(0).clamp(min=LEAST_TRUST)
    trust = weights.amax(0)
    own, theirs = (_strength(each[None], trust) for each in (frame[1:], colour))
    told = (theirs > LEAST_CHROMA) & (trust.mean(2) > COVERED)
    pale = _pale(own, theirs)
    near, there = (means_of_lines(each.to(pale), FAR_LINES) for each in (told * pale, told))
    around = (near + LEAST_TRUST * near.mean()) / (there + LEAST_TRUST * there.mean()).clamp(min=EPSILON)
    lost = torch.where(told, pale, around * _pale(own, torch.full_like(own, LEAST_CHROMA)))
    return filled(colour[None], trust[None].clamp(min=LEAST_TRUST))[0], lost[0]


def with_lent(frame: Tensor, colour: Tensor, lost: Tensor) -> Tensor:
    """(3, H, W) with another colour, (2, H, W), on lines (H,) that have lost theirs, 1, and not on others, 0."""
    return torch.cat([frame[:1], torch.lerp(frame[1:], colour, lost[:, None])])


def _strength(chroma: Tensor, weight: Tensor | None = None) -> Tensor:
    """(N, 2, H, W) to (N, H): root mean square of the means of chroma along parts of a line; weight: (N, H, W)."""
    square = avg_pool2d(chroma, (1, PART)).square().sum(1)
    counted = torch.ones_like(square) if weight is None else avg_pool2d(weight, (1, PART))
    sums, counts = (means_of_lines(each.mean(2), LINES) for each in (counted * square, counted))
    return (sums / counts.clamp(min=EPSILON)).sqrt()


def _pale(own: Tensor, others: Tensor) -> Tensor:
    """How far lines have no colour, 1, or some, 0, beside others that have some, by the strengths of both."""
    none = ((SOME - own / others.clamp(min=LEAST_CHROMA)) / (SOME - NONE)).clamp(0, 1)
    return none * (others >= LEAST_CHROMA)


def with_colour(pictures: Tensor, gains: Tensor) -> Tensor:
    """(T, 3, H, W) Y'CbCr, Cb + i Cr multiplied by gains, real or complex, (T,) or, of each line, (T, H)."""
    luma, blue, red = pictures.tensor_split(3, 1)
    turning = gains.to(torch.complex64).reshape(len(gains), 1, -1, 1)
    along, across = turning.real.to(pictures), turning.imag.to(pictures)
    return torch.cat([luma, along * blue - across * red, along * red + across * blue], 1)


def _beside(frame: Tensor, references: Tensor, lendable: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(D, 3, h, w) each: block means of the frame, over and over, and of the references at its place; (D, h, w) weights
    of blocks by whether both show the same."""
    vectors = motion(frame[None], references[None], finest=STRIDE)
    own, others = (avg_pool2d(pictures, STRIDE) for pictures in (frame[None], references))
    clean = interpolate(lendable[:, None].to(others), others.shape[-2:])
    others, clean = brought(torch.cat([others, clean], 1)[None], vectors / STRIDE)[0].tensor_split([3], 1)
    ours, theirs = block_means(own, BLOCK).expand(len(references), -1, -1, -1), block_means(others, BLOCK)
    apart = ((ours - theirs)[:, 0] / ANOTHER).square()
    return ours, theirs, clean[:, 0].floor() / (1 + apart).square()


def _gain(frame: Tensor, reference: Tensor, weight: Tensor) -> complex:
    """(3, h, w) each, (h, w): the ratio of their chroma; not a number where the reference tells nothing of it.

    Noise of the frame lets its chroma look stronger than it is: that there is too much of it is told by the slope that
    takes all noise for the frame's.
    """
    own, other = (torch.complex(*each[1:]) for each in (frame, reference))
    near = weight
    for _ in range(ROUNDS):
        gain, at_least, correlation = _slopes(own, other, near)
        apart = _power(other - gain * own) / (1 + abs(gain) ** 2)
        near = weight / (1 + apart / OUTLIER**2)
    told = correlation > CORRELATION and weight.mean() > COVERED
    return gain * max(1.0, min(at_least, 1.0) / abs(gain)) if told else complex(math.nan)


def _slopes(one: Tensor, other: Tensor, weight: Tensor) -> tuple[complex, float, float]:
    """The slope of a line through 0 by total least squares, complex; its size by least squares along the first one,
    that alone has noise then; and the correlation. Not numbers where there is no line."""
    squares, others = ((weight * _power(each)).sum().item() for each in (one, other))
    product = (weight * one.conj() * other).sum().item()
    if product == 0:
        return complex(math.nan), math.nan, math.nan
    size, difference = abs(product), others - squares
    slope = (difference + math.hypot(difference, 2 * size)) / (2 * size)
    return slope * product / size, others / size, size / math.sqrt(squares * others)


def _power(chroma: Tensor) -> Tensor:
    return chroma.real.square() + chroma.imag.square()
