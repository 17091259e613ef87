"""The tapes that training samples are damaged by."""

from dataclasses import replace

import pytest
import torch

from tapemend.degrade import PRESETS, Step, degrade, preset
from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Moments
from tapemend.degrade.passes.fm import LuminanceNoise
from tapemend.degrade.passes.timebase import Flagging
from tapemend.degrade.passes.tracking import Mistracking
from tapemend.lines import move_lines
from tapemend.train.plain import PlainBand, PlainNoise, PlainTears
from tapemend.train.tapes import MOST, any_tape, either_side, other_heads, tape, with_plain

NAMES = tuple(PRESETS)
FLAGGING, BAND, NOISE = (
    Step(does=does, name=type(does).__name__) for does in (Flagging(), Mistracking(), LuminanceNoise())
)


@pytest.mark.parametrize("number", range(12))
def test_a_tape_drawn_at_random_damages_pictures_and_is_the_same_again(number: int) -> None:
    key = (3, 5, number)
    base = preset(NAMES[number % len(NAMES)])
    drawn = any_tape(base, key)
    assert drawn == any_tape(base, key) != any_tape(base, (4, 5, number))
    assert 1 <= len(drawn.damage) <= MOST
    assert len({step.name for step in drawn.damage}) == len(drawn.damage)
    assert drawn.recording == base.recording
    picture = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(number))
    assert degrade(picture, range(100, 102), drawn, 1, whole=(576, 720)).picture.isfinite().all()


def test_every_pass_is_drawn_some_time() -> None:
    drawn = {step.name for number in range(200) for step in any_tape(preset(NAMES[0]), (1, 1, number)).damage}
    assert len(drawn) == 32


@pytest.mark.parametrize(("varied", "least", "most"), [(0.0, 0, 0), (0.3, 30, 90), (1.0, 200, 200)])
def test_so_many_windows_are_of_tapes_drawn_at_random(varied: float, least: int, most: int) -> None:
    of_presets = {preset(name).damage[0].name for name in NAMES} | {"mistracking", "noise", "levels", "low_rf"}
    tapes = [tape(NAMES, varied, 0.0, (1, number, 0)) for number in range(200)]
    drawn = sum(not {step.name for step in each.damage} & of_presets for each in tapes)
    assert least <= drawn <= most


def test_so_many_windows_stay_clean() -> None:
    shares = [tape(NAMES, 0.5, 0.25, (1, number, 0)).damaged_share for number in range(400)]
    assert set(shares) == {0.0, 1.0}
    assert 60 <= shares.count(0.0) <= 140


def test_what_moves_lines_to_one_side_moves_them_to_the_other_as_often() -> None:
    base = replace(preset(NAMES[0]), damage=(FLAGGING, BAND, NOISE))
    drawn = [either_side(base, (1, number, 0)) for number in range(200)]
    for place, names in enumerate((("microseconds", "bottom_microseconds"), ("wave_microseconds",))):
        own = base.damage[place]
        other = replace(own, does=replace(own.does, **{name: -getattr(own.does, name) for name in names}))
        steps = [each.damage[place] for each in drawn]
        assert steps.count(own) + steps.count(other) == 200
        assert 70 < steps.count(own) < 130
    assert {each.damage[2] for each in drawn} == {NOISE}
    assert 30 < sum(each.damage[0] == FLAGGING and each.damage[1] == BAND for each in drawn) < 70


@pytest.mark.parametrize("name", NAMES)
def test_a_tape_with_other_heads_shows_their_change_at_the_bottom_and_is_else_the_same(name: str) -> None:
    base = preset(name)
    drawn = [other_heads(base, (1, number, 0)) for number in range(3)]
    assert len({each.recording[-1] for each in drawn}) == 3
    quiet = [replace(each, damage=(), recording=each.recording[-1:]) for each in drawn]
    picture = torch.rand(2, 3, 288, 96, generator=torch.Generator().manual_seed(1))
    for tape_with, switched in zip(drawn, quiet, strict=True):
        assert tape_with.damage == base.damage
        assert [step.name for step in tape_with.recording].count("head_switching") == 1
        shown = degrade(picture, range(2), switched, 1, whole=(288, 720))
        assert torch.equal(shown.picture, shown.clean)
        assert torch.equal(shown.picture[..., :-16, :], picture[..., :-16, :])
        assert not torch.equal(shown.picture[..., -16:, :], picture[..., -16:, :])


def test_as_many_windows_have_other_heads_as_are_of_tapes_drawn_at_random() -> None:
    heads = {preset(name).recording for name in NAMES}
    for varied, share in ((0.0, 0.0), (0.4, 0.4), (1.0, 1.0)):
        others = [tape(NAMES, varied, 0.0, (1, number, 0)).recording not in heads for number in range(200)]
        assert sum(others) / 200 == pytest.approx(share, abs=0.1)


