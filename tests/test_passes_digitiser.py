"""The capture chain on numbers: codes, sites of samples, ranges, matrices, fields, coders."""

import math

import pytest
import torch
from torch import Tensor

from tapemend.colour import to_rgb
from tapemend.degrade import Standard
from tapemend.degrade.grid import Grid
from tapemend.degrade.passes import Moments, PicturePass
from tapemend.degrade.passes.digitiser import (
    BitDepth,
    ChromaSubsampling,
    Deinterlacer,
    DongleDeinterlacing,
    DvCoding,
    FieldsOutOfStep,
    H264Coding,
    MatrixMistake,
    Mpeg2Coding,
    RangeMistake,
    Sampling,
    SwappedFields,
    WrongMatrix,
    WrongRange,
)

CODERS = (DvCoding(), Mpeg2Coding(), H264Coding())


def acted(
    does: PicturePass, picture: Tensor, standard: Standard = Standard.PAL, intensity: float = 1.0, first: int = 3
) -> Tensor:
    count, _, height, width = picture.shape
    indices = tuple(range(first, first + count))
    moments = Moments(seed=1, name="step", indices=indices, intensities=(intensity,) * count)
    return does.apply(picture, Grid(standard=standard, height=height, width=width), moments)


def scene(height: int = 64, width: int = 96) -> Tensor:
    """(1, 3, H, W): smooth, with colour."""
    rows, columns = torch.linspace(0, 1, height)[:, None], torch.linspace(0, 1, width)
    luma = 0.5 + 0.3 * torch.sin(9 * columns + 4 * rows)
    return torch.stack([luma, 0.2 * torch.sin(5 * rows + 2 * columns), 0.2 * torch.cos(6 * columns - rows)])[None]


def flat(*values: float, height: int = 32, width: int = 48) -> Tensor:
    return torch.tensor(values)[:, None, None].expand(3, height, width)[None].clone()


@pytest.mark.parametrize(("bits", "levels"), [(8, 220), (5, 28)])
def test_a_ramp_has_as_many_levels_as_there_are_codes(bits: int, levels: int) -> None:
    ramp = torch.linspace(0, 1, 2000).expand(1, 3, 2, 2000).clone()
    luma = acted(BitDepth(bits=bits), ramp)[0, 0]
    assert luma.unique().numel() == pytest.approx(levels, abs=1)
    assert (luma - ramp[0, 0]).abs().max() <= 0.5001 / 219 * 2 ** (8 - bits)


def test_levels_beyond_the_codes_are_cut() -> None:
    cut = acted(BitDepth(), flat(1.5, -0.9, 0.9))
    assert torch.allclose(cut[0, :, 0, 0], torch.tensor([239 / 219, -128 / 224, 127 / 224]))


@pytest.mark.parametrize("sampling", Sampling)
def test_a_colour_ramp_stays_where_it_is(sampling: Sampling) -> None:
    """Samples taken at one place and shown at another would move it."""
    ramp = torch.zeros(1, 3, 24, 48)
    ramp[:, 1] = torch.linspace(-0.4, 0.4, 48)
    ramp[:, 2] = torch.linspace(-0.3, 0.3, 24)[:, None]
    after = acted(ChromaSubsampling(sampling=sampling), ramp)
    assert torch.allclose(after[..., 4:-4, 4:-4], ramp[..., 4:-4, 4:-4], atol=1e-5)


@pytest.mark.parametrize(
    ("sampling", "columns", "rows"), [("4:2:2", 2, 1), ("4:2:0", 2, 2), ("4:1:1", 4, 1)], ids=["422", "420", "411"]
)
def test_colour_finer_than_its_samples_is_gone_and_luma_is_not(sampling: str, columns: int, rows: int) -> None:
    pictures = {}
    for across in (True, False):
        fine = torch.arange(32 if across else 24) % 2 - 0.5
        stripes = torch.zeros(1, 3, 24, 32)
        stripes[:] = 0.4 * (fine if across else fine[:, None])
        after = acted(ChromaSubsampling(sampling=Sampling(sampling)), stripes)
        assert torch.equal(after[:, 0], stripes[:, 0])
        pictures[across] = after[0, 1, 4:-4, 8:-8].abs().max()
    assert pictures[True] < 1e-6
    assert (pictures[False] < 1e-6) == (rows == 2)
    spot = torch.zeros(1, 3, 8, 32)
    spot[0, 1, :, 16] = 0.4
    peak = acted(ChromaSubsampling(sampling=Sampling(sampling)), spot)[0, 1, 4]
    assert peak.argmax() == 16
    assert peak[16] == pytest.approx(0.4 / columns)
    assert torch.allclose(peak[17:20], peak[13:16].flip(0))


@pytest.mark.parametrize("does", CODERS, ids=lambda does: type(does).__name__)
def test_coders_keep_levels_and_places(does: PicturePass) -> None:
    picture = scene()
    after = acted(does, picture)
    inner = (slice(None), slice(None), slice(8, -8), slice(8, -8))
    difference = after[inner] - picture[inner]
    assert difference.square().mean().sqrt() < 0.015
    assert difference.mean((0, 2, 3)).abs().max() < 0.004
    assert not torch.equal(after, picture)


