"""Codes to Y'CbCr, and changes back into codes."""

from itertools import pairwise

import av
import numpy as np
import pytest
import torch
from clips import plane_shapes
from hypothesis import given, settings
from hypothesis import strategies as st

from tapemend.colour import add_change, to_rgb, to_ycbcr
from tapemend.frames import Components, PixelLayout, Plane
from tapemend.pictures import UNPACKED, layout_of

DEPTHS = ("", "9le", "10le", "12le", "14le", "16le")
LAYOUTS = [
    *(f"yuv{chroma}p{depth}" for chroma in ("420", "422", "444") for depth in DEPTHS),
    *("yuv411p", "yuv440p", "yuv440p10le", "yuv440p12le", "yuvj420p", "yuvj422p", "yuvj444p"),
    *(f"gray{depth}" for depth in DEPTHS),
    *(f"gbrp{depth}" for depth in DEPTHS),
]


def noise(layout: PixelLayout, width: int, height: int, seed: int = 0) -> tuple[Plane, ...]:
    """Planes with every code of the format in them, the forbidden ones too."""
    generator = np.random.default_rng(seed)
    kind = np.uint8 if layout.bit_depth == 8 else np.uint16
    shapes = plane_shapes(layout.name, width, height)
    return tuple(generator.integers(0, 1 << layout.bit_depth, shape).astype(kind) for shape in shapes)


def flat(layout: PixelLayout, codes: tuple[int, ...], width: int = 8, height: int = 6) -> tuple[Plane, ...]:
    kind = np.uint8 if layout.bit_depth == 8 else np.uint16
    shapes = plane_shapes(layout.name, width, height)
    return tuple(np.full(shape, code, kind) for shape, code in zip(shapes, codes, strict=True))


def same(planes: tuple[Plane, ...], others: tuple[Plane, ...]) -> bool:
    return all(
        one.dtype == other.dtype and np.array_equal(one, other) for one, other in zip(planes, others, strict=True)
    )


def test_the_layouts_of_these_tests_are_those_that_tapes_are_stored_in() -> None:
    assert {layout_of(name, 0).name for name in (*UNPACKED, *UNPACKED.values())} <= {
        layout_of(name, 0).name for name in LAYOUTS
    }
    assert all(av.VideoFormat(name, 16, 16).name == name for name in LAYOUTS)


@settings(max_examples=150)
@given(st.sampled_from(LAYOUTS), st.sampled_from([0, 1, 2]), st.integers(1, 33), st.integers(1, 33), st.integers(0, 99))
def test_no_change_leaves_every_code_as_it_was(name: str, color_range: int, width: int, height: int, seed: int) -> None:
    layout = layout_of(name, color_range)
    planes = noise(layout, width, height, seed)
    seen = to_ycbcr(planes, layout)
    assert seen.shape == (3, height, width)
    assert seen.dtype == torch.float32
    assert same(add_change(planes, torch.zeros_like(seen), layout), planes)


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_code_arrives_by_way_of_its_change(name: str) -> None:
    layout = layout_of(name, 0)
    width, height = 16 << layout.chroma_width_shift, 8 << layout.chroma_height_shift
    before = noise(layout, width, height, 1)
    blocks = [np.ones((p.shape[0], p.shape[1]), p.dtype) for p in before]
    wanted = tuple((block * (1 << layout.bit_depth - 2) + 7).astype(block.dtype) for block in blocks)
    change = to_ycbcr(wanted, layout) - to_ycbcr(
        flat(layout, (1 << layout.bit_depth - 1,) * len(before), width, height), layout
    )
    start = flat(layout, (1 << layout.bit_depth - 1,) * len(before), width, height)
    assert same(add_change(start, change, layout), wanted)


@pytest.mark.parametrize(("name", "step"), [("yuv420p", 1), ("yuv422p10le", 4), ("yuv444p16le", 256)])
def test_black_white_and_grey_are_where_bt601_puts_them(name: str, step: int) -> None:
    layout = layout_of(name, 1)
    black = to_ycbcr(flat(layout, (16 * step, 128 * step, 240 * step)), layout)
    white = to_ycbcr(flat(layout, (235 * step, 16 * step, 128 * step)), layout)
    torch.testing.assert_close(black[:, 0, 0], torch.tensor([0.0, 0.0, 0.5]))
    torch.testing.assert_close(white[:, 0, 0], torch.tensor([1.0, -0.5, 0.0]))


def test_full_range_uses_every_code() -> None:
    layout = layout_of("yuvj420p", 0)
    assert layout.full_range
    torch.testing.assert_close(to_ycbcr(flat(layout, (255, 128, 128)), layout)[:, 0, 0], torch.tensor([1.0, 0.0, 0.0]))