@pytest.mark.parametrize("number", range(8))
def test_plain_damage_comes_besides_a_tapes_own_or_instead_of_it(number: int) -> None:
    base, key = preset(NAMES[number % len(NAMES)]), (2, number, 1)
    drawn = with_plain(base, key)
    assert drawn == with_plain(base, key)
    own, plain = ([step for step in drawn.damage if (step in base.damage) == here] for here in (True, False))
    assert tuple(own) in (base.damage, ())
    names = {step.name for step in plain}
    assert names
    assert names <= {"PlainNoise", "PlainStreaks", "PlainTears", "PlainBand"}
    picture = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(number))
    alone = replace(drawn, damage=tuple(plain), recording=(), damaged_share=1.0)
    truth = degrade(picture, range(100, 102), alone, 1, whole=(576, 720))
    assert truth.picture.isfinite().all()
    assert not torch.equal(truth.picture, picture)
    if "PlainBand" not in names:
        assert truth.shift.any() == ("PlainTears" in names)


def test_plain_tears_move_whole_parts_each_frame_for_itself() -> None:
    moments = Moments(seed=1, name="tears", indices=tuple(range(20)), intensities=(1.0,) * 20)
    shift = PlainTears(pixels=10, cuts=3).shift(Grid(standard=Standard.PAL, height=96, width=64), moments)
    assert max(len(each.unique_consecutive()) for each in shift) == 4
    assert min(len(each.unique_consecutive()) for each in shift) < 4
    assert shift[shift != 0].std() == pytest.approx(10, rel=0.3)
    assert (shift == 0).float().mean() == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize("softness", [0.0, 1.0])
def test_a_plain_band_tears_only_its_own_lines_and_says_how_far(softness: float) -> None:
    """The picture varies down its lines too, so that lines of others would show."""
    grid = Grid(standard=Standard.PAL, height=288, width=360)
    moments = Moments(seed=1, name="band", indices=tuple(range(8)), intensities=(1.0,) * 7 + (0.0,))
    down, along = torch.linspace(0, 1, 288)[:, None], torch.linspace(0, 1, 360)
    picture = (0.5 + 0.3 * torch.sin(40 * along + 9 * down)).expand(8, 3, 288, 360)
    band = PlainBand(height_lines=50, softness=softness, noise=0.02, flashes=0.0, colour_loss=0.0)
    damaged, shift = band.apply(picture, grid, moments), band.shift(grid, moments)
    hurt = (damaged != picture).any(-1).any(1)
    assert (hurt == (shift != 0)).all()
    assert hurt[:7].sum(1).tolist() == pytest.approx([50] * 7, abs=1)
    assert not hurt[7].any()
    assert len({tuple(each.nonzero()[:, 0].tolist()) for each in hurt}) > 5
    error = (damaged - move_lines(picture, shift))[:, 0, :, 60:-60]
    assert error.abs().mean() < 0.02


def test_a_plain_band_may_be_below_a_picture() -> None:
    grid = Grid(standard=Standard.PAL, height=96, width=64)
    moments = Moments(seed=1, name="band", indices=(0,), intensities=(1.0,))
    picture = torch.rand(1, 3, 96, 64)
    below = PlainBand(place=1.0, height_lines=3.0, roll_lines=0.0, jump_lines=0.0).apply(picture, grid, moments)
    assert torch.equal(below, picture)


@pytest.mark.parametrize("flashes", [0.0, 0.05])
def test_a_plain_band_is_paler_and_flashes_at_one_level(flashes: float) -> None:
    grid = Grid(standard=Standard.PAL, height=96, width=300)
    moments = Moments(seed=1, name="band", indices=(3,), intensities=(1.0,))
    still = PlainBand(place=0, height_lines=300, roll_lines=0, jump_lines=0, softness=0, lean=0, pixels=0, noise=0)
    band = replace(still, grain=4, flashes=flashes, level=1.0, colour_loss=0.7)
    luma, *chroma = band.apply(torch.full((1, 3, 96, 300), 0.2), grid, moments)[0]
    assert torch.stack(chroma).flatten().tolist() == pytest.approx([0.06] * 2 * 96 * 300)
    assert luma.unique().tolist() == pytest.approx([0.2, 1.0] if flashes else [0.2])
    assert (luma > 0.5).float().mean() == pytest.approx(1 - (1 - flashes) ** 4, abs=0.02)


def test_grains_of_plain_noise_are_as_strong_as_they_are_said_to_be_whatever_their_size() -> None:
    picture = torch.zeros(1, 3, 200, 300)
    for grain in ((1, 1), (2, 4)):
        drawn = PlainNoise(luma_sigma=0.1, chroma_sigma=0.05, grain=grain)
        moments = Moments(seed=1, name="noise", indices=(0,), intensities=(1.0,))
        noise = drawn.apply(picture, Grid(standard=Standard.PAL, height=200, width=300), moments)[0]
        assert noise.std((1, 2)).tolist() == pytest.approx([0.1, 0.05, 0.05], rel=0.05)
        beside = (noise[0, :, 1:] * noise[0, :, :-1]).mean() / noise[0].square().mean()
        assert beside == pytest.approx(1 - 1 / grain[1], abs=0.05)


def test_as_many_windows_have_plain_damage_as_are_of_tapes_drawn_at_random() -> None:
    for varied in (0.0, 0.4, 1.0):
        tapes = [tape(NAMES, varied, 0.0, (1, number, 0)) for number in range(200)]
        plain = sum(any(step.name.startswith("Plain") for step in each.damage) for each in tapes)
        assert plain / 200 == pytest.approx(varied, abs=0.08)
