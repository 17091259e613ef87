"""Restoring stretches of tape: what is changed, what is not, and that it never depends on how work was cut."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import write_idle_restorer, write_restorer
from numpy.typing import NDArray
from test_motion import scene as blobs
from test_timebase import swaying
from torch import Tensor
from verdicts import verdict_on

from tapemend import checkpoint
from tapemend.frames import (
    Analysis,
    Frame,
    FrameState,
    PixelLayout,
    Plane,
    References,
    Repair,
    Restored,
    ScanType,
    Shot,
)
from tapemend.lines import move_lines
from tapemend.pictures import layout_of
from tapemend.references import ReferenceFinder
from tapemend.restore import Plan, Restorer, TapeRestorer
from tapemend.restore.restorer import _pixels, on_the_grid, region_weight
from tapemend.restore.tape import heavy
from tapemend.settings import Precision, ReferenceSettings, RestoreSettings

ROWS, COLUMNS = 18, 24
PLAIN = RestoreSettings(device="cpu", precision=Precision.FLOAT32)
Marks = NDArray[np.bool_]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> checkpoint.Checkpoint:
    path = write_restorer(tmp_path_factory.mktemp("weights") / "random.safetensors")
    return checkpoint.read(str(path), "restorer")


def texture(index: int, width: int, height: int, seed: int = 0) -> tuple[Plane, ...]:
    """A 4:2:0 picture of smooth waves that drift, with some noise."""
    generator = np.random.default_rng([seed, index])
    planes = []
    for shrink in (1, 2, 2):
        rows, columns = np.mgrid[: -(-height // shrink), : -(-width // shrink)]
        wave = 128 + 60 * np.sin((columns + 2 * index) / 5 + rows / 9 + shrink)
        planes.append(np.clip(wave + generator.normal(0, 8, wave.shape), 0, 255).astype(np.uint8))
    return tuple(planes)


def layout_420() -> PixelLayout:
    return layout_of("yuv420p", 1)


class Scene:
    """A tape in memory, with what is known of its damage."""

    def __init__(self, damaged: Marks, width: int = 64, height: int = 48, cuts: tuple[int, ...] = ()) -> None:
        """damaged: (N, rows, columns) regions."""
        count = len(damaged)
        self.frames = [
            Frame(index=index, pts=index, planes=texture(index, width, height), state=FrameState.DECODED)
            for index in range(count)
        ]
        generator = np.random.default_rng(1)
        self.analysis = Analysis(
            frame_score=damaged.mean((1, 2)).astype(np.float32),
            cell_score=damaged.astype(np.uint8) * 255,
            torn_score=damaged.astype(np.uint8) * 255,
            kind_score=np.zeros((count, 5), np.uint8),
            signature=generator.integers(0, 256, (count, 12, 16, 3)).astype(np.uint8),
            scorer="marks",
            absolute=True,
        )
        self.verdict = verdict_on(damaged.any((1, 2)), threshold=0.0)
        self.shots = tuple(Shot(start=start, stop=stop) for start, stop in pairwise((0, *cuts, count)))

    def plan(self, references: int = 2) -> Plan:
        finder = ReferenceFinder(
            self.analysis, self.verdict, self.shots, ReferenceSettings(references=references), None
        )
        return Plan(
            layout=layout_420(),
            analysis=self.analysis,
            verdict=self.verdict,
            shots=self.shots,
            find_references=finder.find,
            fetch=self.frames.__getitem__,
            scan=ScanType.PROGRESSIVE,
        )

    def restored(
        self, weights: checkpoint.Checkpoint, settings: RestoreSettings = PLAIN, edges: tuple[int, ...] = ()
    ) -> list[Restored]:
        restorer = TapeRestorer(Restorer(weights, settings), self.plan())
        found = []
        for start, stop in pairwise((0, *edges, len(self.frames))):
            first, last = restorer.needed(start, stop)
            found += restorer.restore(start, stop, iter(self.frames[first:last]))
        return found


def marks(count: int, *stretches: tuple[int, int], regions: tuple[slice, slice] = np.s_[:, :]) -> Marks:
    damaged = np.zeros((count, ROWS, COLUMNS), np.bool_)
    for start, stop in stretches:
        damaged[(slice(start, stop), *regions)] = True
    return damaged


def assert_same(found: list[Restored], wanted: list[Restored]) -> None:
    assert [each.frame.index for each in found] == [each.frame.index for each in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one.repair == other.repair
        for plane, expected in zip(one.frame.planes, other.frame.planes, strict=True):
            np.testing.assert_array_equal(plane, expected)


def luma_of(frame: Frame) -> NDArray[np.int64]:
    return frame.planes[0].astype(np.int64)


def luma(restored: Restored) -> NDArray[np.int64]:
    return luma_of(restored.frame)


def test_damaged_frames_change_and_clean_ones_are_the_very_same(weights: checkpoint.Checkpoint) -> None:
    scene = Scene(marks(20, (6, 9)))
    found = scene.restored(weights)
    assert [each.frame.index for each in found if each.repair.changed > 0] == [6, 7, 8]
    assert [each.repair.references is not None for each in found] == [6 <= index < 9 for index in range(20)]
    for each, before in zip(found, scene.frames, strict=True):
        assert each.frame.pts == before.pts
        if each.repair.references is None:
            assert each.frame is before


def test_the_share_that_changed_is_counted(weights: checkpoint.Checkpoint) -> None:
    scene = Scene(marks(6, (2, 4)))
    for each, before in zip(scene.restored(weights), scene.frames, strict=True):
        different = [np.mean(new != old) for new, old in zip(each.frame.planes, before.planes, strict=True)]
        assert each.repair.changed == pytest.approx(np.mean(different))


def test_regions_judged_clean_keep_their_codes(weights: checkpoint.Checkpoint) -> None:
    """Where no lines are torn, which are put back as a whole."""
    scene = Scene(marks(8, (2, 5), regions=np.s_[:6, :8]), width=96, height=72)
    scene.analysis.torn_score[:] = 0
    for each, before in zip(scene.restored(weights)[2:5], scene.frames[2:5], strict=True):
        assert (luma(each)[:24, :32] != before.planes[0][:24, :32]).mean() > 0.5
        for plane, old, shrink in zip(each.frame.planes, before.planes, (1, 2, 2), strict=True):
            np.testing.assert_array_equal(plane[4 * 8 // shrink :], old[4 * 8 // shrink :])
            np.testing.assert_array_equal(plane[:, 4 * 10 // shrink :], old[:, 4 * 10 // shrink :])


def test_a_clean_frame_with_a_damaged_region_is_mended_there_only(weights: checkpoint.Checkpoint) -> None:
    scene = Scene(marks(6, (2, 3), regions=np.s_[8:10, 10:12]), width=96, height=72)
    scene.verdict = replace(scene.verdict, damaged=np.zeros(6, np.bool_))
    found = scene.restored(weights)
    assert [each.repair.changed > 0 for each in found] == [False, False, True, False, False, False]
    changed = np.argwhere(luma(found[2]) != scene.frames[2].planes[0])
    assert changed.min(0).tolist() >= [24, 28]
    assert changed.max(0).tolist() <= [48, 60]


@pytest.mark.parametrize(("score", "changes"), [(5, False), (6, True)])
def test_a_doubtful_region_changes_in_a_damaged_frame_only(
    weights: checkpoint.Checkpoint, score: int, changes: bool
) -> None:
    scene = Scene(marks(6, (2, 3), regions=np.s_[:4, :4]), width=96, height=72)
    scene.analysis.cell_score[:, -2:, -2:] = score
    found = scene.restored(weights)
    assert [each.repair.changed > 0 for each in found] == [False, False, True, False, False, False]
    assert (luma(found[2])[-8:, -8:] != scene.frames[2].planes[0][-8:, -8:]).any() == changes


def torn(frame: Frame, shift: Tensor) -> Frame:
    """A frame whose lines were moved right by (H,) pixels."""
    planes = []
    for plane, shrink in zip(frame.planes, (1, 2, 2), strict=True):
        moved = move_lines(torch.from_numpy(plane)[None, None].float(), shift[None, ::shrink] / shrink)
        planes.append(moved[0, 0].round().to(torch.uint8).numpy())
    return replace(frame, planes=tuple(planes))


class SwayingScene(Scene):
    """A scene of three torn frames, of which the first is judged clean but for a region."""

    def __init__(self) -> None:
        damaged = marks(8, (4, 6))
        damaged[3, :6, :8] = True
        super().__init__(damaged, width=192, height=128)
        self.verdict = replace(self.verdict, damaged=damaged.all((1, 2)))
        still = (blobs(128, 192)[0] * 200 + torch.tensor([20, 128, 128])[:, None, None]).clamp(0, 255).to(torch.uint8)
        planes = tuple(plane[::shrink, ::shrink].numpy() for plane, shrink in zip(still, (1, 2, 2), strict=True))
        self.whole = [replace(frame, planes=planes) for frame in self.frames]
        self.frames = list(self.whole)
        for index in (3, 4, 5):
            shift = swaying(1, 2.0, seed=index)[0]
            self.frames[index] = torn(self.frames[index], shift)


def test_lines_of_damaged_frames_are_put_back(tmp_path: Path) -> None:
    tape = SwayingScene()
    found = tape.restored(write_idle_restorer(tmp_path / "idle.safetensors"))
    for index, each in enumerate(found):
        whole = luma_of(tape.whole[index])
        before, after = (np.square(luma_of(frame) - whole).mean() for frame in (tape.frames[index], each.frame))
        if index in (4, 5):
            assert after < 0.6 * before
            assert 1 < each.repair.moved < 8
        elif index != 3:
            assert each.repair.moved == each.repair.changed == 0
    changed = np.argwhere(luma(found[3]) != luma_of(tape.frames[3]))
    assert 0 < changed[:, 0].max() < 128 * 8 // ROWS


def test_lines_stay_where_they_are_if_nothing_is_torn_by_a_scorer_that_tells(tmp_path: Path) -> None:
    tape, idle = SwayingScene(), write_idle_restorer(tmp_path / "idle.safetensors")
    tape.analysis.torn_score[:] = 0
    assert [each.repair.moved for each in tape.restored(idle)[4:6]] == [0, 0]
    tape.analysis = replace(tape.analysis, absolute=False)
    assert all(each.repair.moved > 1 for each in tape.restored(idle)[4:6])


def test_lines_stay_where_they_are_if_settings_say_so(tmp_path: Path) -> None:
    idle = write_idle_restorer(tmp_path / "idle.safetensors")
    for each in SwayingScene().restored(idle, replace(PLAIN, steady=False)):
        assert each.repair.moved == each.repair.changed == 0


def test_lines_are_held_against_frames_that_are_clean_or_damaged_in_no_line() -> None:
    scene = Scene(marks(6, (1, 5)))
    scene.analysis.torn_score[[2, 4]] = 10
    scene.analysis.torn_score[3] = 45
    scene.verdict.lost[4] = True
    assert [scene.plan().in_place(index) for index in range(6)] == [True, False, True, False, False, True]


def test_noise_is_told_beside_the_threshold_for_regions() -> None:
    scene = Scene(marks(6, (2, 5)))
    scene.verdict = replace(scene.verdict, threshold=0.5, cell_threshold=100)
    scene.analysis.cell_score[2:6], scene.analysis.kind_score[:5, 3] = 80, 200
    scene.analysis.torn_score[2:6], scene.analysis.torn_score[3] = 30, 200
    told = scene.plan().marred(1, 6)
    assert told.amin((1, 2)).tolist() == told.amax((1, 2)).tolist() == pytest.approx([0, 0.5, 0, 0.5, 0])


def test_frames_that_are_lost_are_made_up_and_a_stretch_may_end_anywhere(tmp_path: Path) -> None:
    tape, idle = SwayingScene(), write_idle_restorer(tmp_path / "idle.safetensors")
    tape.frames = list(tape.whole)
    for index in (4, 5):
        black = tuple(np.full_like(plane, 16) for plane in tape.whole[index].planes)
        tape.frames[index] = replace(tape.whole[index], planes=black)
        tape.verdict.lost[index] = True
    found = tape.restored(idle)
    for edge in (4, 5, 6):
        assert_same(tape.restored(idle, edges=(edge,)), found)
    for index in (4, 5):
        assert np.abs(luma_of(found[index].frame) - luma_of(tape.whole[index])).mean() < 1
    kept = tape.restored(idle, replace(PLAIN, make_up=False))
    assert all(each.repair.changed == 0 for each in kept[4:6])


def test_lines_torn_each_for_itself_are_put_back_and_a_stretch_may_end_anywhere(tmp_path: Path) -> None:
    tape, idle = SwayingScene(), write_idle_restorer(tmp_path / "idle.safetensors")
    tape.analysis.torn_score[[3, 5]] = 0
    for index in (3, 5):
        tape.frames[index] = tape.whole[index]
    shift = torch.zeros(128)
    shift[40:90] = torch.randint(-9, 10, (50,), generator=torch.Generator().manual_seed(3)).float()
    tape.frames[4] = torn(tape.whole[4], shift)
    found = tape.restored(idle)
    assert_same(tape.restored(idle, edges=(4, 5)), found)
    before, after = (
        np.square(luma_of(each) - luma_of(tape.whole[4])).mean() for each in (tape.frames[4], found[4].frame)
    )
    assert after < 0.1 * before
    assert found[4].repair.moved == pytest.approx(float(shift.abs().max()), abs=0.5)


class FadedScene(Scene):
    """A scene of which two damaged frames have half of their colour, Cb + i Cr, or another share."""

    def __init__(self, damaged: Marks | None = None, share: complex = 0.5) -> None:
        super().__init__(marks(20, (4, 6)) if damaged is None else damaged, width=192, height=128)
        self.analysis.signature[:] = self.analysis.signature[0]
        still = (
            blobs(128, 192)[0] * torch.tensor([200, 100, 80])[:, None, None] + torch.tensor([20, 78, 88])[:, None, None]
        )
        luma, *chroma = (
            plane[::shrink, ::shrink].numpy()
            for plane, shrink in zip(still.clamp(0, 255).to(torch.uint8), (1, 2, 2), strict=True)
        )
        blue, red = (plane.astype(np.float32) - 128 for plane in chroma)
        scaled = share * (blue + 1j * red)
        faded = [np.floor(128 + plane).clip(0, 255).astype(np.uint8) for plane in (scaled.real, scaled.imag)]
        self.whole = [replace(frame, planes=(luma, *chroma)) for frame in self.frames]
        self.frames = list(self.whole)
        for index in (4, 5):
            self.frames[index] = replace(self.frames[index], planes=(luma, *faded))

    def score_nothing(self) -> None:
        """Let every frame look clean."""
        for scores in (self.analysis.frame_score, self.analysis.cell_score, self.analysis.torn_score):
            scores[:] = 0

    def hop(self, index: int, planes: Sequence[NDArray[np.integer]], lines: int) -> None:
        """Let a frame show these planes, rolled down by so many lines, and be known to."""
        rolled = tuple(np.roll(plane, lines // shrink, 0) for plane, shrink in zip(planes, (1, 2, 2), strict=True))
        self.frames[index] = replace(self.whole[index], planes=rolled)
        self.verdict.hops[index] = (lines + 1) / 128

    def assert_colour_is_back(self, found: Sequence[Restored], most: float) -> None:
        """At most so much of the error is left in the colour of the two damaged frames, and nothing else changed."""
        for index in (4, 5):
            given, whole = (frames[index].planes for frames in (self.frames, self.whole))
            assert np.array_equal(found[index].frame.planes[0], whole[0])
            for plane, before, wanted in zip(found[index].frame.planes[1:], given[1:], whole[1:], strict=True):
                left, was = (np.abs(each.astype(int) - wanted).mean() for each in (plane, before))
                assert left < most * was
        assert all(each.repair == Repair() for each in (*found[:4], *found[6:]))


def test_faded_colour_of_damaged_frames_is_strengthened_as_clean_frames_have_it(tmp_path: Path) -> None:
    scene, idle = FadedScene(), write_idle_restorer(tmp_path / "idle.safetensors")
    found = scene.restored(idle)
    assert_same(scene.restored(idle, edges=(5,)), found)
    for index, (each, whole) in enumerate(zip(found, scene.whole, strict=True)):
        if index in (4, 5):
            assert each.repair.chroma_gain == pytest.approx(2, rel=0.05)
            for plane, wanted in zip(each.frame.planes[1:], whole.planes[1:], strict=True):
                assert np.abs(plane.astype(int) - wanted).mean() < 2
            assert np.array_equal(each.frame.planes[0], whole.planes[0])
        else:
            assert each.repair == Repair()


def test_colour_of_damaged_frames_that_is_too_strong_is_weakened_as_clean_frames_have_it(tmp_path: Path) -> None:
    scene, idle = FadedScene(share=1.6), write_idle_restorer(tmp_path / "idle.safetensors")
    found = scene.restored(idle)
    for index in (4, 5):
        assert found[index].repair.chroma_gain == pytest.approx(1 / 1.6, rel=0.05)
    scene.assert_colour_is_back(found, 0.15)


def test_hue_of_damaged_frames_is_turned_back_to_that_of_clean_frames(tmp_path: Path) -> None:
    scene, idle = FadedScene(share=np.exp(1j * np.radians(20))), write_idle_restorer(tmp_path / "idle.safetensors")
    found = scene.restored(idle)
    assert_same(scene.restored(idle, edges=(5,)), found)
    for index in (4, 5):
        assert found[index].repair.hue == pytest.approx(-20, abs=2)
        assert found[index].repair.chroma_gain == pytest.approx(1)
    scene.assert_colour_is_back(found, 0.25)


def test_frames_that_only_faded_get_their_colour_back_and_keep_their_lines(tmp_path: Path) -> None:
    """Where nothing can be held against a frame the shot's signatures say how much colour it has lost."""
    scene, idle = FadedScene(), write_idle_restorer(tmp_path / "idle.safetensors")
    scene.score_nothing()
    scene.frames[4] = torn(scene.frames[4], swaying(1, 2.0)[0])
    scene.frames[5] = replace(scene.frames[5], planes=(255 - scene.frames[5].planes[0], *scene.frames[5].planes[1:]))
    scene.verdict.fading[5] = 1.75
    found = scene.restored(idle)
    assert [each.repair.moved for each in found] == [0] * len(found)
    assert [each.repair.chroma_gain for each in found[4:6]] == pytest.approx([2, 1.75], rel=0.05)
    assert all(each.repair == Repair() for each in (*found[:4], *found[6:]))


