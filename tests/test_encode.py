import hashlib
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import AudioTrack, Clip, bit_depth, plane_shapes

from tapemend.encode import assemble, check_target, output_form, weave, write_segment
from tapemend.encode.picture import stored_format
from tapemend.errors import (
    JournalMismatch,
    SourceChanged,
    TargetExists,
    TargetNotWritable,
    UnsupportedPicture,
    VerificationFailed,
)
from tapemend.frames import (
    ColourTags,
    Components,
    Frame,
    FrameState,
    PictureForm,
    PixelLayout,
    Scan,
    ScanType,
    Segment,
    Tape,
    Written,
)
from tapemend.settings import EncodeSettings, ScanOutput

RATE = Fraction(25)
PAL_COLOUR = ColourTags(primaries=5, transfer=1, matrix=5, range=1)
LAYOUTS = [
    *(f"yuv{chroma}p" for chroma in ("410", "411", "420", "422", "440", "444")),
    *(f"yuv{chroma}p{bits}le" for chroma in ("420", "422", "444") for bits in (9, 10, 12, 14, 16)),
    *("yuv440p10le", "yuv440p12le", "yuvj420p", "yuvj422p", "yuvj444p"),
    *("gray", "gray9le", "gray10le", "gray12le", "gray14le", "gray16le"),
    *("gbrp", "gbrp9le", "gbrp10le", "gbrp12le", "gbrp14le", "gbrp16le"),
]


def layout_named(name: str) -> PixelLayout:
    known = av.VideoFormat(name, 16, 16)
    chroma = known.components[1] if len(known.components) == 3 else known.components[0]
    components = Components.GBR if name.startswith("gbr") else Components.YCBCR
    return PixelLayout(
        name=name,
        components=Components.GRAY if name.startswith("gray") else components,
        bit_depth=bit_depth(name),
        chroma_width_shift=(16 // chroma.width).bit_length() - 1,
        chroma_height_shift=(16 // chroma.height).bit_length() - 1,
        full_range=name.startswith(("yuvj", "gbr")),
    )


def form_of(layout: str = "yuv420p", width: int = 64, height: int = 48, scan: ScanType = ScanType.PROGRESSIVE):
    return PictureForm(
        width=width,
        height=height,
        layout=layout_named(layout),
        sample_aspect_ratio=Fraction(16, 15),
        colour=PAL_COLOUR,
        frame_rate=RATE,
        time_base=1 / RATE,
        scan=scan,
    )


def noise_frames(form: PictureForm, count: int, first: int = 0, seed: int = 0) -> list[Frame]:
    """Frames of noise over the whole range of codes."""
    generator = np.random.default_rng([seed, first])
    kind = np.uint8 if form.layout.bit_depth == 8 else np.uint16
    shapes = plane_shapes(form.layout.name, form.width, form.height)
    return [
        Frame(
            index=index,
            pts=index,
            planes=tuple(generator.integers(0, 1 << form.layout.bit_depth, shape).astype(kind) for shape in shapes),
            state=FrameState.DECODED,
        )
        for index in range(first, first + count)
    ]


def clip_frames(clip: Clip) -> list[Frame]:
    """What a reader would give of a clip."""
    stamps = clip.pts or tuple(range(clip.frame_count))
    return [
        Frame(index=index, pts=stamps[index], planes=clip.planes(index), state=FrameState.DECODED)
        for index in range(clip.frame_count)
    ]


def tape_of(path: Path, scan: ScanType = ScanType.PROGRESSIVE) -> Tape:
    """What a probe would say of a clip."""
    with av.open(str(path)) as container:
        stream = next(each for each in container.streams.video if not each.disposition & 1024)
        first = next(container.decode(stream))
        context = stream.codec_context
        return Tape(
            path=path,
            size_bytes=path.stat().st_size,
            container=container.format.name,
            video_stream=stream.index,
            codec=context.name,
            width=stream.width,
            height=stream.height,
            layout=layout_named(stream.pix_fmt),
            stored_pixel_format=stream.pix_fmt,
            sample_aspect_ratio=stream.sample_aspect_ratio or None,
            colour=ColourTags(
                primaries=context.color_primaries,
                transfer=context.color_trc,
                matrix=context.colorspace,
                range=context.color_range,
            ),
            time_base=stream.time_base,
            frame_rate=stream.average_rate,
            start_pts=first.pts,
            frame_count_from_header=None,
            scan=Scan(flagged=scan, measured=scan, used=scan, evidence={}),
            streams=(),
            chapter_count=len(container.chapters()),
            tags=dict(container.metadata),
            notes=(),
        )


def source_form(tape: Tape) -> PictureForm:
    return output_form(tape, tape.frame_rate, tape.time_base, EncodeSettings())


def frames_of(tape: Tape) -> list[Frame]:
    """The frames of a tape as they are, in its time base."""
    with av.open(str(tape.path)) as container:
        kind = np.uint8 if tape.layout.bit_depth == 8 else np.uint16
        return [
            Frame(
                index=index,
                pts=picture.pts,
                planes=tuple(
                    np.frombuffer(plane, kind).reshape(plane.height, -1)[:, : plane.width].copy()
                    for plane in picture.planes
                ),
                state=FrameState.DECODED,
            )
            for index, picture in enumerate(container.decode(container.streams[tape.video_stream]))
        ]


def segments_of(frames: Sequence[Frame], form: PictureForm, folder: Path, length: int = 5) -> list[Segment]:
    return [
        write_segment(frames[start : start + length], form, folder / f"segment{start:06d}.nut")
        for start in range(0, len(frames), length)
    ]


def restored(source: Path, target: Path, settings: EncodeSettings | None = None, **how: ScanType) -> Written:
    """Put a clip through unchanged."""
    tape = tape_of(source, **how)
    form = source_form(tape)
    segments = segments_of(frames_of(tape), form, source.parent)
    return assemble(tape, segments, form, target, settings or EncodeSettings())


def md5_of_decoded(path: Path) -> list[str]:
    """MD5 of each frame over its tightly packed planes, by PyAV's own conversion to an array."""
    with av.open(str(path)) as container:
        return [hashlib.md5(frame.to_ndarray().tobytes()).hexdigest() for frame in container.decode(video=0)]


def packets_of(path: Path, kind: str, number: int = 0) -> list[tuple[Fraction, bytes]]:
    """(seconds, bytes) of every packet of the n-th stream of a kind."""
    with av.open(str(path)) as container:
        stream = [each for each in container.streams if each.type == kind][number]
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in container.demux(stream) if packet.size]


def offset_of_audio(path: Path) -> Fraction:
    return packets_of(path, "audio")[0][0] - packets_of(path, "video")[0][0]


def samples(frames: Iterable[Frame]) -> list[list[bytes]]:
    return [[plane.tobytes() for plane in frame.planes] for frame in frames]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_survives_bit_for_bit(tmp_path: Path, layout: str):
    form = form_of(layout, width=21, height=17)
    frames = noise_frames(form, 2)
    segment = write_segment(frames, form, tmp_path / "one.nut")
    with av.open(str(segment.path)) as container:
        decoded = list(container.decode(video=0))
    assert [picture.pts * picture.time_base for picture in decoded] == [0, 1 / RATE]
    for frame, picture in zip(frames, decoded, strict=True):
        assert picture.format.name == stored_format(form.layout)
        if layout == "gbrp":
            green, blue, red = frame.planes
            assert np.array_equal(picture.to_ndarray(format="rgb24"), np.stack([red, green, blue], axis=-1))
            continue
        for samples_in, plane in zip(frame.planes, picture.planes, strict=True):
            rows = np.frombuffer(plane, samples_in.dtype).reshape(plane.height, -1)
            assert np.array_equal(rows[:, : plane.width], samples_in)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (3, 3), (15, 16), (720, 16), (193, 192)])
