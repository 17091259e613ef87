"""``tapemend degrade``: a clean clip goes in, a damaged tape and the truth about it come out."""

import hashlib
import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from clips import AudioTrack, Clip
from numpy.typing import NDArray

from tapemend import simulate as simulation
from tapemend.cli import main
from tapemend.colour import add_change, to_ycbcr
from tapemend.decode import Reader
from tapemend.degrade import PRESETS, Kind, degrade
from tapemend.errors import NotAVideo, SettingsError, SourceError, TargetExists, TargetNotWritable
from tapemend.frames import Frame, ScanType, Tape
from tapemend.probe import probe
from tapemend.settings import DecodeSettings, ProbeSettings, SimulateSettings
from tapemend.simulate import simulate, truth_path

SEED = 4
"""With it, of the first sixty frames of a tape some are clean and some are damaged."""


def frames_of(path: Path) -> tuple[Tape, list[Frame]]:
    tape = probe(path, ProbeSettings())
    with Reader(tape, DecodeSettings()) as reader:
        return tape, list(reader.survey())


def truth_of(target: Path) -> dict[str, NDArray]:
    with np.load(truth_path(target), allow_pickle=False) as stored:
        return dict(stored.items())


def packets_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clean.mkv"
    return Clip(frame_count=60, sample_aspect_ratio=Fraction(16, 15), audio=(AudioTrack(),)).write(path)


@pytest.fixture(scope="module")
def tape(clip: Path) -> Path:
    target = clip.with_name("tape.mkv")
    simulate(clip, target, SimulateSettings(seed=SEED))
    return target


def test_the_tape_holds_the_simulators_frames(clip: Path, tape: Path) -> None:
    (source, clean), (_, damaged) = frames_of(clip), frames_of(tape)
    assert len(damaged) == len(clean) == 60
    for before, after in zip(clean, damaged, strict=True):
        picture = to_ycbcr(before.planes, source.layout)
        truth = degrade(picture[None], [before.index], PRESETS["first-2026-11"], SEED)
        expected = add_change(before.planes, truth.picture[0] - picture, source.layout)
        assert all(np.array_equal(*pair) for pair in zip(after.planes, expected, strict=True)), before.index


def test_frames_without_damage_keep_their_samples_and_the_truth_knows_them(clip: Path, tape: Path) -> None:
    (_, clean), (_, damaged), truth = frames_of(clip), frames_of(tape), truth_of(tape)
    same = [
        all(np.array_equal(*pair) for pair in zip(before.planes, after.planes, strict=True))
        for before, after in zip(clean, damaged, strict=True)
    ]
    assert same == (truth["severity"] == 0).tolist()
    assert 5 < sum(same) < 55


def test_the_truth_says_what_was_done_to_each_frame(clip: Path, tape: Path) -> None:
    source, clean = frames_of(clip)
    truth = truth_of(tape)
    pictures = torch.stack([to_ycbcr(frame.planes, source.layout) for frame in clean])
    expected = degrade(pictures, range(60), PRESETS["first-2026-11"], SEED)
    assert truth["kinds"].tolist() == [str(kind) for kind in Kind]
    assert np.allclose(truth["shift"], expected.shift, atol=0.02)
    assert np.array_equal(truth["change"], expected.change.mean((2, 3)).numpy())
    severity = (expected.picture - pictures).square().mean((1, 2, 3)).sqrt()
    assert np.allclose(truth["severity"], severity)
    assert json.loads(str(truth["about"]))["seed"] == SEED


def test_format_timing_shape_and_sound_of_the_clip_are_kept(clip: Path, tape: Path) -> None:
    (before, clean), (after, damaged) = frames_of(clip), frames_of(tape)
    for name in ("width", "height", "layout", "sample_aspect_ratio", "colour", "frame_rate"):
        assert getattr(before, name) == getattr(after, name), name
    assert after.codec == "ffv1"
    assert [frame.pts for frame in clean] == [frame.pts for frame in damaged]
    assert packets_of(clip) == packets_of(tape)


@pytest.mark.parametrize("pixel_format", ["yuv422p10le", "yuv411p", "gray", "bgr0"])
def test_other_formats_stay_what_they_are(tmp_path: Path, pixel_format: str) -> None:
    clip = Clip(pixel_format=pixel_format, frame_count=30, width=49, height=33).write(tmp_path / "clean.mkv")
    done = simulate(clip, tmp_path / "tape.mkv", SimulateSettings(seed=5))
    (before, clean), (after, damaged) = frames_of(clip), frames_of(done.written.path)
    assert before.layout == after.layout
    severity = truth_of(done.written.path)["severity"]
    assert done.damaged_frames == (severity > 0).sum() > 0
    for was, now, much in zip(clean, damaged, severity, strict=True):
        if much == 0:
            assert all(np.array_equal(*pair) for pair in zip(was.planes, now.planes, strict=True))


