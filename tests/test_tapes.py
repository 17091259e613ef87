"""The tapes that training samples are damaged by."""

from dataclasses import replace

import pytest
import torch

from tapemend.degrade import PRESETS, degrade, preset
from tapemend.train.tapes import MOST, any_tape, other_heads, tape

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
