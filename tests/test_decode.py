import zlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from clips import Clip
from hypothesis import given, settings
from hypothesis import strategies as st

from tapemend.decode import Reader, load_index, save_index
from tapemend.errors import PictureChanged, SourceChanged
from tapemend.frames import Frame, FrameState, ScanType, Tape
from tapemend.probe import probe
from tapemend.settings import DecodeSettings, ProbeSettings
from tapemend.source import Decoder

TOP, BOTTOM = ScanType.TOP_FIRST, ScanType.BOTTOM_FIRST


def reader_of(path: Path, cache_frames: int = 4) -> Reader:
    return Reader(probe(path, ProbeSettings()), DecodeSettings(cache_frames=cache_frames))


def surveyed(path: Path) -> tuple[Reader, list[Frame]]:
    reader = reader_of(path)
    return reader, list(reader.survey())


def assert_planes(frame: Frame, wanted: tuple) -> None:
    for plane, samples in zip(frame.planes, wanted, strict=True):
        np.testing.assert_array_equal(plane, samples)


def assert_frames(found: list[Frame], wanted: list[Frame]) -> None:
    assert [(frame.index, frame.pts, frame.state) for frame in found] == [
        (frame.index, frame.pts, frame.state) for frame in wanted
    ]
    for frame, other in zip(found, wanted, strict=True):
        assert_planes(frame, other.planes)


def packets_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.video[0]) if packet.size]


def damage(path: Path, number: int, change: Callable[[bytes], bytes]) -> Path:
    """Change the payload of one packet in place."""
    payload = packets_of(path)[number]
    changed = change(payload)
    assert len(changed) == len(payload)
    path.write_bytes(path.read_bytes().replace(payload, changed, 1))
    return path


def blank(payload: bytes) -> bytes:
    return bytes(len(payload))


def scratch(payload: bytes) -> bytes:
    middle = len(payload) // 2
    return payload[:middle] + bytes(byte ^ 0x5A for byte in payload[middle : middle + 24]) + payload[middle + 24 :]


def blank_half(payload: bytes) -> bytes:
    middle = len(payload) // 2
    return payload[:middle] + bytes(len(payload) - middle)


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("clip.mkv", Clip(pixel_format="yuv422p10le", width=63, height=47)),
        ("clip.mkv", Clip(pixel_format="yuv444p16le")),
        ("clip.mkv", Clip(pixel_format="yuv411p", width=66)),
        ("clip.mkv", Clip(pixel_format="gbrp12le")),
        ("clip.mkv", Clip(pixel_format="gray")),
        ("clip.mkv", Clip(pixel_format="gray10le", scan=BOTTOM)),
        ("clip.mov", Clip(codec="v210", pixel_format="yuv422p10le", width=50)),
        ("clip.nut", Clip(codec="rawvideo", pixel_format="yuv440p", scan=TOP)),
        ("clip.avi", Clip(codec="huffyuv", pixel_format="yuv422p")),
    ],
    ids=lambda value: value if isinstance(value, str) else value.pixel_format,
)
def test_frames_carry_the_samples_of_the_file(tmp_path: Path, name: str, clip: Clip) -> None:
    reader, frames = surveyed(clip.write(tmp_path / name))
    step = 2 if reader.bobs else 1
    assert len(frames) == step * clip.frame_count
    assert reader.index.notes == ()
    for number in range(clip.frame_count):
        wanted = clip.planes(number)
        if reader.bobs:
            own = 1 if clip.scan is BOTTOM else 0
            for plane, samples in enumerate(wanted):
                np.testing.assert_array_equal(frames[2 * number].planes[plane][own::2], samples[own::2])
                np.testing.assert_array_equal(frames[2 * number + 1].planes[plane][1 - own :: 2], samples[1 - own :: 2])
        else:
            assert_planes(frames[number], wanted)


def test_packed_samples_are_handed_out_planar(tmp_path: Path) -> None:
    clip = Clip(codec="rawvideo", pixel_format="yuyv422")
    _, frames = surveyed(clip.write(tmp_path / "clip.avi"))
    (packed,) = clip.planes(3)
    assert_planes(frames[3], (packed[:, 0::2], packed[:, 1::4], packed[:, 3::4]))


