"""Weights adapted to one tape: what is learned from, what is chosen, and that only what wins is written."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from networks import write_restorer
from tapes import Weights, damaged_tape

from tapemend import checkpoint
from tapemend.cli import main
from tapemend.colour import to_codes
from tapemend.degrade import PRESETS, degrade, preset
from tapemend.detect import analyse, judge, scorer
from tapemend.errors import NothingToLearn, SettingsError, TargetExists, TargetNotWritable
from tapemend.frames import Frame, FrameState, ScanType, Shot
from tapemend.pictures import layout_of
from tapemend.progress import Silent
from tapemend.restore import Restorer
from tapemend.settings import AdaptSettings, DetectSettings, FieldOrder, ProbeSettings, RestoreSettings
from tapemend.train.adapt import Adaptation, Judgement, adapt
from tapemend.train.data import SHORTEST, Store
from tapemend.train.likeness import NEAR, alike, distances
from tapemend.train.samples import SampleSettings
from tapemend.train.stretches import GAP, HELD_OUT, LONGEST, MOST, _divided, _stretches

HURT = (*range(20, 24), *range(44, 48))
QUICK = AdaptSettings(minutes=60.0, steps=25, seed=3, device="cpu", ahead=False)


class StoppedAt(Silent):
    """A user who presses Ctrl-C when a stage begins."""

    def __init__(self, stage: str) -> None:
        self.last = stage

    def stage(self, name: str, total: int | None, done: int = 0) -> None:
        if name == self.last:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return Weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights that make every picture worse, so that any learning wins."""
    return write_restorer(tmp_path_factory.mktemp("start") / "start.safetensors")


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return damaged_tape(tmp_path_factory.mktemp("tape") / "tape.mkv", HURT, 72)


@pytest.fixture
def flags(weights: Weights, start: Path) -> list[str]:
    return [
        *("--scorer-weights", str(weights.brightness), "--weights", str(start)),
        *("--device", "cpu", "--no-ahead", "--seed", "3"),
    ]


def adapted(tape: Path, target: Path, weights: Weights, start: Path, **more: object) -> Adaptation:
    settings = replace(QUICK, weights=str(start), **more)  # type: ignore[arg-type]
    return adapt(tape, target, settings, detect=DetectSettings(scorer_weights=str(weights.brightness)))


@pytest.fixture(scope="module")
def winner(
    tape: Path, weights: Weights, start: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Adaptation, Path]:
    target = tmp_path_factory.mktemp("won") / "own.safetensors"
    target.write_bytes(b"other weights")
    return adapted(tape, target, weights, start, overwrite=True), target


def test_an_adaptation_that_wins_is_written_and_restores(winner: tuple[Adaptation, Path], start: Path) -> None:
    done, target = winner
    assert done.wins
    assert done.written == target
    assert done.after.gain_db > done.before.gain_db
    assert done.steps == QUICK.steps
    read = checkpoint.read(str(target), "restorer")
    restorer = Restorer(read, RestoreSettings(device="cpu"))
    assert restorer.name.endswith(read.sha256)
    before = checkpoint.read(str(start), "restorer").tensors
    assert any(not np.array_equal(before[name].half(), tensor) for name, tensor in read.tensors.items())
    assert list(target.parent.iterdir()) == [target]


def test_the_weights_say_what_was_chosen_and_why(winner: tuple[Adaptation, Path], tape: Path) -> None:
    done, target = winner
    said = checkpoint.read(str(target), "restorer").provenance
    assert said["adapted_to"] == tape.name
    assert said["presets"] == ", ".join(done.presets)
    assert f'"{done.presets[0]}": {round(done.distances[done.presets[0]], 4)}' in said["distances"]
    assert said["gain_db"] == f"{done.before.gain_db:.3f} before, {done.after.gain_db:.3f} after"
    assert said["licence"] == "Apache-2.0"


def test_what_is_held_out_is_not_learned_from(winner: tuple[Adaptation, Path]) -> None:
    stretches = winner[0].stretches
    learned, held_out = (
        {index for part in parts for index in part} for parts in (stretches.learned, stretches.held_out)
    )
    assert learned
    assert held_out
    assert not learned & held_out
    assert not (learned | held_out) & set(HURT)


