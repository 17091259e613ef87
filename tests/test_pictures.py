from fractions import Fraction

import av
import numpy as np
import pytest

from tapemend.errors import UnsupportedPicture
from tapemend.frames import Components
from tapemend.pictures import UNPACKED, frame_of, layout_of, planar_format, planes_of, to_planar

SIZES = [(64, 48), (63, 47)]

PLANAR = [
    *(
        f"yuv{chroma}p{depth}"
        for chroma in ("420", "422", "444")
        for depth in ("", "9le", "10le", "12le", "14le", "16le")
    ),
    *("yuv411p", "yuv440p", "yuv440p10le", "yuv440p12le"),
    *("yuvj420p", "yuvj422p", "yuvj444p", "yuvj411p", "yuvj440p"),
    *("gray", "gray9le", "gray10le", "gray12le", "gray14le", "gray16le"),
    *("gbrp", "gbrp9le", "gbrp10le", "gbrp12le", "gbrp14le", "gbrp16le"),
]

PACKED_ORDER = {"yuyv422": (0, 1, 3), "uyvy422": (1, 0, 2), "yvyu422": (0, 3, 1)}
RGB_ORDER = {
    "rgb24": (3, 1, 2, 0),
    "bgr24": (3, 1, 0, 2),
    "rgb0": (4, 1, 2, 0),
    "bgr0": (4, 1, 0, 2),
    "0rgb": (4, 2, 3, 1),
    "0bgr": (4, 2, 1, 3),
    "rgb48le": (3, 1, 2, 0),
    "rgb48be": (3, 1, 2, 0),
    "bgr48le": (3, 1, 0, 2),
    "bgr48be": (3, 1, 0, 2),
}


def random_planes(pixel_format: str, width: int, height: int, seed: int = 0) -> tuple:
    form = av.VideoFormat(pixel_format, width, height)
    generator = np.random.default_rng(seed)
    maximum = (1 << form.components[0].bits) - 1
    return tuple(
        generator.integers(
            0, maximum, (part.height, part.width), np.uint8 if maximum < 256 else np.uint16, endpoint=True
        )
        for part in sorted(form.components, key=lambda part: part.plane)
    )


def stored_frame(pixel_format: str, width: int, height: int, rows: list[np.ndarray]) -> av.VideoFrame:
    """A frame of any format from the bytes of the rows of each stored plane."""
    frame = av.VideoFrame(width, height, pixel_format)
    for plane, content in zip(frame.planes, rows, strict=True):
        lines = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        content = np.ascontiguousarray(content).view(np.uint8)
        lines[:, : content.shape[1]] = content
    frame.pts, frame.time_base = 7, Fraction(1, 25)
    return frame


def assert_same(found: tuple, wanted: tuple) -> None:
    assert len(found) == len(wanted)
    for plane, samples in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(plane, samples)