def test_interlaced_tape_comes_at_field_rate_with_rising_times(tmp_path: Path) -> None:
    path = Clip(scan=TOP, frame_rate=Fraction(30000, 1001)).write(tmp_path / "clip.mkv")
    reader, frames = surveyed(path)
    assert (reader.bobs, reader.frame_rate, reader.time_base) == (True, Fraction(60000, 1001), Fraction(1, 2000))
    assert [frame.index for frame in frames] == list(range(24))
    assert [frame.pts for frame in frames[:5]] == [0, 33, 66, 99, 134]
    assert all(after.pts > before.pts for before, after in pairwise(frames))


def test_fields_of_close_frames_still_rise(tmp_path: Path) -> None:
    clip = Clip(
        scan=TOP, codec="libx264", frame_rate=Fraction(1000), frame_count=8, pts=(0, 40, 80, 90, 120, 160, 200, 201)
    )
    _, frames = surveyed(clip.write(tmp_path / "clip.mkv"))
    assert [frame.pts for frame in frames] == [
        0,
        40,
        80,
        120,
        160,
        170,
        180,
        210,
        240,
        280,
        320,
        360,
        400,
        401,
        402,
        442,
    ]


def test_a_single_interlaced_frame_gives_two(tmp_path: Path) -> None:
    path = Clip(scan=BOTTOM, codec="mpeg2video", frame_count=1).write(tmp_path / "clip.mkv")
    reader, frames = surveyed(path)
    assert len(frames) == 2
    assert_frames([reader.fetch(1), reader.fetch(0)], frames[::-1])


LONG_GOP = {"g": "12", "bf": "2", "b": "400000"}
OPEN_GOP = {"x264-params": "open-gop=1:keyint=12:min-keyint=12:bframes=3:b-pyramid=normal:scenecut=0"}
SEEKABLE = {
    "ffv1.mkv": Clip(frame_count=40),
    "ffv1-interlaced.mkv": Clip(frame_count=40, scan=BOTTOM, pixel_format="yuv422p10le", options={"g": "5"}),
    "mpeg2.mpg": Clip(frame_count=60, codec="mpeg2video", options=LONG_GOP),
    "mpeg2.ts": Clip(frame_count=60, codec="mpeg2video", scan=TOP, options=LONG_GOP),
    "mpeg2.mkv": Clip(frame_count=60, codec="mpeg2video", scan=BOTTOM, options=LONG_GOP),
    "mpeg2.m2v": Clip(frame_count=40, codec="mpeg2video", options=LONG_GOP),
    "h264.mp4": Clip(frame_count=60, codec="libx264", options=OPEN_GOP),
    "h264-interlaced.mkv": Clip(frame_count=60, codec="libx264", scan=TOP, options=OPEN_GOP),
    "h264.ts": Clip(frame_count=60, codec="libx264", options=OPEN_GOP),
    "huffyuv.avi": Clip(frame_count=30, codec="huffyuv", pixel_format="yuv422p", scan=TOP, flagged=TOP),
}


@pytest.fixture(scope="module", params=SEEKABLE)
def surveyed_once(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Tape, Reader, list[Frame]]:
    path = SEEKABLE[request.param].write(tmp_path_factory.mktemp("clips") / request.param)
    tape = probe(path, ProbeSettings())
    reader = Reader(tape, DecodeSettings())
    return tape, reader, list(reader.survey())


@settings(max_examples=12)
@given(places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9)), min_size=1, max_size=5), data=st.data())
def test_any_frames_by_index_are_those_of_the_survey(
    surveyed_once: tuple[Tape, Reader, list[Frame]], places: list[tuple[float, int]], data: st.DataObject
) -> None:
    tape, surveyor, frames = surveyed_once
    with Reader(tape, DecodeSettings(cache_frames=2)).with_index(surveyor.index) as reader:
        for place, length in places:
            start = min(int(place * len(frames)), len(frames) - 1)
            stop = min(start + length, len(frames))
            assert_frames(list(reader.frames(start, stop)), frames[start:stop])
            number = data.draw(st.integers(0, len(frames) - 1))
            assert_frames([reader.fetch(number)], [frames[number]])


