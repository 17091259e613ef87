"""Colour that a frame, or lines of it, have lost, or turned, measured against clean frames of its scene and lent."""

import cmath
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import interpolate

from tapemend.network.saturation import chroma_gain, lent_colour, with_colour, with_lent

HEIGHT, WIDTH = 160, 240
ALL = torch.ones(3, 18, 24) > 0
CHROMA = torch.tensor([0.0, 1.0, 1.0])[:, None, None]


def filmed(places: tuple[int, ...], seed: int = 1, colour: float = 0.3) -> Tensor:
    """(T, 3, H, W) a coloured scene over which a camera pans, with grain."""
    generator = torch.Generator().manual_seed(seed)
    soft = interpolate(torch.rand(1, 3, 16, 32, generator=generator), (HEIGHT, 2 * WIDTH), mode="bicubic")[0]
    scene = (soft - torch.tensor([0.0, 0.5, 0.5])[:, None, None]) * torch.tensor([0.8, colour, colour])[:, None, None]
    frames = torch.stack([scene[..., place : place + WIDTH] for place in places])
    return frames + 0.01 * torch.randn(frames.shape, generator=generator)


def references(seed: int = 1) -> Tensor:
    return filmed((0, 9, 40), seed)


@given(keep=st.one_of(st.floats(0.3, 0.85), st.floats(1.4, 5.0)), place=st.integers(5, 30))
@settings(max_examples=25)
def test_colour_that_faded_or_is_too_strong_is_measured_though_the_camera_pans(keep: float, place: int) -> None:
    scaled = with_colour(filmed((place,)), torch.tensor([keep]))[0]
    assert chroma_gain(scaled, references(), ALL) == pytest.approx(1 / keep, rel=0.06)


@given(degrees=st.floats(8, 50), left=st.booleans(), keep=st.sampled_from([0.5, 0.9, 1.0, 1.6]))
@settings(max_examples=25)
def test_hue_that_is_turned_is_measured_whether_or_not_colour_faded(degrees: float, left: bool, keep: float) -> None:
    turn = math.radians(-degrees if left else degrees)
    turned = with_colour(filmed((12,)), torch.tensor([cmath.rect(keep, turn)]))[0]
    gain = chroma_gain(turned, references(), ALL)
    assert cmath.phase(gain) == pytest.approx(-turn, abs=math.radians(2))
    assert abs(gain) == pytest.approx(1 if 0.9 <= keep <= 1 else 1 / keep, rel=0.06)


@pytest.mark.parametrize("degrees", [-4, 3, 80, 120, 180])
def test_hue_that_is_turned_by_little_or_by_very_much_stays(degrees: float) -> None:
    """Scenes change a little by themselves, and what is of another colour altogether is another thing."""
    turned = with_colour(filmed((12,)), torch.tensor([cmath.rect(1, math.radians(degrees))]))[0]
    assert chroma_gain(turned, references(), ALL) == 1


def test_noise_in_colour_is_not_taken_for_too_much_of_it() -> None:
    frame = filmed((12,))[0]
    noise = interpolate(torch.randn(1, 2, 20, 30, generator=torch.Generator().manual_seed(3)), (HEIGHT, WIDTH))[0]
    strength = frame[1:].square().mean().sqrt()
    for share in (0.1, 0.25, 0.5):
        frame[1:] += share * strength * noise
        assert chroma_gain(frame, references(), ALL) == 1


def test_what_lines_and_dropouts_do_to_colour_is_not_taken_for_it() -> None:
    faded = with_colour(filmed((12,)), torch.tensor([0.5]))[0]
    generator = torch.Generator().manual_seed(2)
    for row in torch.randint(HEIGHT, (6,), generator=generator).tolist():
        faded[1:, row : row + 2] = 0.3 * (torch.rand(2, 1, 1, generator=generator) - 0.5)
    faded[:, 30:60, 20:120] = torch.tensor([0.9, 0.0, 0.0])[:, None, None]
    assert chroma_gain(faded, references(), ALL) == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("keep", [0.93, 0.98, 1.0, 1.05, 1.15])
