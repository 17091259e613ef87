"""Lines torn each for itself, told by the frames beside them and the lines around them."""

import pytest
import torch
from test_motion import COLUMNS, ROWS, scene
from test_timebase import panned
from torch import Tensor

from tapemend.lines import move_lines
from tapemend.network.torn import REACH
from tapemend.restore.torn import TornLines, find_torn_lines
from tapemend.train.samples import _interpolated, _separated

BAND = slice(40, 88)
REGIONS = 4
"""Rows of regions; the band lies in the second and the third."""
CPU = torch.device("cpu")
WHOLE = [slice(None)] * 3
NONE = torch.empty(0, 3, ROWS, COLUMNS)


def scattered(pixels: float) -> Tensor:
    """(3, H) displacements of single lines of the middle frame, in the band."""
    places = torch.zeros(3, ROWS)
    places[1, BAND] = pixels * torch.randn(ROWS, generator=torch.Generator().manual_seed(7))[BAND]
    return places.round().clamp(-REACH + 4, REACH - 4)


def known(surely: float = 0.8) -> Tensor:
    """(3, rows, columns) how surely regions are torn."""
    torn = torch.zeros(3, REGIONS, 6)
    torn[1, 1:3] = surely
    return torn


def found_in(pictures: Tensor, torn: Tensor | None = None, references: Tensor = NONE, lines: float = 1.0) -> TornLines:
    torn = known() if torn is None else torn
    touched = torch.full((len(pictures), pictures.shape[2]), lines)
    return find_torn_lines(pictures, references, torn, touched, WHOLE[: len(pictures)], CPU)


@pytest.mark.parametrize("pixels", [2.0, 8.0])
@pytest.mark.parametrize("speed", [0, 5])
def test_torn_lines_are_put_back_standing_or_panning(pixels: float, speed: int) -> None:
    pictures = panned((0, speed, 2 * speed))
    truth = scattered(pixels)
    torn = move_lines(pictures, truth)
    found = found_in(torn)
    wrong = (found.places - truth).abs() > 0.5
    assert wrong[1, BAND].float().mean() < 0.1
    assert not found.places[[0, 2]].any()
    back = found.put_back(torn, torch.zeros_like(truth))
    before, after = ((each - pictures)[1, :, BAND].square().mean() for each in (torn, back))
    assert after < 0.1 * before


def test_lines_that_are_where_they_belong_stay_though_they_are_thought_torn() -> None:
    grainy = panned((0, 5, 10)) + 0.03 * torch.randn(3, 3, ROWS, COLUMNS, generator=torch.Generator().manual_seed(1))
    assert not found_in(grainy, torch.full((3, REGIONS, 6), 0.9)).places.any()


def test_what_all_frames_show_is_no_damage() -> None:
    """Such as where heads are switched: the tape's good stretches have it too."""
    switched = torch.zeros(3, ROWS)
    switched[:, -10:] = 12.0
    found = found_in(move_lines(panned((0, 0, 0)), switched), torch.full((3, REGIONS, 6), 0.9))
    assert not found.places.any()


def test_only_lines_that_may_be_touched_are_put_back() -> None:
    torn = move_lines(panned((0, 0, 0)), scattered(8.0))
    assert not found_in(torn, lines=0.0).places.any()
    assert not found_in(torn, torch.zeros_like(known())).places.any()


def test_references_tell_where_frames_beside_are_torn_too() -> None:
    pictures = panned((0, 0, 0))
    truth = scattered(8.0)
    everywhere = torch.stack([truth[1].roll(17), truth[1], truth[1].roll(-9)])
    torn = move_lines(pictures, everywhere)
    found = found_in(torn, known()[1:2].repeat(3, 1, 1), pictures[:2])
    assert ((found.places - everywhere).abs() > 0.5)[1, BAND].float().mean() < 0.2


def test_one_frame_alone_says_nothing() -> None:
    torn = move_lines(panned((0, 0, 0)), scattered(8.0))[1:2]
    assert not found_in(torn, known()[1:2]).places.any()


def test_regions_are_less_torn_by_the_lines_that_were_put_back() -> None:
    places = torch.zeros(3, ROWS)
    places[1, BAND] = 3.0
    nothing = torch.zeros_like(places, dtype=torch.bool)
    lines = TornLines(places=places, filled=nothing)
    left = lines.left(known(), nothing)
    assert left[1, 1:3].flatten() == pytest.approx(0.8 * 0.25)
    assert not left[[0, 2]].any()
    assert not lines.left(known(), ~nothing).any()


@pytest.mark.parametrize("first", [0, 1])
def test_of_fields_their_own_lines_are_put_back_and_those_between_are_made_anew(first: int) -> None:
    fields = _separated(scene(2 * ROWS, 2 * COLUMNS)[[0] * 5], first)
    truth = torch.zeros(5, ROWS)
    truth[2] = scattered(8.0)[1]
    pictures, torn = (_interpolated(each, first) for each in (fields, move_lines(fields, truth)))
    own = [slice((first + number) % 2, None, 2) for number in range(5)]
    surely = torch.zeros(5, REGIONS, 6)
    surely[2] = known()[1]
    found = find_torn_lines(torn, torn[:0], surely, torch.ones(5, 2 * ROWS), own, CPU)
    assert ((found.places[2, own[2]] - truth[2]).abs() > 0.8)[BAND].float().mean() < 0.2
    assert not found.places[2, own[1]].any()
    back = found.put_back(torn, torch.zeros_like(found.places))
    before, after = ((each - pictures)[2].square().mean() for each in (torn, back))
    assert after < 0.15 * before
    untouched = ~(found.filled | (found.places != 0))
    assert torch.equal(back[:, 0][untouched], torn[:, 0][untouched])