def test_the_index_holds_the_checksum_of_every_frame(surveyed_once: tuple[Tape, Reader, list[Frame]]) -> None:
    _, reader, frames = surveyed_once
    assert len(reader.index) == len(frames)
    for frame, checksum, pts in zip(frames, reader.index.checksum, reader.index.pts, strict=True):
        assert zlib.crc32(b"".join(plane.tobytes() for plane in frame.planes)) == checksum
        assert frame.pts == pts


def test_two_runs_that_take_turns_both_get_their_own_frames(surveyed_once: tuple[Tape, Reader, list[Frame]]) -> None:
    _, reader, frames = surveyed_once
    early, late = reader.frames(2, 6), reader.frames(20, 24)
    turns = [frame for pair in zip(early, late, strict=True) for frame in pair]
    assert_frames(turns, [frame for pair in zip(frames[2:6], frames[20:24], strict=True) for frame in pair])


@pytest.fixture
def seeks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []
    seek = Decoder.seek

    def counted(self: Decoder, pts: int) -> None:
        seen.append(pts)
        seek(self, pts)

    monkeypatch.setattr(Decoder, "seek", counted)
    return seen


@pytest.mark.parametrize("scan", [ScanType.PROGRESSIVE, TOP])
def test_reading_on_where_the_last_call_ended_does_not_seek(tmp_path: Path, seeks: list[int], scan: ScanType) -> None:
    reader, frames = surveyed(Clip(frame_count=30, scan=scan).write(tmp_path / "clip.mkv"))
    assert_frames([*reader.frames(4, 9), *reader.frames(9, 10), *reader.frames(10, 30)], frames[4:30])
    assert len(seeks) == 1


def test_a_frame_that_is_asked_for_again_comes_from_the_cache(tmp_path: Path, seeks: list[int]) -> None:
    reader, _ = surveyed(Clip(frame_count=30, options={"g": "1"}).write(tmp_path / "clip.mkv"))
    assert reader.fetch(20) is reader.fetch(20)
    assert len(seeks) == 1
    for number in (3, 9, 15, 21):
        reader.fetch(number)
    reader.fetch(20)
    assert len(seeks) == 6


def test_a_frame_that_the_tape_does_not_have_is_refused(tmp_path: Path) -> None:
    reader, _ = surveyed(Clip().write(tmp_path / "clip.mkv"))
    with pytest.raises(IndexError, match="frame 12 of a tape of 12"):
        reader.fetch(12)
    with pytest.raises(IndexError):
        next(reader.frames(5, 13))


def test_without_an_index_frames_by_number_are_refused(tmp_path: Path) -> None:
    reader = reader_of(Clip().write(tmp_path / "clip.mkv"))
    with pytest.raises(RuntimeError, match="survey"):
        reader.fetch(0)


@pytest.mark.parametrize("scan", [ScanType.PROGRESSIVE, TOP])
def test_a_frame_lost_in_the_middle_is_a_copy_of_the_one_before(tmp_path: Path, scan: ScanType) -> None:
    clip = Clip(codec="libx264", scan=scan, options={"x264-params": "keyint=1"})
    path = damage(clip.write(tmp_path / "clip.mkv"), 5, blank)
    reader, frames = surveyed(path)
    step = 2 if reader.bobs else 1
    assert [frame.state for frame in frames[::step]] == [FrameState.DECODED] * 5 + [FrameState.FILLED] + [
        FrameState.DECODED
    ] * 6
    assert [frame.pts for frame in frames[::step]] == [40 * step * number for number in range(12)]
    if not reader.bobs:
        assert_planes(frames[5], frames[4].planes)
    assert any("1 frame that the file could not give is a copy" in note for note in reader.index.notes)
    assert any("1 packet of the file could not be decoded." in note for note in reader.index.notes)
    assert_frames([reader.fetch(number) for number in range(len(frames))[::-1]], frames[::-1])