def test_colour_that_is_hardly_weaker_or_stronger_stays(keep: float) -> None:
    """Scenes change a little by themselves."""
    assert chroma_gain(with_colour(filmed((12,)), torch.tensor([keep]))[0], references(), ALL) == 1


def test_a_fade_to_black_stays() -> None:
    assert chroma_gain(0.6 * filmed((12,))[0], references(), ALL) == 1


def test_other_scenes_say_nothing() -> None:
    faded = with_colour(filmed((12,)), torch.tensor([0.5]))[0]
    assert chroma_gain(faded, references(seed=7), ALL) == 1
    mixed = torch.stack([references()[0], references(seed=7)[0], references()[2]])
    assert chroma_gain(faded, mixed, ALL) == pytest.approx(2, rel=0.06)


def test_a_scene_without_colour_stays_without() -> None:
    grey = filmed((12, 0, 9, 40), colour=0.0)
    assert chroma_gain(grey[0], grey[1:], ALL) == 1
    assert chroma_gain(filmed((12,), colour=0.0)[0], references(), ALL) == 1


def test_what_may_not_lend_says_nothing() -> None:
    faded = with_colour(filmed((12,)), torch.tensor([0.5]))[0]
    assert chroma_gain(faded, references(), ~ALL) == 1
    assert chroma_gain(faded, references()[:0], ALL[:0]) == 1
    spoilt = references()
    spoilt[:, 1:, :80] = 0.4
    upper = ALL.clone()
    upper[:, :9] = False
    assert chroma_gain(faded, spoilt, upper) == pytest.approx(2, rel=0.06)


def test_luma_stays_when_colour_is_strengthened() -> None:
    frames = filmed((0, 9))
    strengthened = with_colour(frames, torch.tensor([1.0, 1.5]))
    assert torch.equal(strengthened[0], frames[0])
    assert torch.equal(strengthened[1], frames[1] * (1 + 0.5 * CHROMA))
    quarter = with_colour(frames, torch.tensor([1.0, 1.0j]))
    assert torch.equal(quarter[1], torch.stack([frames[1, 0], -frames[1, 2], frames[1, 1]]))


@pytest.mark.parametrize(
    ("band", "left"),
    [(slice(None), 0.1), (slice(50, 90), 0.1), (slice(120, None), 0.1), (slice(70, 76), 0.4)],
)
def test_lines_without_colour_get_that_of_clean_frames_though_the_camera_pans(band: slice, left: float) -> None:
    lost = torch.zeros(HEIGHT)
    lost[band] = 1
    whole = filmed((21,))[0]
    noise = 0.01 * torch.randn(2, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(5))
    pale = torch.cat([whole[:1], torch.where(lost[:, None] > 0, noise, whole[1:])])
    colour, found = lent_colour(pale, references(), ALL)
    assert (found - lost).abs().mean() < 0.03
    again = with_lent(pale, colour, found)
    assert torch.equal(again[0], whole[0])
    inside = lost > 0
    before, after = ((each - whole)[1:, inside].square().mean() for each in (pale, again))
    assert after < left * before
    outside = found == 0
    assert torch.equal(again[:, outside], pale[:, outside])


@pytest.mark.parametrize("keep", [0.5, 1.0, 2.0])
def test_lines_with_some_colour_keep_it(keep: float) -> None:
    frame = with_colour(filmed((12,)), torch.tensor([keep]))[0]
    colour, found = lent_colour(frame, references(), ALL)
    assert not found.any()
    assert torch.equal(with_lent(frame, colour, found), frame)


def test_colour_is_lent_by_nobody_who_has_none_shows_something_else_or_may_not() -> None:
    grey = filmed((12,), colour=0.0)[0]
    for lenders, may in (
        (filmed((0, 9, 40), colour=0.0), ALL),
        (references(seed=7), ALL),
        (references(), ~ALL),
        (references()[:0], ALL[:0]),
    ):
        colour, found = lent_colour(grey, lenders, may)
        assert (with_lent(grey, colour, found) - grey).abs().max() < 0.02
