"""How luma answers along the lines of a frame, measured against clean frames of its scene, and evened."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv1d, interpolate, pad

from tapemend.network.response import FREQUENCIES, _agreed, equalised, equaliser

HEIGHT, WIDTH = 160, 256
ALL = torch.ones(18, 24) > 0


def filmed(place: int, seed: int = 1, grain: float = 0.005) -> Tensor:
    """(3, H, W) a scene of coarse and of fine detail over which a camera pans."""
    generator = torch.Generator().manual_seed(seed)
    sizes = ((10, 32, 0.5), (40, 128, 0.2), (80, 256, 0.15))
    coarse = [share * (torch.rand(1, 1, *size, generator=generator) - 0.5) for *size, share in sizes]
    parts = [interpolate(each, (HEIGHT, 2 * WIDTH), mode="bicubic") for each in coarse]
    luma = 0.45 + torch.cat(parts).sum((0, 1))[:, place : place + WIDTH]
    noise = torch.Generator().manual_seed(place)
    return torch.stack([luma + grain * torch.randn(luma.shape, generator=noise), *torch.zeros(2, HEIGHT, WIDTH)])


def sides(seed: int = 1) -> list[tuple[Tensor, Tensor]]:
    return [(filmed(place, seed), ALL) for place in (3, 21)]


def filtered(frame: Tensor, kernel: list[float]) -> Tensor:
    taps = torch.tensor(kernel)
    reach = len(taps) // 2
    luma = conv1d(pad(frame[0, :, None], (reach, reach), mode="replicate"), taps[None, None])[:, 0]
    return torch.cat([luma[None], frame[1:]])


SOFT = [0.06, 0.24, 0.4, 0.24, 0.06]
SHARP = [-0.3, -0.3, 2.2, -0.3, -0.3]


def error(frame: Tensor, other: Tensor) -> float:
    return (frame[0] - other[0]).square().mean().sqrt().item()


@pytest.mark.parametrize("kernel", [SOFT, SHARP])
def test_luma_that_is_soft_or_sharp_is_evened_though_the_camera_pans(kernel: list[float]) -> None:
    frame = filmed(12)
    spoilt = filtered(frame, kernel)
    told = equaliser(spoilt, sides())
    even = torch.stack([equalised(spoilt[0], told), *spoilt[1:]])
    assert told.gains[0] == 1
    assert (told.gains[12:20] > 1).all() if kernel is SOFT else (told.gains[12:20] < 1).all()
    assert error(even, frame) < 0.6 * error(spoilt, frame)


def test_contrast_is_evened_where_both_sides_say_so() -> None:
    frame = filmed(12)
    flat = torch.cat([0.1 + 0.7 * frame[:1], frame[1:]])
    told = equaliser(flat, sides())
    assert told.gains[0] == pytest.approx(1 / 0.7, rel=0.1)
    assert error(equalised(flat[0], told)[None], frame) < 0.5 * error(flat, frame)
    assert (equaliser(flat, sides()[:1]).gains == 1).all()


def test_a_fade_stays() -> None:
    before, after = sides()
    darker = [(before[0] * 0.9, ALL), (after[0] * 0.5, ALL)]
    assert (equaliser(0.7 * filmed(12), darker).gains == 1).all()
    assert (equaliser(0.7 * filmed(12), darker[:1]).gains == 1).all()


@pytest.mark.parametrize("grain", [0.0, 0.01, 0.03, 0.1])
def test_clean_and_noisy_frames_stay(grain: float) -> None:
    frame = filmed(12)
    frame[0] += grain * torch.randn(HEIGHT, WIDTH, generator=torch.Generator().manual_seed(5))
    assert (equaliser(frame, sides()).gains == 1).all()


def test_lines_that_jitter_are_not_taken_for_soft_ones() -> None:
    frame = filmed(12)
    draw = torch.Generator().manual_seed(4)
    rolls = torch.randint(-3, 4, (HEIGHT,), generator=draw).tolist()
    frame[0] = torch.stack([line.roll(right) for line, right in zip(frame[0], rolls, strict=True)])
    assert (equaliser(frame, sides()).gains == 1).all()


def test_other_scenes_damaged_regions_and_nobody_tell_nothing() -> None:
    soft = filtered(filmed(12), SOFT)
    assert (equaliser(soft, sides(seed=7)).gains == 1).all()
    assert (equaliser(soft, [(other, ~ALL) for other, _ in sides()]).gains == 1).all()
    assert (equaliser(soft, []).gains == 1).all()


def test_a_flat_picture_stays() -> None:
    flat = torch.full((3, HEIGHT, WIDTH), 0.3)
    assert (equaliser(flat, [(flat, ALL), (flat, ALL)]).gains == 1).all()
    assert (equaliser(filmed(12), [(flat, ALL), (flat, ALL)]).gains == 1).all()


def test_a_response_of_one_leaves_luma_as_it_is() -> None:
    luma = filmed(12)[0]
    told = equaliser(filmed(12), sides())
    assert told.gains.shape == (FREQUENCIES,)
    assert torch.allclose(equalised(luma, told), luma, atol=1e-5)


def test_frequencies_that_stand_alone_are_left() -> None:
    """Scenes that move do so to single ones; a filter does it to those around too, be it to the finest."""
    gains = torch.ones(FREQUENCIES)
    gains[2:4], gains[6], gains[10:13], gains[20:23], gains[-3:] = 0.88, 0.9, 1.4, 0.7, 1.2
    left = gains.clone()
    left[2:7] = 1
    assert torch.equal(_agreed([gains, gains]), left)
    assert torch.equal(_agreed([gains]), left)
    flat = torch.ones(FREQUENCIES)
    flat[0] = 1.2
    assert torch.equal(_agreed([flat, flat]), flat)
