"""Segments and the source's sound become the finished file."""

import contextlib
import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from tapemend.encode.access import access_packets, access_size, add_access_stream, frame_ticks
from tapemend.encode.aspect import ROOM, set_pixel_aspect
from tapemend.encode.luggage import Luggage, load
from tapemend.encode.packets import AnyPacket, decoding_time, moved
from tapemend.encode.passengers import open_source
from tapemend.encode.segment import add_lossless_stream
from tapemend.encode.target import (
    MediaWriter,
    check_target,
    disk_errors,
    frame_md5_path,
    refuse_existing,
    written_aside,
)
from tapemend.encode.verify import verify_pictures, verify_sound
from tapemend.errors import JournalMismatch, VerificationFailed
from tapemend.files import file_sha256
from tapemend.frames import PictureForm, Segment, Tape, Written
from tapemend.settings import EncodeSettings


def assemble(
    tape: Tape,
    segments: Sequence[Segment],
    form: PictureForm,
    target: Path,
    settings: EncodeSettings,
    when_proven: Callable[[str], None] = lambda sha256: None,
) -> Written:
    """Write the finished file: the segments' pictures and whatever else the source holds; return what was written.

    Matroska with the segments' FFV1 packets copied, or with ``settings.access`` an MP4 with H.264. Sound is copied, its
    offset kept. The file is written aside, decoded again, counted and compared, and then gets its name, with a framemd5
    file beside it. ``when_proven`` is told the file's SHA-256 before it has its name. Raises TargetError of some kind
    when that fails, JournalMismatch when the segments are not of one making; nothing is left behind then.
    """
    check_target(tape.path, target, settings)
    if not segments:
        raise ValueError(f"{target}: there is no segment to write")
    for segment in segments:
        if not segment.path.is_file():
            raise JournalMismatch(f"{segment.path}: is gone from the journal; start again so that it is made anew")
    checksums = frame_md5_path(target)
    with written_aside(target) as part, written_aside(checksums) as checksums_part:
        luggage = _write(part, target, tape, segments, (form, settings))
        if form.sample_aspect_ratio is not None and not settings.access:
            with disk_errors(target):
                set_pixel_aspect(part, (form.width, form.height), form.sample_aspect_ratio)
        expected: Iterator[str | None] = chain.from_iterable(segment.frame_md5 for segment in segments)
        if settings.access:
            expected = repeat(None, sum(segment.frame_count for segment in segments))
        frame_count = verify_pictures(part, expected, form, checksums_part)
        verify_sound(part, luggage.passengers)
        digest = file_sha256(part)
        refuse_existing(target, settings)
        when_proven(digest)
    sound = [(passenger.sentence(), passenger.lossless) for passenger in luggage.passengers]
    return Written(
        path=target,
        frame_count=frame_count,
        sha256=digest,
        framemd5_path=checksums,
        carried=(*(sentence for sentence, lossless in sound if lossless), *luggage.carried),
        left_out=(*(sentence for sentence, lossless in sound if not lossless), *luggage.left_out),
    )


def _write(
    part: Path, target: Path, tape: Tape, segments: Sequence[Segment], how: tuple[PictureForm, EncodeSettings]
) -> Luggage:
    """Write ``part`` whole and return what came along."""
    form, settings = how

    def add_video(container: OutputContainer) -> VideoStream:
        return add_access_stream(container, form) if settings.access else add_lossless_stream(container, form, 1)

    container_format, options = ("mp4", {"movflags": "+faststart"}) if settings.access else ("matroska", {})
    with open_source(tape.path) as source, MediaWriter(part, target, container_format, options) as writer:
        video, luggage = load(source, writer.container, tape, add_video)
        if form.sample_aspect_ratio is not None and not settings.access:
            video.metadata["title"] = video.metadata.get("title", "") + ROOM
        with disk_errors(target):
            writer.container.start_encoding()
        if settings.access:
            luggage.left_out.append(_access_losses(form))
            pictures = access_packets(segments, form, video)
        else:
            pictures = _copied_packets(segments, form, video)
        streams = [
            (moved(packet, luggage.shift) for packet in pictures),
            *(each.packets(luggage.shift) for each in luggage.passengers),
        ]
        with contextlib.closing(luggage):
            for packet in heapq.merge(*streams, key=decoding_time):
                writer.mux(packet)
    return luggage


def _copied_packets(segments: Sequence[Segment], form: PictureForm, video: VideoStream) -> Iterator[AnyPacket]:
    """Yield the FFV1 packets of all segments, one file open at a time, for the stream ``video`` of the result."""
    last: int | None = None
    for segment in segments:
        with _opened_segment(segment) as container:
            stream = container.streams.video[0]
            if stream.codec_context.extradata != video.codec_context.extradata:
                raise JournalMismatch(
                    f"{segment.path}: was written by another encoder than this one; remove the journal and start again"
                )
            for packet in container.demux(stream):
                if not packet.size:
                    continue
                packet.pts = packet.dts = round(decoding_time(packet) / form.time_base)
                packet.time_base, packet.duration = form.time_base, frame_ticks(form)
                if last is not None and packet.pts <= last:
                    raise VerificationFailed(
                        f"{segment.path}: begins at {packet.pts}, before its predecessor's end {last}"
                    )
                last = packet.pts
                packet.stream = video
                yield packet


def _opened_segment(segment: Segment) -> av.container.InputContainer:
    try:
        return av.open(str(segment.path.absolute()))
    except (av.FFmpegError, OSError) as error:
        raise JournalMismatch(
            f"{segment.path}: cannot be read ({error}); remove it so that it is made again"
        ) from error


def _access_losses(form: PictureForm) -> str:
    width, height = access_size(form)
    padded = "" if (width, height) == (form.width, form.height) else f", its edges repeated to {width} x {height}"
    return f"the exact picture ({form.layout.name}): an access copy is H.264, 8 bit, 4:2:0{padded}"
