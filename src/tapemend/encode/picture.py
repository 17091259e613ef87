"""Planes of samples to FFmpeg pictures and to checksums, without a change to any sample."""

import hashlib

import av
import numpy as np
from numpy.typing import NDArray

from tapemend.errors import UnsupportedPicture
from tapemend.frames import Frame, PictureForm, PixelLayout, ScanType

STORED_AS = {
    "gbrp": "bgr0",
    "yuvj411p": "yuv411p",
    "yuvj420p": "yuv420p",
    "yuvj422p": "yuv422p",
    "yuvj440p": "yuv440p",
    "yuvj444p": "yuv444p",
}
"""Layouts that FFV1 takes under another name; the samples are the same (full range is a tag of the stream)."""

FIELD_ORDER = {ScanType.PROGRESSIVE: 1, ScanType.TOP_FIRST: 2, ScanType.BOTTOM_FIRST: 3}
"""FFmpeg's AVFieldOrder; 0, unknown, for the rest."""


def stored_format(layout: PixelLayout) -> str:
    """Return FFmpeg's name of the format that FFV1 keeps ``layout`` in; raise UnsupportedPicture when there is none."""
    name = STORED_AS.get(layout.name, layout.name)
    known = {form.name for form in av.codec.Codec("ffv1", "w").video_formats or ()}
    if name not in known:
        raise UnsupportedPicture(f"pictures in {layout.name} cannot be stored by FFV1; convert the source first")
    return name


def stored_planes(frame: Frame, layout: PixelLayout) -> tuple[NDArray[np.uint8], ...]:
    """Return the bytes of each stored plane, (rows, bytes of a row) uint8: native order; 8-bit RGB as B, G, R, 0."""
    if layout.name == "gbrp":
        green, blue, red = frame.planes
        packed = np.stack([blue, green, red, np.zeros_like(red)], axis=-1)
        return (packed.reshape(len(red), -1).view(np.uint8),)
    return tuple(np.ascontiguousarray(plane).view(np.uint8) for plane in frame.planes)


def planes_md5(planes: tuple[NDArray[np.uint8], ...]) -> str:
    """Return the MD5 over tightly packed planes, as FFmpeg's framemd5 prints it: 32 hexadecimal digits."""
    digest = hashlib.md5(usedforsecurity=False)
    for plane in planes:
        digest.update(np.ascontiguousarray(plane).data)
    return digest.hexdigest()


def picture_planes(picture: av.VideoFrame) -> tuple[NDArray[np.uint8], ...]:
    """Return views of a decoded picture's planes, each (rows, bytes of a row) uint8, without FFmpeg's padding."""
    packed = len(picture.planes) == 1 and len(picture.format.components) > 1
    sample_bytes = -(-picture.format.components[0].bits // 8) * (
        picture.format.padded_bits_per_pixel // 8 if packed else 1
    )
    return tuple(
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[
            :, : plane.width * sample_bytes
        ]
        for plane in picture.planes
    )


def picture_of(planes: tuple[NDArray[np.uint8], ...], form: PictureForm) -> av.VideoFrame:
    """Return a new picture that holds ``planes`` (see ``stored_planes``); raise ValueError when their shapes differ."""
    picture = av.VideoFrame(form.width, form.height, stored_format(form.layout))
    targets = picture_planes(picture)
    for target, samples in zip(targets, planes, strict=True):
        if target.shape != samples.shape:
            raise ValueError(f"a plane of {samples.shape} bytes does not fit {form.layout.name} of {target.shape}")
        target[...] = samples
    picture.time_base = form.time_base
    return picture