@pytest.mark.parametrize("layout", ["yuv410p", "yuv411p", "yuv420p10le", "gray", "gbrp"])
def test_pictures_of_any_size_survive(tmp_path: Path, layout: str, size: tuple[int, int]):
    form = form_of(layout, *size)
    segment = write_segment(noise_frames(form, 1), form, tmp_path / "one.nut")
    assert segment.frame_count == 1


def test_a_layout_that_ffv1_lacks_is_refused(tmp_path: Path):
    form = form_of("yuv420p")
    form = replace(form, layout=replace(form.layout, name="yuv440p14le"))
    with pytest.raises(UnsupportedPicture, match="yuv440p14le"):
        write_segment(noise_frames(form_of(), 1), form, tmp_path / "one.nut")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("time_base", [Fraction(1001, 60000), Fraction(1, 2000), Fraction(1, 120000), Fraction(1, 50)])
def test_a_segment_keeps_any_pts_exactly(tmp_path: Path, time_base: Fraction):
    form = replace(form_of(), time_base=time_base)
    frames = [replace(frame, pts=3 * frame.pts**2 + 7_000_000_001) for frame in noise_frames(form, 4)]
    segment = write_segment(frames, form, tmp_path / "one.nut")
    with av.open(str(segment.path)) as container:
        seconds = [picture.pts * picture.time_base for picture in container.decode(video=0)]
    assert seconds == [frame.pts * time_base for frame in frames]


