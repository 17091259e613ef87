"""Tubes and weak light: what trails, what stays, where the grain is."""

import pytest
import torch
from torch import Tensor

from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Moments, PicturePass
from tapemend.degrade.passes.camera import FIELDS, BurnIn, ImageLag, LowLightNoise, Streaking


def acted(does: PicturePass, picture: Tensor) -> Tensor:
    count = len(picture)
    grid = Grid(standard=Standard.PAL, height=picture.shape[-2], width=picture.shape[-1])
    moments = Moments(seed=4, name="step", indices=tuple(range(count)), intensities=(1.0,) * count)
    return does.apply(picture, grid, moments)


def flash(level: float, after: int) -> Tensor:
    """(T, 3, 8, 8) black after one picture of a level."""
    picture = torch.zeros(after + 1, 3, 8, 8)
    picture[0, 0] = level
    return torch.cat([torch.zeros(FIELDS, 3, 8, 8), picture])


def test_a_still_picture_has_no_lag() -> None:
    still = torch.full((FIELDS + 3, 3, 8, 8), 0.4)
    assert torch.allclose(acted(ImageLag(), still), still, atol=1e-6)


def test_lag_decays_by_its_constant() -> None:
    left = acted(ImageLag(decay=2.0), flash(0.5, 6))[FIELDS + 1 :, 0, 4, 4]
    assert (left[2] / left[0]).item() == pytest.approx(2.71828**-1, rel=1e-3)


def test_a_comet_tail_falls_straight_and_ends() -> None:
    left = acted(ImageLag(lag=0.0), flash(1.0, FIELDS + 2))[FIELDS + 1 :, 0, 4, 4]
    assert left[0].item() == pytest.approx(0.9)
    assert left[3:FIELDS].diff().tolist() == pytest.approx([-0.9 / 0.7 / (FIELDS + 1)] * (FIELDS - 4), abs=1e-5)
    assert left[FIELDS - 1] > 0.0
    assert left[FIELDS] == 0.0


def test_what_is_dim_leaves_no_comet_tail() -> None:
    assert not acted(ImageLag(lag=0.0), flash(0.7, 3))[FIELDS + 1 :, 0].any()


def test_burns_stay_where_they_are_and_are_few() -> None:
    loss = 0.5 - acted(BurnIn(), torch.full((2, 3, 48, 64), 0.5))[:, 0]
    assert torch.equal(loss[0], loss[1])
    assert loss.max() > 0.1
    assert (loss > 0.02).float().mean() < 0.25


def test_grain_is_strongest_in_the_shadows() -> None:
    picture = torch.zeros(1, 3, 64, 128)
    picture[:, 0, :, 64:] = 1.0
    noise = acted(LowLightNoise(at_white=0.25), picture)[0, 0] - picture[0, 0]
    assert noise[:, :60].std().item() == pytest.approx(0.06, rel=0.05)
    assert (noise[:, 70:].std() / noise[:, :60].std()).item() == pytest.approx(0.25, rel=0.1)


def test_streaks_lie_to_the_right_and_fall_by_their_constant() -> None:
    picture = torch.zeros(1, 3, 8, 720)
    picture[:, 0, :, 100:200] = 1.0
    streak = acted(Streaking(microseconds=10.0), picture)[0, 0, 4] - picture[0, 0, 4]
    assert not streak[:90].any()
    assert streak[220] > 0.1
    assert (streak[220 + 135] / streak[220]).item() == pytest.approx(2.71828**-1, rel=0.03)
