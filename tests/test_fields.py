import numpy as np
import pytest
from test_pictures import PLANAR, SIZES, random_planes

from tapemend.fields import Bobber
from tapemend.frames import ScanType
from tapemend.pictures import frame_of, planes_of


def bobbed(pixel_format: str, scan: ScanType, pictures: list[tuple]) -> list[tuple]:
    bobber = Bobber(pixel_format, scan)
    fields = [field for planes in pictures for field in bobber.push(frame_of(planes, pixel_format))]
    return [planes_of(field) for field in [*fields, *bobber.finish()]]


@pytest.mark.parametrize("scan", [ScanType.TOP_FIRST, ScanType.BOTTOM_FIRST])
@pytest.mark.parametrize("pixel_format", PLANAR)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_field_keeps_its_own_lines_so_that_weaving_gives_the_source_back(
    pixel_format: str, width: int, height: int, scan: ScanType
) -> None:
    pictures = [random_planes(pixel_format, width, height, seed) for seed in range(3)]
    fields = bobbed(pixel_format, scan, pictures)
    assert len(fields) == 6
    first_lines = 1 if scan is ScanType.BOTTOM_FIRST else 0
    for number, planes in enumerate(pictures):
        for plane, samples in enumerate(planes):
            woven = fields[2 * number + 1][plane].copy()
            woven[first_lines::2] = fields[2 * number][plane][first_lines::2]
            np.testing.assert_array_equal(woven, samples)


@pytest.mark.parametrize("pixel_format", ["yuv422p10le", "gray10le"])
def test_a_single_interlaced_frame_gives_two(pixel_format: str) -> None:
    assert len(bobbed(pixel_format, ScanType.TOP_FIRST, [random_planes(pixel_format, 64, 48)])) == 2


def test_no_frame_gives_none() -> None:
    assert bobbed("yuv420p", ScanType.TOP_FIRST, []) == []


@pytest.mark.parametrize("pixel_format", ["gray12le", "yuv440p10le"])
def test_formats_that_bwdif_does_not_take_are_filled_in_as_their_planes_would_be(pixel_format: str) -> None:
    pictures = [random_planes(pixel_format, 64, 48, seed) for seed in range(3)]
    depth = "12" if "12" in pixel_format else "10"
    fields = bobbed(pixel_format, ScanType.TOP_FIRST, pictures)
    for plane in range(len(pictures[0])):
        as_green = [(planes[plane],) * 3 for planes in pictures]
        alone = bobbed(f"gbrp{depth}le", ScanType.TOP_FIRST, as_green)
        for field, wanted in zip(fields, alone, strict=True):
            np.testing.assert_array_equal(field[plane], wanted[0])
