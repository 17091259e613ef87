"""The whole way of a tape."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from clips import AudioTrack, Clip
from tapes import Weights, damaged_tape, dark_with_bright, pictures_of, samples_of

from tapemend import pipeline
from tapemend.errors import (
    JournalMismatch,
    NotAVideo,
    PictureChanged,
    SettingsError,
    TapemendError,
    TargetExists,
    TargetNotWritable,
    WeightsError,
)
from tapemend.frames import ScanType
from tapemend.journal import journal_folder
from tapemend.settings import DecodeSettings, DetectSettings, EncodeSettings, RestoreSettings, ScanOutput, Settings

DAMAGED = (2, 3, 4, 8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return Weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "SEGMENT_FRAMES", 4)


class Told:
    """Remembers stages and frames; presses Ctrl-C, if asked to, when so many frames of a stage are done."""

    def __init__(self, stop_in: str = "", stop_after: int = 0) -> None:
        self.stages: dict[str, list[int]] = {}
        self._name, self._stop = "", (stop_in, stop_after)

    def stage(self, name: str, total: int | None, done: int = 0) -> None:
        self._name = name
        self.stages[name] = [done, 0]
        self._look()

    def advance(self, frames: int) -> None:
        self.stages[self._name][1] += frames
        self._look()

    def _look(self) -> None:
        if (self._name, self.stages[self._name][1]) == self._stop:
            raise KeyboardInterrupt


@contextmanager
def refused(error: type[TapemendError], source: Path) -> Iterator[list[str]]:
    """Expects one clear line, the source as it was, and nothing left in its folder; gives the line."""
    before, names, said = hashlib.sha256(source.read_bytes()).digest(), set(source.parent.rglob("*")), []
    with pytest.raises(error) as caught:
        yield said
    assert hashlib.sha256(source.read_bytes()).digest() == before
    assert set(source.parent.rglob("*")) == names
    said += str(caught.value).splitlines()
    assert len(said) == 1


def report_of(outcome: pipeline.Outcome) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(outcome.report_json.read_text())
    return content


def unexpected(outcome: pipeline.Outcome) -> str:
    return " ".join(entry["what"] for entry in report_of(outcome)["not_as_expected"])


@pytest.mark.parametrize(
    "pixel_format", ["yuv420p", "yuv411p", "yuv422p10le", "yuv444p16le", "yuvj422p", "gray10le", "gbrp", "gbrp12le"]
)
def test_strength_0_gives_the_identical_frames(tmp_path: Path, weights: Weights, pixel_format: str) -> None:
    codec = "mjpeg" if pixel_format.startswith("yuvj") else "ffv1"
    clip = Clip(codec=codec, pixel_format="bgr0" if pixel_format == "gbrp" else pixel_format, width=37, height=29)
    source = clip.write(tmp_path / "tape.mkv")
    settings = weights.settings(weights.damaged, strength=0.0)
    outcome = pipeline.restore(source, tmp_path / "restored.mkv", settings)
    assert (outcome.damaged_frames, outcome.changed_frames, outcome.frame_count) == (12, 0, 12)
    assert pictures_of(outcome.written.path) == pictures_of(source)
    assert "strength was set to 0" in unexpected(outcome)


@pytest.mark.parametrize("scan", [ScanType.TOP_FIRST, ScanType.BOTTOM_FIRST])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le"])
def test_an_interlaced_tape_kept_so_at_strength_0_is_identical(
    tmp_path: Path, weights: Weights, scan: ScanType, pixel_format: str
) -> None:
    source = Clip(scan=scan, pixel_format=pixel_format).write(tmp_path / "tape.mkv")
    settings = weights.settings(weights.damaged, strength=0.0, encode=EncodeSettings(scan=ScanOutput.KEEP))
    outcome = pipeline.restore(source, tmp_path / "restored.mkv", settings)
    assert outcome.frame_count == 24
    assert pictures_of(outcome.written.path) == pictures_of(source)


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("scan", [ScanType.PROGRESSIVE, ScanType.BOTTOM_FIRST])
def test_colour_is_put_back_in_every_frame_and_nothing_else_is_changed(
    tmp_path: Path, weights: Weights, scan: ScanType
) -> None:
    source, target = Clip(pixel_format="yuv422p", scan=scan).write(tmp_path / "tape.mkv"), tmp_path / "restored.mkv"
    settings = replace(
        weights.settings(weights.clean, encode=EncodeSettings(scan=ScanOutput.KEEP)),
        decode=DecodeSettings(chroma_delay=(4.0, -2.0)),
    )
    with pytest.raises(KeyboardInterrupt):
        pipeline.restore(source, target, settings, progress=Told("restoring", 5))
    outcome = pipeline.restore(source, target, settings)
    assert outcome.changed_frames == 0
    assert "stood 4.0 pixels to the right of and 2.0 lines above luma" in outcome.report_html.read_text()
    luma, chroma = 48 * 64, (-1, 48, 32)
    for before, after in zip(samples_of(source), samples_of(target), strict=True):
        assert before[:luma] == after[:luma]
        old, new = (np.frombuffer(each[luma:], np.uint8).reshape(chroma) for each in (before, after))
        assert np.array_equal(new[:, 2:, :-2], old[:, :-2, 2:])


def test_colour_is_not_put_back_where_there_is_none(tmp_path: Path, weights: Weights) -> None:
    source = Clip(pixel_format="gray").write(tmp_path / "tape.mkv")
    settings = replace(weights.settings(), decode=DecodeSettings(chroma_delay=(4.0, 0.0)))
    with refused(SettingsError, source) as said:
        pipeline.restore(source, tmp_path / "restored.mkv", settings)
    assert said == [f"--chroma-delay 4 0: {source} has no colour; leave it out"]


def test_an_interlaced_tape_becomes_progressive_at_field_rate(tmp_path: Path, weights: Weights) -> None:
    source = Clip(scan=ScanType.TOP_FIRST).write(tmp_path / "tape.mkv")
    outcome = pipeline.restore(source, tmp_path / "restored.mkv", weights.settings(weights.damaged))
    assert outcome.changed_frames == outcome.frame_count == 24
    with av.open(str(outcome.written.path)) as container:
        assert container.streams.video[0].average_rate == 50
        frames = list(container.decode(video=0))
    assert [frame.pts * frame.time_base for frame in frames] == [Fraction(n, 50) for n in range(24)]
    assert not any(frame.interlaced_frame for frame in frames)


@pytest.mark.usefixtures("short_segments")
def test_damaged_frames_are_restored_and_the_others_are_as_they_were(tmp_path: Path, weights: Weights) -> None:
    source = damaged_tape(tmp_path / "tape.mkv", DAMAGED)
    outcome = pipeline.restore(source, tmp_path / "restored.mkv", weights.settings())
    pairs = zip(samples_of(source), samples_of(outcome.written.path), strict=True)
    assert tuple(index for index, (before, after) in enumerate(pairs) if before != after) == DAMAGED
    assert (outcome.damaged_frames, outcome.changed_frames, outcome.frame_count) == (4, 4, 12)
    report = report_of(outcome)
    assert report["frames"]["damaged"] == [[2, 5], [8, 9]]
    assert {lender for window in report["windows"] for lender in window["references"]} <= {*range(12)} - {*DAMAGED}
    assert [window["start"] for window in report["windows"]] == [2, 4, 8]
    assert all(window["references"] for window in report["windows"])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["tape.mkv", *(f"restored{end}" for end in (".mkv", ".mkv.framemd5", ".report.json", ".report.html"))]
    )


def test_the_result_is_the_same_whatever_the_length_of_segments(
    tmp_path: Path, weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, results = damaged_tape(tmp_path / "tape.mkv", DAMAGED), []
    for length in (2, 6, 240):
        monkeypatch.setattr(pipeline, "SEGMENT_FRAMES", length)
        outcome = pipeline.restore(source, tmp_path / f"{length}.mkv", weights.settings())
        results.append((outcome.written.framemd5_path.read_text(), report_of(outcome)["frames"]))
    assert results[0] == results[1] == results[2]


def test_a_clean_tape_passes_untouched_and_the_report_says_so(tmp_path: Path, weights: Weights) -> None:
    source = damaged_tape(tmp_path / "tape.mkv", ())
    outcome = pipeline.restore(source, tmp_path / "restored.mkv", weights.settings(weights.clean))
    assert (outcome.damaged_frames, outcome.changed_frames) == (0, 0)
    assert pictures_of(outcome.written.path) == pictures_of(source)
    done = report_of(outcome)["done"]
    assert (done["identical_frames"], done["window_count"]) == (12, 0)


def test_a_tape_without_clean_frames_is_restored_without_references_and_that_is_said(
    tmp_path: Path, weights: Weights
) -> None:
    source = damaged_tape(tmp_path / "tape.mkv", ())
    outcome = pipeline.restore(source, tmp_path / "restored.mkv", weights.settings(weights.damaged))
    assert outcome.changed_frames == outcome.damaged_frames == 12
    assert not any(window["references"] for window in report_of(outcome)["windows"])
    assert "there was no clean frame to lend what is lost" in unexpected(outcome)


def test_a_tape_of_one_frame_is_restored(tmp_path: Path, weights: Weights) -> None:
    source = damaged_tape(tmp_path / "tape.mkv", (0,), frame_count=1)
    outcome = pipeline.restore(source, tmp_path / "restored.mkv", weights.settings(weights.damaged))
    assert (outcome.changed_frames, outcome.frame_count) == (1, 1)


@pytest.mark.parametrize(("width", "height"), [(16, 16), (2, 2)])
def test_a_tiny_picture_is_restored(tmp_path: Path, weights: Weights, width: int, height: int) -> None:
    source = Clip(width=width, height=height, frame_count=3).write(tmp_path / "tape.mkv")
    outcome = pipeline.restore(source, tmp_path / "restored.mkv", weights.settings(weights.damaged))
    assert (outcome.changed_frames, outcome.frame_count) == (3, 3)


def test_an_access_copy_is_made_of_a_restored_tape(tmp_path: Path, weights: Weights) -> None:
    source = damaged_tape(tmp_path / "tape.mkv", DAMAGED)
    settings = weights.settings(encode=EncodeSettings(access=True))
    outcome = pipeline.restore(source, tmp_path / "restored.mp4", settings)
    assert len(samples_of(outcome.written.path)) == 12


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize(
    ("stage", "after", "finished"),
    [("looking for damage", 5, 0), ("restoring", 0, 0), ("restoring", 3, 0), ("restoring", 10, 2)],
)
def test_work_that_was_broken_off_goes_on_where_it_was(
    tmp_path: Path, weights: Weights, stage: str, after: int, finished: int
) -> None:
    source, target = damaged_tape(tmp_path / "tape.mkv", DAMAGED), tmp_path / "restored.mkv"
    whole = pipeline.restore(source, tmp_path / "whole.mkv", weights.settings())
    with pytest.raises(KeyboardInterrupt):
        pipeline.restore(source, target, weights.settings(), progress=Told(stage, after))
    assert not list(tmp_path.rglob("*.part"))
    assert not target.exists()
    assert journal_folder(target).exists() == (stage == "restoring")
    told = Told()
    outcome = pipeline.restore(source, target, weights.settings(), progress=told)
    assert told.stages["restoring"] == [4 * finished, 12 - 4 * finished]
    assert ("looking for damage" in told.stages) == (stage != "restoring")
    assert outcome.written.framemd5_path.read_text() == whole.written.framemd5_path.read_text()
    assert report_of(outcome)["frames"] == report_of(whole)["frames"]
    assert report_of(outcome)["windows"] == report_of(whole)["windows"]
    assert not journal_folder(target).exists()


@pytest.mark.usefixtures("short_segments")
def test_unfinished_work_of_another_kind_is_refused_and_what_differs_is_named(tmp_path: Path, weights: Weights) -> None:
    source, target = damaged_tape(tmp_path / "tape.mkv", DAMAGED), tmp_path / "restored.mkv"
    restorer = tmp_path / "weights.safetensors"
    shutil.copy(weights.restorer, restorer)

    def run(strength: float = 1.0, resume: bool = True, progress: Told | None = None) -> pipeline.Outcome:
        settings = Settings(
            detect=weights.settings().detect,
            restore=RestoreSettings(strength=strength, weights=str(restorer), window=4, device="cpu"),
        )
        return pipeline.restore(source, target, settings, resume=resume, progress=progress)

    with pytest.raises(KeyboardInterrupt):
        run(progress=Told("restoring", 5))
    with pytest.raises(JournalMismatch, match=r"settings\.restore\.strength \(1\.0 there, 0\.5 now\); use the same"):
        run(strength=0.5)
    shutil.copy(weights.other_restorer, restorer)
    with pytest.raises(JournalMismatch, match=r"differs in software\.restorer \("):
        run()
    shutil.copy(weights.restorer, restorer)
    damaged_tape(source, DAMAGED, 16)
    with pytest.raises(JournalMismatch, match=r"differs in source\.sha256 \(.*source\.size \("):
        run()
    assert not target.exists()
    told = Told()
    assert run(strength=0.5, resume=False, progress=told).frame_count == 16
    assert told.stages["restoring"] == [0, 16]


def test_work_that_lacks_only_its_report_is_finished_without_being_asked_to_overwrite(
    tmp_path: Path, weights: Weights
) -> None:
    source, target = damaged_tape(tmp_path / "tape.mkv", DAMAGED), tmp_path / "restored.mkv"
    in_the_way = tmp_path / "restored.report.json"
    in_the_way.mkdir()
    with pytest.raises(TargetNotWritable, match="the report cannot be written"):
        pipeline.restore(source, target, weights.settings())
    in_the_way.rmdir()
    with pytest.raises(TargetExists):
        pipeline.restore(source, target, weights.settings(), resume=False)
    outcome = pipeline.restore(source, target, weights.settings())
    assert outcome.report_json.is_file()
    assert not journal_folder(target).exists()
    with pytest.raises(TargetExists):
        pipeline.restore(source, target, weights.settings())


@pytest.mark.parametrize("content", [b"", b"no video at all " * 40, bytes(range(256)) * 64])
def test_what_is_no_video_is_one_clear_line(tmp_path: Path, weights: Weights, content: bytes) -> None:
    source = tmp_path / "tape.mkv"
    source.write_bytes(content)
    with refused(NotAVideo, source) as said:
        pipeline.restore(source, tmp_path / "restored.mkv", weights.settings())
    assert str(source) in said[0]


def test_a_missing_file_is_named_and_not_its_folder(tmp_path: Path, weights: Weights) -> None:
    source = tmp_path / "nowhere" / "tape.mkv"
    with pytest.raises(NotAVideo, match=r"there is no file .*tape\.mkv"):
        pipeline.restore(source, source.with_name("restored.mkv"), weights.settings())


def test_pictures_that_change_size_are_one_clear_line(tmp_path: Path, weights: Weights) -> None:
    source = tmp_path / "tape.m2v"
    parts = [Clip(codec="mpeg2video", width=width).write(tmp_path / f"{width}.m2v") for width in (64, 80)]
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    with refused(PictureChanged, source) as said:
        pipeline.restore(source, tmp_path / "restored.mkv", weights.settings())
    assert "changes from 64x48" in said[0]
    assert "cut the file there" in said[0]


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_tape_gives_the_frames_it_has_and_the_report_says_so(
    tmp_path: Path, weights: Weights, share: float
) -> None:
    source = damaged_tape(tmp_path / "tape.avi", DAMAGED, 40)
    content = source.read_bytes()
    source.write_bytes(content[: int(share * len(content))])
    outcome = pipeline.restore(source, tmp_path / "restored.mkv", weights.settings())
    assert 40 * share - 3 < outcome.frame_count < 40 * share + 1
    assert len(samples_of(outcome.written.path)) == outcome.frame_count
    assert f"the file gives {outcome.frame_count} frames" in unexpected(outcome)
    assert source.read_bytes() == content[: int(share * len(content))]


def test_a_frame_that_is_damaged_in_the_file_is_kept_and_said(tmp_path: Path, weights: Weights) -> None:
    source = damaged_tape(tmp_path / "tape.mkv", DAMAGED, options={"level": "3", "g": "1", "slicecrc": "1"})
    with av.open(str(source)) as container:
        payload = [bytes(packet) for packet in container.demux(video=0) if packet.size][6]
    scratched = payload[:1000] + bytes(byte ^ 0x5A for byte in payload[1000:1024]) + payload[1024:]
    source.write_bytes(source.read_bytes().replace(payload, scratched))
    outcome = pipeline.restore(source, tmp_path / "restored.mkv", weights.settings())
    assert outcome.frame_count == 12
    assert len(samples_of(outcome.written.path)) == 12
    assert "1 frame is damaged in the file (source frame 6)" in unexpected(outcome)


@pytest.mark.parametrize("start", [None, Fraction(0), Fraction(1, 5)])
def test_sound_comes_along_whenever_it_begins_and_may_be_missing(
    tmp_path: Path, weights: Weights, start: Fraction | None
) -> None:
    audio = () if start is None else (AudioTrack(start=start),)
    source = damaged_tape(tmp_path / "tape.mkv", DAMAGED, audio=audio)
    outcome = pipeline.restore(source, tmp_path / "restored.mkv", weights.settings())
    with av.open(str(source)) as before, av.open(str(outcome.written.path)) as after:
        sounds = [
            [(packet.pts * packet.time_base, bytes(packet)) for packet in container.demux(audio=0) if packet.size]
            if container.streams.audio
            else []
            for container in (before, after)
        ]
    assert sounds[0] == sounds[1]
    assert bool(sounds[0]) == (start is not None)


def test_a_target_that_exists_is_refused_unless_asked(tmp_path: Path, weights: Weights) -> None:
    source, target = damaged_tape(tmp_path / "tape.mkv", DAMAGED), tmp_path / "restored.mkv"
    target.write_text("mine")
    with refused(TargetExists, source):
        pipeline.restore(source, target, weights.settings())
    assert target.read_text() == "mine"
    outcome = pipeline.restore(source, target, weights.settings(encode=EncodeSettings(overwrite=True)))
    assert len(samples_of(outcome.written.path)) == 12


@pytest.mark.parametrize(
    ("target", "error"),
    [("tape.mkv", TargetNotWritable), ("missing/restored.mkv", TargetNotWritable), ("folder", TargetNotWritable)],
)
def test_a_target_that_cannot_be_written_is_refused_before_any_work(
    tmp_path: Path, weights: Weights, target: str, error: type[TapemendError]
) -> None:
    source = damaged_tape(tmp_path / "tape.mkv", ())
    (tmp_path / "folder").mkdir()
    with refused(error, source):
        pipeline.restore(source, tmp_path / target, weights.settings(encode=EncodeSettings(overwrite=True)))


def test_a_file_where_the_journal_would_be_is_refused(tmp_path: Path, weights: Weights) -> None:
    source, target = damaged_tape(tmp_path / "tape.mkv", ()), tmp_path / "restored.mkv"
    journal_folder(target).write_text("mine")
    with refused(TargetNotWritable, source) as said:
        pipeline.restore(source, target, weights.settings())
    assert str(journal_folder(target)) in said[0]


@pytest.mark.parametrize("stage", ["restorer", "scorer"])
@pytest.mark.parametrize("harm", ["unknown", "truncated", "flipped", "swapped"])
def test_weights_that_cannot_be_used_are_refused_before_any_work(
    tmp_path: Path, weights: Weights, stage: str, harm: str
) -> None:
    source = damaged_tape(tmp_path / "tape.mkv", ())
    path = tmp_path / "weights.safetensors"
    right, wrong = (
        (weights.restorer, weights.brightness) if stage == "restorer" else (weights.brightness, weights.restorer)
    )
    content = bytearray((wrong if harm == "swapped" else right).read_bytes())
    if harm == "flipped":
        content[-100] ^= 0x10
    if harm != "unknown":
        path.write_bytes(content[:-9] if harm == "truncated" else content)
    settings = weights.settings()
    if stage == "restorer":
        settings = Settings(detect=settings.detect, restore=RestoreSettings(weights=str(path), device="cpu"))
    else:
        settings = Settings(detect=DetectSettings(scorer_weights=str(path)), restore=settings.restore)
    with refused(WeightsError, source) as said:
        pipeline.restore(source, tmp_path / "restored.mkv", settings)
    assert str(path) in said[0]


@pytest.mark.parametrize("device", ["cuda:99", "quantum", "meta", ""])
def test_a_device_that_is_not_there_is_refused(tmp_path: Path, weights: Weights, device: str) -> None:
    source = damaged_tape(tmp_path / "tape.mkv", ())
    settings = Settings(restore=RestoreSettings(weights=str(weights.restorer), device=device))
    with refused(SettingsError, source) as said:
        pipeline.restore(source, tmp_path / "restored.mkv", settings)
    assert said[0].startswith(f"--device {device}: ")


def test_the_pictures_of_these_tests_are_told_apart_by_their_brightness() -> None:
    picture = dark_with_bright({1})
    assert np.mean(picture(0)[0]) < 60
    assert np.mean(picture(1)[0][:24]) > 200