def test_frames_after_a_broken_packet_near_the_end_are_not_lost(tmp_path: Path) -> None:
    path = damage(Clip(codec="mjpeg", pixel_format="yuvj422p").write(tmp_path / "clip.mkv"), 10, blank)
    _, frames = surveyed(path)
    assert [frame.state for frame in frames[-2:]] == [FrameState.FILLED, FrameState.DECODED]


def test_lost_frames_at_the_end_are_a_note_and_not_invented(tmp_path: Path) -> None:
    path = damage(Clip(codec="mjpeg", pixel_format="yuvj422p").write(tmp_path / "clip.mkv"), 11, blank)
    reader, frames = surveyed(path)
    assert len(frames) == 11
    assert any("1 frame at the end could not be decoded and is left out." in note for note in reader.index.notes)


@pytest.mark.parametrize(
    ("clip", "change"),
    [
        (Clip(options={"level": "3", "slicecrc": "1", "g": "1"}), scratch),
        (Clip(codec="mpeg2video", options={"b": "400000"}), scratch),
        (Clip(codec="libx264", options={"x264-params": "keyint=1"}), blank_half),
    ],
    ids=["ffv1", "mpeg2video", "h264"],
)
def test_a_frame_that_the_decoder_patched_up_is_kept_and_counted(
    tmp_path: Path, clip: Clip, change: Callable[[bytes], bytes]
) -> None:
    path = damage(clip.write(tmp_path / "clip.mkv"), 5, change)
    reader, frames = surveyed(path)
    assert len(frames) == 12
    assert [frame.state for frame in frames].count(FrameState.CORRUPT) >= 1
    assert any("damaged in the file" in note for note in reader.index.notes)
    assert_frames([reader.fetch(number) for number in (9, 5, 4)], [frames[9], frames[5], frames[4]])


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_what_a_damaged_file_decodes_to_is_the_same_every_time(tmp_path: Path, codec: str) -> None:
    options = {"x264-params": "keyint=24:slices=4"} if codec == "libx264" else {"g": "24", "b": "400000", "slices": "4"}
    path = Clip(codec=codec, frame_count=36, width=128, height=96, options=options).write(tmp_path / "clip.mkv")
    damage(damage(path, 3, blank_half), 16, scratch)
    _, frames = surveyed(path)
    reader, again = surveyed(path)
    assert_frames(again, frames)
    assert_frames([reader.fetch(number) for number in (35, 4, 17, 20)], [frames[number] for number in (35, 4, 17, 20)])


def test_a_truncated_file_gives_the_frames_it_has_and_a_note(tmp_path: Path) -> None:
    path = Clip(frame_count=40).write(tmp_path / "clip.mkv")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    reader, frames = surveyed(path)
    assert 15 < len(frames) < 25
    assert any("The header promises 1.60 s" in note for note in reader.index.notes)
    assert_frames([reader.fetch(len(frames) - 1)], frames[-1:])


def test_a_header_that_promises_more_frames_is_noted(tmp_path: Path) -> None:
    path = Clip(codec="huffyuv", pixel_format="yuv422p", frame_count=40).write(tmp_path / "clip.avi")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    reader, frames = surveyed(path)
    assert any(
        f"The header promises 40 frames of video, the file gives {len(frames)}" in note for note in reader.index.notes
    )