@pytest.mark.parametrize("does", CODERS, ids=lambda does: type(does).__name__)
def test_a_coded_picture_hangs_on_nothing_before_it(does: PicturePass) -> None:
    noise = (
        torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(1))
        - torch.tensor([0, 0.5, 0.5])[:, None, None]
    )
    assert torch.equal(acted(does, noise)[1], acted(does, noise[1:], first=4)[0])


def test_coarser_quantisers_do_more_harm() -> None:
    noise = scene(48, 64) + 0.1 * torch.randn(1, 3, 48, 64, generator=torch.Generator().manual_seed(2))
    harm = [
        [(acted(does, noise) - noise)[:, 0].square().mean().item() for does in family]
        for family in (
            [Mpeg2Coding(quantiser=quantiser) for quantiser in (2, 8, 24)],
            [H264Coding(crf=crf) for crf in (15.0, 28.0, 42.0)],
        )
    ]
    assert all(fine < middle < coarse for fine, middle, coarse in harm)


@pytest.mark.parametrize(("standard", "rows"), [(Standard.PAL, 576), (Standard.NTSC, 480)])
def test_dv_codes_its_raster_with_the_colour_of_its_standard(standard: Standard, rows: int) -> None:
    """4:2:0 of PAL has no colour that changes from line to line, 4:1:1 of NTSC none of four columns' period."""
    down, across = (flat(0.5, 0.0, 0.0, height=rows, width=720) for _ in range(2))
    down[0, 1] = 0.2 * (torch.arange(rows) % 2 * 2 - 1)[:, None]
    across[0, 1] = 0.2 * (torch.arange(720) // 2 % 2 * 2 - 1)
    left = [acted(DvCoding(), picture, standard)[0, 1].std() > 0.04 for picture in (down, across)]
    assert left == [standard is Standard.NTSC, standard is Standard.PAL]


def test_a_full_range_read_as_limited_crushes_and_burns_and_the_other_way_is_milky() -> None:
    ramp = torch.linspace(0, 1, 256).expand(1, 3, 4, 256).clone() - torch.tensor([0.0, 0.5, 0.5])[:, None, None]
    hard = acted(WrongRange(), ramp)[0, 0, 0]
    assert (hard == 0).sum() == 17
    assert (hard == 1).sum() == 256 - 235
    milky = acted(WrongRange(mistake=RangeMistake.LIMITED_AS_FULL), ramp)
    assert torch.allclose(milky[0, 0, 0, [0, -1]], torch.tensor([16 / 255, 235 / 255]))
    back = acted(WrongRange(), milky)
    assert torch.allclose(back, ramp, atol=1e-5)


def test_the_wrong_matrix_keeps_grey_and_turns_green() -> None:
    assert torch.allclose(acted(WrongMatrix(), flat(0.6, 0.0, 0.0)), flat(0.6, 0.0, 0.0), atol=1e-6)
    green = flat(0.587, -0.331264, -0.418688)
    coded = acted(WrongMatrix(), green)
    assert torch.allclose(coded[0, :, 0, 0], torch.tensor([0.7152, -0.385428, -0.454153]), atol=1e-5)
    assert to_rgb(coded)[0, 1, 0, 0] == 1.0
    assert torch.allclose(acted(WrongMatrix(mistake=MatrixMistake.SD_AS_HD), coded), green, atol=1e-5)


def moving() -> Tensor:
    """(4, 3, 24, 40): a bar that is eight columns further in each picture."""
    picture = torch.zeros(4, 3, 24, 40)
    for number in range(4):
        picture[number, 0, :, 8 * number : 8 * number + 8] = 1.0
    return picture


def test_a_blend_shows_the_bar_twice_at_half_its_brightness() -> None:
    after = acted(DongleDeinterlacing(), moving())
    assert torch.allclose(after[2, 0, 4:-4, 8:24], torch.full((16, 16), 0.5))
    assert not after[2, 0, :, 24:].any()


def test_doubling_makes_pairs_of_equal_lines() -> None:
    picture = torch.rand(1, 3, 25, 30, generator=torch.Generator().manual_seed(3))
    after = acted(DongleDeinterlacing(method=Deinterlacer.DOUBLE), picture)
    assert torch.equal(after[..., ::2, :], picture[..., ::2, :])
    assert torch.equal(after[..., 1::2, :], after[..., :-1:2, :])


def test_swapped_fields_change_places_in_pairs() -> None:
    picture = torch.arange(7.0)[:, None].expand(1, 3, 7, 4).clone()
    assert acted(SwappedFields(), picture)[0, 0, :, 0].tolist() == [1, 0, 3, 2, 5, 4, 6]


def test_fields_out_of_step_comb_what_moves_and_nothing_else() -> None:
    after = acted(FieldsOutOfStep(), moving())[2, 0]
    assert torch.equal(after[::2], moving()[2, 0, ::2])
    assert torch.equal(after[1::2], moving()[1, 0, 1::2])
    still = scene().expand(3, -1, -1, -1)
    assert torch.equal(acted(FieldsOutOfStep(), still), still)


@pytest.mark.parametrize(
    "does", [WrongRange(), SwappedFields(), BitDepth(bits=5)], ids=lambda does: type(does).__name__
)
def test_half_the_intensity_is_half_the_change(does: PicturePass) -> None:
    picture = scene()
    whole, half = (acted(does, picture, intensity=much) - picture for much in (1.0, 0.5))
    assert math.isclose(half.square().sum(), whole.square().sum() / 4, rel_tol=1e-3)
