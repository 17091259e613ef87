"""Motion between frames of a scene, whatever their lines do."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from tapemend.lines import move_lines
from tapemend.network.motion import STRIDE, brought, motion

ROWS, COLUMNS = 128, 192
INSIDE = (..., slice(32, -32), slice(32, -32))


def scene(rows: int = ROWS, columns: int = COLUMNS, seed: int = 0) -> Tensor:
    """(1, 3, H, W) blobs of several sizes."""
    draw = torch.Generator().manual_seed(seed)
    picture = torch.zeros(1, 3, rows, columns)
    for size in (3, 7, 15, 31):
        noise = torch.randn(1, 3, rows + size - 1, columns + size - 1, generator=draw)
        picture += avg_pool2d(noise, size, 1) * size * 0.06
    return picture + torch.tensor([0.5, 0.0, 0.0])[:, None, None]


def window_of(wide: Tensor, down: int, right: int) -> Tensor:
    return wide[..., 64 + down : 64 + down + ROWS, 64 + right : 64 + right + COLUMNS]


def test_a_frame_is_where_it_is() -> None:
    picture = scene()
    vectors = motion(picture, picture[:, None])
    assert vectors.shape == (1, 1, 2, ROWS // STRIDE, COLUMNS // STRIDE)
    assert vectors.abs().max() < 1e-3
    torch.testing.assert_close(brought(picture[:, None], vectors)[:, 0], picture, atol=1e-3, rtol=0)


@pytest.mark.parametrize(("down", "right"), [(0, 3), (-5, 0), (12, -17), (30, 24)])
def test_a_picture_that_moved_is_found(down: int, right: int) -> None:
    wide = scene(ROWS + 128, COLUMNS + 128)
    frame, other = window_of(wide, 0, 0), window_of(wide, down, right)
    vectors = motion(frame, other[:, None])
    seen = vectors[0, 0, :, 6:-6, 9:-9]
    torch.testing.assert_close(seen[0].median(), torch.tensor(-float(right)), atol=0.1, rtol=0)
    torch.testing.assert_close(seen[1].median(), torch.tensor(-float(down)), atol=0.1, rtol=0)


def test_half_a_pixel_is_found() -> None:
    picture = scene()
    other = (picture + picture.roll(1, -1)) / 2
    vectors = motion(picture, other[:, None])
    assert vectors[0, 0, 0, 4:-4, 4:-4].median().item() == pytest.approx(0.5, abs=0.15)


def test_lines_out_of_place_hide_no_motion() -> None:
    wide = scene(ROWS + 128, COLUMNS + 128)
    frame, other = window_of(wide, 0, 0), window_of(wide, 4, -10)
    shift = 3 * torch.randn(1, ROWS, generator=torch.Generator().manual_seed(1))
    torn = move_lines(frame, shift)
    fetched = brought(other[:, None], motion(torn, other[:, None]))[:, 0]
    error, unmoved = ((each - frame)[INSIDE].square().mean() for each in (fetched, other))
    assert error < 0.15 * unmoved


def test_motion_in_a_torn_band_is_that_of_what_is_around_it() -> None:
    wide = scene(ROWS + 128, COLUMNS + 128)
    frame, other = window_of(wide, 0, 0), window_of(wide, 4, -10)
    shift, band = torch.zeros(1, ROWS), slice(48, 80)
    shift[:, band] = 12 + 4 * torch.randn(32, generator=torch.Generator().manual_seed(1))
    broken, known = move_lines(frame, shift), torch.zeros(1, 8, 3)
    known[:, 2:6] = 0.9
    vectors = [motion(broken, other[:, None], torn=(torn, torch.zeros(1, 1, 8, 3))) for torn in (0 * known, known)]
    errors = [(brought(other[:, None], each)[:, 0] - frame)[..., band, 32:-32].square().mean() for each in vectors]
    assert errors[1] < 0.3 * errors[0]


def test_a_band_torn_in_the_other_picture_says_nothing_either() -> None:
    wide = scene(ROWS + 128, COLUMNS + 128)
    frame, other = window_of(wide, 0, 0), window_of(wide, 0, -10)
    shift, known = torch.zeros(1, ROWS), torch.zeros(1, 1, 8, 3)
    shift[:, 48:80], known[:, :, 2:6] = 14.0, 0.9
    broken = move_lines(other, shift)
    vectors = [
        motion(frame, broken[:, None], torn=(torch.zeros(1, 8, 3), torn))[0, 0, 0] for torn in (0 * known, known)
    ]
    wrong = [(each[6:10, 6:-6] - 10).abs().mean() for each in vectors]
    assert wrong[1] < 0.3 * wrong[0]


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_picture_torn_alike_everywhere_has_its_own_motion_only(level: float) -> None:
    wide = scene(ROWS + 128, COLUMNS + 128)
    frame, other = window_of(wide, 0, 0), window_of(wide, 12, -17)
    torn = torch.full((1, 1, 8, 3), level)
    found = motion(frame, other[:, None], torn=(torn[:, 0], torn))
    torch.testing.assert_close(found, motion(frame, other[:, None]), atol=1e-4, rtol=0)


def test_each_frame_is_held_against_its_own_others() -> None:
    frames = torch.cat([scene(), scene(seed=1)])
    others = torch.stack([frames, frames.roll(6, -1)], 1)
    both = motion(frames, others)
    for number in range(2):
        one = slice(number, number + 1)
        torch.testing.assert_close(motion(frames[one], others[one]), both[one], atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(16, 32), (16, 16), (48, 32)])
def test_pictures_smaller_than_the_search_are_no_trouble(size: tuple[int, int]) -> None:
    picture = scene(*size)
    assert motion(picture, picture.roll(2, -1)[:, None]).isfinite().all()


def test_flat_pictures_do_not_move() -> None:
    flat = torch.full((1, 3, 64, 64), 0.5)
    assert motion(flat, flat[:, None] + 0.1).abs().max() < 1e-3