def test_segments_and_batches_leave_no_mark(clip: Path, tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "SEGMENT_FRAMES", 7)
    monkeypatch.setattr(simulation, "BATCH_FRAMES", 3)
    target = clip.with_name("cut.mkv")
    simulate(clip, target, SimulateSettings(seed=SEED))
    assert target.with_name("cut.mkv.framemd5").read_text() == tape.with_name("tape.mkv.framemd5").read_text()
    one, other = truth_of(tape), truth_of(target)
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_the_clip_is_untouched_and_nothing_else_is_left(tmp_path: Path) -> None:
    clip = Clip().write(tmp_path / "clean.mkv")
    digest = hashlib.sha256(clip.read_bytes()).digest()
    simulate(clip, tmp_path / "tape.mkv")
    assert hashlib.sha256(clip.read_bytes()).digest() == digest
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"clean.mkv", "tape.mkv", "tape.mkv.framemd5", "tape.truth.npz"}


def test_an_interlaced_clip_is_refused_unless_it_is_said_to_be_progressive(tmp_path: Path) -> None:
    clip = Clip(scan=ScanType.TOP_FIRST).write(tmp_path / "clean.mkv")
    with pytest.raises(SourceError, match=r"interlaced \(tff\).*--field-order progressive"):
        simulate(clip, tmp_path / "tape.mkv")
    assert [path.name for path in tmp_path.iterdir()] == ["clean.mkv"]
    assert main(["degrade", str(clip), "--field-order", "progressive"]) == 0
    assert probe(tmp_path / "clean.tape.mkv", ProbeSettings()).frame_rate == 25


@pytest.mark.parametrize("existing", ["tape.mkv", "tape.truth.npz"])
def test_what_is_there_is_replaced_only_when_asked(tmp_path: Path, existing: str) -> None:
    clip = Clip().write(tmp_path / "clean.mkv")
    (tmp_path / existing).write_text("mine")
    with pytest.raises(TargetExists, match=existing):
        simulate(clip, tmp_path / "tape.mkv")
    assert (tmp_path / existing).read_text() == "mine"
    simulate(clip, tmp_path / "tape.mkv", SimulateSettings(overwrite=True))
    assert len(truth_of(tmp_path / "tape.mkv")["severity"]) == 12


def test_bad_input_is_one_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    clip = Clip().write(tmp_path / "clean.mkv")
    text = tmp_path / "notes.txt"
    text.write_text("no video")
    target = tmp_path / "tape.mkv"
    with pytest.raises(NotAVideo):
        simulate(tmp_path / "gone.mkv", target)
    with pytest.raises(NotAVideo):
        simulate(text, target)
    with pytest.raises(SettingsError, match="no preset is called 'betamax'"):
        simulate(clip, target, SimulateSettings(preset="betamax"))
    with pytest.raises(TargetNotWritable):
        simulate(clip, tmp_path / "no folder" / "tape.mkv")
    with pytest.raises(TargetNotWritable, match="this is the source"):
        simulate(clip, clip, SimulateSettings(overwrite=True))
    assert {path.name for path in tmp_path.iterdir()} == {"clean.mkv", "notes.txt"}


def test_the_command_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = Clip(frame_count=40).write(tmp_path / "clean.mkv")
    assert main(["degrade", str(clip), "--seed", str(SEED), "-o", str(tmp_path / "tape.mkv")]) == 0
    said = capsys.readouterr().err
    assert f"tape.mkv: {(truth_of(tmp_path / 'tape.mkv')['severity'] > 0).sum()} of 40 frames damaged" in said
    assert "tape.truth.npz: what was done to each" in said


def test_the_command_lists_the_presets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["degrade", "--list"]) == 0
    said = capsys.readouterr().out
    assert all(name in said and preset.description in said for name, preset in PRESETS.items())


def test_the_command_without_a_clip_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["degrade"]) == 1
    assert "name a clip to damage, or say --list" in capsys.readouterr().err


def test_a_preset_that_is_not_there_is_one_line_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = Clip().write(tmp_path / "clean.mkv")
    assert main(["degrade", str(clip), "--preset", "betamax"]) == 1
    said = capsys.readouterr().err
    assert said.strip() == "tapemend: no preset is called 'betamax'; there are: first-2026-11"
