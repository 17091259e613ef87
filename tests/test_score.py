"""Frames to scores, on disk."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import write_brightness_scorer, write_scorer
from torch import Tensor

from tapemend import checkpoint
from tapemend.colour import to_ycbcr
from tapemend.detect import analyse, load
from tapemend.detect.damage import WORST_SHARE, DamageScorer, shares, worst
from tapemend.detect.score import ANALYSIS_FILES, CELL_COLUMNS, CELL_ROWS, Scores, signature
from tapemend.frames import Frame, FrameState
from tapemend.pictures import layout_of

LAYOUT = layout_of("gray", 2)
CPU = torch.device("cpu")


class Brightness:
    """Scores a frame by its mean luma, every region and kind alike, and says that half of it is torn."""

    name, absolute = "brightness", True

    def __init__(self) -> None:
        self.batches: list[int] = []

    def score(self, pictures: Tensor) -> Scores:
        self.batches.append(len(pictures) - 2)
        mean = pictures[1:-1, 0].mean((1, 2))
        cells = mean[:, None, None].expand(-1, CELL_ROWS, CELL_COLUMNS)
        return Scores(frames=mean, cells=cells, torn=cells / 2, kinds=mean[:, None].expand(-1, 5))


def grey_frames(levels: list[int], width: int = 32, height: int = 24) -> list[Frame]:
    return [
        Frame(index=i, pts=i, planes=(np.full((height, width), level, np.uint8),), state=FrameState.DECODED)
        for i, level in enumerate(levels)
    ]


def beside_itself(pictures: Tensor) -> Tensor:
    """(B, ...) to (B + 2, ...), as at a tape's ends."""
    return torch.cat([pictures[:1], pictures, pictures[-1:]])


def scorer_of(path: Path) -> DamageScorer:
    return DamageScorer(checkpoint.read(str(path), "scorer"), CPU)


@pytest.mark.parametrize("count", [1, 4, 7, 9])
def test_every_frame_has_its_scores_in_order(tmp_path: Path, count: int) -> None:
    levels, scorer = [(29 * index) % 256 for index in range(count)], Brightness()
    found = analyse(iter(grey_frames(levels)), LAYOUT, scorer, tmp_path / "analysis")
    assert sum(scorer.batches) == len(found) == count
    np.testing.assert_allclose(found.frame_score, np.array(levels) / 255, atol=1e-6)
    assert found.cell_score.shape == (count, 18, 24)
    np.testing.assert_array_equal(found.cell_score[:, 17, 23], levels)
    np.testing.assert_allclose(found.torn_score[:, 2, 3], np.array(levels) / 2, atol=0.5)
    np.testing.assert_array_equal(found.kind_score, np.repeat(np.array(levels)[:, None], 5, 1))
    np.testing.assert_array_equal(
        found.signature[..., 0], np.broadcast_to(np.array(levels)[:, None, None], (count, 12, 16))
    )
    assert (found.signature[..., 1:] == 128).all()


def test_what_grows_with_the_tape_lies_on_disk(tmp_path: Path) -> None:
    found = analyse(iter(grey_frames([10, 20])), LAYOUT, Brightness(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(ANALYSIS_FILES)
    for values in (found.cell_score, found.torn_score, found.kind_score, found.signature):
        assert isinstance(values.base, np.memmap) or isinstance(values, np.memmap)
        assert not values.flags.writeable
    again = load(tmp_path, "brightness", absolute=True)
    np.testing.assert_array_equal(again.cell_score, found.cell_score)
    np.testing.assert_array_equal(again.frame_score, found.frame_score)


def test_an_analysis_that_was_broken_off_is_written_anew(tmp_path: Path) -> None:
    analyse(iter(grey_frames([10] * 9)), LAYOUT, Brightness(), tmp_path)
    assert len(analyse(iter(grey_frames([200, 100])), LAYOUT, Brightness(), tmp_path)) == 2


class Neighbours:
    """Scores a frame by what the frames beside it add to it: the one before tenfold, the one after a hundredfold."""

    name, absolute = "neighbours", False

    def score(self, pictures: Tensor) -> Scores:
        level = 255 * pictures[:, 0, 0, 0]
        score = level[1:-1] + 10 * level[:-2] + 100 * level[2:]
        cells = torch.zeros(len(score), CELL_ROWS, CELL_COLUMNS)
        return Scores(frames=score, cells=cells, torn=cells, kinds=torch.zeros(len(score), 5))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 8, 9])
