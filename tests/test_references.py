"""Which frames may lend, and which come first."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from verdicts import verdict_on

from tapemend import references
from tapemend.frames import Analysis, References, Shot, Verdict, damaged_cells
from tapemend.references import GAPS, ReferenceFinder
from tapemend.settings import ReferenceSettings

ROWS, COLUMNS = 18, 24


def scene(seed: int, count: int, *, speed: float = 0.0) -> NDArray[np.uint8]:
    """Signatures (count, 12, 16, 3) of a picture that drifts by speed cells a frame."""
    generator = np.random.default_rng(seed)
    wave, phase = generator.normal(0, 0.5, (2, 3)), generator.uniform(0, 7, 3)
    row, column = np.arange(12)[None, :, None, None], np.arange(16)[None, None, :, None]
    shift = np.arange(count)[:, None, None, None] * speed
    return (128 + 60 * np.sin(wave[0] * row + wave[1] * (column + shift) + phase)).astype(np.uint8)


def tape(
    signature: NDArray[np.uint8], damaged: NDArray[np.bool_], cells: NDArray[np.uint8] | None = None
) -> tuple[Analysis, Verdict]:
    """An analysis and a verdict; damaged frames are damaged everywhere unless cells (N, rows, columns) are given."""
    count = len(damaged)
    analysis = Analysis(
        frame_score=damaged.astype(np.float32),
        cell_score=np.zeros((count, ROWS, COLUMNS), np.uint8) if cells is None else cells,
        torn_score=np.zeros((count, ROWS, COLUMNS), np.uint8),
        kind_score=np.zeros((count, 4), np.uint8),
        signature=signature,
        scorer="test 1",
        absolute=True,
    )
    return analysis, verdict_on(damaged)


def marks(count: int, *spans: tuple[int, int]) -> NDArray[np.bool_]:
    marked = np.zeros(count, np.bool_)
    for start, stop in spans:
        marked[start:stop] = True
    return marked


def finder_of(
    analysis: Analysis,
    verdict: Verdict,
    shots: tuple[Shot, ...] | None = None,
    *,
    references: int = 3,
    usable: NDArray[np.bool_] | None = None,
) -> ReferenceFinder:
    whole = (Shot(start=0, stop=len(analysis)),)
    return ReferenceFinder(analysis, verdict, shots or whole, ReferenceSettings(references=references), usable)


def test_references_are_clean_frames_outside_the_window() -> None:
    finder = finder_of(*tape(scene(1, 100), marks(100, (40, 60))), references=8)
    found = finder.find(45, 50)
    assert len(found.indices) == 8
    assert not any(40 <= index < 60 for index in found.indices)


def test_a_clean_frame_of_the_window_itself_is_not_a_reference() -> None:
    damaged = marks(9, (0, 2), (7, 9))
    assert finder_of(*tape(scene(1, 9), damaged)).find(0, 8) == References(indices=(), similarity=())


def test_references_never_come_from_another_scene() -> None:
    analysis, verdict = tape(np.concatenate((scene(2, 15), scene(1, 27), scene(3, 18))), marks(60, (20, 40)))
    shots = (Shot(start=0, stop=15), Shot(start=15, stop=42), Shot(start=42, stop=60))
    found = finder_of(analysis, verdict, shots, references=8).find(25, 30)
    assert set(found.indices) == {15, 16, 17, 18, 19, 40, 41}


def test_a_shot_without_clean_frames_borrows_where_its_scene_comes_back() -> None:
    analysis, verdict = tape(np.concatenate((scene(1, 20), scene(2, 20), scene(1, 20))), marks(60, (40, 60)))
    shots = tuple(Shot(start=start, stop=start + 20) for start in (0, 20, 40))
    found = finder_of(analysis, verdict, shots).find(45, 50)
    assert len(found.indices) == 3
    assert max(found.indices) < 20


def test_of_another_shot_no_damaged_frame_lends() -> None:
    cells = np.zeros((40, ROWS, COLUMNS), np.uint8)
    cells[1:20, :9] = 255
    cells[20:, 9:] = 255
    shots = (Shot(start=0, stop=20), Shot(start=20, stop=40))
    found = finder_of(*tape(scene(1, 40), marks(40, (1, 40)), cells), shots).find(25, 30)
    assert found.indices == (0,)


def test_frames_that_the_file_could_not_give_do_not_lend() -> None:
    analysis, verdict = tape(scene(1, 60), marks(60, (20, 40)))
    usable = ~marks(60, (0, 19), (41, 60))
    found = finder_of(analysis, verdict, references=8, usable=usable).find(25, 30)
    assert set(found.indices) == {19, 40}


def test_the_most_similar_frame_comes_first() -> None:
    signature = scene(1, 100, speed=0.1)
    signature[90] = signature[52]
    found = finder_of(*tape(signature, marks(100, (30, 75)))).find(52, 53)
    assert found.indices[0] == 90
    assert found.similarity[0] == 1.0
    assert list(found.similarity) == sorted(found.similarity, reverse=True)


def test_of_equally_similar_frames_the_nearest_comes_first() -> None:
    found = finder_of(*tape(scene(1, 100), marks(100, (40, 60)))).find(42, 45)
    assert found.indices == (39, 27, 60)


def test_references_lie_apart_in_time_while_there_are_enough() -> None:
    found = finder_of(*tape(scene(1, 300), marks(300, (140, 160))), references=8).find(148, 153)
    indices = sorted(found.indices)
    assert min(np.diff(indices)) >= GAPS[0]


def test_references_may_be_neighbours_when_there_are_no_others() -> None:
    found = finder_of(*tape(scene(1, 30), marks(30, (4, 30))), references=3).find(10, 15)
    assert len(found.indices) == 3
    assert set(found.indices) < {0, 1, 2, 3}


def test_damage_in_the_window_does_not_disturb_the_similarity() -> None:
    signature = np.concatenate((scene(1, 45), scene(2, 10), scene(1, 25), scene(2, 1), scene(1, 19)))
    cells = np.zeros((100, ROWS, COLUMNS), np.uint8)
    cells[45:55, :9] = 255
    signature[45:55, :6] = np.random.default_rng(0).integers(0, 256, (10, 6, 16, 3))
    found = finder_of(*tape(signature, marks(100, (45, 55)), cells)).find(50, 51)
    assert found.indices[0] == 80


def test_a_window_with_damaged_regions_in_clean_frames_only_asks_for_those() -> None:
    cells = np.zeros((40, ROWS, COLUMNS), np.uint8)
    cells[[10, 12, 30], 4, 5] = 255
    found = finder_of(*tape(scene(1, 40), marks(40, (38, 40)), cells), references=8).find(8, 16)
    assert len(found.indices) == 8
    assert 30 not in found.indices


def test_a_clean_frame_with_a_damaged_cell_in_the_region_does_not_lend() -> None:
    cells = np.zeros((40, ROWS, COLUMNS), np.uint8)
    cells[18:22, 3:5] = 255
    cells[15, 4, 7] = 255
    cells[16, 9, 7] = 255
    found = finder_of(*tape(scene(1, 40), marks(40, (18, 22)), cells), references=8).find(18, 22)
    everything = finder_of(*tape(scene(1, 18), marks(18, (17, 18)), cells[2:20]), references=8).find(17, 18)
    assert 15 not in found.indices
    assert 13 not in everything.indices


def test_a_frame_damaged_elsewhere_is_the_second_choice() -> None:
    cells = np.zeros((12, ROWS, COLUMNS), np.uint8)
    cells[:11, 12:] = 255
    cells[5, 12:] = 0
    cells[5, :4] = 255
    found = finder_of(*tape(scene(1, 12), marks(12, (0, 11)), cells), references=3).find(5, 6)
    assert found.indices[0] == 11
    assert set(found.indices[1:]) <= {*range(11)} - {5}
    assert len(found.indices) == 3


def test_a_frame_damaged_in_no_known_place_never_lends() -> None:
    cells = np.zeros((12, ROWS, COLUMNS), np.uint8)
    cells[5, :4] = 255
    finder = finder_of(*tape(scene(1, 12), marks(12, (0, 12)), cells))
    assert finder.find(5, 6).indices == ()


def test_a_tape_without_clean_frames_has_no_references() -> None:
    assert finder_of(*tape(scene(1, 50), marks(50, (0, 50)))).find(10, 15).indices == ()


def test_a_window_without_damage_gets_clean_references_only() -> None:
    cells = np.full((50, ROWS, COLUMNS), 255, np.uint8)
    cells[:30] = 0
    found = finder_of(*tape(scene(1, 50), marks(50, (30, 50)), cells), references=8).find(10, 15)
    assert len(found.indices) == 8
    assert max(found.indices) < 30


def test_no_references_are_given_when_none_are_wanted() -> None:
    assert finder_of(*tape(scene(1, 50), marks(50, (20, 30))), references=0).find(20, 25).indices == ()


def test_flat_pictures_are_alike() -> None:
    grey = np.full((50, 12, 16, 3), 90, np.uint8)
    assert finder_of(*tape(grey, marks(50, (20, 30)))).find(20, 25).similarity == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(("start", "stop"), [(5, 5), (8, 12), (-1, 3), (48, 51), (60, 61)])
def test_a_window_across_a_cut_is_refused(start: int, stop: int) -> None:
    analysis, verdict = tape(scene(1, 50), marks(50, (20, 30)))
    with pytest.raises(ValueError, match="does not lie inside one shot"):
        finder_of(analysis, verdict, (Shot(start=0, stop=10), Shot(start=10, stop=50))).find(start, stop)


@st.composite
def tapes(draw: st.DrawFn) -> tuple[Analysis, Verdict, tuple[Shot, ...], NDArray[np.bool_]]:
    count = draw(st.integers(2, 60))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    damaged = generator.random(count) < draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))
    cells = generator.integers(0, 140, (count, ROWS, COLUMNS)).astype(np.uint8) // draw(st.sampled_from([1, 2]))
    cells[damaged, : draw(st.integers(1, ROWS))] = 255
    analysis, verdict = tape(generator.integers(0, 256, (count, 12, 16, 3)).astype(np.uint8), damaged, cells)
    edges = sorted({0, count, *draw(st.lists(st.integers(0, count), max_size=3))})
    shots = tuple(Shot(start=start, stop=stop) for start, stop in pairwise(edges))
    return analysis, verdict, shots, generator.random(count) < 0.9


@settings(max_examples=80)
@given(tapes(), st.integers(0, 8), st.data())
def test_every_reference_may_lend(
    drawn: tuple[Analysis, Verdict, tuple[Shot, ...], NDArray[np.bool_]], wanted: int, data: st.DataObject
) -> None:
    analysis, verdict, shots, usable = drawn
    shot = data.draw(st.sampled_from(shots))
    start = data.draw(st.integers(shot.start, shot.stop - 1))
    stop = data.draw(st.integers(start + 1, shot.stop))
    found = finder_of(analysis, verdict, shots, references=wanted, usable=usable).find(start, stop)

    hurt = np.arange(start, stop)[verdict.damaged[start:stop]]
    asked = damaged_cells(analysis, verdict, hurt).any(axis=0)
    assert len(found.indices) == len(set(found.indices)) == len(found.similarity) <= wanted
    for index in found.indices:
        assert shot.start <= index < shot.stop or not verdict.damaged[index]
        assert not start <= index < stop
        assert usable[index]
        assert not (damaged_cells(analysis, verdict, index) & asked).any()
    pairs = zip(found.indices, found.similarity, strict=True)
    order = [(bool(verdict.damaged[index]), -value) for index, value in pairs]
    assert order == sorted(order)
    assert all(-1 <= value <= 1 for value in found.similarity)


@settings(max_examples=30)
@given(tapes(), st.randoms(use_true_random=False))
def test_the_order_of_questions_changes_no_answer(
    drawn: tuple[Analysis, Verdict, tuple[Shot, ...], NDArray[np.bool_]], random
) -> None:
    analysis, verdict, shots, usable = drawn
    windows = [(start, min(start + 4, shot.stop)) for shot in shots for start in range(shot.start, shot.stop, 3)]
    finder = finder_of(analysis, verdict, shots, usable=usable)
    answers = {window: finder.find(*window) for window in windows}
    shuffled = random.sample(windows, len(windows))
    other = finder_of(analysis, verdict, shots, usable=usable)
    assert {window: other.find(*window) for window in shuffled} == answers


def test_no_more_frames_are_looked_at_however_long_the_tape(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def counted(analysis: Analysis, verdict: Verdict, frames: NDArray[np.intp]) -> NDArray[np.bool_]:
        looked_at.append(len(frames))
        return damaged_cells(analysis, verdict, frames)

    monkeypatch.setattr(references, "damaged_cells", counted)
    for count in (3_000, 30_000):
        signature = np.broadcast_to(scene(1, 1), (count, 12, 16, 3))
        cells = np.broadcast_to(np.zeros((1, ROWS, COLUMNS), np.uint8), (count, ROWS, COLUMNS))
        shots = tuple(Shot(start=start, stop=start + 1000) for start in range(0, count, 1000))
        finder_of(*tape(signature, np.arange(count) % 50 < 10, cells), shots).find(1500, 1505)
        assert max(looked_at) < 220
