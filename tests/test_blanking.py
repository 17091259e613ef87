"""Lines told out of place by the blanking beside the picture."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from clips import Clip
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import interpolate, pad

from tapemend import checkpoint, pipeline
from tapemend.colour import to_codes
from tapemend.detect.damage import DamageScorer
from tapemend.lines import move_lines
from tapemend.network.blanking import SWITCHING, lines_aside
from tapemend.restore.timebase import TimeBase
from tapemend.restore.windows import Window
from tapemend.settings import RestoreSettings, Settings

ROWS, COLUMNS = 288, 704
BLANK = 8
TOLD = round((1 - SWITCHING) * ROWS)
"""Lines above those where heads take turns."""


def captured(frames: int = 1, brightness: float = 0.5, blank: int = BLANK) -> Tensor:
    """(T, 3, H, W) a soft picture that moves a little, blanking on either side, and a recording's noise."""
    generator = torch.Generator().manual_seed(3)
    soft = interpolate(torch.rand(1, 1, 24, 40, generator=generator), (ROWS, COLUMNS), mode="bicubic")[0, 0]
    luma = torch.stack([brightness * (0.6 + 0.8 * soft.roll(2 * number, 1)) for number in range(frames)])
    luma = pad(luma, (blank, blank)) + 0.012 * torch.randn(frames, ROWS, COLUMNS + 2 * blank, generator=generator)
    return torch.stack([luma, torch.zeros_like(luma), torch.zeros_like(luma)], 1)


def hanging(pixels: float, frames: int = 1) -> Tensor:
    """(T, H) a top that hangs to the right, as a stretched tape's does."""
    return (pixels * torch.exp(-torch.arange(ROWS) / 28)).expand(frames, -1)


