"""Measures of what changes from frame to frame and should not, in R'G'B' steps of 8 bits."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, pad

SEARCH = ((4, 6, 1.0), (2, 1, 1.0), (1, 1, 1.0), (1, 1, 0.5))
"""Passes of the search for motion, from coarse to fine: pixels to a sample, steps to each side, samples to a step."""
BLOCK = 9
"""Samples a side of the block that is matched around each sample."""
REPEATED = 16.0
"""The truth's own change along its motion from which on a pixel was covered, or its motion not found."""


def flicker_map(codes: Tensor, before: Tensor, truth: Tensor, truth_before: Tensor) -> Tensor:
    """(3, H, W) codes of a frame and of the one before, and the truth's, to (H, W).

    How much the change between the frames differs from the truth's: absolute, mean of the colours.
    """
    return ((codes - before) - (truth - truth_before)).abs().mean(0)


def warping_map(codes: Tensor, before: Tensor, flow: Tensor, seen: Tensor) -> Tensor:
    """How much a frame (3, H, W) differs from the one before moved along the truth's motion: (H, W), mean of colours.

    flow: (2, H, W) of ``motion``; seen: (H, W) of ``repeated``; where it is false the map says nothing (Lai et al.,
    "Learning blind video temporal consistency", ECCV 2018, here absolute instead of squared).
    """
    return (codes - moved(before, flow)).abs().mean(0).where(seen, torch.nan)


def repeated(truth: Tensor, truth_before: Tensor, flow: Tensor) -> Tensor:
    """(H, W): where the truth's frame shows what the one before showed, moved."""
    return (truth - moved(truth_before, flow)).abs().mean(0) < REPEATED


def motion(picture: Tensor, before: Tensor) -> Tensor:
    """(3, H, W) frames to (2, H, W): how many columns and rows away each pixel was in the frame before.

    Block matching of the mean of the colours over a pyramid, to half a pixel, 24 pixels and some more to each side.
    """
    grey, grey_before = picture.mean(0), before.mean(0)
    flow = torch.zeros(2, 1, 1)
    scale = SEARCH[0][0]
    for step, reach, unit in SEARCH:
        small, small_before = (_reduced(side, step) for side in (grey, grey_before))
        flow = interpolate(flow[None], size=small.shape, mode="bilinear", align_corners=False)[0] * (scale / step)
        flow, scale = _better(small, small_before, flow, (reach, unit)), step
    return flow


def moved(picture: Tensor, flow: Tensor) -> Tensor:
    """(C, H, W): each pixel fetched from ``flow`` (2, H, W) columns and rows away; linear, borders replicated."""
    rows, columns = picture.shape[-2:]
    down, along = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    place = torch.stack([(along + flow[0]) / (columns - 1), (down + flow[1]) / (rows - 1)], -1) * 2 - 1
    return grid_sample(picture[None], place[None], padding_mode="border", align_corners=True)[0]


def _better(picture: Tensor, before: Tensor, flow: Tensor, search: tuple[int, float]) -> Tensor:
    """The flow (2, H, W) plus the step that makes the block around each pixel fit best; none where none fits better."""
    reach, unit = search
    steps = sorted(
        ((unit * right, unit * down) for right in range(-reach, reach + 1) for down in range(-reach, reach + 1)),
        key=lambda step: step[0] ** 2 + step[1] ** 2,
    )
    least, best = torch.full_like(picture, torch.inf), flow
    for step in steps:
        tried = flow + torch.tensor(step)[:, None, None]
        difference = (picture - moved(before[None], tried)[0]).abs()
        cost = avg_pool2d(difference[None, None], BLOCK, 1, BLOCK // 2, count_include_pad=False)[0, 0]
        fits = cost < least
        least, best = torch.where(fits, cost, least), torch.where(fits, tried, best)
    return best


def _reduced(picture: Tensor, step: int) -> Tensor:
    """(H, W) to the mean of each ``step`` pixels a side, the border replicated up to a whole number of them."""
    rows, columns = picture.shape
    whole = pad(picture[None, None], (0, -columns % step, 0, -rows % step), mode="replicate")
    return avg_pool2d(whole, step)[0, 0]
