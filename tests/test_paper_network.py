"""The paper's network: every token at its place, nothing from beyond an edge, references used as they should be."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import randomise
from torch import Tensor
from torch.nn.functional import multi_head_attention_forward

from tapemend import checkpoint
from tapemend.network.attention import SwinBlocks, Window, attend, join_windows, shifts, split_windows
from tapemend.network.mrsff import AttentionPooling, ReferenceFusion, attend_references
from tapemend.network.swin_unet import PAPER_CONFIGS, PaperConfig, PaperNetwork

MINI = PaperConfig(
    widths=(8, 8, 16, 16),
    depths=(2, 1, 2, 1),
    heads=(1, 2, 2, 4),
    window=(2, 2, 2),
    fusion_depths=(1, 2, 2),
    extractor_widths=(8, 16, 16),
    extractor_depths=(2, 1, 2),
    extractor_heads=(1, 2, 2),
    extractor_window=2,
)
ROWS, COLUMNS = 64, 32


def values(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) - 0.2


def close(one: Tensor, other: Tensor) -> None:
    """Equal but for rounding; random networks change pictures by about ten."""
    torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)


def all_lend(count: int, depth: int, height: int = ROWS, width: int = COLUMNS) -> Tensor:
    return torch.ones(count, depth, height, width, dtype=torch.bool)


def random_network(config: PaperConfig = MINI, seed: int = 0) -> PaperNetwork:
    network = PaperNetwork(config)
    randomise(network, seed)
    return network.eval()


def random_fusion(depth: int = 2) -> ReferenceFusion:
    fusion = ReferenceFusion(16, 2, (4, 4), depth)
    randomise(fusion)
    return fusion.eval()


@settings(max_examples=40)
@given(st.tuples(*[st.integers(1, 9)] * 3), st.tuples(*[st.integers(1, 4)] * 3), st.booleans())
def test_windows_join_to_what_was_split(size: Window, window: Window, odd: bool) -> None:
    tokens = values(2, *size, 3)
    split = split_windows(tokens, window, shifts(window)[odd])
    assert split.shape[4] == window[0] * window[1] * window[2]
    torch.testing.assert_close(join_windows(split, size, window, shifts(window)[odd]), tokens, atol=0, rtol=0)


def test_windows_and_their_tokens_are_in_raster_order() -> None:
    tokens = torch.arange(2 * 4 * 6).reshape(1, 2, 4, 6, 1)
    even = split_windows(tokens, (2, 2, 3), (0, 0, 0))
    assert even.shape == (1, 1, 2, 2, 12, 1)
    assert even[0, 0, 1, 0, :, 0].tolist() == [12, 13, 14, 18, 19, 20, 36, 37, 38, 42, 43, 44]
    odd = split_windows(tokens[:, :1], (1, 2, 2), (0, 1, 1))
    assert odd.shape == (1, 1, 3, 4, 4, 1)
    assert odd[0, 0, 0, 0, :, 0].tolist() == [0, 0, 0, 0]
    assert odd[0, 0, 1, 1, :, 0].tolist() == [7, 8, 13, 14]


def self_attention_token_by_token(tokens: Tensor, block: torch.nn.Module) -> Tensor:
    """What SwinBlock's attention is, without windows: (B, T, H, W, C) of each token with those of its window."""
    window, shift, heads = block.window, block.shift, block.heads
    count, *size, channels = tokens.shape
    places = list(product(*(range(length) for length in size)))
    query, key, value = block.project(block.before(tokens)).reshape(count, -1, 3, heads, channels // heads).unbind(2)
    scores = torch.einsum("bqhd,bkhd->bhqk", query, key) / (channels // heads) ** 0.5
    cell = [tuple((p - s) // w for p, s, w in zip(place, shift, window, strict=True)) for place in places]
    for (q, one), (k, other) in product(enumerate(places), repeat=2):
        down = [a - b + w - 1 for a, b, w in zip(one, other, window, strict=True)]
        row = (down[0] * (2 * window[1] - 1) + down[1]) * (2 * window[2] - 1) + down[2]
        scores[:, :, q, k] += block.position.table[row] if cell[q] == cell[k] else -torch.inf
    mixed = torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), value).reshape(count, *size, channels)
    return tokens + block.merge(mixed)


@pytest.mark.parametrize("size", [(1, 4, 6), (3, 5, 4), (4, 3, 3)])
@torch.inference_mode()
def test_tokens_attend_to_all_of_their_window_and_to_nothing_beyond_the_edge(size: Window) -> None:
    blocks = SwinBlocks(8, 2, (2, 3, 2), 2)
    randomise(blocks)
    tokens = values(2, *size, 8)
    expected = tokens
    for block in blocks.blocks:
        expected = self_attention_token_by_token(expected, block)
        expected = expected + block.think(expected)
    torch.testing.assert_close(blocks(tokens), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@torch.inference_mode()
def test_a_blocked_key_has_no_influence(precision: torch.dtype) -> None:
    query, key, value = (values(3, 2, 5, 12, seed=seed).to(precision) for seed in range(3))
    blocked = (values(3, 5) > 0.3).float()
    blocked[:, 0] = 0
    position = values(2, 5, 5)
    one = attend(query, key, value, position, blocked)
    hidden = blocked[:, None, :, None] > 0
    other = attend(query, key.masked_fill(hidden, 9), value.masked_fill(hidden, -9), position, blocked)
    assert torch.equal(one, other)


@torch.inference_mode()
def test_with_identity_attention_each_value_comes_back_at_its_own_frame_reference_and_token() -> None:
    frames, depth, windows, tokens, heads, channels = 3, 4, 5, 6, 2, 8
    query = torch.zeros(2, frames, windows, tokens, channels)
    key = values(2, depth, windows, tokens, channels)
    value = torch.arange(2.0 * depth * windows * tokens * channels).reshape(2, depth, windows, tokens, channels)
    itself = (1000 * torch.eye(tokens)).expand(heads, -1, -1)
    taken = attend_references(query, key, value, itself, torch.zeros(2, depth, windows, tokens))
    assert taken.shape == (2, frames, windows, tokens, depth, channels)
    for frame, reference in product(range(frames), range(depth)):
        assert torch.equal(taken[:, frame, :, :, reference], value[:, reference])


@torch.inference_mode()
def test_every_frames_window_meets_the_same_window_of_every_reference() -> None:
    frames, depth, windows, tokens, heads, channels = 3, 2, 4, 5, 2, 6
    query = values(2, frames, windows, tokens, channels, seed=1)
    key, value = (values(2, depth, windows, tokens, channels, seed=seed) for seed in (2, 3))
    position, blocked = values(heads, tokens, tokens, seed=4), (values(2, depth, windows, tokens, seed=5) > 0.5).float()
    blocked[..., 0] = 0
    taken = attend_references(query, key, value, position, blocked)
    for b, t, d, w, h in product(range(2), range(frames), range(depth), range(windows), range(heads)):
        part = slice(h * channels // heads, (h + 1) * channels // heads)
        scores = query[b, t, w, :, part] @ key[b, d, w, :, part].T / (channels // heads) ** 0.5 + position[h]
        weights = scores.masked_fill(blocked[b, d, w] > 0, -torch.inf).softmax(-1)
        expected = weights @ value[b, d, w, :, part]
        torch.testing.assert_close(taken[b, t, w, :, d, part], expected, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_pooling_is_attention_of_the_mean_to_itself_and_the_references() -> None:
    pool = AttentionPooling(8, 2, 3)
    randomise(pool)
    tokens = values(5, 3, 4, 8)
    placed = (tokens + pool.position).flatten(0, 1).transpose(0, 1)
    both = torch.cat([placed.mean(0, keepdim=True), placed])
    projections = (pool.query, pool.key, pool.value)
    expected, _ = multi_head_attention_forward(
        both[:1], both, both, 8, 2, None, torch.cat([each.bias for each in projections]), None, None, False, 0.0,
        pool.merge.weight, pool.merge.bias, use_separate_proj_weight=True, training=False,
        q_proj_weight=pool.query.weight, k_proj_weight=pool.key.weight, v_proj_weight=pool.value.weight,
    )  # fmt: skip
    pooled = pool(tokens, torch.ones(5, 3, 4, dtype=torch.bool))
    torch.testing.assert_close(pooled, expected[0].reshape(5, 3, 8), atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_a_reference_that_lends_nothing_is_not_pooled() -> None:
    pool = AttentionPooling(8, 2, 3)
    randomise(pool)
    tokens = values(5, 3, 4, 8)
    lends = torch.tensor([True, False, True, False])
    some = pool(tokens, lends.expand(5, 3, 4))
    torch.testing.assert_close(some, pool(tokens[:, :, lends], all_lend(5, 3, 2, 1)[..., 0]), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("depth", [1, 2])
@torch.inference_mode()
def test_fusion_lends_from_tokens_that_may_lend_only(depth: int) -> None:
    fusion = random_fusion(depth)
    tokens, references = values(2, 3, 8, 12, 16), values(2, 2, 8, 12, 16, seed=1)
    lendable = values(2, 2, 8, 12, seed=2) > 0.3
    lendable[:, :, :4] = False
    others = torch.where(lendable[..., None], references, 9 * torch.ones_like(references))
    one, other = fusion(tokens, references, lendable), fusion(tokens, others, lendable)
    assert torch.equal(one, other)
    assert (one != fusion(tokens, references.flip(2), lendable)).any()


@torch.inference_mode()
def test_references_of_which_nothing_may_lend_are_as_none() -> None:
    fusion, tokens = random_fusion(), values(2, 3, 8, 12, 16)
    none = fusion(tokens, tokens[:, :0], torch.ones(2, 0, 8, 12, dtype=torch.bool))
    blocked = fusion(tokens, values(2, 2, 8, 12, 16), torch.zeros(2, 2, 8, 12, dtype=torch.bool))
    torch.testing.assert_close(none, blocked, atol=0, rtol=0)


@torch.inference_mode()
def test_fusion_adds_its_input_once() -> None:
    fusion, tokens = random_fusion(), values(1, 2, 8, 8, 16)
    for parameter in fusion.smooth.parameters():
        parameter.zero_()
    before = tokens.clone()
    torch.testing.assert_close(fusion(tokens, values(1, 1, 8, 8, 16), all_lend(1, 1, 8, 8)), tokens, atol=0, rtol=0)
    assert torch.equal(tokens, before)


@torch.inference_mode()
def test_a_fresh_paper_network_changes_nothing() -> None:
    window, references = values(1, 3, 3, ROWS, COLUMNS), values(1, 2, 3, ROWS, COLUMNS, seed=1)
    assert torch.equal(PaperNetwork(MINI)(window, references, all_lend(1, 2)), window)


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize("frames", [1, 2, 5, 7])
@torch.inference_mode()
def test_the_paper_network_takes_any_number_of_frames_and_references(frames: int, depth: int) -> None:
    network, window = random_network(), values(2, frames, 3, ROWS, COLUMNS)
    references, lendable = values(2, depth, 3, ROWS, COLUMNS, seed=1), values(2, depth, ROWS, COLUMNS, seed=2) > -0.19
    restored = network(window, references, lendable)
    assert restored.shape == window.shape
    assert restored.isfinite().all()
    assert ((restored - window).abs().amax((2, 3, 4)) > 1e-3).all()
    for number in range(2):
        part = slice(number, number + 1)
        alone = network(window[part], references[part], lendable[part])
        close(alone, restored[part])


@torch.inference_mode()
def test_frames_see_their_neighbours() -> None:
    network, window = random_network(), values(1, 5, 3, ROWS, COLUMNS)
    none, lendable = values(1, 0, 3, ROWS, COLUMNS), all_lend(1, 0)
    other = window.clone()
    other[:, 4] += 0.5
    change = (network(window, none, lendable) - network(other, none, lendable))[:, :4].abs().amax((2, 3, 4))
    assert (change > 0).all()


@torch.inference_mode()
def test_some_frames_are_restored_as_in_the_whole() -> None:
    network, window = random_network(), values(1, 4, 3, ROWS, COLUMNS)
    references, lendable = values(1, 2, 3, ROWS, COLUMNS, seed=1), values(1, 2, ROWS, COLUMNS, seed=2) > -0.19
    keep = [1, 3]
    seen = network.see(window, keep, references, lendable)
    whole = (network(window, references, lendable) - window)[0, keep]
    close(network.change(seen), whole)


@torch.inference_mode()
def test_the_order_of_references_does_not_matter_to_the_paper_network() -> None:
    network, window = random_network(), values(1, 2, 3, ROWS, COLUMNS)
    references, lendable = values(1, 3, 3, ROWS, COLUMNS, seed=1), values(1, 3, ROWS, COLUMNS, seed=2) > -0.19
    order = [2, 0, 1]
    restored = network(window, references, lendable)
    other = network(window, references[:, order], lendable[:, order])
    close(other, restored)


@torch.inference_mode()
def test_each_reference_has_a_say_in_every_frame() -> None:
    network, window = random_network(), values(1, 3, 3, ROWS, COLUMNS)
    references = values(1, 2, 3, ROWS, COLUMNS, seed=1)
    restored = network(window, references, all_lend(1, 2))
    for number in range(2):
        others = references.clone()
        others[:, number] = values(3, ROWS, COLUMNS, seed=2)
        difference = network(window, others, all_lend(1, 2)) - restored
        assert (difference.abs().amax((2, 3, 4)) > 1e-4).all()


@torch.inference_mode()
def test_pixels_that_must_not_lend_are_blocked_at_every_scale() -> None:
    network, window = random_network(), values(1, 2, 3, ROWS, COLUMNS)
    references, none = values(1, 2, 3, ROWS, COLUMNS, seed=1), values(1, 0, 3, ROWS, COLUMNS)
    dotted = all_lend(1, 2)
    dotted[..., ::2, 1::2] = False
    restored = network(window, references, dotted)
    close(restored, network(window, none, all_lend(1, 0)))


@torch.inference_mode()
def test_half_precision_gives_about_the_same() -> None:
    network, window = random_network(), values(1, 3, 3, ROWS, COLUMNS)
    references, lendable = values(1, 2, 3, ROWS, COLUMNS, seed=1), values(1, 2, ROWS, COLUMNS, seed=2) > -0.19
    exact = network(window, references, lendable)
    half = torch.bfloat16
    rough = network.to(half)(window.to(half), references.to(half), lendable)
    assert rough.dtype == half
    assert (rough.float() - exact).abs().mean() < 0.05 * (exact - window).abs().mean()


def test_every_weight_learns() -> None:
    network = random_network().train()
    restored = network(values(1, 3, 3, ROWS, COLUMNS), values(1, 2, 3, ROWS, COLUMNS, seed=1), all_lend(1, 2))
    restored.square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def strips(config: PaperConfig) -> Iterator[tuple[int, tuple[int, int], int]]:
    """For rows and for columns: the dimension, height and width of a long picture, and where its middle cell starts."""
    for axis, (grid, reach) in enumerate(zip(config.grid, config.reach, strict=True)):
        length = 2 * reach + 3 * grid
        size = (length, config.grid[1]) if axis == 0 else (config.grid[0], length)
        yield axis - 2, size, reach + grid


@pytest.mark.parametrize("config", [MINI, PAPER_CONFIGS["paper-tiny"]])
def test_nothing_beyond_the_reach_changes_a_pixel_and_no_less(config: PaperConfig) -> None:
    network = random_network(config)
    for dimension, (height, width), start in strips(config):
        grid, reach = network.grid[dimension], network.reach[dimension]
        window = values(1, 1, 3, height, width).requires_grad_()
        references = values(1, 1, 3, height, width, seed=1).requires_grad_()
        cell = network(window, references, all_lend(1, 1, height, width)).narrow(dimension, start, grid)
        furthest = 0
        for gradient in torch.autograd.grad(cell.square().sum(), (window, references)):
            seen = gradient.transpose(-1, dimension).abs().sum((0, 1, 2, 3)).nonzero()
            furthest = max(furthest, start - int(seen.min()), int(seen.max()) - (start + grid - 1))
        assert reach - grid < furthest <= reach


@torch.inference_mode()
def test_tiles_with_the_margin_of_the_reach_are_the_whole_picture() -> None:
    network, keep = random_network(PAPER_CONFIGS["paper-tiny"]), [0, 1]
    for dimension, size, start in strips(network.config):
        grid, reach = network.grid[dimension], network.reach[dimension]
        lendable = values(1, 1, *size, seed=2) > -0.195
        seen = network.see(values(1, 2, 3, *size), keep, values(1, 1, 3, *size, seed=1), lendable)
        whole = network.change(seen).narrow(dimension, start, grid)
        cut, all_of_it = slice(start - reach, start + reach + grid), slice(None)
        rows, columns = (cut, all_of_it) if dimension == -2 else (all_of_it, cut)
        tile = network.change(seen.part(rows, columns, torch.float32)).narrow(dimension, reach, grid)
        close(tile, whole)


def parameters(config: PaperConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in PaperNetwork(config).parameters())


def test_the_paper_network_is_as_large_as_in_the_paper() -> None:
    base = PAPER_CONFIGS["paper-base"]
    assert parameters(base) == pytest.approx(100.8e6, rel=1e-3)
    # The released weights have their six fusion blocks at a quarter of the picture, where tokens are half as wide.
    assert parameters(replace(base, fusion_depths=(2, 6, 2))) == pytest.approx(93.6e6, rel=1e-3)
    assert parameters(PAPER_CONFIGS["paper-2022"]) == pytest.approx(64.0e6, rel=1e-3)


def test_the_deepest_fusion_is_where_tokens_are_widest() -> None:
    with torch.device("meta"):
        fusions = PaperNetwork(PAPER_CONFIGS["paper-base"]).fusions
    assert [(fusion.smooth.in_channels, len(fusion.blocks)) for fusion in fusions] == [(96, 2), (192, 2), (384, 6)]


@torch.inference_mode()
def test_without_references_nothing_of_them_is_built_or_looked_at() -> None:
    network = random_network(replace(MINI, references=False))
    assert not [name for name, _ in network.named_parameters() if name.startswith(("fusions", "features"))]
    window, references = values(1, 3, 3, ROWS, COLUMNS), values(1, 2, 3, ROWS, COLUMNS, seed=1)
    restored = network(window, references, all_lend(1, 2))
    assert torch.equal(restored, network(window, references[:, :0], all_lend(1, 0)))


def test_the_grid_holds_whole_windows_of_the_unet_and_of_the_extractor() -> None:
    assert PAPER_CONFIGS["paper-base"].grid == (128, 128)
    assert replace(PaperConfig(), extractor_window=7).grid == (896, 896)
    assert replace(PaperConfig(), window=(2, 4, 8), references=False).grid == (64, 128)


def test_named_configs_come_back_from_a_checkpoint(tmp_path: Path) -> None:
    for name, config in PAPER_CONFIGS.items():
        path = tmp_path / f"{name}.safetensors"
        checkpoint.write(path, "restorer", config, {"some": torch.zeros(1)}, {})
        assert checkpoint.read(str(path), "restorer").settings(PaperConfig) == config


def test_windows_need_not_be_square() -> None:
    network = random_network(replace(MINI, window=(2, 2, 4)))
    assert network.grid == (32, 64)
    assert network(values(1, 3, 3, 32, 64), values(1, 1, 3, 32, 64), all_lend(1, 1, 32, 64)).isfinite().all()