def test_every_frame_is_scored_between_its_neighbours(tmp_path: Path, count: int) -> None:
    found = analyse(iter(grey_frames(list(range(1, count + 1)))), LAYOUT, Neighbours(), tmp_path)
    expected = [n + 10 * max(1, n - 1) + 100 * min(count, n + 1) for n in range(1, count + 1)]
    np.testing.assert_allclose(found.frame_score, expected, rtol=1e-5)


class Restless:
    """Scores a frame by its luma, and half of how much it differs from the frames beside it."""

    name = "restless"

    def __init__(self, absolute: bool = True) -> None:
        self.absolute = absolute

    def score(self, pictures: Tensor) -> Scores:
        level = pictures[:, 0, 0, 0]
        change = (level[1:-1] - level[:-2]).abs().maximum((level[1:-1] - level[2:]).abs())
        score = level[1:-1] + change / 2
        cells = score[:, None, None].expand(-1, CELL_ROWS, CELL_COLUMNS)
        return Scores(frames=score, cells=cells, torn=cells, kinds=score[:, None].expand(-1, 5))


@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_frames_beside_surely_damaged_ones_are_scored_as_if_these_were_not_there(tmp_path: Path, first: int) -> None:
    levels = [*[40] * first, 40, 230, 40, 230, 230, 40, 50, 50]
    found = analyse(iter(grey_frames(levels)), LAYOUT, Restless(), tmp_path / "absolute")
    calm = np.array([*[40] * first, 40, 0, 40, 0, 0, 45, 50, 50]) / 255
    clean = np.array(levels) < 200
    np.testing.assert_allclose(found.frame_score[clean], calm[clean], atol=1e-6)
    np.testing.assert_allclose(found.frame_score[~clean], (230 + 190 / 2) / 255, atol=1e-6)
    for told in (found.cell_score[:, 0, 0], found.torn_score[:, 0, 0], found.kind_score[:, 0]):
        np.testing.assert_allclose(told[clean], 255 * calm[clean], atol=0.5)
    left = analyse(iter(grey_frames(levels)), LAYOUT, Restless(absolute=False), tmp_path / "relative")
    np.testing.assert_allclose(left.frame_score[first], (40 + 190 / 2) / 255, atol=1e-6)


def test_no_more_frames_are_held_than_are_scored_together(tmp_path: Path) -> None:
    taken: list[int] = []

    def frames() -> Iterator[Frame]:
        for frame in grey_frames([0] * 12):
            assert frame.index <= 4 * (len(scorer.batches) + 1)
            taken.append(frame.index)
            yield frame

    scorer = Brightness()
    analyse(frames(), LAYOUT, scorer, tmp_path)
    assert taken == list(range(12))


def test_a_signature_is_the_mean_of_each_part_of_the_picture() -> None:
    picture = torch.zeros(1, 3, 48, 64)
    picture[0, 0, :4, 4:8] = 0.5
    picture[0, 1, 44:, 60:] = -0.25
    found = signature(picture)
    assert found.shape == (1, 12, 16, 3)
    assert found[0, 0, 1].tolist() == [0.5, 0.5, 0.5]
    assert found[0, 11, 15].tolist() == [0.0, 0.25, 0.5]
    assert found[0, 5, 5].tolist() == [0.0, 0.5, 0.5]


