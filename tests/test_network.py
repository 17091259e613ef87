"""The networks: what reaches what, and what must not."""

import math
from typing import TypeVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import SMALL, SMALL_SCORER, random_restoration, randomise
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, pad

from tapemend.lines import move_lines
from tapemend.network.blocks import folded, folding, unfold_pixels
from tapemend.network.damage import AlongLines, DamageNetwork, steps_between_frames, steps_between_lines, with_ends
from tapemend.network.lending import ANOTHER, Lending, shows_the_same
from tapemend.network.mixing import OFFERS, Mixing
from tapemend.network.restoration import CERTAIN, DOUBTFUL, RestorationConfig, RestorationNetwork, Seen

Part = TypeVar("Part", bound=nn.Module)
ROWS, COLUMNS = 64, 64


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) - 0.2


def all_lend(references: int, height: int = ROWS, width: int = COLUMNS) -> Tensor:
    return torch.ones(1, references, height, width, dtype=torch.bool)


@settings(max_examples=30)
@given(
    st.integers(1, 3),
    st.integers(1, 4),
    st.sampled_from([2, 4]),
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from([torch.float32, torch.bfloat16]),
)
def test_unfolding_lays_channels_along_the_line(
    count: int, channels: int, columns: int, height: int, width: int, precision: torch.dtype
) -> None:
    features = pictures(count, channels * columns, height, width).to(precision).requires_grad_()
    picture = unfold_pixels(features, columns)
    laid = torch.unflatten(features, 1, (channels, columns)).permute(0, 1, 3, 4, 2).flatten(3)
    torch.testing.assert_close(picture, laid, atol=0, rtol=0)
    above = pictures(*picture.shape, seed=1).to(precision)
    back, as_laid = (torch.autograd.grad(each, features, above)[0] for each in (picture, laid))
    torch.testing.assert_close(back, as_laid, atol=0, rtol=0)


def test_a_folding_convolution_keeps_rows_and_answers_once_for_each_group_of_columns() -> None:
    convolution = folding(2, 5, 4)
    picture = pictures(1, 2, 6, 32).requires_grad_()
    answer = folded(convolution, picture)
    assert answer.shape == (1, 5, 6, 8)
    torch.testing.assert_close(answer, convolution(picture))
    more = torch.arange(5.0)
    torch.testing.assert_close(folded(convolution, picture, more), answer + more[:, None, None])
    (seen,) = torch.autograd.grad(answer[0, :, 3, 2].sum(), picture)
    touched = seen[0].abs().sum(0).nonzero()
    assert (touched.amin(0).tolist(), touched.amax(0).tolist()) == ([2, 4], [4, 15])


def test_a_fresh_network_changes_nothing() -> None:
    window = pictures(1, 3, 3, ROWS, COLUMNS)
    restored, _ = RestorationNetwork(SMALL)(window, pictures(1, 2, 3, ROWS, COLUMNS), all_lend(2))
    torch.testing.assert_close(restored, window, atol=0, rtol=0)


