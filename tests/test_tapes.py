"""The tapes that training samples are damaged by."""

import pytest
import torch

from tapemend.degrade import PRESETS, degrade, preset
from tapemend.train.tapes import MOST, any_tape, tape

NAMES = tuple(PRESETS)


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
