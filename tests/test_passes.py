"""What every pass of the simulator holds to, whatever it does."""

from dataclasses import fields, replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from tapemend.degrade import Preset, Standard, Step, degrade
from tapemend.degrade.grid import Grid
from tapemend.degrade.passes import LinePass, Moments, Pass, PicturePass, TearingPass
from tapemend.degrade.passes.registry import PASSES
from tapemend.lines import move_lines

SIZES = ((48, 72), (33, 51), (2, 16))


def picture_of(count: int, height: int, width: int) -> Tensor:
    """(T, 3, H, W) of bars and ramps with noise over them: bright, dark and coloured parts."""
    rows, columns = torch.linspace(0, 1, height)[:, None], torch.linspace(0, 1, width)
    luma = (0.5 + 0.5 * torch.sign(torch.sin(6 * columns + 2 * rows)) * rows).expand(height, width)
    blue, red = 0.4 * torch.sin(9 * columns + 5 * rows), 0.4 * torch.cos(7 * columns - 3 * rows)
    noise = 0.05 * torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(3))
    return torch.stack([luma, blue, red]) * 0.9 + noise


def grid_of(picture: Tensor, standard: Standard = Standard.PAL) -> Grid:
    return Grid(standard=standard, height=picture.shape[-2], width=picture.shape[-1])


def acted(does: Pass, picture: Tensor, moments: Moments, standard: Standard = Standard.PAL) -> Tensor:
    """What the pass gives: shifts or pictures."""
    grid = grid_of(picture, standard)
    return does.shift(grid, moments) if isinstance(does, LinePass) else does.apply(picture, grid, moments)


def moments_of(*intensities: float, first: int = 0) -> Moments:
    indices = tuple(range(first, first + len(intensities)))
    return Moments(seed=4, name="step", indices=indices, intensities=intensities)


@pytest.fixture(params=PASSES)
def does(request: pytest.FixtureRequest) -> Pass:
    return PASSES[request.param]()


@pytest.mark.parametrize("standard", Standard)
@pytest.mark.parametrize("size", SIZES)
def test_zero_intensity_is_the_identity_and_the_input_stays(
    does: Pass, size: tuple[int, int], standard: Standard
) -> None:
    picture = picture_of(4, *size)
    before = picture.clone()
    after = acted(does, picture, moments_of(0.0, 1.0, 0.0, 0.4), standard)
    assert torch.equal(picture, before)
    assert after.dtype == torch.float32
    assert torch.isfinite(after).all()
    if isinstance(does, LinePass):
        assert after.shape == (4, size[0])
        assert not after[[0, 2]].any()
    else:
        assert after.shape == picture.shape
        assert torch.equal(after[[0, 2]], picture[[0, 2]])


def test_a_pass_does_something(does: Pass) -> None:
    picture = picture_of(40, 48, 96)
    after = acted(does, picture, moments_of(*[1.0] * 40))
    before = torch.zeros_like(after) if isinstance(does, LinePass) else picture
    assert not torch.equal(after, before)


def test_any_chunking_gives_the_same_pictures(does: Pass) -> None:
    picture, indices = picture_of(10, 34, 50), range(3, 13)
    preset = Preset(description="", damaged_share=1.0, damage=(Step(does=does, name="step"),))
    whole = degrade(picture, indices, preset, seed=5)
    parts = []
    for start, stop in pairwise((0, 1, 4, 10)):
        lead = min(start, preset.memory)
        first = start - lead
        parts.append(degrade(picture[first:stop], indices[first:stop], preset, seed=5, lead=lead))
    assert torch.equal(whole.picture, torch.cat([part.picture for part in parts]))
    assert torch.equal(whole.shift, torch.cat([part.shift for part in parts]))
    assert torch.equal(whole.change, torch.cat([part.change for part in parts]))


def test_damage_grows_with_intensity(does: Pass) -> None:
    picture = picture_of(12, 48, 96)
    slight, full = (
        acted(does, picture, moments_of(*[level] * 12)) - (0 if isinstance(does, LinePass) else picture)
        for level in (0.05, 1.0)
    )
    assert slight.square().mean() < full.square().mean()


@pytest.mark.parametrize("name", [name for name, kind in PASSES.items() if issubclass(kind, TearingPass)])
def test_a_pass_that_tears_lines_says_how_far(name: str) -> None:
    """Moved so, the clean lines explain the damaged ones better, under all the snow; unchanged lines did not move."""
    along = torch.linspace(0, 1, 360)
    waves = torch.stack([0.5 + 0.3 * torch.sin(40 * along), 0.2 * torch.sin(25 * along), 0.2 * torch.cos(31 * along)])
    picture = waves[None, :, None].expand(24, 3, 144, 360)
    tape = Preset(description="", damaged_share=1.0, damage=(Step(does=PASSES[name](), name="step"),))
    truth = degrade(picture, range(24), tape, seed=2)
    moved = truth.shift.abs() > 1
    assert moved.any()
    left, explained = (
        (truth.picture - guess).square().mean((1, 3))[moved].mean()
        for guess in (picture, move_lines(picture, truth.shift))
    )
    assert explained < 0.9 * left
    assert not truth.shift[truth.change.amax((1, 3)) == 0].any()


def test_shifts_of_torn_and_of_moved_lines_add_up() -> None:
    steps = tuple(Step(does=PASSES[name](), name=name) for name in ("line_jitter", "mistracking", "flagging", "crease"))
    picture = picture_of(6, 96, 120)

    def shift_of(*damage: Step) -> Tensor:
        return degrade(picture, range(6), Preset(description="", damaged_share=1.0, damage=damage), seed=3).shift

    torch.testing.assert_close(shift_of(*steps), sum((shift_of(step) for step in steps), torch.zeros(6, 96)))


def test_its_settings_are_plain_values_in_words(does: Pass) -> None:
    for field in fields(does):
        assert isinstance(getattr(does, field.name), float | int | str | bool), field.name
    assert replace(does) == does


def test_a_picture_pass_says_what_kind_of_damage_it_does(does: Pass) -> None:
    if isinstance(does, PicturePass):
        assert does.memory >= 0
    assert type(does).__doc__
    assert does.kind
