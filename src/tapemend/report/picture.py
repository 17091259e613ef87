"""A picture as a PNG, alone or inside the page."""

import base64
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray


def png_data_uri(picture: NDArray[np.uint8]) -> str:
    """Return a picture (H, W, 3) R'G'B' as a data URI that holds a PNG with the very same samples."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode("ascii")


def png(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture (H, W, 3) R'G'B' as a PNG that holds the very same samples."""
    rows, columns = picture.shape[:2]
    encoder = av.VideoCodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = columns, rows, "rgb24"
    encoder.time_base, encoder.thread_count = Fraction(1), 1
    encoder.options = {"pred": "mixed"}
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    return b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))
