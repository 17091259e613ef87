"""Separation of clean from damaged, and the tapes that cannot be separated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from tapemend.detect import otsu
from tapemend.detect.otsu import damaged_cells, judge
from tapemend.frames import Analysis, Verdict


def analysis_of(
    scores: NDArray[np.floating], *, absolute: bool = True, cells: NDArray[np.uint8] | None = None
) -> Analysis:
    count = len(scores)
    if cells is None:
        cells = np.zeros((count, 3, 4), np.uint8)
    return Analysis(
        frame_score=np.asarray(scores, np.float32),
        cell_score=cells,
        torn_score=np.zeros_like(cells),
        kind_score=np.zeros((count, 4), np.uint8),
        signature=np.zeros((count, 12, 16, 3), np.uint8),
        scorer="test 1",
        absolute=absolute,
    )


def verdict_of(scores: NDArray[np.floating], *, absolute: bool = True) -> Verdict:
    return judge(analysis_of(scores, absolute=absolute))


def two_groups(
    *, clean: tuple[float, float], damaged: tuple[float, float], share: float = 0.4, count: int = 500
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    generator = np.random.default_rng(7)
    truth = generator.random(count) < share
    return np.where(truth, generator.normal(*damaged, count), generator.normal(*clean, count)), truth


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_two_clear_groups_are_split_between_them(absolute: bool, share: float) -> None:
    scores, truth = two_groups(clean=(0.05, 0.02), damaged=(0.7, 0.08), share=share)
    verdict = verdict_of(scores, absolute=absolute)
    assert verdict.separable
    assert np.array_equal(verdict.damaged, truth)
    assert verdict.confidence > 0.8
    assert "two groups" in verdict.reason


def test_a_wide_group_of_damaged_frames_is_not_cut_through() -> None:
    generator = np.random.default_rng(3)
    truth = generator.random(1000) < 0.8
    scores = np.where(truth, generator.uniform(0.3, 1, 1000), generator.normal(0.05, 0.02, 1000))
    assert np.array_equal(verdict_of(scores).damaged, truth)


def test_similarities_that_hardly_differ_are_split_by_their_shape() -> None:
    scores, truth = two_groups(clean=(0.221, 0.001), damaged=(0.231, 0.001))
    verdict = verdict_of(scores, absolute=False)
    assert verdict.separable
    assert np.array_equal(verdict.damaged, truth)


def test_an_all_clean_tape_is_not_split_in_two() -> None:
    scores = np.random.default_rng(1).beta(1, 60, 800)
    verdict = verdict_of(scores)
    assert not verdict.separable
    assert verdict.threshold == otsu.ABSOLUTE_THRESHOLD
    assert not verdict.damaged.any()
    assert verdict.confidence == 0


def test_scores_under_a_tenth_are_a_clean_tape_however_bimodal() -> None:
    scores, _ = two_groups(clean=(0.01, 0.001), damaged=(0.09, 0.001))
    verdict = verdict_of(scores)
    assert not verdict.separable
    assert not verdict.damaged.any()
    assert "not a clean and a damaged one" in verdict.reason


def test_an_all_damaged_tape_is_damaged_however_bimodal() -> None:
    scores, _ = two_groups(clean=(0.6, 0.01), damaged=(0.95, 0.01))
    verdict = verdict_of(scores)
    assert not verdict.separable
    assert verdict.damaged.all()


@pytest.mark.parametrize(("score", "damaged"), [(0.02, False), (0.98, True)])
def test_one_frame_is_judged_by_the_scorers_own_threshold(score: float, damaged: bool) -> None:
    verdict = verdict_of(np.array([score]))
    assert not verdict.separable
    assert verdict.damaged.tolist() == [damaged]


def test_two_frames_are_too_few_to_show_two_groups() -> None:
    verdict = verdict_of(np.array([0.1, 0.9]))
    assert not verdict.separable
    assert "too few" in verdict.reason
    assert verdict.damaged.tolist() == [False, True]


@pytest.mark.parametrize("count", [1, 2, 500])
def test_constant_similarities_say_nothing_so_every_frame_is_damaged(count: int) -> None:
    verdict = verdict_of(np.full(count, 0.24), absolute=False)
    assert not verdict.separable
    assert verdict.damaged.all()
    assert "every frame is taken for damaged" in verdict.reason


def test_a_tape_without_frames_has_a_verdict() -> None:
    verdict = verdict_of(np.zeros(0))
    assert not verdict.separable
    assert verdict.damaged.shape == (0,)


def test_one_group_is_never_split() -> None:
    generator = np.random.default_rng(5)
    for _ in range(20):
        for scores in (
            generator.normal(0.25, 0.01, 400),
            generator.uniform(0.2, 0.3, 400),
            generator.exponential(0.1, 400),
            generator.lognormal(0, 1, 400),
        ):
            assert not verdict_of(scores, absolute=False).separable


def test_a_wide_even_spread_is_judged_by_the_scorers_own_threshold() -> None:
    verdict = verdict_of(np.random.default_rng(2).uniform(0, 1, 1000))
    assert not verdict.separable
    assert verdict.threshold == otsu.ABSOLUTE_THRESHOLD


def test_a_score_that_is_no_number_is_refused_with_its_frame() -> None:
    with pytest.raises(ValueError, match="frame 1 has the score nan"):
        verdict_of(np.array([0.1, np.nan, 0.9]))


@given(arrays(np.float32, st.integers(0, 60), elements=st.floats(0, 1, width=32)), st.booleans())
def test_damaged_frames_are_those_above_the_threshold(scores: NDArray[np.float32], absolute: bool) -> None:
    verdict = verdict_of(scores, absolute=absolute)
    assert np.array_equal(verdict.damaged, scores.astype(np.float64) > verdict.threshold)
    assert 0 <= verdict.confidence <= 1
    if verdict.separable:
        assert 0 < verdict.damaged.mean() < 1


@given(arrays(np.float32, 40, elements=st.floats(0, 1, width=32)), st.randoms(use_true_random=False))
def test_the_order_of_frames_does_not_matter(scores: NDArray[np.float32], random) -> None:
    order = np.array(random.sample(range(40), 40))
    verdict, shuffled = verdict_of(scores, absolute=False), verdict_of(scores[order], absolute=False)
    assert verdict.threshold == shuffled.threshold
    assert np.array_equal(verdict.damaged[order], shuffled.damaged)


def cells_with(share: float, clean: tuple[int, int], damaged: tuple[int, int], count: int = 300) -> NDArray[np.uint8]:
    generator = np.random.default_rng(11)
    truth = generator.random((count, 3, 4)) < share
    return np.where(
        truth, generator.integers(*damaged, (count, 3, 4)), generator.integers(*clean, (count, 3, 4))
    ).astype(np.uint8)


@pytest.mark.parametrize(
    ("clean", "damaged", "least", "most"),
    [
        ((0, 20), (200, 256), 24, 160),  # the valley's own floor
        ((0, 2), (40, 42), 24, 24),  # a low valley is held up
        ((100, 110), (246, 256), 128, 160),
        ((0, 4), (20, 24), 96, 96),  # all clean: the absolute threshold
        ((170, 180), (240, 250), 96, 96),  # all damaged
    ],
)
def test_the_threshold_for_regions_stays_near_the_absolute_one(
    clean: tuple[int, int], damaged: tuple[int, int], least: int, most: int
) -> None:
    cells = cells_with(0.3, clean, damaged)
    verdict = judge(analysis_of(np.zeros(300), cells=cells))
    assert least <= verdict.cell_threshold <= most


def test_regions_are_counted_the_same_in_chunks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = analysis_of(np.zeros(300), cells=cells_with(0.3, (0, 60), (150, 256)))
    whole = judge(analysis).cell_threshold
    monkeypatch.setattr(otsu, "CHUNK_FRAMES", 7)
    assert judge(analysis).cell_threshold == whole


def test_damaged_cells_are_those_above_the_threshold() -> None:
    scores, truth = two_groups(clean=(0.05, 0.02), damaged=(0.8, 0.02), count=300)
    cells = np.zeros((300, 3, 4), np.uint8)
    cells[truth, 1] = 250
    analysis = analysis_of(scores, cells=cells)
    verdict = judge(analysis)
    hurt, sound = int(np.flatnonzero(truth)[0]), int(np.flatnonzero(~truth)[0])
    assert damaged_cells(analysis, verdict, hurt).sum(axis=1).tolist() == [0, 4, 0]
    assert not damaged_cells(analysis, verdict, sound).any()
    assert damaged_cells(analysis, verdict, np.array([hurt, sound])).shape == (2, 3, 4)


def test_a_frame_damaged_nowhere_in_particular_is_damaged_everywhere() -> None:
    scores, truth = two_groups(clean=(0.2, 0.001), damaged=(0.25, 0.001), count=300)
    analysis = analysis_of(scores, absolute=False, cells=np.full((300, 3, 4), 90, np.uint8))
    verdict = judge(analysis)
    everywhere = damaged_cells(analysis, verdict, np.arange(300))
    assert np.array_equal(everywhere.all(axis=(1, 2)), truth)
    assert np.array_equal(everywhere.any(axis=(1, 2)), truth)