def test_a_file_cut_off_before_its_first_key_frame_starts_at_that_key_frame(tmp_path: Path) -> None:
    path = Clip(codec="mpeg2video", frame_count=40, options=LONG_GOP).write(tmp_path / "clip.ts")
    content = path.read_bytes()
    path.write_bytes(content[188 * (len(content) // 188 // 4) :])
    reader, frames = surveyed(path)
    assert 20 < len(frames) < 40
    assert any("at the start could not be decoded" in note for note in reader.index.notes)
    assert all(frame.state is not FrameState.FILLED for frame in frames)


def test_times_that_do_not_rise_are_set_from_the_frame_rate(tmp_path: Path) -> None:
    path = Clip(frame_count=8, options={"g": "1"}).write(tmp_path / "clip.mkv")
    _, whole = surveyed(path)
    muddled = tmp_path / "muddled.mkv"
    with av.open(str(path)) as source, av.open(str(muddled), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        times = iter((0, 40, 80, 80, 80, 240, 280, 320))
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream, packet.time_base = stream, Fraction(1, 1000)
                packet.pts = packet.dts = next(times)
                target.mux(packet)
    reader, frames = surveyed(muddled)
    assert [frame.pts for frame in frames] == [0, 40, 80, 120, 160, 240, 280, 320]
    assert any("2 timestamps" in note for note in reader.index.notes)
    for frame, wanted in zip(frames, whole, strict=True):
        assert_planes(frame, wanted.planes)
    assert_frames([reader.fetch(number) for number in (6, 4, 3, 7)], [frames[number] for number in (6, 4, 3, 7)])


def test_a_gap_in_time_is_kept_and_noted(tmp_path: Path) -> None:
    path = Clip(frame_count=6, pts=(0, 1, 2, 60, 61, 62)).write(tmp_path / "clip.mkv")
    reader, frames = surveyed(path)
    assert [frame.pts for frame in frames] == [0, 40, 80, 2400, 2440, 2480]
    assert any("Once the next frame comes more than 1 s later; the gap is kept." in note for note in reader.index.notes)


def test_a_change_of_picture_size_names_the_place_and_the_way_out(tmp_path: Path) -> None:
    first = Clip(codec="mpeg2video", frame_count=10).write(tmp_path / "first.m2v")
    second = Clip(codec="mpeg2video", frame_count=10, width=80).write(tmp_path / "second.m2v")
    both = tmp_path / "both.m2v"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    reader = reader_of(both)
    with pytest.raises(
        PictureChanged, match=r"both\.m2v.*64x48 yuv420p to 80x48 yuv420p at frame 10 .*cut the file"
    ) as raised:
        list(reader.survey())
    assert "\n" not in str(raised.value)


def test_a_file_replaced_by_another_is_noticed(tmp_path: Path) -> None:
    clip = Clip(codec="rawvideo", frame_count=12)
    path = clip.write(tmp_path / "clip.avi")
    reader, _ = surveyed(path)
    replace(clip, picture=lambda index: clip.planes(11 - index)).write(path)
    with pytest.raises(SourceChanged, match="frame 3"):
        reader.fetch(3)
    with pytest.raises(SourceChanged, match="frame 0"):
        next(reader.frames(0, 5))


def test_a_file_of_another_size_is_refused_at_once(tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "clip.mkv")
    tape = probe(path, ProbeSettings())
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(SourceChanged, match=r"clip\.mkv"):
        Reader(tape, DecodeSettings())


def test_an_index_survives_its_file(tmp_path: Path) -> None:
    path = damage(Clip(codec="mjpeg", pixel_format="yuvj422p").write(tmp_path / "clip.mkv"), 5, blank)
    reader, frames = surveyed(path)
    save_index(reader.index, tmp_path / "clip.index")
    loaded = load_index(tmp_path / "clip.index")
    assert (loaded.time_base, loaded.notes) == (reader.index.time_base, reader.index.notes)
    for name in ("pts", "checksum", "state"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(reader.index, name))
        assert getattr(loaded, name).dtype == getattr(reader.index, name).dtype
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["clip.index", "clip.mkv"]
    assert_frames([reader_of(path).with_index(loaded).fetch(6)], [frames[6]])


def test_an_index_of_the_other_scan_is_refused(tmp_path: Path) -> None:
    reader, _ = surveyed(Clip(scan=TOP).write(tmp_path / "clip.mkv"))
    other = reader_of(Clip().write(tmp_path / "other.mkv"))
    with pytest.raises(SourceChanged, match="survey the tape again"):
        other.with_index(reader.index)
