import json
import os
from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import AudioTrack, Clip

from tapemend.errors import NotAVideo, UnsupportedPicture
from tapemend.frames import ColourTags, Components, ScanType
from tapemend.probe import describe, probe
from tapemend.settings import FieldOrder, ProbeSettings

AUTO = ProbeSettings()
PAL_COLOUR = ColourTags(primaries=5, transfer=6, matrix=5, range=1)


def moving(scan: ScanType, **more: object) -> Clip:
    return Clip(scan=scan, frame_count=20, width=96, height=64, **more)


def test_everything_that_must_be_kept_is_read(tmp_path: Path) -> None:
    clip = Clip(
        pixel_format="yuv422p10le",
        frame_rate=Fraction(30000, 1001),
        colour=PAL_COLOUR,
        audio=(AudioTrack(), AudioTrack(codec="flac", start=Fraction(1, 4), language="deu")),
        chapters=("one", "two"),
        tags={"title": "Holiday"},
        attachments=(("label.txt", "text/plain", b"tape 7"),),
    )
    tape = probe(clip.write(tmp_path / "clip.mkv"), AUTO)
    assert (tape.width, tape.height, tape.codec, tape.container) == (64, 48, "ffv1", "matroska,webm")
    assert (tape.layout.name, tape.layout.bit_depth, tape.stored_pixel_format) == ("yuv422p10le", 10, "yuv422p10le")
    assert tape.layout.components is Components.YCBCR
    assert tape.frame_rate == Fraction(30000, 1001)
    assert tape.time_base == Fraction(1, 1000)
    assert tape.colour == PAL_COLOUR
    assert tape.chapter_count == 2
    assert tape.tags["title"] == "Holiday"
    assert [(note.kind, note.codec) for note in tape.streams] == [
        ("audio", "pcm_s16le"),
        ("audio", "flac"),
        ("attachment", "unknown"),
    ]
    assert "deu" in tape.streams[1].detail
    assert tape.streams[1].start == Fraction(1, 4)
    assert "label.txt" in tape.streams[2].detail


def test_a_description_is_ready_for_json(tmp_path: Path) -> None:
    tape = probe(Clip(audio=(AudioTrack(),)).write(tmp_path / "clip.mkv"), AUTO)
    described = json.loads(json.dumps(describe(tape)))
    assert described["frame_rate"] == "25/1"
    assert described["scan"]["used"] == "progressive"
    assert described["path"] == str(tmp_path / "clip.mkv")