def test_one_that_does_not_win_is_not_written_and_exits_with_3(
    tape: Path, tmp_path: Path, flags: list[str], winner: tuple[Adaptation, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """And chooses, with the same seed, what the winner chose."""
    target = tmp_path / "own.safetensors"
    assert main(["adapt", str(tape), "-o", str(target), "--minutes", "0", *flags]) == 3
    said = capsys.readouterr().err
    assert ", ".join(f"{name} {distance:.2f}" for name, distance in winner[0].distances.items()) in said
    assert f"gains {winner[0].before.gain_db:+.2f} dB" in said
    assert "do not win by 0.05 dB" in said
    assert "nothing was written" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("gain", "clean", "wins"),
    [(1.04, 60.0, False), (1.05, 60.0, True), (1.2, 46.0, True), (1.2, 44.0, False), (float("nan"), 60.0, False)],
)
def test_it_wins_by_a_margin_and_not_at_the_cost_of_clean_frames(
    winner: tuple[Adaptation, Path], gain: float, clean: float, wins: bool
) -> None:
    before, after = Judgement(gain_db=1.0, clean_db=50.0), Judgement(gain_db=gain, clean_db=clean)
    assert replace(winner[0], before=before, after=after).wins is wins


def test_where_clean_frames_were_harmed_before_they_may_not_be_harmed_more(winner: tuple[Adaptation, Path]) -> None:
    before = Judgement(gain_db=1.0, clean_db=40.0)
    assert replace(winner[0], before=before, after=Judgement(gain_db=2.0, clean_db=40.0)).wins
    assert not replace(winner[0], before=before, after=Judgement(gain_db=2.0, clean_db=39.9)).wins


def test_an_interlaced_tape_is_learned_from_field_by_field(tmp_path: Path, weights: Weights, start: Path) -> None:
    tape = damaged_tape(tmp_path / "fields.mkv", HURT, 72, flagged=ScanType.TOP_FIRST)
    done = adapt(
        tape,
        tmp_path / "own.safetensors",
        replace(QUICK, weights=str(start), minutes=0.0),
        look=ProbeSettings(field_order=FieldOrder.TFF),
        detect=DetectSettings(scorer_weights=str(weights.brightness)),
    )
    assert done.written is None
    assert done.after.gain_db == pytest.approx(done.before.gain_db, abs=0.01)
    assert done.stretches.clean_frames == 2 * (72 - len(HURT))


def test_too_few_clean_frames_are_an_error_that_counts_them(
    tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    tape = damaged_tape(tmp_path / "worn.mkv", range(0, 40, 10), 40)
    assert main(["adapt", str(tape), "-o", str(tmp_path / "own.safetensors"), *flags]) == 1
    said = capsys.readouterr().err
    assert "worn.mkv: 36 clean frames" in said
    assert "make 0 of the 2 stretches that adapting takes, 32 frames" in said


def test_a_tape_without_damage_has_nothing_to_adapt_to(tmp_path: Path, weights: Weights, start: Path) -> None:
    tape = damaged_tape(tmp_path / "clean.mkv", (), 40)
    with pytest.raises(NothingToLearn, match="none of its frames is damaged"):
        adapted(tape, tmp_path / "own.safetensors", weights, start)


def test_an_existing_target_is_refused_unless_asked(
    tape: Path, winner: tuple[Adaptation, Path], weights: Weights, start: Path
) -> None:
    """The winner replaced other weights, as it was asked to."""
    before = winner[1].read_bytes()
    with pytest.raises(TargetExists, match="exists already"):
        adapted(tape, winner[1], weights, start)
    assert winner[1].read_bytes() == before


def test_weights_are_not_written_under_the_name_of_a_video(tape: Path, weights: Weights, start: Path) -> None:
    with pytest.raises(TargetNotWritable, match=r"name it own\.safetensors"):
        adapted(tape, tape.with_name("own.mkv"), weights, start)


@pytest.mark.parametrize("stage", ["looking for damage", "learning (seconds)", "judging"])
def test_stopping_it_leaves_nothing(
    stage: str, tape: Path, tmp_path: Path, weights: Weights, start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    detect = DetectSettings(scorer_weights=str(weights.brightness))
    with pytest.raises(KeyboardInterrupt):
        adapt(
            tape,
            tmp_path / "own.safetensors",
            replace(QUICK, weights=str(start), minutes=0.0),
            detect=detect,
            progress=StoppedAt(stage),
        )
    assert [path.name for path in tmp_path.rglob("*")] == ["scratch"]


@pytest.mark.parametrize("settings", [{"minutes": -1.0}, {"minutes": float("nan")}, {"steps": 0}])
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="must be at least"):
        AdaptSettings(**settings)  # type: ignore[arg-type]


@given(clean=st.lists(st.booleans(), max_size=300), cut=st.integers(1, 299))
def test_stretches_are_clean_inside_a_shot_apart_and_neither_short_nor_long(clean: Sequence[bool], cut: int) -> None:
    count = len(clean)
    shots = [Shot(start=0, stop=min(cut, count)), Shot(start=min(cut, count), stop=count)]
    found = list(_stretches(np.array(clean, np.bool_), shots))
    for stretch in found:
        assert SHORTEST <= len(stretch) < LONGEST
        assert all(clean[index] for index in stretch)
        assert any(shot.start <= stretch.start < stretch.stop <= shot.stop for shot in shots)
    for one, other in pairwise(found):
        joined = other.start == cut or not all(clean[one.stop : other.start])
        assert other.start - one.stop >= (0 if joined else GAP)


@given(length=st.integers(0, 1000))
def test_a_long_row_of_clean_frames_is_used_but_for_the_gaps(length: int) -> None:
    found = list(_stretches(np.ones(length, np.bool_), [Shot(start=0, stop=length)]))
    used = sum(map(len, found))
    assert used == 0 if length < SHORTEST else used > length - GAP * (len(found) - 1) - len(found)


@given(count=st.integers(0, 200))
def test_however_long_a_tape_is_no_more_than_so_many_stretches_are_taken(count: int) -> None:
    found = [range(50 * number, 50 * number + 20) for number in range(count)]
    learned, held_out = _divided(found)
    assert len(learned) + len(held_out) == min(count, MOST)
    assert set(learned) | set(held_out) <= set(found)
    assert not set(learned) & set(held_out)
    assert count < 2 or len(held_out) == -(-(min(count, MOST) - 1) // HELD_OUT)


def test_the_nearest_preset_counts_twice_and_those_about_as_near_once() -> None:
    assert alike({"far": 1.0, "near": 0.5, "also near": 0.5 * NEAR, "further": 0.7}) == ("near", "near", "also near")
    assert alike({"far": 1.0, "near": 0.5}) == ("near",)


@pytest.mark.parametrize("name", ["archive-umatic-2026-11", "family-vhs-ep-ntsc-2026-11"])
def test_the_preset_that_damaged_a_tape_is_among_those_that_are_taken(name: str, tmp_path: Path) -> None:
    """To the scorer that ships, on a disc that moves over a sky; others may look as near to it."""
    clean = torch.stack([disc(index) for index in range(36)])
    np.save(tmp_path / "clean.npy", to_codes(clean).numpy())
    store = Store.opened((tmp_path / "clean.npy",))
    own = scorer(DetectSettings(), torch.device("cpu"))
    layout = layout_of("yuv444p", 1)
    bad = degrade(clean, range(36), replace(preset(name), damaged_share=1.0), seed=5).picture
    frames = (
        Frame(index=index, pts=index, planes=tuple(to_codes(picture).numpy()), state=FrameState.DECODED)
        for index, picture in enumerate(bad)
    )
    analysis = analyse(frames, layout, own, tmp_path / "analysis")
    samples = SampleSettings(rows=64, columns=64, texture_share=0.0, far_share=0.0)
    measured = distances(analysis, judge(analysis), store, (samples, 1), own, lambda _: None)
    assert name in alike(measured)
    assert set(alike(measured)) < set(PRESETS)
    assert list(measured.values()) == sorted(measured.values())
    assert measured.keys() == PRESETS.keys()


def disc(index: int) -> torch.Tensor:
    """(3, 144, 192) Y'CbCr."""
    rows, columns = torch.meshgrid(torch.arange(144.0), torch.arange(192.0), indexing="ij")
    luma = 0.35 + 0.001 * columns + 0.1 * torch.sin(columns / 9) * torch.cos(rows / 13)
    inside = (rows - 60).square() + (columns - 30 - 2 * index).square() < 26**2
    return torch.stack(
        [torch.where(inside, 0.7, luma), torch.where(inside, -0.2, 0.1), torch.where(inside, 0.2, -0.05)]
    )
