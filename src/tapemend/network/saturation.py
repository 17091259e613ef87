"""How much of its colour a frame as a whole has lost, told by clean frames of the same scene.

A weak chroma signal (a worn tape, a copy's wrong level, a hunting automatic control) scales Cb and Cr of the whole
picture alike. Clean frames are brought to the frame's place along motion, and the ratio of their chroma to its own is
the slope of a line through the means of blocks, by total least squares, as both have noise. Blocks whose luma differs
show something else, and what single lines or dropouts do to a block's chroma is an outlier. Nothing here is learned.

A picture that is darker too, as in a fade, is left alone; so is one with more colour than the clean frames have, for
they may have lost theirs.
"""

import math
import statistics

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from tapemend.network.motion import STRIDE, block_means, brought, motion

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
LOOKS = 2
"""Motion is found by colour too, so the first ratio is a little too near to 1: it is found anew with more colour."""
LEAST, MOST = 1.1, 4.0
"""Gain below which colour is left as it is, for it changes by 6 % in six frames where a wing is opened, and above which
there is none left to be strengthened."""


def chroma_gain(frame: Tensor, references: Tensor, lendable: Tensor) -> float:
    """By what a frame's Cb and Cr are to be multiplied to have the colour of clean frames of its scene, at least 1.

    frame: (3, H, W) float32 Y'CbCr, H and W multiples of 16; references: (D, 3, H, W); lendable: (D, rows, columns)
    bool, regions of them that are clean. The median over those that tell anything, 1 where none does.
    """
    total = 1.0
    for _ in range(LOOKS):
        coloured = with_colour(frame[None], torch.tensor([total]).to(frame))[0]
        gains = [gain for gain in map(_gain, *_beside(coloured, references, lendable)) if math.isfinite(gain)]
        total *= statistics.median(gains) if gains else 1.0
        if not LEAST < total < MOST:
            return 1.0
    return total


def with_colour(pictures: Tensor, gains: Tensor) -> Tensor:
    """(T, 3, H, W) Y'CbCr, chroma multiplied by (T,) gains."""
    return torch.cat([pictures[:, :1], pictures[:, 1:] * gains[:, None, None, None]], 1)


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


def _gain(frame: Tensor, reference: Tensor, weight: Tensor) -> float:
    """(3, h, w) each, (h, w): the ratio of their chroma; not a number where the reference tells nothing of it."""
    own, other = frame[1:], reference[1:]
    near = weight
    for _ in range(ROUNDS):
        gain, correlation = _slope(own, other, near)
        apart = (other - gain * own).square().sum(0) / (1 + gain * gain)
        near = weight / (1 + apart / OUTLIER**2)
    return gain if correlation > CORRELATION and weight.mean() > COVERED else math.nan


def _slope(one: Tensor, other: Tensor, weight: Tensor) -> tuple[float, float]:
    """The slope of a line through 0 by total least squares, and the correlation; not numbers where there is no line."""
    squares, others, products = ((weight * each).sum().item() for each in (one * one, other * other, one * other))
    if products <= 0:
        return math.nan, math.nan
    difference = others - squares
    slope = (difference + math.hypot(difference, 2 * products)) / (2 * products)
    return slope, products / math.sqrt(squares * others)