def test_frames_that_flicker_get_the_brightness_of_others_and_a_stretch_may_end_anywhere(tmp_path: Path) -> None:
    scene, idle = FadedScene(), write_idle_restorer(tmp_path / "idle.safetensors")
    scene.frames = list(scene.whole)
    scene.score_nothing()
    for index, gain in ((4, 0.7), (5, 1.1)):
        whole = scene.whole[index]
        luma = (16 + gain * (whole.planes[0] - 16.0)).round().clip(0, 255).astype(np.uint8)
        scene.frames[index] = replace(whole, planes=(luma, *whole.planes[1:]))
        scene.verdict.levels[index, 0] = 1 / gain
    found = scene.restored(idle)
    assert_same(scene.restored(idle, edges=(5,)), found)
    for index, each in enumerate(found):
        assert np.abs(luma_of(each.frame) - luma_of(scene.whole[index])).max() <= 1
        assert all(map(np.array_equal, each.frame.planes[1:], scene.whole[index].planes[1:]))
        assert (each.repair == Repair()) == (index not in (4, 5))
    left = scene.restored(idle, replace(PLAIN, levels=False))
    assert [each.repair.changed for each in left] == [0] * len(left)


def test_frames_that_hop_are_put_back_and_a_stretch_may_end_anywhere(tmp_path: Path) -> None:
    scene, idle = FadedScene(), write_idle_restorer(tmp_path / "idle.safetensors")
    scene.frames = list(scene.whole)
    scene.score_nothing()
    for index, lines in ((4, 12), (5, -20)):
        scene.hop(index, scene.whole[index].planes, lines)
    found = scene.restored(idle)
    assert_same(scene.restored(idle, edges=(5,)), found)
    for index, each in enumerate(found):
        assert np.abs(luma_of(each.frame) - luma_of(scene.whole[index])).max() <= 1
        assert (each.repair == Repair()) == (index not in (4, 5))
    left = scene.restored(idle, replace(PLAIN, hold=False))
    assert [each.repair.changed for each in left] == [0] * len(left)