@pytest.mark.parametrize(
    ("name", "clip", "rate"),
    [
        ("clip.dv", Clip(codec="dvvideo", pixel_format="yuv420p", width=720, height=576, frame_count=1), 25),
        ("clip.mpg", Clip(codec="mpeg2video", frame_rate=Fraction(30000, 1001)), Fraction(30000, 1001)),
        ("clip.m2v", Clip(codec="mpeg2video", frame_rate=Fraction(30000, 1001)), Fraction(30000, 1001)),
        ("clip.mp4", Clip(codec="libx264", frame_rate=Fraction(50)), 50),
        ("clip.mxf", Clip(codec="mpeg2video", width=720, height=576, frame_count=3, scan=ScanType.TOP_FIRST), 25),
        ("clip.avi", Clip(codec="huffyuv", pixel_format="yuv422p"), 25),
        ("clip.mkv", Clip(frame_rate=Fraction(60000, 1001)), Fraction(60000, 1001)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_frame_rate_is_the_nominal_one_in_every_container(
    tmp_path: Path, name: str, clip: Clip, rate: Fraction
) -> None:
    assert probe(clip.write(tmp_path / name), AUTO).frame_rate == rate


def test_the_header_says_how_many_frames_or_nothing(tmp_path: Path) -> None:
    assert probe(Clip(codec="libx264").write(tmp_path / "clip.mp4"), AUTO).frame_count_from_header == 12
    assert probe(Clip().write(tmp_path / "clip.mkv"), AUTO).frame_count_from_header is None


@pytest.mark.parametrize("scan", [ScanType.PROGRESSIVE, ScanType.TOP_FIRST, ScanType.BOTTOM_FIRST])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "gbrp10le", "gray16le"])
def test_scan_and_field_order_are_measured(tmp_path: Path, scan: ScanType, pixel_format: str) -> None:
    tape = probe(moving(scan, pixel_format=pixel_format).write(tmp_path / "clip.mkv"), AUTO)
    assert (tape.scan.measured, tape.scan.used) == (scan, scan)
    assert tape.scan.evidence[scan.value] > 15
    assert tape.notes == ()


@pytest.mark.parametrize("flagged", [ScanType.TOP_FIRST, ScanType.BOTTOM_FIRST])
@pytest.mark.parametrize(("codec", "name"), [("mpeg2video", "clip.mpg"), ("libx264", "clip.mp4"), ("ffv1", "clip.mkv")])
def test_the_flagged_field_order_is_read_off_the_frames(
    tmp_path: Path, flagged: ScanType, codec: str, name: str
) -> None:
    clip = moving(flagged, codec=codec, options={"b": "2000000"})
    assert probe(clip.write(tmp_path / name), AUTO).scan.flagged is flagged


def test_a_field_order_in_the_container_alone_is_read(tmp_path: Path) -> None:
    clip = moving(ScanType.TOP_FIRST, codec="v210", pixel_format="yuv422p10le")
    assert probe(clip.write(tmp_path / "clip.mov"), AUTO).scan.flagged is ScanType.TOP_FIRST


@pytest.mark.parametrize(
    ("scan", "flagged"),
    [
        (ScanType.TOP_FIRST, ScanType.BOTTOM_FIRST),
        (ScanType.TOP_FIRST, ScanType.PROGRESSIVE),
        (ScanType.PROGRESSIVE, ScanType.BOTTOM_FIRST),
    ],
)
def test_a_flag_that_lies_is_not_believed_and_the_note_says_both(
    tmp_path: Path, scan: ScanType, flagged: ScanType
) -> None:
    clip = moving(scan, flagged=flagged, codec="libx264")
    tape = probe(clip.write(tmp_path / "clip.mp4"), AUTO)
    assert (tape.scan.flagged, tape.scan.measured, tape.scan.used) == (flagged, scan, scan)
    (note,) = tape.notes
    assert "flagged" in note
    assert "--field-order" in note


def test_the_user_overrides_flag_and_measurement(tmp_path: Path) -> None:
    path = moving(ScanType.TOP_FIRST).write(tmp_path / "clip.mkv")
    tape = probe(path, ProbeSettings(field_order=FieldOrder.BFF))
    assert (tape.scan.measured, tape.scan.used) == (ScanType.TOP_FIRST, ScanType.BOTTOM_FIRST)
    assert any("--field-order says" in note for note in tape.notes)


def test_telecined_film_is_recognised_and_left_alone(tmp_path: Path) -> None:
    clip = Clip(scan=ScanType.TELECINE, frame_count=60, width=96, height=64, frame_rate=Fraction(30000, 1001))
    tape = probe(clip.write(tmp_path / "clip.mkv"), AUTO)
    assert (tape.scan.measured, tape.scan.used) == (ScanType.TELECINE, ScanType.TELECINE)
    assert not tape.scan.used.interlaced
    assert any("telecined" in note for note in tape.notes)


def still(**more: object) -> Clip:
    planes = Clip(**more).planes(0)
    return Clip(picture=lambda _: planes, **more)


def test_a_still_picture_is_what_its_flag_says(tmp_path: Path) -> None:
    tape = probe(still(codec="libx264", scan=ScanType.BOTTOM_FIRST).write(tmp_path / "clip.mp4"), AUTO)
    assert (tape.scan.measured, tape.scan.used) == (ScanType.UNKNOWN, ScanType.BOTTOM_FIRST)
    assert any("flag is believed" in note for note in tape.notes)


def test_with_neither_flag_nor_motion_progressive_is_assumed_and_said(tmp_path: Path) -> None:
    tape = probe(Clip(codec="rawvideo", frame_count=1).write(tmp_path / "clip.avi"), AUTO)
    assert (tape.scan.flagged, tape.scan.measured) == (ScanType.UNKNOWN, ScanType.UNKNOWN)
    assert tape.scan.used is ScanType.PROGRESSIVE
    assert any("progressive is assumed" in note for note in tape.notes)


def test_a_cover_is_not_the_video(tmp_path: Path) -> None:
    tape = probe(Clip(codec="libx264", cover=True).write(tmp_path / "clip.mp4"), AUTO)
    assert (tape.codec, tape.width) == ("h264", 64)
    assert [(note.kind, note.detail) for note in tape.streams] == [("video", "und, cover")] or "cover" in str(
        tape.streams
    )


def test_full_range_is_taken_from_the_tag(tmp_path: Path) -> None:
    colour = ColourTags(primaries=1, transfer=1, matrix=1, range=2)
    assert probe(Clip(colour=colour).write(tmp_path / "clip.mkv"), AUTO).layout.full_range
    tape = probe(Clip(codec="mjpeg", pixel_format="yuvj422p").write(tmp_path / "clip.avi"), AUTO)
    assert (tape.stored_pixel_format, tape.layout.name, tape.layout.full_range) == ("yuvj422p", "yuv422p", True)


def test_the_pixel_shape_of_the_stream_is_read(tmp_path: Path) -> None:
    clip = Clip(codec="libx264", sample_aspect_ratio=Fraction(16, 15))
    assert probe(clip.write(tmp_path / "clip.mp4"), AUTO).sample_aspect_ratio == Fraction(16, 15)
    assert probe(Clip().write(tmp_path / "clip.mkv"), AUTO).sample_aspect_ratio is None


def test_uneven_timestamps_are_noted(tmp_path: Path) -> None:
    clip = Clip(frame_count=12, pts=(0, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14))
    tape = probe(clip.write(tmp_path / "clip.mkv"), AUTO)
    assert tape.frame_rate == 25
    assert any("from timestamp to timestamp" in note and "not one frame" in note for note in tape.notes)


def test_what_is_not_a_video_is_one_clear_line(tmp_path: Path) -> None:
    empty, text, noise, sound = (tmp_path / name for name in ("empty.mkv", "letter.txt", "noise.avi", "sound.wav"))
    empty.touch()
    text.write_text("Dear reader,\n" * 200)
    noise.write_bytes(os.urandom(20000))
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame(format="s16", layout="stereo", samples=800)
        frame.rate = 8000
        container.mux(stream.encode(frame))
    for path, word in [
        (tmp_path / "missing.mkv", "there is no file"),
        (tmp_path, "folder"),
        (empty, "empty"),
        (text, "not a video"),
        (noise, "not a video"),
        (sound, "no video stream"),
    ]:
        with pytest.raises(NotAVideo, match=word) as raised:
            probe(path, AUTO)
        assert str(path) in str(raised.value)
        assert "\n" not in str(raised.value)


def test_a_video_of_which_nothing_decodes_is_no_video(tmp_path: Path) -> None:
    path = Clip(codec="libx264").write(tmp_path / "clip.mp4")
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 4
    end = content.index(b"moov") - 4
    content[start:end] = bytes(end - start)
    path.write_bytes(content)
    with pytest.raises(NotAVideo, match="none of its pictures decodes"):
        probe(path, AUTO)


def test_alpha_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedPicture, match=r"yuva420p.*convert"):
        probe(Clip(pixel_format="yuva420p").write(tmp_path / "clip.mkv"), AUTO)


def test_probing_leaves_the_file_untouched(tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "clip.mkv")
    before = (path.read_bytes(), path.stat().st_mtime_ns, sorted(tmp_path.iterdir()))
    path.chmod(0o444)
    probe(path, AUTO)
    assert (path.read_bytes(), path.stat().st_mtime_ns, sorted(tmp_path.iterdir())) == before
