"""Pictures in and out of FFmpeg: which planar layout a pixel format has, and its samples as arrays.

Nothing here changes a sample. Packed, semi-planar and big-endian formats are rearranged into the planar layout of the
same depth and subsampling; formats for which that is not possible are refused.
"""

import sys

import av
import numpy as np
from numpy.typing import NDArray

from tapemend.errors import UnsupportedPicture
from tapemend.frames import Components, PixelLayout, Plane

FULL_RANGE = 2
"""FFmpeg's AVCOL_RANGE_JPEG."""

UNPACKED = {
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "yvyu422": "yuv422p",
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "nv24": "yuv444p",
    "p010le": "yuv420p10le",
    "p012le": "yuv420p12le",
    "p016le": "yuv420p16le",
    "p210le": "yuv422p10le",
    "y210le": "yuv422p10le",
    "rgb24": "gbrp",
    "bgr24": "gbrp",
    "rgb0": "gbrp",
    "bgr0": "gbrp",
    "0rgb": "gbrp",
    "0bgr": "gbrp",
    "rgb48le": "gbrp16le",
    "rgb48be": "gbrp16le",
    "bgr48le": "gbrp16le",
    "bgr48be": "gbrp16le",
}
"""Formats that are rearranged, and the planar format that holds the same samples."""

SUBSAMPLINGS = {(0, 0), (1, 0), (1, 1), (2, 0), (0, 1)}
"""log2 of luma columns and rows per chroma sample: 4:4:4, 4:2:2, 4:2:0, 4:1:1, 4:4:0."""


def planar_format(stored: str) -> str:
    """Return the name of the little-endian planar format to which the format ``stored`` is rearranged."""
    if stored in UNPACKED:
        return UNPACKED[stored]
    return f"{stored[:-2]}le" if stored.endswith("be") else stored


def layout_of(stored: str, color_range: int) -> PixelLayout:
    """Return the layout of frames that are stored in the pixel format ``stored``.

    ``color_range`` is FFmpeg's AVColorRange of the stream. Raises UnsupportedPicture for alpha, palettes, sensor
    patterns, floating point, formats of hardware, and layouts that are none of 4:2:0, 4:2:2, 4:4:4, 4:1:1 or 4:4:0.
    """
    name = planar_format(stored)
    form = av.VideoFormat(name, 16, 16)
    _refuse_unless_planar(stored, form)
    depth = form.components[0].bits
    components = _components_of(form)
    width_shift, height_shift = (0, 0)
    if components is Components.YCBCR:
        width_shift = (16 // form.components[1].width).bit_length() - 1
        height_shift = (16 // form.components[1].height).bit_length() - 1
    if (width_shift, height_shift) not in SUBSAMPLINGS:
        raise UnsupportedPicture(_refusal(stored, f"one chroma sample for {1 << width_shift} x {1 << height_shift}"))
    jpeg = name.startswith("yuvj")
    return PixelLayout(
        name=name.replace("yuvj", "yuv"),
        components=components,
        bit_depth=depth,
        chroma_width_shift=width_shift,
        chroma_height_shift=height_shift,
        full_range=jpeg or color_range == FULL_RANGE or components is Components.GBR,
    )


def to_planar(frame: av.VideoFrame) -> av.VideoFrame:
    """Return ``frame`` in its planar format: the frame itself, or its samples rearranged."""
    name = planar_format(frame.format.name)
    if name == frame.format.name:
        return frame
    planar = frame.reformat(format=name)
    planar.pts, planar.time_base = frame.pts, frame.time_base
    return planar


def planes_of(frame: av.VideoFrame) -> tuple[Plane, ...]:
    """Return the samples of a planar frame: per plane (rows, columns), contiguous, uint8 or uint16, read-only.

    The arrays are views of the frame's memory where its lines lie side by side, else copies.
    """
    depth = frame.format.components[0].bits
    sample = np.dtype(np.uint8 if depth == 8 else "<u2")
    planes = []
    for plane in frame.planes:
        stride = abs(plane.line_size)
        rows: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8)
        lines = rows.reshape(plane.height, stride)[:, : plane.width * sample.itemsize].view(sample)
        if plane.line_size < 0:
            lines = lines[::-1]
        samples = np.ascontiguousarray(lines)
        if sys.byteorder == "big":
            samples = samples.astype(sample.newbyteorder("="))
        samples.flags.writeable = False
        planes.append(samples)
    return tuple(planes)


def frame_of(planes: tuple[Plane, ...], pixel_format: str) -> av.VideoFrame:
    """Return a frame of the planar ``pixel_format`` that holds copies of ``planes``, each (rows, columns)."""
    rows, columns = planes[0].shape
    frame = av.VideoFrame(columns, rows, pixel_format)
    for target, samples in zip(frame.planes, planes, strict=True):
        little = samples if samples.dtype.itemsize == 1 else samples.astype("<u2", copy=False)
        lines = np.frombuffer(memoryview(target), np.uint8).reshape(target.height, target.line_size)
        content = np.ascontiguousarray(little).view(np.uint8)
        lines[:, : content.shape[1]] = content
    return frame


def _components_of(form: av.VideoFormat) -> Components:
    if len(form.components) == 1:
        return Components.GRAY
    return Components.GBR if form.is_rgb else Components.YCBCR


def _refuse_unless_planar(stored: str, form: av.VideoFormat) -> None:
    """Raise UnsupportedPicture if frames of this format are not one whole-number plane per colour component."""
    parts = form.components
    reason = None
    if not parts:
        reason = "held by a device"
    elif form.has_palette:
        reason = "a palette"
    elif form.is_bayer:
        reason = "a sensor pattern"
    elif any(part.is_alpha for part in parts):
        reason = "with alpha"
    elif any(part.bits > 16 for part in parts) or "f16" in stored or "f32" in stored:
        reason = "floating point, or more than 16 bits"
    elif len({part.plane for part in parts}) < len(parts) or form.is_bit_stream or parts[0].bits < 8:
        reason = "packed in a way that is not known here"
    elif "msb" in stored or stored.startswith("xyz"):
        reason = "neither Y'CbCr, gray nor RGB in plain order"
    if reason:
        raise UnsupportedPicture(_refusal(stored, reason))


def _refusal(stored: str, reason: str) -> str:
    return (
        f"pixel format {stored} ({reason}) cannot be restored as it is; "
        "convert the file to a planar format such as yuv422p10le or gbrp first"
    )