def test_what_only_a_frame_that_hopped_shows_stays_in_it(tmp_path: Path) -> None:
    """That it had to be moved is no doubt about what it shows."""
    scene, idle = FadedScene(), write_idle_restorer(tmp_path / "idle.safetensors")
    scene.frames = list(scene.whole)
    scene.score_nothing()
    luma, *chroma = scene.whole[4].planes
    own = luma + np.random.default_rng(1).integers(0, 6, luma.shape, dtype=np.uint8)
    scene.hop(4, (own, *chroma), 12)
    found = luma_of(scene.restored(idle)[4].frame)
    assert np.abs(found - own)[20:-20].max() <= 1


def test_frames_and_bands_without_colour_get_that_of_others_and_a_stretch_may_end_anywhere(tmp_path: Path) -> None:
    scene, idle = FadedScene(), write_idle_restorer(tmp_path / "idle.safetensors")
    for index, lost in ((4, slice(None)), (5, slice(20, 44))):
        planes = [plane.copy() for plane in scene.whole[index].planes]
        for plane in planes[1:]:
            plane[lost] = 128
        scene.frames[index] = replace(scene.whole[index], planes=tuple(planes))
    scene.verdict.fading[4] = np.inf
    scene.analysis.torn_score[:] = 0
    found = scene.restored(idle)
    assert_same(scene.restored(idle, edges=(5,)), found)
    assert [each.repair.recoloured for each in found[4:6]] == pytest.approx([1, 24 / 64], abs=0.06)
    assert [each.repair.chroma_gain for each in found[4:6]] == [1, 1]
    for each, whole in zip(found[4:6], scene.whole[4:6], strict=True):
        assert np.array_equal(each.frame.planes[0], whole.planes[0])
        for plane, wanted in zip(each.frame.planes[1:], whole.planes[1:], strict=True):
            assert np.abs(plane.astype(int) - wanted).mean() < 3


