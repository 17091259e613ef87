"""Code values in the file, and the Y'CbCr that the networks see.

The networks answer with a change, which is added to the file's own codes: a pixel whose change rounds to nothing
keeps its code, whatever the format, matrix or range. Nothing is converted there and back.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from tapemend.frames import Components, PixelLayout, Plane

RGB_TO_YCBCR = torch.tensor(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], dtype=torch.float32
)
"""BT.601, full range; used for RGB sources, whose change goes back through its inverse, and for pictures to look at."""
YCBCR_TO_RGB = torch.linalg.inv(RGB_TO_YCBCR)
LUMA_BLACK, LUMA_CODES, CHROMA_ZERO, CHROMA_CODES = 16, 219, 128, 224
"""Of 8 bits: the code of black, the codes from black to white, the code of no colour, the codes of the whole colour
range (BT.601-7, section 2.5.3)."""
ZERO = torch.tensor([LUMA_BLACK, CHROMA_ZERO, CHROMA_ZERO])[:, None, None]
SCALE = torch.tensor([LUMA_CODES, CHROMA_CODES, CHROMA_CODES])[:, None, None]
"""Of the codes of Y', Cb and Cr."""


def to_ycbcr(planes: Sequence[Plane], layout: PixelLayout) -> Tensor:
    """Planes of one frame to (3, H, W) float32: luma 0 to 1, chroma -0.5 to 0.5, beyond for super-white and sub-black.

    Chroma is interpolated to the luma grid. GBR is taken as full-range BT.601, grey has chroma 0.
    """
    samples = [torch.from_numpy(plane.astype(np.float32)) for plane in planes]
    if layout.components is Components.GBR:
        green, blue, red = samples
        rgb = torch.stack([red, green, blue]) / _peak(layout)
        return torch.einsum("cr,rhw->chw", RGB_TO_YCBCR, rgb)
    luma_offset, luma_scale, chroma_offset, chroma_scale = _codes(layout)
    luma = (samples[0] - luma_offset) / luma_scale
    if layout.components is Components.GRAY:
        return torch.stack([luma, torch.zeros_like(luma), torch.zeros_like(luma)])
    chroma = (torch.stack(samples[1:]) - chroma_offset) / chroma_scale
    return torch.cat([luma[None], _widen(chroma, layout, luma.shape)])


def add_change(planes: Sequence[Plane], change: Tensor, layout: PixelLayout) -> tuple[Plane, ...]:
    """The frame's codes plus a change (3, H, W) float32 in to_ycbcr's units, rounded, clipped to the format's codes.

    A zero change gives the same codes, bit for bit.
    """
    if layout.components is Components.GBR:
        red, green, blue = torch.einsum("rc,chw->rhw", YCBCR_TO_RGB, change) * _peak(layout)
        return tuple(_add(p, c, layout) for p, c in zip(planes, (green, blue, red), strict=True))
    _, luma_scale, _, chroma_scale = _codes(layout)
    luma = _add(planes[0], change[0] * luma_scale, layout)
    if layout.components is Components.GRAY:
        return (luma,)
    chroma = _narrow(change[1:], layout) * chroma_scale
    return (luma, *(_add(p, c, layout) for p, c in zip(planes[1:], chroma, strict=True)))


def to_rgb(ycbcr: Tensor) -> Tensor:
    """(..., 3, H, W) Y'CbCr to R'G'B' clipped to 0 to 1 (BT.601): for people and for CLIP."""
    return torch.einsum("rc,...chw->...rhw", YCBCR_TO_RGB.to(ycbcr), ycbcr).clamp(0, 1)


def rgb_codes(ycbcr: Tensor) -> NDArray[np.uint8]:
    """(3, H, W) Y'CbCr to (H, W, 3) R'G'B' of 8 bits, to look at."""
    codes = (to_rgb(ycbcr) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(codes.permute(1, 2, 0).cpu().numpy())


def from_codes(codes: Tensor) -> Tensor:
    """(..., 3, H, W) uint8 limited-range Y'CbCr to float32, luma 0 to 1, chroma -0.5 to 0.5."""
    return (codes.float() - ZERO) / SCALE


def to_codes(picture: Tensor) -> Tensor:
    """The other way, rounded, and clipped at the ends of the scale."""
    return (picture * SCALE + ZERO).round().clamp(0, 255).to(torch.uint8)


def _peak(layout: PixelLayout) -> float:
    return float(2**layout.bit_depth - 1)


def _codes(layout: PixelLayout) -> tuple[float, float, float, float]:
    """Luma offset and scale, chroma offset and scale of the codes (BT.601; JFIF for the full range)."""
    if layout.full_range:
        return 0.0, _peak(layout), 2.0 ** (layout.bit_depth - 1), _peak(layout)
    step = 2.0 ** (layout.bit_depth - 8)
    return LUMA_BLACK * step, LUMA_CODES * step, CHROMA_ZERO * step, CHROMA_CODES * step


def _widen(chroma: Tensor, layout: PixelLayout, size: torch.Size) -> Tensor:
    """(2, h, w) to (2, H, W), linear between samples."""
    columns, rows = 1 << layout.chroma_width_shift, 1 << layout.chroma_height_shift
    if columns == rows == 1:
        return chroma
    full = (chroma.shape[1] * rows, chroma.shape[2] * columns)
    return interpolate(chroma[None], size=full, mode="bilinear", align_corners=False)[0, :, : size[0], : size[1]]


def _narrow(chroma: Tensor, layout: PixelLayout) -> Tensor:
    """(2, H, W) to (2, h, w), the mean over each chroma sample's pixels, of which there may be fewer at the border."""
    columns, rows = 1 << layout.chroma_width_shift, 1 << layout.chroma_height_shift
    if columns == rows == 1:
        return chroma
    return avg_pool2d(chroma[None], (rows, columns), ceil_mode=True)[0]


def _add(plane: Plane, change: Tensor, layout: PixelLayout) -> Plane:
    codes = plane.astype(np.int32) + change.round().to(torch.int32).numpy()
    changed: Plane = np.clip(codes, 0, int(_peak(layout))).astype(plane.dtype)
    return changed