@pytest.mark.parametrize("size", [(72, 96), (29, 37), (16, 16), (2, 2), (1, 1)])
@pytest.mark.parametrize("verdict", [0.0, 0.3])
def test_pictures_of_any_size_are_scored(tmp_path: Path, size: tuple[int, int], verdict: float) -> None:
    scorer = scorer_of(write_scorer(tmp_path / "s.safetensors", verdict))
    scorer.precision = torch.float32
    scores = scorer.score(torch.rand(1, 3, *size).expand(4, -1, -1, -1))
    assert [values.shape for values in scores] == [(2,), (2, 18, 24), (2, 18, 24), (2, 5)]
    for values in scores:
        torch.testing.assert_close(values, torch.full_like(values, verdict), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(576, 720), (244, 378), (300, 402)])
def test_regions_lie_where_their_damage_is(tmp_path: Path, size: tuple[int, int]) -> None:
    height, width = size
    picture = torch.zeros(1, 3, height, width)
    top, left = 11 * height // CELL_ROWS, 21 * width // CELL_COLUMNS
    picture[:, 0, top:, left:] = 1.0
    cells = scorer_of(write_brightness_scorer(tmp_path / "s.safetensors")).score(picture.expand(3, -1, -1, -1)).cells
    assert (cells[0, 12:, 22:] > 0.99).all()
    assert (cells[0, :10] < 0.01).all()
    assert (cells[0, :, :20] < 0.01).all()


@pytest.mark.parametrize(
    ("length", "step", "parts"), [(576, 8, 18), (244, 8, 18), (720, 16, 24), (402, 16, 24), (5, 8, 18)]
)
def test_parts_of_a_side_take_from_its_cells_what_lies_in_them(length: int, step: int, parts: int) -> None:
    cells = torch.rand(1, 1, -(-length // step))
    pixels = cells.repeat_interleave(step, -1)[..., :length]
    pooled = torch.nn.functional.adaptive_avg_pool1d(pixels, parts)
    torch.testing.assert_close(shares(length, step, parts) @ cells[0, 0], pooled[0, 0])


def test_a_frame_is_as_damaged_as_its_worst_regions(tmp_path: Path) -> None:
    scorer = scorer_of(write_brightness_scorer(tmp_path / "s.safetensors"))
    pictures = torch.zeros(3, 3, 144, 384)
    pictures[1, 0, :8] = 1.0
    pictures[2, 0, :8, :16] = 1.0
    frame, cells, *_ = scorer.score(beside_itself(pictures))
    judged = round(WORST_SHARE * CELL_ROWS * CELL_COLUMNS)
    assert judged <= CELL_COLUMNS
    assert (cells > 0.5).sum((1, 2)).tolist() == [0, CELL_COLUMNS, 1]
    assert frame[0] < 0.01
    assert frame[1] > 0.99
    assert frame[2] == pytest.approx(1 / judged, abs=0.01)


def test_of_few_regions_the_worst_is_what_a_frame_is_judged_by() -> None:
    assert worst(torch.tensor([[[0.1, 0.9], [0.2, 0.3]]])).tolist() == pytest.approx([0.9])


def test_the_same_weights_have_the_same_name_wherever_they_lie(tmp_path: Path) -> None:
    one = write_scorer(tmp_path / "one.safetensors", 0.5)
    same = Path(shutil.copy(one, tmp_path / "same.safetensors"))
    other = write_scorer(tmp_path / "other.safetensors", 0.6)
    assert scorer_of(one).name == scorer_of(same).name != scorer_of(other).name


def test_scores_do_not_depend_on_the_company_of_a_frame(tmp_path: Path) -> None:
    frames = grey_frames([0, 255, 30, 128, 77])
    frames[2] = Frame(
        index=2, pts=2, planes=(np.tile(np.arange(32, dtype=np.uint8) * 8, (24, 1)),), state=frames[2].state
    )
    scorer = scorer_of(write_brightness_scorer(tmp_path / "s.safetensors"))
    pictures = torch.stack([to_ycbcr(frame.planes, LAYOUT) for frame in frames])
    row = beside_itself(pictures)
    together = scorer.score(row)
    for number in range(len(frames)):
        alone = scorer.score(row[number : number + 3])
        for values, part in zip(together, alone, strict=True):
            torch.testing.assert_close(values[number], part[0], atol=1e-6, rtol=0)
