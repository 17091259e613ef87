"""Lines out of place, and what neighbours in time say of them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_motion import COLUMNS, ROWS, scene, window_of
from torch import Tensor
from torch.nn.functional import avg_pool1d

from tapemend.degrade.signal import move_lines
from tapemend.network.lines import LineRegistration, apart, unmoved
from tapemend.network.motion import brought, motion

DISTANCE = torch.tensor([-1, 1, -2, 2])


def said_of(frame: Tensor, others: Tensor) -> Tensor:
    vectors = motion(frame, others)
    return apart(frame, brought(others, vectors), vectors)


def sway(seed: int = 0) -> Tensor:
    """(1, H) pixels, smooth down the picture."""
    draw = torch.Generator().manual_seed(seed)
    walk = avg_pool1d(torch.randn(1, ROWS + 24, generator=draw), 25, 1)
    return 2.5 * walk / walk.std()


def test_lines_moved_back_by_what_moved_them_are_where_they_were() -> None:
    picture, shift = scene(), sway()
    error, torn = (
        (each - picture)[..., 16:-16].square().mean()
        for each in (unmoved(move_lines(picture, shift), shift), move_lines(picture, shift))
    )
    assert error < 0.1 * torn


def test_moving_by_nothing_changes_nothing() -> None:
    picture = scene()
    torch.testing.assert_close(unmoved(picture, torch.zeros(1, ROWS)), picture, atol=1e-6, rtol=0)


@given(st.integers(-5, 5))
def test_moving_by_whole_pixels_copies_them(pixels: int) -> None:
    picture = scene(16, 32)
    moved = unmoved(picture, torch.full((1, 16), float(pixels)))
    torch.testing.assert_close(moved[..., 6:-6], picture.roll(-pixels, -1)[..., 6:-6], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (0, 4), (3, -2)])
def test_a_neighbour_says_how_far_lines_lie_apart_though_the_camera_pans(down: int, right: int) -> None:
    wide, shift = scene(ROWS + 128, COLUMNS + 128), sway()
    frame, other = move_lines(window_of(wide, 0, 0), shift), window_of(wide, down, right)
    level = said_of(frame, other[:, None])[0, 0, 0]
    both = torch.stack([level, -shift[0]])[:, 8:-8]
    assert torch.corrcoef(both)[0, 1] > 0.8
    assert (both[0] - both[0].mean() - both[1] + both[1].mean()).abs().median() < 0.8


def test_frames_that_agree_say_nothing_is_apart() -> None:
    frame = scene()
    said = said_of(frame, torch.stack([frame, frame], 1))
    assert said.shape == (1, 2, 4, ROWS)
    assert said[:, :, 0].abs().max() < 0.05
    assert said[:, :, 3].max() < 1e-3


@torch.inference_mode()
def test_the_order_of_the_others_does_not_matter() -> None:
    torch.manual_seed(0)
    network, said, order = LineRegistration(8), torch.randn(2, 4, 4, 40), [2, 0, 3, 1]
    torch.nn.init.normal_(network.answer.weight)
    one, other = network(said, DISTANCE), network(said[:, order], DISTANCE[order])
    for left, right in zip(one, other, strict=True):
        assert left.shape == (2, 40)
        torch.testing.assert_close(left, right, atol=1e-4, rtol=0)
    assert (one[0] - network(said, DISTANCE.flip(0) * 3)[0]).abs().max() > 1e-3


@torch.inference_mode()
def test_a_fresh_network_moves_no_line() -> None:
    shift, _ = LineRegistration(8)(torch.randn(1, 4, 4, 40), DISTANCE)
    assert not shift.any()


def test_a_network_learns_where_lines_belong() -> None:
    """Trained on one frame whose lines sway, it puts them back."""
    torch.manual_seed(0)
    clean, shift = scene(), sway()
    frame = move_lines(clean, shift)
    others = torch.stack([move_lines(clean, sway(seed)) for seed in (1, 2, 3, 4)], 1)
    said, network = said_of(frame, others), LineRegistration(16)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        loss = (network(said, DISTANCE)[0] - shift).abs().mean()
        loss.backward()
        optimizer.step()
    error, torn = ((each - clean).square().mean() for each in (unmoved(frame, network(said, DISTANCE)[0]), frame))
    assert error < 0.3 * torn