def test_clean_frames_near_by_say_how_much_colour_there_is_before_distant_ones(tmp_path: Path) -> None:
    """All of the shot near the damage has half of the colour: that is how it was filmed."""
    scene, idle = FadedScene(), write_idle_restorer(tmp_path / "idle.safetensors")
    for index in range(8):
        scene.frames[index] = replace(scene.frames[index], planes=scene.frames[4].planes)
    assert all(each.repair.chroma_gain == 1 for each in scene.restored(idle))


def test_where_no_frame_near_by_is_clean_references_say_how_much_colour_there_is(tmp_path: Path) -> None:
    scene, idle = FadedScene(marks(40, (0, 20))), write_idle_restorer(tmp_path / "idle.safetensors")
    gains = [each.repair.chroma_gain for each in scene.restored(idle)]
    assert gains[:4] == [1, 1, 1, 1]
    assert gains[4:6] == pytest.approx([2, 2], rel=0.05)


def test_luma_of_damaged_frames_is_evened_as_clean_frames_have_it_unless_settings_say_no(tmp_path: Path) -> None:
    scene, idle = FadedScene(), write_idle_restorer(tmp_path / "idle.safetensors")
    scene.frames = list(scene.whole)
    for index in (4, 5):
        luma, *chroma = scene.whole[index].planes
        flat = (110 + 0.7 * (luma - 110.0)).round().astype(np.uint8)
        scene.frames[index] = replace(scene.whole[index], planes=(flat, *chroma))
    found = scene.restored(idle)
    assert_same(scene.restored(idle, edges=(5,)), found)
    for index, each in enumerate(found):
        if index in (4, 5):
            assert each.repair.detail_gain == pytest.approx(1 / 0.7, rel=0.05)
            assert np.abs(luma_of(each.frame) - luma_of(scene.whole[index])).mean() < 1
        else:
            assert each.repair == Repair()
    left = scene.restored(idle, replace(PLAIN, response=False))
    assert all((each.repair.detail_gain, each.repair.changed) == (1, 0) for each in left)


