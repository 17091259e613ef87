"""Colour that stands aside of luma: how well it is measured, and how it is put back."""

from pathlib import Path

import numpy as np
import pytest
import torch
from clips import Clip, Picture, plane_shapes
from torch import Tensor
from torch.nn.functional import avg_pool2d

from tapemend.chroma_delay import measured, put_back
from tapemend.colour import add_change, to_ycbcr
from tapemend.decode import Reader
from tapemend.frames import PixelLayout, Plane
from tapemend.pictures import layout_of
from tapemend.probe import probe
from tapemend.settings import DecodeSettings, ProbeSettings

HEIGHT, WIDTH = 192, 256
SITED = {"yuv444p": 0.0, "yuv422p": 0.5, "yuv420p": 0.5, "yuv411p": 1.5, "gbrp": 0.0}
"""Pixels to the left of the middle of its pixels at which a sample of colour stands."""


def layout(name: str) -> PixelLayout:
    return layout_of(name, 1)


def scene(seed: int, right: float = 0.0, down: float = 0.0) -> Tensor:
    """(3, H, W) Y'CbCr: sheets of paper of all colours, theirs aside of them."""
    generator = np.random.default_rng(seed)
    grown = 64
    rows, columns = np.mgrid[-grown : HEIGHT + grown, -grown : WIDTH + grown].astype(np.float32)
    picture = np.zeros((3, *rows.shape), np.float32)
    for _ in range(80):
        y, x = generator.uniform(-20, (HEIGHT + 20, WIDTH + 20))
        half_height, half_width = generator.uniform(6, 40, 2)
        colours = generator.uniform((0.1, -0.3, -0.3), (0.9, 0.3, 0.3))
        for channel, (below, aside) in enumerate(((0, 0), (down, right), (down, right))):
            over = np.minimum(half_height - np.abs(rows - y - below), half_width - np.abs(columns - x - aside))
            cover = np.clip(over / 3 + 0.5, 0, 1)
            picture[channel] += cover * (colours[channel] - picture[channel])
    return torch.from_numpy(picture[:, grown:-grown, grown:-grown].copy())


def stored(picture: Tensor, name: str) -> tuple[Plane, ...]:
    """Planes of a picture."""
    kind = layout(name)
    shapes = plane_shapes(name, picture.shape[2], picture.shape[1])
    black = (0, 0, 0) if name == "gbrp" else (16, 128, 128)
    return add_change(
        [np.full(shape, code, np.uint8) for shape, code in zip(shapes, black, strict=True)], picture, kind
    )


@pytest.mark.parametrize("name", sorted(SITED))
@pytest.mark.parametrize(("right", "down"), [(0.0, 0.0), (3.7, 2.0), (-5.0, 0.6), (9.0, -4.0)])
def test_colour_is_found_where_it_stands(name: str, right: float, down: float) -> None:
    kind = layout(name)
    seen = [to_ycbcr(stored(scene(seed, right, down), name), kind) for seed in range(6)]
    told = measured(seen, kind)
    assert told.frames == 6
    assert told.right == pytest.approx(right - SITED[name], abs=0.5)
    assert told.down == pytest.approx(down, abs=0.5)


@pytest.mark.parametrize("name", sorted(SITED))
def test_colour_that_is_put_back_is_nearer_to_where_it_was(name: str) -> None:
    kind = layout(name)
    clean, late = (stored(scene(1, *aside), name) for aside in ((0.0, 0.0), (4.6, 2.0)))
    back = put_back(late, kind, 4.6, 2.0)
    errors = [
        avg_pool2d((to_ycbcr(each, kind) - to_ycbcr(clean, kind)).square(), 8)[1:, 1:-1, 1:-1].mean()
        for each in (late, back)
    ]
    assert errors[1] < 0.06 * errors[0]
    assert [plane.dtype for plane in back] == [plane.dtype for plane in late]
    if name != "gbrp":
        assert np.array_equal(back[0], late[0])


@pytest.mark.parametrize("name", ["yuv444p", "yuv422p10le", "yuv420p", "yuv411p"])
def test_whole_samples_come_out_as_they_were(name: str) -> None:
    kind = layout(name)
    generator = np.random.default_rng(0)
    kept = np.uint8 if kind.bit_depth == 8 else np.uint16
    planes = tuple(generator.integers(0, 2**kind.bit_depth, shape).astype(kept) for shape in plane_shapes(name, 64, 48))
    step = 1 << kind.chroma_width_shift, 1 << kind.chroma_height_shift
    luma, *chroma = put_back(planes, kind, 3 * step[0], 2 * step[1])
    assert np.array_equal(luma, planes[0])
    for plane, before in zip(chroma, planes[1:], strict=True):
        assert np.array_equal(plane[:-2, :-3], before[2:, 3:])
        assert np.array_equal(plane[-1, :-3], before[-1, 3:])


def test_luma_alone_has_no_colour_to_measure_or_to_move() -> None:
    kind = layout("gray")
    planes = (np.arange(48 * 64, dtype=np.uint8).reshape(48, 64),)
    assert put_back(planes, kind, 5.0, 1.0) == planes
    told = measured([to_ycbcr(planes, kind)] * 5, kind)
    assert (told.right, told.down, told.frames) == (None, None, 5)


def test_what_frames_do_not_agree_on_is_not_told() -> None:
    kind = layout("yuv444p")
    torn = [torch.cat([scene(seed)[:1], scene(seed + 50)[1:]]) for seed in range(6)]
    noise = [torch.rand(3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(seed)) for seed in range(6)]
    for pictures in (torn, noise, [], [scene(0), scene(1)], [torch.zeros(3, 16, 16)] * 4, [torch.rand(3, 1, 1)] * 4):
        told = measured(pictures, kind)
        assert (told.right, told.down) == (None, None)


def test_a_frame_reads_the_same_in_order_and_by_index_with_its_colour_put_back(tmp_path: Path) -> None:
    def picture(index: int) -> Picture:
        return tuple(np.roll(plane, index, 1) for plane in stored(scene(2), "yuv422p"))

    path = Clip(pixel_format="yuv422p", width=WIDTH, height=HEIGHT, frame_count=5, picture=picture).write(
        tmp_path / "tape.mkv"
    )
    tape = probe(path, ProbeSettings())
    with Reader(tape, DecodeSettings(chroma_delay=(2.5, -1.0))) as reader:
        surveyed = list(reader.survey())
        again = [*reader.frames(0, 2), *(reader.fetch(index) for index in (4, 2, 3))]
    for frame in surveyed:
        wanted = put_back(picture(frame.index), tape.layout, 2.5, -1.0)
        assert all(np.array_equal(*planes) for planes in zip(frame.planes, wanted, strict=True))
    for frame in again:
        assert all(np.array_equal(*planes) for planes in zip(frame.planes, surveyed[frame.index].planes, strict=True))