@pytest.mark.parametrize("pixel_format", PLANAR)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_planes_go_into_a_frame_and_come_out_the_same(pixel_format: str, width: int, height: int) -> None:
    planes = random_planes(pixel_format, width, height)
    found = planes_of(frame_of(planes, pixel_format))
    assert_same(found, planes)
    assert all(plane.flags.c_contiguous and not plane.flags.writeable for plane in found)
    layout = layout_of(pixel_format, 0)
    chroma = (-(-width // (1 << layout.chroma_width_shift)), -(-height // (1 << layout.chroma_height_shift)))
    if layout.components is not Components.GRAY:
        assert found[1].shape == chroma[::-1]
    assert found[0].dtype == (np.uint8 if layout.bit_depth == 8 else np.uint16)


@pytest.mark.parametrize("pixel_format", sorted(PACKED_ORDER))
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_packed_ycbcr_is_unpacked_bit_for_bit(pixel_format: str, width: int, height: int) -> None:
    planes = random_planes("yuv422p", width, height)
    luma, blue, red = PACKED_ORDER[pixel_format]
    pairs = planes[1].shape[1]
    row = np.zeros((height, 4 * pairs), np.uint8)
    row[:, luma::2][:, :width] = planes[0]
    row[:, blue::4], row[:, red::4] = planes[1], planes[2]
    frame = stored_frame(pixel_format, width, height, [row[:, : 2 * width + (width % 2) * 2]])
    planar = to_planar(frame)
    assert (planar.format.name, planar.pts) == ("yuv422p", 7)
    assert_same(planes_of(planar), planes)


@pytest.mark.parametrize("pixel_format", sorted(RGB_ORDER))
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_packed_rgb_is_only_reshuffled(pixel_format: str, width: int, height: int) -> None:
    planes = random_planes(planar_format(pixel_format), width, height)
    step, *places = RGB_ORDER[pixel_format]
    row = np.zeros((height, step * width), planes[0].dtype)
    for place, plane in zip(places, planes, strict=True):
        row[:, place::step] = plane
    row = row.byteswap() if pixel_format.endswith("be") else row
    assert_same(planes_of(to_planar(stored_frame(pixel_format, width, height, [row]))), planes)


@pytest.mark.parametrize("pixel_format", ["nv12", "nv21", "nv16", "nv24", "p010le", "p012le", "p016le", "p210le"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_semi_planar_formats_are_unpacked_bit_for_bit(pixel_format: str, width: int, height: int) -> None:
    planar = planar_format(pixel_format)
    planes = random_planes(planar, width, height)
    shift = 0 if pixel_format.startswith("nv") else 16 - layout_of(planar, 0).bit_depth
    pair = (planes[2], planes[1]) if pixel_format == "nv21" else (planes[1], planes[2])
    chroma = np.stack(pair, axis=-1).reshape(planes[1].shape[0], -1)
    frame = stored_frame(pixel_format, width, height, [planes[0] << shift, chroma << shift])
    assert_same(planes_of(to_planar(frame)), planes)


def test_packed_ten_bit_is_unpacked_bit_for_bit() -> None:
    planes = random_planes("yuv422p10le", 64, 48)
    row = np.zeros((48, 128), np.uint16)
    row[:, 0::2], row[:, 1::4], row[:, 3::4] = planes[0], planes[1], planes[2]
    assert_same(planes_of(to_planar(stored_frame("y210le", 64, 48, [row << 6]))), planes)


@pytest.mark.parametrize("pixel_format", [name for name in PLANAR if name.endswith("le")])
def test_big_endian_samples_keep_their_values(pixel_format: str) -> None:
    planes = random_planes(pixel_format, 63, 47)
    frame = stored_frame(f"{pixel_format[:-2]}be", 63, 47, [plane.byteswap() for plane in planes])
    assert layout_of(f"{pixel_format[:-2]}be", 0).name == pixel_format
    assert_same(planes_of(to_planar(frame)), planes)


def test_every_unpacked_format_has_a_layout_of_the_same_depth() -> None:
    for stored, planar in UNPACKED.items():
        assert layout_of(stored, 0).name == planar


def test_a_picture_stored_bottom_up_comes_out_upright() -> None:
    planes = random_planes("gray", 64, 48)
    flip = av.filter.Graph()
    frame = frame_of(planes, "gray")
    frame.pts, frame.time_base = 0, Fraction(1)
    source = flip.add_buffer(width=64, height=48, format=frame.format, time_base=Fraction(1))
    flip.link_nodes(source, flip.add("vflip"), flip.add("buffersink")).configure()
    flip.push(frame)
    flipped = flip.vpull()
    assert flipped.planes[0].line_size < 0
    assert_same(planes_of(flipped), (planes[0][::-1],))


def test_full_range_is_said_by_the_format_the_tag_or_rgb() -> None:
    assert layout_of("yuvj422p", 0).full_range
    assert layout_of("yuvj422p", 0).name == "yuv422p"
    assert layout_of("yuv422p", 2).full_range
    assert layout_of("gbrp", 0).full_range
    assert not layout_of("yuv422p", 1).full_range
    assert not layout_of("gray", 0).full_range


@pytest.mark.parametrize(
    "pixel_format",
    [
        *("yuva420p", "gbrap", "ya8", "pal8", "bayer_rggb8", "vaapi", "grayf32le", "gbrpf32le", "monow", "rgb565le"),
        *("yuv410p", "xyz12le", "yuv444p10msble", "rgb8", "uyyvyy411"),
    ],
)
def test_a_format_that_cannot_be_kept_is_refused_with_a_way_out(pixel_format: str) -> None:
    with pytest.raises(UnsupportedPicture, match=rf"{pixel_format}.*convert the file"):
        layout_of(pixel_format, 0)
