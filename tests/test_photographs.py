"""Photographs as training clips: where the camera is, and how fast it goes."""

from pathlib import Path

import av
import numpy as np
import pytest
from clips import Clip
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tapemend.train.data import FRAMES, SHORT_SIDE, pack
from tapemend.train.photographs import FASTEST, SIZES, ZOOM, filmed

ROWS, COLUMNS = 96, 128
RUN = 8
DARK, BRIGHT = 40, 200


def ramp(axis: int) -> av.VideoFrame:
    """A photograph whose luma says where along an axis one is."""
    luma = np.linspace(DARK, BRIGHT, (750, 1000)[axis]).round().astype(np.uint8)
    planes = np.full((3, 750, 1000), 128, np.uint8)
    planes[0] = luma if axis else luma[:, None]
    return av.VideoFrame.from_ndarray(planes, format="yuv444p")


def views(axis: int, name: str, run: int) -> NDArray[np.uint8]:
    return np.stack(list(filmed(ramp(axis), name, run, (ROWS, COLUMNS))))


@settings(max_examples=10)
@given(name=st.text(min_size=1), axis=st.sampled_from([0, 1]))
@example(name="iP\x01", axis=0)
def test_the_camera_wanders_slowly_and_never_leaves_the_photograph(name: str, axis: int) -> None:
    frames = views(axis, name, RUN)[:, 0]
    assert frames.shape == (len(SIZES) * RUN, ROWS, COLUMNS)
    assert frames.min() >= DARK - 1
    assert frames.max() <= BRIGHT + 1
    side = (ROWS, COLUMNS)[axis]
    place = frames.mean((1, 2)).reshape(len(SIZES), RUN) / (BRIGHT - DARK) * side * np.array(SIZES)[:, None]
    assert np.abs(np.diff(place)).max() < FASTEST + ZOOM * side / RUN


def test_it_wanders_the_same_way_over_a_photograph_of_the_same_name() -> None:
    assert np.array_equal(views(1, "one", 2), views(1, "one", 2))
    assert not np.array_equal(views(1, "one", 2), views(1, "other", 2))


@pytest.mark.parametrize(("codec", "suffix"), [("png", "png"), ("mjpeg", "jpg")])
def test_a_photograph_is_packed_as_a_clip(codec: str, suffix: str, tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    pixels = {"png": "rgb24", "mjpeg": "yuvj420p"}[codec]
    Clip(codec=codec, pixel_format=pixels, width=400, height=300, frame_count=1).write(folder / f"still.{suffix}")
    (packed,) = pack(folder, tmp_path / "cache").clips
    assert packed.shape == (FRAMES, 3, SHORT_SIDE, 768)
    assert packed[:, 0].std() > 5