@pytest.mark.parametrize("references", [0, 1, 3])
@pytest.mark.parametrize("frames", [1, 2, 5])
@torch.inference_mode()
def test_any_number_of_frames_and_references_is_restored(frames: int, references: int) -> None:
    window = pictures(2, frames, 3, ROWS, COLUMNS)
    lendable = torch.ones(2, references, ROWS, COLUMNS, dtype=torch.bool)
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
    lendable = pictures(2, 2, ROWS, COLUMNS) > 0
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
    some = network.change(network.see(window, [1, 3], references, all_lend(2)))
    torch.testing.assert_close(some, whole[0, [1, 3]], atol=1e-5, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize(("gate", "share"), [(0.1, 0.0), (0.29, 0.0), (0.45, 0.5), (0.61, 1.0), (0.9, 1.0)])
def test_where_the_gate_is_in_doubt_nothing_changes(gate: float, share: float) -> None:
    network, window = random_restoration(), pictures(1, 2, 3, ROWS, COLUMNS)
    network.head.weight[3 * 4 :] = 0.0
    network.head.bias[3 * 4 :] = math.log(gate / (1 - gate))
    none = torch.zeros(1, 0, 3, ROWS, COLUMNS)
    answered = network(window, none, all_lend(0))[0] - window
    some = network.change(network.see(window, [0, 1], none, all_lend(0)))
    torch.testing.assert_close(some, answered[0] * share, atol=1e-5, rtol=1e-3)


@torch.inference_mode()
def test_the_order_of_references_does_not_matter() -> None:
    network, window, references = (
        random_restoration(),
        pictures(1, 2, 3, ROWS, COLUMNS),
        pictures(1, 3, 3, ROWS, COLUMNS),
    )
    lendable = pictures(1, 3, ROWS, COLUMNS) > 0
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


@torch.inference_mode()
def test_a_frame_depends_on_its_neighbour_on_either_side_and_on_no_other() -> None:
    network, window, none = random_restoration(), pictures(1, 7, 3, ROWS, COLUMNS), torch.zeros(1, 0, 3, ROWS, COLUMNS)
    alone = network.change(network.see(window[:, 2:5], [1], none, all_lend(0)))
    torch.testing.assert_close(network.change(network.see(window, [3], none, all_lend(0))), alone, atol=0, rtol=0)
    for other in (2, 4):
        changed = window.clone()
        changed[:, other] = pictures(3, ROWS, COLUMNS, seed=5)
        assert (network.change(network.see(changed, [3], none, all_lend(0))) - alone).abs().max() > 1e-4


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@torch.inference_mode()
def test_a_pixel_that_must_not_lend_has_no_influence_beyond_what_its_lender_is_asked(precision: torch.dtype) -> None:
    """Where a lender is blocked over the reach of the convolutions that look at it, its content weighs nothing."""
    lending = with_random_weights(Lending(24, 4)).to(precision)
    frames, lenders = pictures(1, 3, 32, 64).to(precision), pictures(1, 2, 3, 32, 64, seed=1).to(precision)
    lendable = torch.ones(1, 2, 32, 64, dtype=precision)
    lendable[:, 1, :, :40] = 0
    other = lenders.clone()
    other[:, 1, :, :, :16] = 9.0
    torn = torch.rand(1, 1, 32, 64).to(precision)
    one, two = (lending(frames, torn, given, lendable, 1) for given in (lenders, other))
    blocked_too = lending(frames, torn, other, torch.ones_like(lendable), 1)
    for part, columns in ((0, 4), (1, 16)):
        assert torch.equal(one[part][..., : 10 * columns // 4], two[part][..., : 10 * columns // 4])
        assert not torch.equal(one[part][..., :columns], blocked_too[part][..., :columns])


@torch.inference_mode()
def test_lenders_that_must_not_lend_anywhere_give_nothing() -> None:
    lending = with_random_weights(Lending(24, 4))
    lending.merge.bias.data.zero_()
    torn, lenders = torch.ones(1, 1, 32, 64), pictures(1, 2, 3, 32, 64, seed=1)
    features, change = lending(pictures(1, 3, 32, 64), torn, lenders, torch.zeros(1, 2, 32, 64), 0)
    assert not features.any()
    assert not change.any()


@torch.inference_mode()
def test_the_order_of_lenders_does_not_matter_but_their_kind_does() -> None:
    lending, frames, lenders = (
        with_random_weights(Lending(24, 4)),
        pictures(2, 3, 32, 64),
        pictures(2, 3, 3, 32, 64, seed=1),
    )
    lendable, order = (pictures(2, 3, 32, 64, seed=2) > 0).float(), [0, 2, 1]
    torn = torch.rand(2, 1, 32, 64)
    lent = lending(frames, torn, lenders, lendable, 1)
    turned = lending(frames, torn, lenders[:, order], lendable[:, order], 1)
    torch.testing.assert_close(turned, lent, atol=1e-5, rtol=0)
    others = lending(frames, torn, lenders, lendable, 2), lending(frames, 1 - torn, lenders, lendable, 1)
    assert all((one - two).abs().max() > 1e-3 for other in others for one, two in zip(other, lent, strict=True))


@torch.inference_mode()
def test_pixels_that_are_lent_lie_between_the_frame_and_its_lenders() -> None:
    lending, frames = with_random_weights(Lending(24, 4)), torch.zeros(1, 3, 32, 64)
    lenders = torch.stack([frames + 0.5, frames + 1.0], 1)
    _, change = lending(frames, torch.zeros(1, 1, 32, 64), lenders, torch.ones(1, 2, 32, 64), 1)
    assert 0 < change.min() <= change.max() < 1


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@torch.inference_mode()
def test_a_picture_without_detail_is_mixed_of_itself(precision: torch.dtype) -> None:
    """What is bright must not become a little darker because weights are rounded."""
    mixing, frames = with_random_weights(Mixing(24, 4)).to(precision), torch.full((1, 3, 32, 64), 0.9, dtype=precision)
    features, nearest = pictures(1, 24, 32, 16).to(precision), torch.stack([frames] * 2, 1) - frames[:, None]
    assert mixing(features, frames, nearest, torch.zeros_like(frames)).abs().max() < 1e-6


@torch.inference_mode()
def test_each_offer_goes_in_by_its_weight() -> None:
    mixing, frames, lent = Mixing(8, 4), pictures(2, 3, 16, 32), pictures(2, 3, 16, 32, seed=1)
    neighbours, features = pictures(2, 2, 3, 16, 32, seed=2), torch.zeros(2, 8, 16, 8)
    nearest = neighbours - frames[:, None]
    assert not mixing(features, frames, nearest, lent).any()

    def mixed(offer: int) -> Tensor:
        torch.nn.init.zeros_(mixing.weigh.bias)
        mixing.weigh.bias[8 * offer : 8 * offer + 4] = 0.5
        mixing.weigh.bias[8 * offer + 4 : 8 * offer + 8] = 0.25
        change: Tensor = mixing(features, frames, nearest, lent)
        return change * torch.tensor([2.0, 4.0, 4.0])[:, None, None]

    torch.testing.assert_close(mixed(0), neighbours[:, 0] - frames)
    torch.testing.assert_close(mixed(1), neighbours[:, 1] - frames)
    torch.testing.assert_close(mixed(2), lent)
    one, near, wide = (torch.tensor(each) / sum(each) for each in ([1.0], [1.0, 2, 1], [1.0, 1, 1, 2, 1, 1, 1]))
    own = [(one, near), (near, one), (near, near), (one, wide), (wide, one), (wide, wide)]
    for number, (down, along) in enumerate(own):
        torch.testing.assert_close(mixed(3 + number), around(frames, down, along) - frames)
    far = mixed(3 + len(own)) + frames
    torch.testing.assert_close(far[..., 4:-4, 4:-4].mean(), frames[..., 4:-4, 4:-4].mean(), atol=0.02, rtol=0)
    assert far[..., 1:, :].diff(dim=-2).abs().max() < frames.diff(dim=-2).abs().max() / 8
    torch.testing.assert_close(mixed(OFFERS - 3), around(nearest.mean(1), near, near))
    torch.testing.assert_close(mixed(OFFERS - 2), around(nearest.mean(1), wide, wide))
    torch.testing.assert_close(mixed(OFFERS - 1), around(lent, near, near))


def around(picture: Tensor, down: Tensor, along: Tensor) -> Tensor:
    """Each pixel's mean of those around it, weighed so down and along the line."""
    rows, columns = len(down) // 2, len(along) // 2
    wide = pad(picture, (columns, columns, rows, rows), mode="replicate")
    return conv2d(wide.flatten(0, 1)[:, None], torch.outer(down, along)[None, None]).view(picture.shape)


@pytest.mark.parametrize("config", [SMALL, RestorationConfig(widths=(8, 8, 24, 8), depths=(2, 3, 3, 4))])
def test_nothing_beyond_the_reach_changes_a_pixel(config: RestorationConfig) -> None:
    network = random_restoration(config)
    rows, columns = config.reach
    height, width = 2 * rows + 64, 2 * columns + 64
    parts = {
        "frames": pictures(1, 3, height, width),
        "neighbours": pictures(1, 2, 3, height, width, seed=1),
        "references": pictures(1, 1, 3, height, width, seed=2),
        "lendable": torch.ones(1, 1, height, width),
        "torn": torch.ones(1, 1, height, width),
        "marred": torch.ones(1, 1, height, width),
    }
    given = [part.requires_grad_() for part in parts.values()]
    change = network.change(Seen(**parts)) + network.answer(Seen(**parts))[0]
    for row, column in ((rows, columns), (rows + 63, columns + 63)):
        pixel = change[0, :, row, column].sum()
        for gradient, least in zip(torch.autograd.grad(pixel, given[:3], retain_graph=True), (40, 40, 40), strict=True):
            touched = gradient.flatten(0, -3).abs().sum(0).nonzero() - torch.tensor([row, column])
            furthest = touched.abs().amax(0)
            assert least <= furthest[0] <= rows
            assert least <= furthest[1] <= columns


@torch.inference_mode()
def test_a_gate_that_is_closed_is_overruled_where_something_is_known_to_be_damaged() -> None:
    network, window, none = random_restoration(), pictures(1, 3, 3, ROWS, COLUMNS), torch.zeros(1, 0, 3, ROWS, COLUMNS)
    marred = torch.zeros(1, 3, 4, 5)
    marred[:, :, :2] = 1
    for gate, overruled in ((0.1, True), (0.7, False)):
        network.head.weight[3 * 4 :] = 0
        network.head.bias[3 * 4 :] = math.log(gate / (1 - gate))
        change, known = (
            network.change(network.see(window, [1], none, all_lend(0), None, each)) for each in (None, marred)
        )
        assert torch.equal(known[..., ROWS // 2 + ROWS // 4 :, :], change[..., ROWS // 2 + ROWS // 4 :, :])
        whole = network.answer(network.see(window, [1], none, all_lend(0)))[0]
        upper = known[..., : ROWS // 4, :]
        assert torch.equal(upper, (whole if overruled else change)[..., : ROWS // 4, :])


@torch.inference_mode()
def test_where_nothing_is_known_to_be_torn_nothing_is() -> None:
    network, window, references = (
        random_restoration(),
        pictures(1, 3, 3, ROWS, COLUMNS),
        pictures(1, 1, 3, ROWS, COLUMNS),
    )
    unknown = network(window, references, all_lend(1))[0]
    for level, same in ((0.0, True), (0.7, False)):
        torn = network(window, references, all_lend(1), torch.full((1, 3, 4, 5), level))[0]
        assert torch.equal(torn, unknown) == same


def test_a_deeper_network_reaches_further() -> None:
    assert RestorationConfig(depths=(1, 2, 2, 2)).reach == (112, 384)
    rows, columns = RestorationConfig().reach
    assert rows > 112
    assert columns > 384


def with_random_weights(part: Part) -> Part:
    randomise(part)
    return part


@torch.inference_mode()
def test_the_map_of_damage_has_a_cell_for_every_8_by_16_pixels() -> None:
    assert DamageNetwork(SMALL_SCORER)(with_ends(pictures(2, 4, 3, 48, 64))).shape == (2, 4, 5, 6, 4)


@pytest.mark.parametrize("pixels", [0.0, 0.5, -0.5, 1.0, -1.0])
def test_a_line_that_lies_aside_is_told_from_those_above_and_below(pixels: float) -> None:
    upright = interpolate(pictures(1, 1, 1, 40), (32, 320), mode="bicubic")
    shift = torch.zeros(1, 32)
    shift[:, 16:] = pixels
    steps = steps_between_lines([move_lines(upright, 2 * shift)[..., ::2]])
    assert steps.shape == (1, 2, 32)
    assert (steps.abs() <= 1).all()
    assert steps[0, 0, 16].item() == pytest.approx(pixels / (abs(pixels) + 1), abs=0.12)
    assert torch.equal(steps[:, 0, 1:], steps[:, 1, :-1])
    assert steps[0, :, :15].abs().max() < 0.02


def test_what_moves_steadily_is_as_far_from_the_frame_before_as_from_the_one_after_but_lines_that_sway_are_not() -> (
    None
):
    upright = interpolate(pictures(1, 1, 1, 40), (32, 320), mode="bicubic")
    moving = torch.stack([move_lines(upright, torch.full((1, 32), 2.0 * by)) for by in (-0.6, 0.0, 0.6)], 1)[:, :, 0]
    before, after = steps_between_frames([moving[..., ::2]])[0, :, 1:-1]
    torch.testing.assert_close(before, -after, atol=0.05, rtol=0)
    assert before.mean() == pytest.approx(0.6 / 1.6, abs=0.1)
    swaying = moving.clone()
    swaying[:, 1:2] = move_lines(swaying[:, 1:2], torch.ones(1, 32))
    before, after = steps_between_frames([swaying[..., ::2]])[0, :, 1:-1]
    assert (before + after).min() > 0.3


def test_grass_has_no_lines_aside() -> None:
    grass = torch.rand(1, 1, 64, 360, generator=torch.Generator().manual_seed(3))
    assert steps_between_lines([grass]).abs().mean() < 0.15


@pytest.mark.parametrize("size", [(8, 16), (8, 32), (64, 16)])
def test_the_smallest_pictures_have_a_map_of_damage(size: tuple[int, int]) -> None:
    assert DamageNetwork(SMALL_SCORER)(pictures(1, 3, 3, *size)).isfinite().all()


@torch.inference_mode()
def test_what_a_whole_line_has_in_common_reaches_its_ends() -> None:
    along = AlongLines(4)
    along.second.weight.data.normal_(generator=torch.Generator().manual_seed(1))
    features = torch.zeros(1, 4, 16, 200)
    features[..., 8, :150] = 1.0
    change = along(features) - features
    torch.testing.assert_close(change[..., :1].expand_as(change), change)
    assert not torch.equal(change[..., 8, 0], change[..., 0, 0])


@torch.inference_mode()
def test_what_is_odd_in_a_line_depends_on_what_is_usual_in_the_picture() -> None:
    along = AlongLines(4)
    along.second.weight.data.normal_(generator=torch.Generator().manual_seed(1))
    features = torch.zeros(1, 4, 32, 8)
    features[..., 8, :] = 1.0
    busy = features.clone()
    busy[..., 20:, :] = 1.0
    alone, among_others = ((along(each) - each)[..., :14, :] for each in (features, busy))
    assert not torch.allclose(alone, among_others, atol=1e-3)


def test_a_reference_lends_where_it_shows_the_same() -> None:
    frames = pictures(2, 3, ROWS, COLUMNS)
    alike, other = frames + 0.2, frames.clone()
    other[..., :24, :] += 2 * ANOTHER
    other[:, :, 50] += 8 * ANOTHER
    whole = torch.zeros(2, 1, ROWS, COLUMNS)
    same = shows_the_same(frames, whole, torch.stack([frames, alike, other], 1))
    assert same[:, :2].all()
    assert not same[:, 2, :14].any()
    assert same[:, 2, 40:].all()
    assert shows_the_same(frames, whole, frames[:, None][:, :0]).shape == (2, 0, ROWS, COLUMNS)


def test_where_a_frame_is_torn_what_is_around_tells_whether_a_reference_shows_the_same() -> None:
    frames, torn = pictures(1, 3, 256, COLUMNS), torch.zeros(1, 1, 256, COLUMNS)
    broken, foreign = frames.clone(), frames.clone()
    broken[..., 96:160, :] += 4 * ANOTHER
    foreign[..., 64:192, :] += 4 * ANOTHER
    torn[:, :, 80:176] = 1.0
    unknown, known, other = (
        shows_the_same(frame, where, lender[:, None])
        for frame, where, lender in ((broken, 0 * torn, frames), (broken, torn, frames), (frames, torn, foreign))
    )
    assert not unknown[..., 112:144, :].any()
    assert known.all()
    assert not other[..., 112:144, :].any()