def test_a_segment_is_ffv1_version_3_with_checksummed_slices(tmp_path: Path):
    form = form_of(width=256, height=192)
    segment = write_segment(noise_frames(form, 1), form, tmp_path / "one.nut")
    assert segment.sha256 == hashlib.sha256(segment.path.read_bytes()).hexdigest()
    content = bytearray(segment.path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    segment.path.write_bytes(content)
    assert md5_of_decoded(segment.path) != list(segment.frame_md5)
    with av.open(str(segment.path)) as container:
        assert container.streams.video[0].codec_context.name == "ffv1"
        assert all(packet.is_keyframe for packet in container.demux(video=0) if packet.size)


def test_a_segment_is_the_same_file_whenever_it_is_written(tmp_path: Path):
    form = form_of("yuv422p10le", scan=ScanType.TOP_FIRST)
    first, second = (write_segment(noise_frames(form, 3), form, tmp_path / name) for name in ("a.nut", "b.nut"))
    assert first.sha256 == second.sha256
    assert first.frame_md5 == second.frame_md5


def test_an_empty_segment_is_refused_and_leaves_nothing(tmp_path: Path):
    with pytest.raises(ValueError, match="at least one frame"):
        write_segment([], form_of(), tmp_path / "one.nut")
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_frames_are_made_leaves_no_half_segment(tmp_path: Path):
    def broken() -> Iterable[Frame]:
        yield from noise_frames(form_of(), 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_segment(broken(), form_of(), tmp_path / "one.nut")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scan", [ScanType.TOP_FIRST, ScanType.BOTTOM_FIRST])
@pytest.mark.parametrize("layout", ["yuv420p", "yuv411p", "yuv422p10le", "gray"])
def test_weaving_undoes_bobbing(layout: str, scan: ScanType):
    woven = noise_frames(form_of(layout, height=50), 3)
    own = 0 if scan is ScanType.TOP_FIRST else 1
    bobbed = []
    for frame in woven:
        for field in (0, 1):
            other = noise_frames(form_of(layout, height=50), 1, seed=1)[0]
            kept = (own + field) % 2
            planes = tuple(plane.copy() for plane in other.planes)
            for target, plane in zip(planes, frame.planes, strict=True):
                target[kept::2] = plane[kept::2]
            bobbed.append(replace(frame, index=2 * frame.index + field, pts=2 * frame.pts + field, planes=planes))
    again = list(weave(bobbed, scan))
    assert samples(again) == samples(woven)
    assert [(frame.index, frame.pts) for frame in again] == [(frame.index, frame.pts) for frame in woven]


def test_a_woven_frame_is_as_harmed_as_its_worse_field():
    first, second = noise_frames(form_of(), 2)
    pair = [replace(first, state=FrameState.CORRUPT), replace(second, state=FrameState.FILLED)]
    assert next(weave(pair, ScanType.TOP_FIRST)).state is FrameState.FILLED


def test_a_field_without_partner_is_not_dropped_silently():
    with pytest.raises(ValueError, match="no partner"):
        list(weave(noise_frames(form_of(), 3), ScanType.TOP_FIRST))


def test_the_form_follows_what_was_asked_of_the_fields(tmp_path: Path):
    tape = tape_of(Clip(scan=ScanType.TOP_FIRST).write(tmp_path / "a.mkv"), ScanType.TOP_FIRST)
    reader = (2 * tape.frame_rate, tape.time_base / 2)
    bobbed = output_form(tape, *reader, EncodeSettings())
    assert (bobbed.scan, bobbed.frame_rate, bobbed.time_base) == (ScanType.PROGRESSIVE, *reader)
    kept = output_form(tape, *reader, EncodeSettings(scan=ScanOutput.KEEP))
    assert (kept.scan, kept.frame_rate, kept.time_base) == (ScanType.TOP_FIRST, tape.frame_rate, tape.time_base)


def test_a_tape_that_was_not_bobbed_keeps_its_flag(tmp_path: Path):
    tape = tape_of(Clip().write(tmp_path / "a.mkv"))
    telecine = replace(
        tape,
        scan=Scan(
            flagged=ScanType.BOTTOM_FIRST, measured=ScanType.TELECINE, used=ScanType.TELECINE, evidence={"repeated": 9}
        ),
    )
    form = output_form(telecine, tape.frame_rate, tape.time_base, EncodeSettings())
    assert form.scan is ScanType.BOTTOM_FIRST


def test_the_finished_file_holds_the_restored_frames_and_says_so(tmp_path: Path):
    clip = Clip(frame_count=12, pixel_format="yuv422p10le", audio=(AudioTrack(),))
    source, target = clip.write(tmp_path / "source.mkv"), tmp_path / "result.mkv"
    written = restored(source, target)
    assert written.frame_count == 12
    assert written.path == target
    assert written.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
    assert md5_of_decoded(target) == md5_of_decoded(source)
    assert [seconds for seconds, _ in packets_of(target, "video")] == [Fraction(40 * n, 1000) for n in range(12)]
    with av.open(str(target)) as container:
        assert container.streams.video[0].average_rate == 25


def test_the_checksums_beside_the_file_are_in_the_form_of_framemd5(tmp_path: Path):
    source, target = Clip(frame_count=6).write(tmp_path / "source.mkv"), tmp_path / "result.mkv"
    lines = restored(source, target).framemd5_path.read_text().splitlines()
    assert (tmp_path / "result.mkv.framemd5").exists()
    assert {"#format: frame checksums", "#version: 2", "#hash: MD5", "#tb 0: 1/1000"} <= set(lines)
    assert {"#media_type 0: video", "#codec_id 0: rawvideo", "#dimensions 0: 64x48", "#sar 0: 0/1"} <= set(lines)
    rows = [line.split(",") for line in lines if not line.startswith("#")]
    assert [row[5].strip() for row in rows] == md5_of_decoded(source)
    assert [[int(part) for part in row[:5]] for row in rows] == [
        [0, 40 * number, 40 * number, 40, 64 * 48 * 3 // 2] for number in range(6)
    ]


@pytest.mark.parametrize("start", [Fraction(0), Fraction(3, 25), Fraction(1, 3)])
@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_s24le", "flac", "aac"])
def test_audio_is_copied_bit_for_bit_and_keeps_its_start(tmp_path: Path, codec: str, start: Fraction):
    source, target = tmp_path / "source.mkv", tmp_path / "result.mkv"
    Clip(audio=(AudioTrack(codec=codec, start=start),)).write(source)
    written = restored(source, target)
    assert [data for _, data in packets_of(target, "audio")] == [data for _, data in packets_of(source, "audio")]
    assert abs(offset_of_audio(target) - offset_of_audio(source)) <= Fraction(1, 1000)
    assert not [line for line in written.left_out if "clock" not in line]


@pytest.mark.parametrize("container", ["ts", "mp4", "mov", "avi", "mxf"])
def test_the_offset_of_audio_is_kept_from_every_container(tmp_path: Path, container: str):
    audio = "pcm_s16le" if container in ("mov", "avi", "mxf") else "aac"
    clip = Clip(codec="mpeg2video", pixel_format="yuv420p", audio=(AudioTrack(codec=audio, start=Fraction(1, 5)),))
    source, target = clip.write(tmp_path / f"source.{container}"), tmp_path / "result.mkv"
    restored(source, target)
    assert abs(offset_of_audio(target) - offset_of_audio(source)) <= Fraction(1, 1000)


def test_all_audio_tracks_come_along_with_their_languages(tmp_path: Path):
    tracks = (AudioTrack(language="deu"), AudioTrack(language="fra", frequency_hz=880, codec="flac"))
    source, target = Clip(audio=tracks).write(tmp_path / "source.mkv"), tmp_path / "result.mkv"
    written = restored(source, target)
    with av.open(str(target)) as container:
        assert [stream.language for stream in container.streams.audio] == ["deu", "fra"]
        assert [stream.codec_context.name for stream in container.streams.audio] == ["pcm_s16le", "flac"]
    assert len([line for line in written.carried if "copied" in line]) == 2


def test_sound_and_picture_are_interleaved_by_time(tmp_path: Path):
    source, target = tmp_path / "source.mkv", tmp_path / "result.mkv"
    Clip(frame_count=50, audio=(AudioTrack(seconds=Fraction(2)),)).write(source)
    restored(source, target)
    with av.open(str(target)) as container:
        times = [packet.dts * packet.time_base for packet in container.demux() if packet.size]
    assert times == sorted(times)


def test_chapters_tags_and_attachments_come_along(tmp_path: Path):
    clip = Clip(
        frame_count=8,
        chapters=("Wedding", "Party"),
        tags={"title": "Summer 1991", "comment": "reel 3", "HISTORY": "captured by hand"},
        attachments=(("notes.txt", "text/plain", b"the label says 1991"),),
    )
    source, target = clip.write(tmp_path / "source.mkv"), tmp_path / "result.mkv"
    restored(source, target)
    with av.open(str(target)) as container:
        tags = {key.lower(): value for key, value in container.metadata.items()}
        chapters = container.chapters()
        attachment = next(stream for stream in container.streams if stream.type == "attachment")
        assert attachment.data == b"the label says 1991"
        assert attachment.metadata["filename"] == "notes.txt"
        assert attachment.metadata["mimetype"] == "text/plain"
    assert (tags["title"], tags["comment"]) == ("Summer 1991", "reel 3")
    assert tags["history"].startswith("captured by hand; made with tapemend")
    assert [chapter["metadata"]["title"] for chapter in chapters] == ["Wedding", "Party"]
    assert [chapter["start"] * chapter["time_base"] for chapter in chapters] == [0, Fraction(1, 10)]


def test_a_cover_picture_comes_along(tmp_path: Path):
    source, target = Clip(codec="libx264", cover=True).write(tmp_path / "source.mp4"), tmp_path / "result.mkv"
    written = restored(source, target)
    with av.open(str(target)) as container:
        covers = [stream for stream in container.streams.video if stream.disposition & 1024]
        assert len(covers) == 1
        assert len(list(container.decode(covers[0]))) == 1
    assert any("cover.jpg" in line for line in written.carried)


@pytest.mark.parametrize("scan", [ScanType.TOP_FIRST, ScanType.BOTTOM_FIRST, ScanType.PROGRESSIVE, ScanType.UNKNOWN])
def test_what_the_stream_says_of_its_pictures_is_kept(tmp_path: Path, scan: ScanType):
    source, target = Clip(frame_count=4).write(tmp_path / "source.mkv"), tmp_path / "result.mkv"
    form = form_of(scan=scan)
    segments = segments_of(noise_frames(form, 4), form, tmp_path)
    assemble(tape_of(source), segments, form, target, EncodeSettings())
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert stream.sample_aspect_ratio == Fraction(16, 15)
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (5, 1, 5, 1)
        assert context.field_order == {"progressive": 1, "tff": 2, "bff": 3, "unknown": 0}[scan]
        assert next(container.decode(stream)).interlaced_frame == scan.interlaced


def test_a_bobbed_tape_runs_at_field_rate(tmp_path: Path):
    clip = Clip(frame_count=4, frame_rate=Fraction(30000, 1001), scan=ScanType.TOP_FIRST)
    source, target = clip.write(tmp_path / "source.mkv"), tmp_path / "result.mkv"
    tape = tape_of(source, ScanType.TOP_FIRST)
    form = output_form(tape, 2 * tape.frame_rate, tape.time_base / 2, EncodeSettings())
    stamps = [stamp for frame in frames_of(tape) for stamp in (2 * frame.pts, 2 * frame.pts + 33)]
    frames = [replace(frame, pts=pts) for frame, pts in zip(noise_frames(form, 8), stamps, strict=True)]
    assemble(tape, segments_of(frames, form, tmp_path), form, target, EncodeSettings())
    with av.open(str(target)) as container:
        assert abs(1 / container.streams.video[0].average_rate - Fraction(1001, 60000)) < Fraction(1, 10**8)
        assert len(list(container.decode(video=0))) == 8


def test_a_clock_that_does_not_begin_at_zero_is_said_to_have_moved(tmp_path: Path):
    clip = Clip(codec="mpeg2video", audio=(AudioTrack(codec="mp2"),))
    source, target = clip.write(tmp_path / "source.ts"), tmp_path / "result.mkv"
    written = restored(source, target)
    assert any("clock" in line for line in written.left_out)
    assert min(packets_of(target, "video")[0][0], packets_of(target, "audio")[0][0]) == 0


def test_audio_that_matroska_cannot_hold_keeps_its_samples(tmp_path: Path):
    source, target = tmp_path / "source.mov", tmp_path / "result.mkv"
    Clip(codec="mpeg4", audio=(AudioTrack(codec="adpcm_ima_qt"),)).write(source)
    written = restored(source, target)
    assert any("the same samples as pcm_s16le" in line for line in written.carried)
    with av.open(str(source)) as before, av.open(str(target)) as after:
        heard = [b"".join(f.to_ndarray().tobytes() for f in each.decode(audio=0)) for each in (before, after)]
    assert heard[0] == heard[1]


@pytest.mark.parametrize("layout", ["yuv420p", "yuv422p10le", "yuv411p", "gray", "gbrp"])
def test_an_access_copy_is_h264_that_everything_plays(tmp_path: Path, layout: str):
    clip = Clip(pixel_format="bgr0" if layout == "gbrp" else layout, audio=(AudioTrack(start=Fraction(1, 5)),))
    source, target = clip.write(tmp_path / "source.mkv"), tmp_path / "result.mp4"
    form = form_of(layout)
    tape = replace(tape_of(source), layout=form.layout) if layout != "gbrp" else tape_of(source)
    segments = segments_of(noise_frames(form, 12), form, tmp_path)
    written = assemble(tape, segments, form, target, EncodeSettings(access=True))
    assert written.frame_count == 12
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert stream.sample_aspect_ratio == Fraction(16, 15)
        assert container.streams.audio[0].codec_context.name == "aac"
    assert abs(offset_of_audio(target) - Fraction(1, 5)) <= Fraction(1024, 48000) + Fraction(1, 1000)
    assert any("aac" in line for line in written.left_out)
    assert any("H.264" in line for line in written.left_out)
    assert target.read_bytes().index(b"moov") < target.read_bytes().index(b"mdat")


@pytest.mark.parametrize(("name", "access"), [("tape.mov", False), ("tape.MP4", False), ("tape.mkv", True)])
def test_a_name_that_promises_another_container_is_refused_with_the_right_one(tmp_path: Path, name: str, access: bool):
    source = Clip(frame_count=2).write(tmp_path / "source.mkv")
    right = "tape.mp4" if access else "tape.mkv"
    with pytest.raises(TargetNotWritable, match=f"name it {right}"):
        check_target(source, tmp_path / name, EncodeSettings(access=access))
    check_target(source, tmp_path / right, EncodeSettings(access=access))
    assert [path.name for path in tmp_path.iterdir()] == ["source.mkv"]


def test_an_access_copy_copies_sound_that_mp4_holds(tmp_path: Path):
    source, target = tmp_path / "source.mkv", tmp_path / "result.mp4"
    Clip(audio=(AudioTrack(codec="aac"),)).write(source)
    written = restored(source, target, EncodeSettings(access=True))
    assert [data for _, data in packets_of(target, "audio")] == [data for _, data in packets_of(source, "audio")]
    assert any("copied" in line for line in written.carried)


@pytest.mark.parametrize("scan", [ScanType.TOP_FIRST, ScanType.BOTTOM_FIRST])
def test_an_interlaced_access_copy_is_flagged_so(tmp_path: Path, scan: ScanType):
    source, target = Clip(frame_count=4).write(tmp_path / "source.mkv"), tmp_path / "result.mp4"
    form = form_of("yuv422p", scan=scan)
    segments = segments_of(noise_frames(form, 4), form, tmp_path)
    assemble(tape_of(source), segments, form, target, EncodeSettings(access=True))
    with av.open(str(target)) as container:
        assert next(container.decode(video=0)).interlaced_frame
        assert container.streams.video[0].codec_context.field_order == {"tff": 2, "bff": 3}[scan]


def test_an_access_copy_of_odd_size_gains_a_repeated_edge_not_a_black_one(tmp_path: Path):
    source, target = Clip(frame_count=2).write(tmp_path / "source.mkv"), tmp_path / "result.mp4"
    form = form_of("yuv420p", width=63, height=47)
    shapes = plane_shapes("yuv420p", 63, 47)
    white = tuple(np.full(shape, value, np.uint8) for shape, value in zip(shapes, (235, 128, 128), strict=True))
    frames = [replace(frame, planes=white) for frame in noise_frames(form, 2)]
    written = assemble(tape_of(source), segments_of(frames, form, tmp_path), form, target, EncodeSettings(access=True))
    assert any("64 x 48" in line for line in written.left_out)
    with av.open(str(target)) as container:
        luma = next(container.decode(video=0)).to_ndarray()[:48]
    assert luma.shape == (48, 64)
    assert luma.min() > 230


def test_a_target_that_exists_is_refused_unless_asked(tmp_path: Path):
    source, target = tmp_path / "source.mkv", tmp_path / "result.mkv"
    source.write_bytes(b"tape")
    target.write_bytes(b"precious")
    with pytest.raises(TargetExists, match="overwrite"):
        check_target(source, target, EncodeSettings())
    check_target(source, target, EncodeSettings(overwrite=True))
    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize("way", ["the same path", "symbolic link", "hard link", "checksums beside the target"])
def test_the_source_is_never_the_target(tmp_path: Path, way: str):
    source, target = tmp_path / "source.mkv", tmp_path / "other.mkv"
    source.write_bytes(b"tape")
    if way == "symbolic link":
        target.symlink_to(source)
    elif way == "hard link":
        target.hardlink_to(source)
    elif way == "checksums beside the target":
        target.with_name("other.mkv.framemd5").symlink_to(source)
    else:
        target = tmp_path / "." / "source.mkv"
    with pytest.raises(TargetNotWritable, match="is the source"):
        check_target(source, target, EncodeSettings(overwrite=True))
    assert source.read_bytes() == b"tape"


def test_a_target_in_a_missing_folder_is_refused(tmp_path: Path):
    with pytest.raises(TargetNotWritable, match="no such folder"):
        check_target(tmp_path / "source.mkv", tmp_path / "missing" / "result.mkv", EncodeSettings())


def test_a_folder_is_no_target(tmp_path: Path):
    with pytest.raises(TargetNotWritable, match="is a folder"):
        check_target(tmp_path / "source.mkv", tmp_path, EncodeSettings(overwrite=True))


def test_a_target_in_a_folder_that_takes_no_files_is_refused(tmp_path: Path):
    with pytest.raises(TargetNotWritable, match="cannot be written"):
        check_target(tmp_path / "source.mkv", Path("/proc/result.mkv"), EncodeSettings())


def test_checking_a_target_leaves_nothing_behind(tmp_path: Path):
    check_target(tmp_path / "source.mkv", tmp_path / "result.mkv", EncodeSettings())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stage", ["segment", "lossless", "access"])
def test_a_full_disk_is_one_clear_line_and_leaves_no_half_file(tmp_path: Path, stage: str):
    source = Clip(frame_count=12, width=160, height=128).write(tmp_path / "source.mkv")
    kept = set(tmp_path.iterdir())
    program = f"""
import resource, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_encode import *
source, folder = Path({str(source)!r}), Path({str(tmp_path)!r})
form = form_of(width=160, height=128)
segments = segments_of(noise_frames(form, 12), form, folder / "journal") if {stage!r} != "segment" else []
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
try:
    if {stage!r} == "segment":
        write_segment(noise_frames(form, 12), form, folder / "segment.nut")
    else:
        settings = EncodeSettings(access={stage == "access"})
        assemble(tape_of(source), segments, form, folder / "result", settings)
except TargetNotWritable as error:
    print(error)
"""
    (tmp_path / "journal").mkdir()
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "cannot be written (File too large)" in result.stdout, result.stderr
    assert len(result.stdout.splitlines()) == 1
    assert {path for path in tmp_path.iterdir() if path.name != "journal"} == kept


def test_a_segment_that_lost_a_frame_is_found_and_nothing_is_written(tmp_path: Path):
    source, target = Clip(frame_count=4).write(tmp_path / "source.mkv"), tmp_path / "result.mkv"
    form = form_of()
    whole = segments_of(noise_frames(form, 4), form, tmp_path)[0]
    lacking = replace(whole, frame_md5=(*whole.frame_md5, whole.frame_md5[0]), frame_count=5)
    changed = replace(whole, frame_md5=("0" * 32, *whole.frame_md5[1:]))
    for segment in (lacking, changed):
        with pytest.raises(VerificationFailed, match="frame"):
            assemble(tape_of(source), [segment], form, target, EncodeSettings())
    assert {path.name for path in tmp_path.iterdir()} == {"source.mkv", "segment000000.nut"}


def test_segments_of_another_making_are_not_encoded_again_silently(tmp_path: Path):
    source, target = Clip(frame_count=4).write(tmp_path / "source.mkv"), tmp_path / "result.mkv"
    other = form_of("yuv422p")
    segments = segments_of(noise_frames(other, 4), other, tmp_path)
    with pytest.raises(JournalMismatch, match="another encoder"):
        assemble(tape_of(source), segments, form_of("yuv420p"), target, EncodeSettings())
    assert not target.exists()


def test_segments_in_the_wrong_order_are_refused(tmp_path: Path):
    source, target = Clip(frame_count=4).write(tmp_path / "source.mkv"), tmp_path / "result.mkv"
    form = form_of()
    segments = segments_of(noise_frames(form, 4), form, tmp_path, length=2)
    with pytest.raises(VerificationFailed, match="before its predecessor"):
        assemble(tape_of(source), segments[::-1], form, target, EncodeSettings())


@pytest.mark.parametrize("access", [False, True])
def test_a_segment_that_is_gone_is_named(tmp_path: Path, access: bool):
    target = tmp_path / f"result.{'mp4' if access else 'mkv'}"
    source = Clip(frame_count=4).write(tmp_path / "source.mkv")
    form = form_of()
    segments = segments_of(noise_frames(form, 4), form, tmp_path)
    segments[0].path.unlink()
    with pytest.raises(JournalMismatch, match=r"segment000000\.nut"):
        assemble(tape_of(source), segments, form, target, EncodeSettings(access=access))
    assert {path.name for path in tmp_path.iterdir()} == {"source.mkv"}


def test_the_source_stays_as_it_was(tmp_path: Path):
    source = Clip(audio=(AudioTrack(),)).write(tmp_path / "source.mkv")
    before = source.read_bytes(), source.stat().st_mtime_ns
    restored(source, tmp_path / "result.mkv")
    assert (source.read_bytes(), source.stat().st_mtime_ns) == before


@pytest.mark.parametrize("aspect", [Fraction(10, 11), Fraction(16, 15), Fraction(8, 9), Fraction(4320, 4739)])
def test_the_shape_of_pixels_is_kept_exactly(tmp_path: Path, aspect: Fraction):
    source, target = Clip(frame_count=2).write(tmp_path / "source.mkv"), tmp_path / "result.mkv"
    form = replace(form_of(), sample_aspect_ratio=aspect)
    assemble(tape_of(source), segments_of(noise_frames(form, 2), form, tmp_path), form, target, EncodeSettings())
    with av.open(str(target)) as container:
        assert container.streams.video[0].sample_aspect_ratio == aspect
        assert "title" not in container.streams.video[0].metadata


def write_with(path: Path, source: Path, **extra: object) -> Path:
    """Copy the picture of a clip to ``path`` with a subtitle, a rotation, a timecode or a disposition added."""
    with av.open(str(source)) as before, av.open(str(path), "w") as after:
        picture = after.add_stream_from_template(before.streams.video[0], opaque=True)
        picture.metadata.update({"timecode": str(extra["timecode"])} if "timecode" in extra else {})
        if "rotation" in extra:
            picture.set_display_rotation(extra["rotation"])
        text = after.add_mux_stream(str(extra["subtitle"])) if "subtitle" in extra else None
        sound = [after.add_stream_from_template(stream) for stream in before.streams.audio]
        for stream in sound:
            stream.disposition = av.stream.Disposition.comment
        if text is not None:
            text.time_base = Fraction(1, 1000)
            text.metadata["language"] = "nld"
        for packet in before.demux():
            if packet.size:
                packet.stream = picture if packet.stream.type == "video" else sound[0]
                after.mux(packet)
        if text is not None:
            words = b"op de markt"
            line = av.Packet(words if extra["subtitle"] == "subrip" else len(words).to_bytes(2, "big") + words)
            line.stream, line.time_base, line.pts, line.dts, line.duration = text, Fraction(1, 1000), 120, 120, 200
            after.mux(line)
    return path


def test_the_timecode_becomes_a_tag_of_the_picture(tmp_path: Path):
    clip = Clip(codec="mpeg4").write(tmp_path / "clip.mov")
    source, target = write_with(tmp_path / "source.mov", clip, timecode="10:00:00:00"), tmp_path / "result.mkv"
    written = restored(source, target)
    with av.open(str(target)) as container:
        tags = {key.lower(): value for key, value in container.streams.video[0].metadata.items()}
    assert tags["timecode"] == "10:00:00:00"
    assert any("10:00:00:00" in line for line in written.carried)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_turned_picture_stays_turned(tmp_path: Path, suffix: str):
    clip = Clip(codec="mpeg4").write(tmp_path / "clip.mp4")
    source, target = write_with(tmp_path / "source.mp4", clip, rotation=90), tmp_path / f"result.{suffix}"
    restored(source, target, EncodeSettings(access=suffix == "mp4"))
    with av.open(str(source)) as before, av.open(str(target)) as after:
        assert next(after.decode(video=0)).rotation == next(before.decode(video=0)).rotation == 90


def test_what_a_track_is_for_is_kept(tmp_path: Path):
    clip = Clip(codec="mpeg4", audio=(AudioTrack(codec="aac"),)).write(tmp_path / "clip.mkv")
    source, target = write_with(tmp_path / "source.mkv", clip), tmp_path / "result.mkv"
    restored(source, target)
    with av.open(str(target)) as container:
        assert container.streams.audio[0].disposition == av.stream.Disposition.comment


@pytest.mark.parametrize(("codec", "suffix"), [("subrip", "mkv"), ("mov_text", "mp4")])
def test_subtitles_come_along_as_matroska_holds_them(tmp_path: Path, codec: str, suffix: str):
    clip = Clip(codec="mpeg4").write(tmp_path / f"clip.{suffix}")
    source, target = write_with(tmp_path / f"source.{suffix}", clip, subtitle=codec), tmp_path / "result.mkv"
    written = restored(source, target)
    assert packets_of(target, "subtitle") == [(Fraction(120, 1000), b"op de markt")]
    with av.open(str(target)) as container:
        assert container.streams.subtitles[0].language == "nld"
    assert any("plain text" in line for line in written.left_out) == (codec == "mov_text")


def test_what_mp4_cannot_hold_is_named(tmp_path: Path):
    clip = Clip(attachments=(("notes.txt", "text/plain", b"1991"),), tags={"title": "Summer", "REEL": "3"})
    source, target = clip.write(tmp_path / "source.mkv"), tmp_path / "result.mp4"
    written = restored(source, target, EncodeSettings(access=True))
    assert any("attachment" in line for line in written.left_out)
    assert any("REEL" in line for line in written.left_out)
    with av.open(str(target)) as container:
        assert container.metadata["title"] == "Summer"
        assert container.metadata["comment"].startswith("made with tapemend")


@pytest.mark.parametrize("what", ["gone", "overwritten"])
def test_a_source_that_is_no_longer_itself_is_named(tmp_path: Path, what: str):
    source, target = Clip(frame_count=2).write(tmp_path / "source.mkv"), tmp_path / "result.mkv"
    tape, form = tape_of(source), form_of()
    segments = segments_of(noise_frames(form, 2), form, tmp_path)
    source.unlink()
    if what == "overwritten":
        source.write_bytes(b"not a tape" * 100)
    with pytest.raises(SourceChanged, match=r"source\.mkv"):
        assemble(tape, segments, form, target, EncodeSettings())
    assert {path.name for path in tmp_path.iterdir()} <= {"segment000000.nut", "source.mkv"}


def test_a_source_cut_off_in_its_sound_still_gives_what_there_is(tmp_path: Path):
    whole = Clip(codec="mpeg2video", audio=(AudioTrack(codec="mp2", seconds=Fraction(2)),)).write(tmp_path / "clip.ts")
    source, target = tmp_path / "source.ts", tmp_path / "result.mkv"
    source.write_bytes(whole.read_bytes()[: 2 * whole.stat().st_size // 3])
    written = restored(source, target)
    assert 0 < len(packets_of(target, "audio")) < len(packets_of(whole, "audio"))
    assert written.frame_count == len(md5_of_decoded(target))


def test_what_a_killed_run_left_behind_is_replaced(tmp_path: Path):
    source, target = Clip(frame_count=2).write(tmp_path / "source.mkv"), tmp_path / "result.mkv"
    for name in ("result.mkv.part", "result.mkv.framemd5.part", "segment000000.nut.part"):
        (tmp_path / name).write_bytes(b"half" * 100_000)
    restored(source, target)
    assert md5_of_decoded(target) == md5_of_decoded(source)
    assert {path.name for path in tmp_path.iterdir()} == {
        "source.mkv",
        "segment000000.nut",
        "result.mkv",
        "result.mkv.framemd5",
    }
