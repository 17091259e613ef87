"""The networks: what reaches what, and what must not."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import SMALL, SMALL_SCORER, random_restoration, randomise
from torch import Tensor

from tapemend.network.blocks import fold_pixels, shift_in_time, unfold_pixels
from tapemend.network.damage import DamageNetwork, with_ends
from tapemend.network.fusion import HEADS, ReferenceFusion
from tapemend.network.restoration import CERTAIN, DOUBTFUL, RestorationConfig, RestorationNetwork

ROWS, COLUMNS = 64, 64


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) - 0.2


def all_lend(references: int, height: int = ROWS, width: int = COLUMNS) -> Tensor:
    return torch.ones(1, references, height // 4, width // 16, dtype=torch.bool)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))
def test_folding_loses_nothing(count: int, channels: int, rows: int, columns: int, height: int, width: int) -> None:
    picture = pictures(count, channels, height * rows, width * columns)
    folded = fold_pixels(picture, rows, columns)
    assert folded.shape == (count, channels * rows * columns, height, width)
    torch.testing.assert_close(unfold_pixels(folded, rows, columns), picture, atol=0, rtol=0)


def test_folding_keeps_a_component_and_then_a_row_together() -> None:
    picture = torch.arange(2 * 2 * 4).reshape(1, 2, 2, 4)
    assert fold_pixels(picture, 2, 4)[0, :, 0, 0].tolist() == list(range(16))


def test_an_eighth_comes_from_each_neighbour_in_time_and_the_ends_see_themselves() -> None:
    frames = torch.arange(2 * 3.0)[:, None, None, None].expand(6, 16, 1, 1)
    shifted = shift_in_time(frames, 3)[..., 0, 0]
    assert shifted[:, 0].tolist() == [0, 0, 1, 3, 3, 4]
    assert shifted[:, 1].tolist() == [0, 0, 1, 3, 3, 4]
    assert shifted[:, 2].tolist() == [1, 2, 2, 4, 5, 5]
    assert shifted[:, 3].tolist() == [1, 2, 2, 4, 5, 5]
    assert (shifted[:, 4:] == torch.arange(6.0)[:, None]).all()


def test_one_frame_shifted_in_time_is_itself() -> None:
    frame = pictures(4, 24, 3, 5)
    torch.testing.assert_close(shift_in_time(frame, 1), frame, atol=0, rtol=0)


def test_a_fresh_network_changes_nothing() -> None:
    window = pictures(1, 3, 3, ROWS, COLUMNS)
    restored, _ = RestorationNetwork(SMALL)(window, pictures(1, 2, 3, ROWS, COLUMNS), all_lend(2))
    torch.testing.assert_close(restored, window, atol=0, rtol=0)


@pytest.mark.parametrize("references", [0, 1, 3])
@pytest.mark.parametrize("frames", [1, 2, 5])
@torch.inference_mode()
def test_any_number_of_frames_and_references_is_restored(frames: int, references: int) -> None:
    window = pictures(2, frames, 3, ROWS, COLUMNS)
    lendable = torch.ones(2, references, ROWS // 4, COLUMNS // 16, dtype=torch.bool)
    restored, gate = random_restoration()(window, pictures(2, references, 3, ROWS, COLUMNS), lendable)
    assert restored.shape == window.shape
    assert gate.shape == (2, frames, 1, ROWS, COLUMNS)
    assert restored.isfinite().all()
    assert (restored != window).any()


@torch.inference_mode()
def test_windows_of_a_batch_do_not_mix() -> None:
    network, window, references = (
        random_restoration(),
        pictures(2, 2, 3, ROWS, COLUMNS),
        pictures(2, 2, 3, ROWS, COLUMNS),
    )
    lendable = pictures(2, 2, ROWS // 4, COLUMNS // 16) > 0
    both = network(window, references, lendable)[0]
    for number in range(2):
        part = slice(number, number + 1)
        alone = network(window[part], references[part], lendable[part])[0]
        torch.testing.assert_close(alone, both[part], atol=1e-5, rtol=0)


@torch.inference_mode()
def test_some_frames_of_a_window_are_restored_as_in_the_whole() -> None:
    network, window, references = (
        random_restoration(),
        pictures(1, 4, 3, ROWS, COLUMNS),
        pictures(1, 2, 3, ROWS, COLUMNS),
    )
    restored, gate = network(window, references, all_lend(2))
    certain = ((torch.sigmoid(gate) - DOUBTFUL) / (CERTAIN - DOUBTFUL)).clamp(0, 1)
    whole = (restored - window) * certain
    some = network.restore_frames(window, [1, 3], references, all_lend(2))
    torch.testing.assert_close(some, whole[0, [1, 3]], atol=1e-5, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize(("gate", "share"), [(0.1, 0.0), (0.29, 0.0), (0.45, 0.5), (0.61, 1.0), (0.9, 1.0)])
def test_where_the_gate_is_in_doubt_nothing_changes(gate: float, share: float) -> None:
    network, window = random_restoration(), pictures(1, 2, 3, ROWS, COLUMNS)
    network.head.weight[3 * 4 :] = 0.0
    network.head.bias[3 * 4 :] = math.log(gate / (1 - gate))
    none = torch.zeros(1, 0, 3, ROWS, COLUMNS)
    answered = network(window, none, all_lend(0))[0] - window
    some = network.restore_frames(window, [0, 1], none, all_lend(0))
    torch.testing.assert_close(some, answered[0] * share, atol=1e-5, rtol=1e-3)


@torch.inference_mode()
def test_the_order_of_references_does_not_matter() -> None:
    network, window, references = (
        random_restoration(),
        pictures(1, 2, 3, ROWS, COLUMNS),
        pictures(1, 3, 3, ROWS, COLUMNS),
    )
    lendable = pictures(1, 3, ROWS // 4, COLUMNS // 16) > 0
    order = [2, 0, 1]
    restored = network(window, references, lendable)[0]
    torch.testing.assert_close(
        network(window, references[:, order], lendable[:, order])[0], restored, atol=1e-5, rtol=0
    )


@torch.inference_mode()
def test_references_have_a_say() -> None:
    network, window = random_restoration(), pictures(1, 2, 3, ROWS, COLUMNS)
    one = network(window, pictures(1, 1, 3, ROWS, COLUMNS, seed=1), all_lend(1))[0]
    other = network(window, pictures(1, 1, 3, ROWS, COLUMNS, seed=2), all_lend(1))[0]
    assert (one - other).abs().max() > 1e-3


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@torch.inference_mode()
def test_a_token_that_must_not_lend_has_no_influence(precision: torch.dtype) -> None:
    fusion = ReferenceFusion(24, 4, 16).eval()
    randomise(fusion)
    fusion = fusion.to(precision)
    height, width = 32, 8
    features = pictures(1, 2, 24, height, width).to(precision)
    lendable = pictures(1, 2, height, width, seed=3) > 0
    keys, pixels = pictures(1, 2, 24, height, width, seed=1), pictures(1, 2, 3, 4 * height, 16 * width, seed=2)
    other_keys = torch.where(lendable[:, :, None], keys, 9 * torch.ones_like(keys))
    large = lendable[:, :, None].repeat_interleave(4, 3).repeat_interleave(16, 4)
    other_pixels = torch.where(large, pixels, -5 * torch.ones_like(pixels))
    one = fusion(features, keys.to(precision), pixels.to(precision), lendable)
    other = fusion(features, other_keys.to(precision), other_pixels.to(precision), lendable)
    for left, right in zip(one, other, strict=True):
        assert torch.equal(left, right)


@torch.inference_mode()
def test_references_of_which_nothing_may_lend_give_nothing() -> None:
    fusion = ReferenceFusion(24, 4, 16).eval()
    randomise(fusion)
    fusion.merge.bias.data.zero_()
    features, pixels = pictures(1, 1, 24, 16, 4), pictures(1, 2, 3, 64, 64)
    fused, lent = fusion(features, pictures(1, 2, 24, 16, 4), pixels, torch.zeros(1, 2, 16, 4, dtype=torch.bool))
    assert not fused.any()
    assert not lent.any()


@torch.inference_mode()
def test_what_is_fetched_from_the_same_place_comes_back_at_its_place() -> None:
    """With attention that prefers no shift at all, the reference comes out as it was, every frame of the window."""
    fusion = ReferenceFusion(24, 4, 16).eval()
    fusion.query.weight.data.zero_()
    fusion.query.bias.data.zero_()
    fusion.nothing.data.fill_(-1e4)
    fusion.position.data[:, 15 - 8 + 16, 3 - 2 + 4] = 100.0
    fusion.value.weight.data = torch.eye(24)[..., None, None]
    fusion.merge.weight.data = torch.eye(24)[..., None, None]
    for parameter in (fusion.value.bias, fusion.merge.bias):
        parameter.data.zero_()
    features, keys, pixels = pictures(1, 2, 24, 48, 12), pictures(1, 1, 24, 48, 12, seed=1), pictures(1, 1, 3, 192, 192)
    lendable = torch.ones(1, 1, 48, 12, dtype=torch.bool)
    fused, lent = fusion(features, keys, pixels, lendable)
    for frame in range(2):
        torch.testing.assert_close(fused[frame], keys[0, 0], atol=1e-5, rtol=0)
        torch.testing.assert_close(lent[frame], pixels[0, 0], atol=1e-5, rtol=0)


@torch.inference_mode()
def test_attention_finds_a_token_that_moved() -> None:
    fusion = ReferenceFusion(24, 4, 16).eval()
    for convolution in (fusion.query, fusion.key):
        convolution.weight.data = 80 * torch.eye(24)[..., None, None]
        convolution.bias.data.zero_()
    features = torch.nn.functional.normalize(pictures(1, 1, HEADS, 8, 32, 8) - 0.3, dim=3).flatten(2, 3)
    moved = features.roll((3, 1), (3, 4))
    pixels = pictures(1, 1, 3, 128, 128)
    _, lent = fusion(features, moved, pixels, torch.ones(1, 1, 32, 8, dtype=torch.bool))
    torch.testing.assert_close(
        lent[0, :, :100, :100], pixels[0, 0].roll((-12, -16), (1, 2))[:, :100, :100], atol=1e-3, rtol=0
    )


@pytest.mark.parametrize("config", [SMALL, RestorationConfig(widths=(8, 8, 24, 8), depths=(2, 3, 3, 4))])
def test_nothing_beyond_the_reach_changes_a_pixel(config: RestorationConfig) -> None:
    network = random_restoration(config)
    for parameter in network.fusion.query.parameters():
        parameter.data.zero_()
    rows, columns = config.reach
    height, width = 64 * -(-2 * rows // 64 + -1), 64 * -(-2 * columns // 64 + -1)
    window = pictures(1, 1, 3, height, width).requires_grad_()
    reference = pictures(1, 1, 3, height, width, seed=1).requires_grad_()
    change = network(window, reference, all_lend(1, height, width))[0]
    top, left = height // 128 * 64, width // 128 * 64
    for row, column in ((top, left), (top + 63, left + 63)):
        pixel = change[0, 0, :, row, column].sum()
        for gradient, least in zip(
            torch.autograd.grad(pixel, (window, reference), retain_graph=True), (80, 120), strict=True
        ):
            touched = gradient[0, 0].abs().sum(0).nonzero() - torch.tensor([row, column])
            furthest = touched.abs().amax(0)
            assert least <= furthest[0] <= rows
            assert least <= furthest[1] <= columns


def test_a_deeper_network_reaches_further() -> None:
    assert RestorationConfig().reach == (192, 384)
    rows, columns = RestorationConfig(depths=(2, 3, 3, 4)).reach
    assert rows >= 192
    assert columns > 384


@torch.inference_mode()
def test_the_map_of_damage_has_a_cell_for_every_8_by_16_pixels() -> None:
    assert DamageNetwork(SMALL_SCORER)(with_ends(pictures(2, 4, 3, 48, 64))).shape == (2, 4, 5, 6, 4)