def test_clean_frames_on_both_sides_tell_what_a_restored_one_shows_unless_settings_say_no(tmp_path: Path) -> None:
    """Colour made stronger has steps, that of the frames beside it has not."""
    scene, idle = FadedScene(share=0.3), write_idle_restorer(tmp_path / "idle.safetensors")
    found, left = (scene.restored(idle, replace(PLAIN, consensus=asked)) for asked in (True, False))
    for index in (4, 5):
        errors = [
            np.abs(each[index].frame.planes[1].astype(int) - scene.whole[index].planes[1]).mean()
            for each in (found, left)
        ]
        assert errors[0] < 0.5 * errors[1]
    one_sided = FadedScene(marks(6, (4, 6)), share=0.3)
    found, left = (one_sided.restored(idle, replace(PLAIN, consensus=asked)) for asked in (True, False))
    assert_same(found, left)


def test_colour_stays_if_settings_say_so(tmp_path: Path) -> None:
    scene, idle = FadedScene(), write_idle_restorer(tmp_path / "idle.safetensors")
    for each in scene.restored(idle, replace(PLAIN, chroma_gain=False)):
        assert (each.repair.chroma_gain, each.repair.recoloured, each.repair.changed) == (1, 0, 0)


def test_what_changes_much_is_looked_at_twice_unless_settings_say_no(weights: checkpoint.Checkpoint) -> None:
    scene = Scene(marks(16, (4, 9)))
    once = scene.restored(weights, replace(PLAIN, second_look=False))
    twice = scene.restored(weights)
    for index, (one, other) in enumerate(zip(once, twice, strict=True)):
        assert (luma(one) != luma(other)).any() == (4 <= index < 9)


