"""Into how many slices FFV1 cuts a picture; some counts lose samples, so a count is tried before it is used."""

from fractions import Fraction
from functools import lru_cache

import av
import numpy as np

from tapemend.encode.picture import picture_planes
from tapemend.errors import UnsupportedPicture

COUNTS = (24, 30, 16, 12, 9, 6, 4, 20, 28, 35, 49, 63, 25, 36, 42, 121, 1)
"""In order of preference: archives use 24, which is fine enough to say where damage lies."""

COUNTS_OF_SMALL = (4, 6, 9, 1)
SMALL = 192
"""Rows or columns below which slices would be tiny."""


@lru_cache(maxsize=8)
def slice_count(pixel_format: str, width: int, height: int) -> int:
    """Return the first count of slices with which a picture of noise comes back as it went in.

    FFV1 in FFmpeg 8.1 loses the last chroma samples of some odd sizes at some counts (721 x 577 in 4:2:0 with 30, 351 x
    287 with all but 1) and refuses others. Raises UnsupportedPicture where no count works.
    """
    for count in COUNTS_OF_SMALL if min(width, height) < SMALL else COUNTS:
        if _survives(pixel_format, width, height, count):
            return count
    raise UnsupportedPicture(
        f"pictures of {width} x {height} in {pixel_format} do not survive FFV1; pad the source first"
    )


def lossless_options(slices: int) -> dict[str, str]:
    """Return the encoder's options: FFV1 version 3, every frame for itself, a checksum in every slice."""
    return {"level": "3", "g": "1", "slicecrc": "1", "slices": str(slices)}


def _survives(pixel_format: str, width: int, height: int, slices: int) -> bool:
    encoder = av.VideoCodecContext.create("ffv1", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pixel_format
    encoder.time_base = Fraction(1, 25)
    encoder.options = lossless_options(slices)
    noise = _noise(pixel_format, width, height)
    try:
        packets = [*encoder.encode(noise), *encoder.encode(None)]
    except NotImplementedError:
        return False
    decoder = av.VideoCodecContext.create("ffv1", "r")
    decoder.width, decoder.height, decoder.extradata = width, height, encoder.extradata
    decoded = [picture for packet in [*packets, None] for picture in decoder.decode(packet)]
    pairs = zip(picture_planes(noise), picture_planes(decoded[0]), strict=True)
    return all(np.array_equal(before, after) for before, after in pairs)


def _noise(pixel_format: str, width: int, height: int) -> av.VideoFrame:
    picture = av.VideoFrame(width, height, pixel_format)
    generator = np.random.default_rng(0)
    depth = picture.format.components[0].bits
    for plane in picture_planes(picture):
        plane[...] = generator.integers(0, 256, plane.shape)
        if depth > 8:
            plane[:, 1::2] &= (1 << depth - 8) - 1
        if pixel_format == "bgr0":
            plane[:, 3::4] = 0
    picture.pts, picture.time_base = 0, Fraction(1, 25)
    return picture