def walking(seed: int) -> Tensor:
    """(1, H) lines that walk to and fro, by two pixels in the mean."""
    steps = torch.randn(1, 1, ROWS // 12, generator=torch.Generator().manual_seed(seed))
    return 2 * interpolate(steps, ROWS, mode="linear")[0]


@given(pixels=st.floats(-30, 30).filter(lambda value: abs(value) > 4))
@settings(max_examples=15)
def test_a_top_that_hangs_aside_is_measured_in_one_picture(pixels: float) -> None:
    aside = hanging(pixels)
    places, variances, _ = lines_aside(move_lines(captured(), aside)[:, 0])
    told = variances[0] < 1
    assert told.float().mean() > 0.85
    assert (places - aside)[0, told].square().mean().sqrt() < 0.6


@pytest.mark.parametrize("seed", range(4))
def test_lines_that_walk_are_measured_less_what_they_have_in_common(seed: int) -> None:
    aside = walking(seed)
    places, variances, _ = lines_aside(move_lines(captured(), aside)[:, 0])
    told = variances[0] < 1
    assert told.float().mean() > 0.85
    error = (places - aside)[0, told]
    assert (error - error.median()).square().mean().sqrt() < 0.6
    assert places[0, told].median().abs() < 0.5


def test_each_picture_is_measured_by_itself() -> None:
    moved = move_lines(captured(3), torch.cat([hanging(12), hanging(0), hanging(-7)]))[:, 0]
    together = lines_aside(moved)
    for number in range(3):
        alone = lines_aside(moved[number : number + 1])
        assert all(torch.equal(one[number], other[0]) for one, other in zip(together[:2], alone[:2], strict=True))
    assert [bool(told.any()) for told in together[1].isfinite()] == [True, False, True]


def nothing_told(luma: Tensor) -> bool:
    places, variances, _ = lines_aside(luma)
    return not places.any() and bool(variances.isinf().all())


def test_lines_in_their_place_under_a_mask_are_not_said_to_be_there() -> None:
    """A mask stands still whatever the lines under it do."""
    moved = move_lines(captured(blank=0), walking(1))
    assert nothing_told(pad(moved, (BLANK, BLANK))[:, 0])


@pytest.mark.parametrize("columns", [0, 1, 2])
def test_without_blanking_nothing_is_told(columns: int) -> None:
    assert nothing_told(move_lines(captured(blank=columns), hanging(12))[:, 0])


def test_night_tells_nothing() -> None:
    assert nothing_told(move_lines(captured(brightness=0.1), hanging(12))[:, 0])


def test_bars_beside_a_narrower_picture_are_no_blanking() -> None:
    assert nothing_told(move_lines(captured(blank=90), hanging(12))[:, 0])


def test_a_picture_whose_edges_are_worn_each_for_itself_has_no_lines_out_of_place() -> None:
    luma, column = captured(blank=0)[0, 0], torch.arange(COLUMNS)
    left, right = (9 + walking(seed)[0, :, None] for seed in (5, 6))
    worn = torch.where((column > left) & (column < COLUMNS - 1 - right), luma, 0.01)
    assert nothing_told(worn[None])


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_dark_things_beside_the_edges_hide_their_own_lines_only(seed: int) -> None:
    picture, aside = captured(), walking(seed)
    hidden = torch.zeros(ROWS, dtype=torch.bool)
    for rows, columns in ((slice(40, 110), slice(0, BLANK + 12)), (slice(180, 230), slice(-BLANK - 9, None))):
        picture[0, 0, rows, columns] = 0.02
        hidden[rows] = True
    places, variances, _ = lines_aside(move_lines(picture, aside)[:, 0])
    told = variances[0] < 1
    assert told[:TOLD][~hidden[:TOLD]].float().mean() > 0.85
    assert told[hidden].float().mean() < 0.2
    off = (places - aside)[0, told]
    assert (off - off.median()).abs().quantile(0.95) < 1


def test_where_heads_take_turns_lines_stay() -> None:
    """On every good tape the lowest lines are torn."""
    torn = torch.zeros(1, ROWS)
    torn[:, TOLD:] = 14
    assert nothing_told(move_lines(captured(), torn)[:, 0])
    assert lines_aside(move_lines(captured(), torn + hanging(12))[:, 0])[1][0, TOLD + 6 :].isinf().all()


@pytest.mark.parametrize("size", [(1, 1), (1, 720), (288, 60), (3, 80)])
def test_small_pictures_tell_nothing(size: tuple[int, int]) -> None:
    assert nothing_told(torch.rand(2, *size))


def test_the_scorer_sees_a_top_that_hangs_aside_alike_in_all_frames() -> None:
    scorer = DamageScorer(checkpoint.read("scorer-default", "scorer"), torch.device("cpu"))
    straight = captured(4)
    bent = move_lines(straight, hanging(16, 4))
    after, before = scorer.score(bent), scorer.score(straight)
    assert (after.cells[:, 0] > 0.9).all()
    assert (after.torn[:, 0] > 0.9).all()
    assert (after.frames > 0.9).all()
    assert torch.allclose(after.cells[:, 9:], before.cells[:, 9:], atol=0.05)
    assert (after.kinds[:, 0] > before.kinds[:, 0] + 0.03).all()
    assert torch.allclose(after.kinds[:, 1:], before.kinds[:, 1:], atol=0.05)


@pytest.mark.parametrize("bent", [(8, 8, 8, 8, 8), (0, 0, 8, 0, 8)])
def test_a_picture_that_lies_aside_as_a_whole_is_told_beside_others_and_put_back(bent: tuple[int, ...]) -> None:
    """Its motion looks like the camera's; blanking does not move with a camera."""
    frames = 5
    aside = torch.cat([hanging(each) for each in bent]) + torch.tensor([0.0, 0.0, 1.5, 0.0, -2.0])[:, None]
    moved = move_lines(captured(frames), aside)
    assert (lines_aside(moved[:, 0])[2] - aside[:, TOLD]).abs().max() < 0.2
    window = Window(start=0, stop=frames, first=0, last=frames)
    found = TimeBase(torch.device("cpu")).displacements(window, moved, torch.ones(frames))[0]
    assert (found - aside)[:, :TOLD].square().mean().sqrt() < 0.6
    assert (found[2] - found[1])[150:TOLD].mean() == pytest.approx(1.5, abs=0.3)
    whole = TimeBase(torch.device("cpu")).displacements(window, moved, torch.zeros(frames))[0]
    assert whole[:, 150:TOLD].abs().max() < 0.3


def test_lines_are_known_where_blanking_tells_them_and_nowhere_without() -> None:
    aside, window = hanging(8, 3), Window(start=0, stop=3, first=0, last=3)
    for blank, share in ((BLANK, 0.85), (0, 0.0)):
        bent = move_lines(captured(3, blank=blank), aside)
        told = TimeBase(torch.device("cpu")).displacements(window, bent, torch.ones(3))[1]
        assert told.float().mean(1).min() >= share
        assert told.any() == (share > 0)


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_what_is_bent_alike_in_all_frames_is_put_back(frames: int) -> None:
    aside = hanging(16, frames)
    bent = move_lines(captured(frames), aside)
    window = Window(start=0, stop=frames, first=0, last=frames)
    found = TimeBase(torch.device("cpu")).displacements(window, bent, torch.ones(frames))[0]
    assert (found - aside)[:, :TOLD].square().mean().sqrt() < 0.6


def test_a_tape_whose_top_hangs_aside_for_some_frames_is_straightened_there_and_nowhere_else(tmp_path: Path) -> None:
    """The whole way, with the weights that ship."""
    straight, bent = captured(8), range(3, 6)
    aside = torch.zeros(8, ROWS)
    aside[3:6] = hanging(14)
    codes = [to_codes(pictures) for pictures in (straight, move_lines(straight, aside))]
    before, tape = (each.numpy() for each in codes)
    size = {"width": tape.shape[-1], "height": ROWS, "frame_count": 8, "pixel_format": "yuv444p"}
    source = Clip(picture=lambda index: tuple(tape[index]), **size).write(tmp_path / "tape.mkv")
    outcome = pipeline.restore(source, tmp_path / "restored.mkv", Settings(restore=RestoreSettings(device="cpu")))
    with av.open(str(outcome.written.path)) as opened:
        after = np.stack([frame.to_ndarray() for frame in opened.decode(video=0)])
    moved = json.loads(outcome.report_json.read_text(encoding="utf-8"))["frames"]["lines_put_back_pixels"]
    assert [index for index, pixels in enumerate(moved) if pixels > 0] == list(bent)
    assert all(12 < moved[index] < 16 for index in bent)
    for index in range(8):
        if index in bent:
            errors = [(each[index][0].astype(float) - before[index][0])[:100] ** 2 for each in (tape, after)]
            assert errors[1].mean() < 0.2 * errors[0].mean()
        else:
            assert np.array_equal(after[index], tape[index])
