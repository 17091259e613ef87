"""Path to tape: what a file says of itself, and what its first pictures show.

Scan type and field order are measured with FFmpeg's idet, because flags lie. What the file flags is read off the
frames: PyAV tells whether a frame is interlaced but not which field is first, so the frames go through FFmpeg's
``select`` filter, whose ``interlace_type`` knows.
"""

from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median

import av
import av.container
import av.filter

from tapemend.errors import NotAVideo
from tapemend.files import plain
from tapemend.frames import ColourTags, StreamNote, Tape
from tapemend.pictures import frame_of, layout_of, planes_of, to_planar
from tapemend.scan import Flags, Measurement, decide_scan
from tapemend.settings import ProbeSettings
from tapemend.source import NOT_A_VIDEO, Decoder, main_video, open_container
from tapemend.wording import by_number, counted

DEFAULT_RATE = Fraction(25)
"""Frames a second where neither the file nor its timestamps say."""
RATE_TOLERANCE = 0.04
"""How far a stated rate may be from the timestamps' own: milliseconds of Matroska are 3 % at field rate."""


def probe(path: Path, settings: ProbeSettings) -> Tape:
    """Return everything about the file at ``path`` that later stages need or must keep; nothing is written.

    Raises NotAVideo for a file that is missing, empty or has no pictures that decode; UnsupportedPicture for a pixel
    format that cannot be kept.
    """
    _refuse_unless_file(path)
    container = open_container(path)
    try:
        stream = main_video(container, path)
        looked = _Looked(container, stream, settings.measured_frames)
        if looked.first is None:
            raise NotAVideo(f"{path} {NOT_A_VIDEO} (none of its pictures decodes)")
        return _tape(path, container, stream, looked, settings)
    finally:
        container.close()


def describe(tape: Tape) -> dict[str, object]:
    """Return ``tape`` in JSON's terms: fractions as "numerator/denominator", paths and enumerations as text."""
    said = plain(asdict(tape))
    assert isinstance(said, dict)
    return said


class _Looked:
    """The first frames of a stream, looked at once: their times, flags and measured scan; only one is kept."""

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream, count: int) -> None:
        self.first: av.VideoFrame | None = None
        self.stamps: list[int] = []
        self.stated_field_order = stream.codec_context.field_order
        self.flags = Flags()
        self.measurement = Measurement()
        decoder = Decoder(container, stream)
        for stamp, frame, _ in decoder.frames():
            if self.first is None:
                layout_of(frame.format.name, frame.color_range)
                self.first = frame
                self.layout_of_first = (frame.width, frame.height, frame.format.name)
            if (frame.width, frame.height, frame.format.name) != self.layout_of_first:
                break
            if stamp is not None:
                self.stamps.append(stamp)
            self.flags.add(frame)
            luma = planes_of(to_planar(frame))[0]
            self.measurement.add(frame_of((luma,), "gray" if luma.dtype.itemsize == 1 else "gray16le"))
            if self.flags.frames >= max(2, count):
                break
        self.measurement.finish()
        self.undecodable_packets = decoder.tally.undecodable_packets


def _tape(
    path: Path,
    container: av.container.InputContainer,
    stream: av.VideoStream,
    looked: _Looked,
    settings: ProbeSettings,
) -> Tape:
    first, context = looked.first, stream.codec_context
    assert first is not None
    colour = ColourTags(
        primaries=_stated(context.color_primaries, first.color_primaries, 2),
        transfer=_stated(context.color_trc, first.color_trc, 2),
        matrix=_stated(context.colorspace, first.colorspace, 2),
        range=_stated(context.color_range, first.color_range, 0),
    )
    time_base = stream.time_base or Fraction(1, 1000)
    rate, rate_notes = _frame_rate(stream, looked.stamps, time_base)
    flagged = looked.flags.scan(looked.stated_field_order)
    scan, scan_notes = decide_scan(flagged, looked.measurement, settings.field_order, context.name)
    return Tape(
        path=path,
        size_bytes=path.stat().st_size,
        container=container.format.name,
        video_stream=stream.index,
        codec=context.codec.name,
        width=first.width,
        height=first.height,
        layout=layout_of(first.format.name, colour.range),
        stored_pixel_format=first.format.name,
        sample_aspect_ratio=_positive(stream.sample_aspect_ratio) or _positive(context.sample_aspect_ratio),
        colour=colour,
        time_base=time_base,
        frame_rate=rate,
        start_pts=looked.stamps[0] if looked.stamps else 0,
        frame_count_from_header=stream.frames or None,
        scan=scan,
        streams=tuple(_stream_note(other) for other in container.streams if other.index != stream.index),
        chapter_count=len(container.chapters()),
        tags=dict(container.metadata),
        notes=(*rate_notes, *scan_notes, *_damage_notes(looked)),
    )


