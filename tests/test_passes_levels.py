"""Levels: where they are cut, and how bars and pulses move."""

import pytest
import torch
from torch import Tensor

from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Moments, PicturePass
from tapemend.degrade.passes.levels import (
    CrushedSetup,
    FluorescentStrobing,
    GainPumping,
    HighVideoLevel,
    HumBar,
    LevelClamping,
    LevelErrors,
)

HEIGHT = 96


def levels(does: PicturePass, *luma: float) -> list[float]:
    """What luma levels become at intensity 1."""
    picture = torch.zeros(1, 3, 2, len(luma))
    picture[0, 0] = torch.tensor(luma)
    grid = Grid(standard=Standard.PAL, height=2, width=len(luma))
    return does.apply(picture, grid, Moments(seed=1, name="step", indices=(0,), intensities=(1.0,)))[0, 0, 0].tolist()


def over_time(does: PicturePass, indices: range, standard: Standard = Standard.PAL) -> Tensor:
    """(T, H) luma of a grey picture at those indices."""
    picture = torch.zeros(len(indices), 3, HEIGHT, 4)
    picture[:, 0] = 0.5
    grid = Grid(standard=standard, height=HEIGHT, width=4)
    moments = Moments(seed=1, name="step", indices=tuple(indices), intensities=(1.0,) * len(indices))
    return does.apply(picture, grid, moments)[:, 0, :, 0]


def test_shadows_under_the_depth_are_one_black_and_white_stays() -> None:
    black, shadow, edge, white = levels(CrushedSetup(depth=0.2), 0.0, 0.1, 0.2, 1.0)
    assert black == shadow == edge == 0.0
    assert white == pytest.approx(1.0)


def test_whites_end_at_the_clip_and_the_middle_has_the_gain() -> None:
    middle, high, white = levels(HighVideoLevel(gain=1.5, clip=1.0), 0.4, 0.8, 1.0)
    assert middle == pytest.approx(0.6)
    assert high == pytest.approx(1.0)
    assert white == pytest.approx(1.0)


def test_levels_are_cut_to_the_limits() -> None:
    assert levels(LevelClamping(low=0.1, high=0.8), 0.0, 0.5, 1.0) == pytest.approx([0.1, 0.5, 0.8])


def test_chroma_is_cut_to_its_limit_without_turning_its_hue() -> None:
    picture = torch.tensor([0.5, 0.3, -0.4])[None, :, None, None].expand(1, 3, 2, 4)
    grid = Grid(standard=Standard.PAL, height=2, width=4)
    moments = Moments(seed=1, name="step", indices=(0,), intensities=(1.0,))
    chroma = LevelClamping(chroma=0.25).apply(picture, grid, moments)[0, 1:, 0, 0]
    assert chroma.tolist() == pytest.approx([0.15, -0.2], abs=1e-6)


def test_black_gets_the_setup_and_white_the_gain() -> None:
    black, white = levels(LevelErrors(setup=0.075, gain=0.9, gamma=1.3), 0.0, 1.0)
    assert black == pytest.approx(0.075)
    assert white == pytest.approx(0.975)


def test_gain_pumps_in_its_period_and_most_at_the_top() -> None:
    luma = over_time(GainPumping(period=2.0), range(0, 100, 5))
    assert torch.allclose(luma[0], over_time(GainPumping(period=2.0), range(100, 101))[0], atol=1e-5)
    assert luma[:, 0].max() / luma[:, 0].min() > 1.5
    assert (luma[:, 0] < luma[:, -1]).all()


@pytest.mark.parametrize("standard", Standard)
def test_the_bar_rolls_up_by_the_beat(standard: Standard) -> None:
    luma = over_time(HumBar(beat=2.0), range(30), standard)
    top = luma.argmax(1)
    moves = top.diff()
    step = HEIGHT * 2.0 / standard.field_rate
    rolled = moves[moves.abs() < HEIGHT / 2].float().mean().item()
    assert rolled == pytest.approx(-step, rel=0.35)


def test_light_of_the_other_mains_pulses_and_of_the_own_does_not() -> None:
    other = over_time(FluorescentStrobing(banding=0.0), range(20))[:, 0]
    own = over_time(FluorescentStrobing(banding=0.0, mains=50.0), range(20))[:, 0]
    assert other.std() > 0.02
    assert own.std() < 1e-4


def test_strobing_of_pal_under_sixty_hertz_comes_back_after_five_fields() -> None:
    luma = over_time(FluorescentStrobing(), range(10))
    assert torch.allclose(luma[:5], luma[5:], atol=1e-4)
