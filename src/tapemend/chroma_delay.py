"""Colour that stands aside of luma all over a tape (Y/C delay): measured, and put back where that is asked for.

Decks and cables delay the narrow chroma more than luma, and each pass through a comb filter lets it sink by a line or
so (AV Artifact Atlas: Y/C delay error). Copies of copies have it twice.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from tapemend.colour import add_change, to_ycbcr
from tapemend.frames import ChromaDelay, Components, PixelLayout, Plane
from tapemend.lines import sums_of_lines

FARTHEST = 20
"""Pixels, or lines, up to which colour is looked for."""
SOFTNESS = 3.0
"""Standard deviation in pixels of the Gaussian whose slope stands for an edge: colour on tape has no sharper ones."""
STEP = 4
"""So many lines are looked at as one, their mean: what they agree on stands out of the noise."""
BORDER = 0.06
"""Share of the picture on each side that is not looked at: blanking, and the change of heads."""
BANDS = 4
"""Parts of a picture, one below the other, each of which has a say of its own."""
FEWEST = 3
"""Frames from which on their agreement says something."""
FAINTEST, APART = 0.05, 3.0
"""Correlation of the edges of colour with those of luma from which on it tells their place, and by how much the places
that single bands of frames tell may differ from it, in the median. 50 of 52 clean clips are told to be right, within
1.2 pixels and lines, or are not told."""


def put_back(planes: Sequence[Plane], layout: PixelLayout, right: float, down: float) -> tuple[Plane, ...]:
    """A frame's planes, with the colour moved left by ``right`` pixels of luma and up by ``down`` lines.

    Cubic between samples (Keys, IEEE Trans. ASSP 1981, a = -0.75), borders replicated, rounded, clipped to the format's
    codes. Luma keeps its codes, and whole samples come out as they were, but for a code or two of 16 bits.
    """
    if layout.components is Components.GRAY:
        return tuple(planes)
    if layout.components is Components.GBR:
        chroma = to_ycbcr(planes, layout)[1:]
        change = _moved(chroma, right, down) - chroma
        return add_change(planes, torch.cat([torch.zeros_like(change[:1]), change]), layout)
    columns, rows = right / (1 << layout.chroma_width_shift), down / (1 << layout.chroma_height_shift)
    codes = torch.from_numpy(np.stack(planes[1:]).astype(np.float32))
    moved = _moved(codes, columns, rows).round().clamp(0, 2**layout.bit_depth - 1).numpy()
    return (planes[0], *moved.astype(planes[0].dtype))


def measured(pictures: Iterable[Tensor], layout: PixelLayout) -> ChromaDelay:
    """How far colour stands to the right of luma and below it, in frames from all over a tape.

    pictures: (3, H, W) Y'CbCr, as ``to_ycbcr`` makes them of that layout. The edges of colour lie where those of luma
    do; of where they are instead each part of a frame tells a little, and the sum of all the most. What cannot be told
    is None: where there is no colour, where there are too few frames, or they do not agree.
    """
    seen = [(_agreement(each), _agreement(each.mT)) for each in pictures]
    right, down = (_peak(np.stack(curves)) for curves in zip(*seen, strict=True)) if seen else (None, None)
    return ChromaDelay(right=None if right is None else right - _sited(layout), down=down, frames=len(seen))


def _agreement(picture: Tensor) -> NDArray[np.float64]:
    """(1 + BANDS, 2 FARTHEST + 1) correlation of the strengths of luma's and colour's edges along the lines of (3, H,
    W), with colour taken from -FARTHEST to FARTHEST pixels to the right: of all, and of each band. Zeros where either
    has none."""
    top, left = (int(BORDER * side) for side in picture.shape[1:])
    slopes = _slopes(avg_pool2d(picture[:, top : picture.shape[1] - top], (STEP, 1), ceil_mode=True))
    luma, *chroma = slopes[..., left : picture.shape[2] - left]
    strengths = torch.stack([luma.abs(), torch.hypot(*chroma)])
    strengths -= strengths.mean(-1, keepdim=True)
    length = strengths.shape[-1] + FARTHEST
    one, other = torch.fft.rfft(strengths, length)
    places = torch.arange(-FARTHEST, FARTHEST + 1)
    products = torch.fft.irfft(one.conj() * other, length)[:, places]
    parts = zip((products, *products.tensor_split(BANDS)), (strengths, *strengths.tensor_split(BANDS, 1)), strict=True)
    curves = [product.sum(0) / strength.square().sum((1, 2)).prod().sqrt() for product, strength in parts]
    told: NDArray[np.float64] = torch.stack(curves).nan_to_num(0, 0, 0).double().numpy()
    return told


def _peak(frames: NDArray[np.float64]) -> float | None:
    """Where the mean of frames' curves (N, 1 + BANDS, 2 FARTHEST + 1) is the highest, None where that says nothing."""
    mean, bands = frames[:, 0].mean(0), frames[:, 1:].reshape(-1, frames.shape[-1])
    telling = bands[bands.any(1)]
    if len(telling) < FEWEST * BANDS or mean.max() < FAINTEST:
        return None
    together, alone = _vertex(mean), np.array([_vertex(each) for each in telling])
    return together if np.median(np.abs(alone - together)) <= APART else None


def _vertex(curve: NDArray[np.float64]) -> float:
    """Of the parabola through the five values around the highest, from the curve's middle."""
    highest = int(curve[2:-2].argmax()) + 2
    square, slope, _ = np.polyfit(np.arange(-2, 3), curve[highest - 2 : highest + 3], 2)
    return highest - FARTHEST - float(np.clip(slope / (2 * square), -1, 1)) if square < 0 else highest - FARTHEST


def _slopes(pictures: Tensor) -> Tensor:
    """(N, H, W) slopes along lines, weighed by a Gaussian of SOFTNESS."""
    lines = pictures.flatten(0, 1)
    return sums_of_lines(torch.diff(lines, prepend=lines[:, :1]), SOFTNESS).reshape(pictures.shape)


def _sited(layout: PixelLayout) -> float:
    """Pixels by which ``to_ycbcr`` has the colour to the right of where its samples stand: it takes them for the middle
    of their pixels, and they stand at the first of them (BT.601-7, section 2.5; H.262, section 6.1.1.8)."""
    return ((1 << layout.chroma_width_shift) - 1) / 2


def _moved(planes: Tensor, left: float, up: float) -> Tensor:
    """(N, H, W) moved."""
    height, width = planes.shape[1:]
    rows, columns = ((2 * (torch.arange(length) + by) + 1) / length - 1 for length, by in ((height, up), (width, left)))
    places = torch.stack([columns.expand(height, -1), rows[:, None].expand(-1, width)], -1)
    moved: Tensor = grid_sample(planes[None], places[None], "bicubic", "border", align_corners=False)[0]
    return moved