def _refuse_unless_file(path: Path) -> None:
    if not path.exists():
        raise NotAVideo(f"there is no file {path}; check the name and the folder")
    if path.is_dir():
        raise NotAVideo(f"{path} is a folder; give the video file in it")
    if path.stat().st_size == 0:
        raise NotAVideo(f"{path} is empty; copy or capture it again")


def _stated(of_stream: int, of_frame: int, unspecified: int) -> int:
    """Return what the stream says, or, where it says nothing, its first frame."""
    return of_stream if of_stream not in (0, unspecified) else of_frame


def _positive(ratio: Fraction | None) -> Fraction | None:
    return ratio if ratio is not None and ratio > 0 else None


def _frame_rate(stream: av.VideoStream, stamps: Sequence[int], time_base: Fraction) -> tuple[Fraction, tuple[str, ...]]:
    """Return the nominal frame rate, and a note if the timestamps are not those of that rate.

    The stated rates are held against the median distance of the first timestamps: raw streams and DV files of one
    frame state rates that are nothing but their clock.
    """
    stated = [stream.guessed_rate, stream.average_rate, stream.codec_context.framerate]
    plausible = [rate for rate in stated if rate is not None and 1 <= rate <= 240]
    steps = [after - before for before, after in pairwise(stamps) if after > before]
    if not steps:
        rate = _usual(plausible[0]) if plausible else DEFAULT_RATE
        return rate, () if plausible else (f"The file states no frame rate; {DEFAULT_RATE} is assumed.",)
    measured = 1 / (Fraction(median(steps)) * time_base)
    tick = float(measured * time_base)
    tolerance = max(RATE_TOLERANCE, tick)
    agreeing = [rate for rate in plausible if abs(float(rate / measured) - 1) <= tolerance]
    rate = _usual(agreeing[0] if agreeing else measured.limit_denominator(1001))
    uneven = sum(abs(float(step * time_base * rate) - 1) > 0.5 for step in steps)
    notes = []
    if plausible and not agreeing:
        notes.append(f"The header states {_decimal(plausible[0])} frames/s, the timestamps run at {_decimal(rate)}.")
    if uneven:
        are = by_number(uneven, "is", "are")
        notes.append(
            f"{uneven} of the first {counted(len(steps), 'step')} from timestamp to timestamp {are} not one frame; the "
            "timestamps are kept as they are."
        )
    return rate, tuple(notes)


def _usual(rate: Fraction) -> Fraction:
    """Return the television rate of which ``rate`` is a rounding (Matroska's nanoseconds), else ``rate`` itself."""
    for whole in (12, 15, 24, 25, 30, 48, 50, 60):
        for usual in (Fraction(whole), Fraction(whole * 1000, 1001)):
            if abs(rate / usual - 1) < Fraction(1, 100000):
                return usual
    return rate


def _stream_note(stream: av.stream.Stream) -> StreamNote:
    context = stream.codec_context
    parts = [stream.metadata.get("filename", ""), stream.language or ""]
    if stream.type == "audio" and isinstance(stream, av.AudioStream):
        parts += [f"{stream.rate} Hz", f"{stream.channels} channels"]
    if stream.type == "video":
        cover = stream.disposition & av.stream.Disposition.attached_pic
        parts += ["cover" if cover else "second picture"]
    start, tick = stream.start_time, stream.time_base
    return StreamNote(
        index=stream.index,
        kind=stream.type,
        codec=context.name if context is not None else "unknown",
        detail=", ".join(part for part in parts if part),
        start=None if start is None or tick is None or stream.type == "attachment" else start * tick,
    )


def _damage_notes(looked: _Looked) -> tuple[str, ...]:
    if not looked.undecodable_packets:
        return ()
    return (f"{looked.undecodable_packets} packets near the start of the file could not be decoded.",)


def _decimal(rate: Fraction) -> str:
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")