def test_super_white_and_sub_black_are_seen_and_survive_a_change_elsewhere() -> None:
    layout = layout_of("yuv420p", 1)
    planes = flat(layout, (128, 128, 128))
    planes[0][0, :4] = (0, 1, 254, 255)
    seen = to_ycbcr(planes, layout)
    assert seen[0].min() < 0
    assert seen[0].max() > 1
    change = torch.zeros_like(seen)
    change[0, 3:] = 10 / 219
    after = add_change(planes, change, layout)
    assert after[0][0, :4].tolist() == [0, 1, 254, 255]
    assert (after[0][3:] == 138).all()


def test_a_change_beyond_the_codes_stops_at_the_last_one() -> None:
    layout = layout_of("yuv420p10le", 1)
    planes = flat(layout, (1000, 20, 512))
    after = add_change(planes, torch.tensor([1.0, -1.0, 0.0])[:, None, None].expand(3, 6, 8), layout)
    assert [int(plane[0, 0]) for plane in after] == [1023, 0, 512]


@settings(max_examples=60)
@given(st.floats(-3, 3))
def test_changes_are_rounded_and_never_truncated(codes: float) -> None:
    layout = layout_of("yuv444p", 1)
    scale = torch.tensor([219.0, 224.0, 224.0])[:, None, None]
    after = add_change(flat(layout, (100, 100, 100)), (codes / scale).expand(3, 6, 8), layout)
    for plane in after:
        assert abs(float(plane[0, 0]) - 100 - codes) <= 0.5 + 1e-4


@pytest.mark.parametrize(("name", "columns", "rows"), [("yuv420p", 2, 2), ("yuv422p", 2, 1), ("yuv411p", 4, 1)])
def test_a_chroma_sample_changes_by_the_mean_of_its_pixels(name: str, columns: int, rows: int) -> None:
    layout = layout_of(name, 1)
    planes = flat(layout, (128, 128, 128), 8, 4)
    change = torch.zeros(3, 4, 8)
    change[1, :rows, columns : 2 * columns] = torch.arange(rows * columns).reshape(rows, columns) * 8 / 224
    after = add_change(planes, change, layout)
    wanted = np.full(after[1].shape, 128)
    wanted[0, 1] += round(8 * (rows * columns - 1) / 2)
    np.testing.assert_array_equal(after[1], wanted)
    np.testing.assert_array_equal(after[2], planes[2])


@pytest.mark.parametrize(("width", "height"), [(5, 3), (6, 5), (7, 1)])
def test_a_chroma_sample_at_an_odd_border_changes_by_the_pixels_that_it_has(width: int, height: int) -> None:
    layout = layout_of("yuv411p", 1)
    planes = flat(layout, (128, 128, 128), width, height)
    change = torch.zeros(3, height, width)
    change[1, :, 4:] = torch.arange(width - 4) * 8 / 224
    after = add_change(planes, change, layout)
    assert (after[1][:, 1] == 128 + 8 * (width - 5) / 2).all()
    assert (after[1][:, 0] == 128).all()


def test_chroma_between_samples_is_interpolated_and_in_place() -> None:
    layout = layout_of("yuv422p", 1)
    planes = flat(layout, (128, 128, 128), 16, 1)
    planes[1][:] = np.arange(100, 164, 8)
    row = to_ycbcr(planes, layout)[1, 0]
    assert all(left <= right for left, right in pairwise(row.tolist()))
    np.testing.assert_allclose(row.reshape(-1, 2).mean(1)[1:-1] * 224 + 128, np.arange(108, 156, 8), atol=1e-3)


def test_rgb_comes_back_from_its_ycbcr() -> None:
    layout = layout_of("gbrp", 0)
    planes = noise(layout, 9, 7)
    assert layout.components is Components.GBR
    green, blue, red = planes
    wanted = torch.from_numpy(np.stack([red, green, blue]).astype(np.float32) / 255)
    torch.testing.assert_close(to_rgb(to_ycbcr(planes, layout)), wanted, atol=1e-5, rtol=0)


def test_a_change_of_rgb_luma_moves_all_three_colours_alike() -> None:
    layout = layout_of("gbrp10le", 0)
    change = torch.zeros(3, 6, 8)
    change[0] = 50 / 1023
    after = add_change(flat(layout, (100, 200, 300)), change, layout)
    assert [int(plane[0, 0]) for plane in after] == [150, 250, 350]


def test_grey_is_seen_without_colour_and_takes_none() -> None:
    layout = layout_of("gray10le", 0)
    planes = noise(layout, 9, 7)
    assert not to_ycbcr(planes, layout)[1:].any()
    change = torch.zeros(3, 7, 9)
    change[1:] = 0.3
    assert same(add_change(planes, change, layout), planes)


def test_the_planes_given_are_never_written_to() -> None:
    layout = layout_of("yuv420p", 1)
    planes = noise(layout, 8, 6)
    for plane in planes:
        plane.flags.writeable = False
    add_change(planes, torch.full((3, 6, 8), 0.1), layout)
    to_ycbcr(planes, layout)