def test_what_changes_little_is_looked_at_once(weights: checkpoint.Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(marks(16, (4, 9)))
    once = scene.restored(weights, replace(PLAIN, second_look=False))
    monkeypatch.setattr("tapemend.restore.tape.HEAVY", 10.0)
    assert_same(scene.restored(weights), once)


def test_a_change_is_heavy_where_a_twentieth_of_the_picture_changes_much() -> None:
    change = torch.zeros(3, 180, 240)
    assert not heavy(change)
    change[0, :10, :10] = 0.5
    assert not heavy(change)
    change[0, :20] = 0.2
    assert heavy(change)
    assert heavy(torch.full((3, 4, 6), 0.1))


def test_strength_0_is_identical_bit_for_bit(weights: checkpoint.Checkpoint) -> None:
    scene = Scene(marks(6, (0, 6)))
    for each, before in zip(scene.restored(weights, replace(PLAIN, strength=0.0)), scene.frames, strict=True):
        assert each.repair.changed == 0
        for plane, old in zip(each.frame.planes, before.planes, strict=True):
            np.testing.assert_array_equal(plane, old)


def test_half_the_strength_is_half_the_change(weights: checkpoint.Checkpoint) -> None:
    scene = Scene(marks(6, (0, 6)))
    whole, half = (scene.restored(weights, replace(PLAIN, strength=strength)) for strength in (1.0, 0.5))
    for full, part, before in zip(whole, half, scene.frames, strict=True):
        free = (luma(full) > 0) & (luma(full) < 255)
        middle = (luma(full) + before.planes[0]) / 2
        assert np.abs(luma(part) - middle)[free].max() <= 1
        assert np.abs(luma(part) - before.planes[0]).max() > 2


@settings(max_examples=5)
@given(st.sets(st.integers(1, 22), max_size=4), st.sampled_from([1, 5, 8]))
def test_a_frame_comes_out_the_same_whatever_stretches_the_tape_is_cut_into(
    weights: checkpoint.Checkpoint, edges: set[int], window: int
) -> None:
    scene = Scene(marks(23, (3, 6), (9, 12), (19, 23)), width=48, height=32, cuts=(11,))
    chosen = replace(PLAIN, window=window)
    assert_same(scene.restored(weights, chosen, tuple(sorted(edges))), scene.restored(weights, chosen))


def test_a_stretch_asks_for_no_more_frames_than_it_needs(weights: checkpoint.Checkpoint) -> None:
    scene = Scene(marks(40, (0, 40)))
    restorer = TapeRestorer(Restorer(weights, PLAIN), scene.plan())
    assert restorer.needed(16, 24) == (14, 26)
    assert restorer.needed(17, 18) == (14, 26)
    assert restorer.needed(0, 40) == (0, 40)

    def once() -> Iterator[Frame]:
        yield from scene.frames[14:26]
        raise AssertionError("a frame too many was asked for")

    assert [each.frame.index for each in restorer.restore(17, 18, once())] == [17]


@pytest.mark.parametrize(
    ("height", "width", "tile", "precision"),
    [
        (576, 60, 128, Precision.FLOAT32),
        (64, 1000, 128, Precision.FLOAT32),
        (64, 900, 448, Precision.BFLOAT16),
    ],
)
def test_seams_of_tiles_cannot_be_seen(
    weights: checkpoint.Checkpoint, height: int, width: int, tile: int, precision: Precision
) -> None:
    generator = torch.Generator().manual_seed(0)
    window, references = (torch.rand(1, 3, height, width, generator=generator) for _ in range(2))
    lendable = np.random.default_rng(0).random((1, ROWS, COLUMNS)) < 0.7
    whole, tiled = (
        Restorer(weights, replace(PLAIN, tile=side, precision=precision)).change(window, [0], references, lendable)
        for side in (0, tile)
    )
    assert whole.shape == (1, 3, height, width)
    assert whole.abs().max() > 0.5
    least = 1e-4 if precision is Precision.FLOAT32 else 1 / 255
    assert (whole - tiled).abs().max() <= least


def test_a_picture_too_large_to_do_at_once_is_tiled(
    weights: checkpoint.Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides: list[int] = []
    restorer = Restorer(weights, PLAIN)
    monkeypatch.setattr("tapemend.restore.restorer.PIXELS_AT_ONCE", 64 * 64)
    monkeypatch.setattr("tapemend.restore.restorer.TILE", 64)
    whole = restorer.network.change
    monkeypatch.setattr(restorer.network, "change", lambda seen: sides.append(seen.frames.shape[-1]) or whole(seen))
    nothing = np.empty((0, 1, 1), np.bool_)
    restorer.change(torch.zeros(2, 3, 64, 64), [0], torch.zeros(0, 3, 64, 64), nothing)
    assert sides == [64]
    restorer.change(torch.zeros(2, 3, 64, 1024), [0], torch.zeros(0, 3, 64, 1024), nothing)
    assert len(sides) == 1 + 16
    assert max(sides) <= 64 + 2 * restorer.network.reach[1]


@pytest.mark.parametrize("size", [(37, 29), (16, 16), (2, 2), (1, 1), (65, 130)])
@pytest.mark.parametrize("frames", [1, 3])
def test_pictures_of_any_size_are_restored(weights: checkpoint.Checkpoint, size: tuple[int, int], frames: int) -> None:
    scene = Scene(marks(frames + 6, (0, frames)), *size)
    found = scene.restored(weights)
    assert [plane.shape for plane in found[0].frame.planes] == [plane.shape for plane in scene.frames[0].planes]
    assert [each.repair.changed > 0 for each in found] == [True] * frames + [False] * 6
    assert_same(scene.restored(weights, replace(PLAIN, tile=64)), found)


def test_a_tape_of_one_damaged_frame_is_restored_without_references(weights: checkpoint.Checkpoint) -> None:
    (found,) = Scene(marks(1, (0, 1))).restored(weights)
    assert found.repair.references == References(indices=(), similarity=())
    assert found.repair.changed > 0


def test_references_lend_to_the_frames_of_their_window(weights: checkpoint.Checkpoint) -> None:
    scene = Scene(marks(20, (6, 9)))
    with_references = scene.restored(weights)[7]
    assert len(with_references.repair.references.indices) == 2
    restorer = TapeRestorer(Restorer(weights, PLAIN), scene.plan(references=0))
    (without,) = restorer.restore(7, 8, iter(scene.frames[: restorer.needed(7, 8)[1]]))
    assert (luma(without) != luma(with_references)).any()


def test_weights_of_regions_are_1_on_damage_and_0_far_from_it() -> None:
    damaged = np.zeros((ROWS, COLUMNS), np.bool_)
    damaged[4, 6] = True
    weight = region_weight(damaged, 576, 720)
    assert (weight[4 * 32 : 5 * 32, 6 * 30 : 7 * 30] == 1).all()
    assert weight.min() == 0
    assert weight.max() == 1
    beyond = weight.clone()
    beyond[2 * 32 : 7 * 32, 4 * 30 : 9 * 30] = 0
    assert not beyond.any()


@pytest.mark.parametrize("size", [(2, 2), (5, 40), (16, 16), (17, 9)])
def test_damage_in_a_tiny_picture_is_never_missed(size: tuple[int, int]) -> None:
    for row, column in np.ndindex(ROWS, COLUMNS):
        damaged = np.zeros((ROWS, COLUMNS), np.bool_)
        damaged[row, column] = True
        weight = region_weight(damaged, *size)
        assert weight[row * size[0] // ROWS, column * size[1] // COLUMNS] == 1


@settings(max_examples=40)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 99))
def test_a_pixel_lends_only_where_every_region_over_it_may(height: int, width: int, seed: int) -> None:
    lendable = np.random.default_rng(seed).random((2, ROWS, COLUMNS)) < 0.8
    pixels = _pixels(lendable, height, width)
    assert pixels.shape == (2, height, width)
    row = (np.arange(height) * ROWS // height)[:, None]
    column = (np.arange(width) * COLUMNS // width)[None, :]
    for may, found in zip(lendable[:, row, column], pixels.numpy(), strict=True):
        assert not (found & ~may).any()


def test_no_references_at_all_lend_no_pixels() -> None:
    assert _pixels(np.empty((0, 1, 1), np.bool_), 50, 70).shape == (0, 50, 70)


@given(st.integers(1, 70), st.integers(1, 70))
def test_a_picture_is_continued_by_its_border_to_the_grid(height: int, width: int) -> None:
    picture = torch.arange(height * width).reshape(1, height, width)
    wide = on_the_grid(picture, (16, 32))
    assert wide.shape == (1, height + -height % 16, width + -width % 32)
    assert torch.equal(wide[:, :height, :width], picture)
    assert (wide[0, :height, width:] == picture[0, :, -1:]).all()
    assert (wide[0, height:] == wide[0, height - 1]).all()
