"""Everything else of the source: which streams come along and how, attachments, chapters, tags; and what cannot."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.container import InputContainer, OutputContainer
from av.format import Flags
from av.stream import AttachmentStream, Disposition, Stream
from av.video.stream import VideoStream

from tapemend import __version__
from tapemend.encode.passengers import (
    MP4_AUDIO,
    Passenger,
    StreamReader,
    board_audio,
    board_copy,
    board_text,
    codec_name,
    open_source,
    stream_label,
)
from tapemend.errors import SourceChanged
from tapemend.frames import Tape

TS_DISCONT = int(cast(int, Flags.ts_discont.value))
ABSOLUTE_CLOCKS = frozenset({"wtv"})
"""Besides FFmpeg's own list (TS_DISCONT): formats whose timestamps count from an arbitrary moment."""

ABOUT_THE_CONTAINER = frozenset({"major_brand", "minor_version", "compatible_brands"})
"""Tags that describe the source's container and would be untrue of another."""

ABOUT_THE_OLD_CODING = frozenset({"encoder", "duration", "bps", "number_of_frames", "number_of_bytes"})
"""Tags of a stream that coding it anew makes untrue, besides Matroska's ``_STATISTICS_...``."""

MP4_TAGS = frozenset({"title", "artist", "album_artist", "composer", "album", "date", "comment", "genre", "copyright"})
MP4_TAGS |= {"grouping", "lyrics", "description", "synopsis", "show", "episode_id", "network", "keywords", "timecode"}
MP4_TAGS |= {"creation_time", "location"}
"""What FFmpeg's MP4 writer has a place for."""

COVERS = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}
"""File name and media type of an attached picture, by its codec."""


@dataclass(slots=True, eq=False, kw_only=True)
class Luggage:
    """What came along beside the picture."""

    passengers: list[Passenger] = field(default_factory=list)
    carried: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    shift: Fraction = Fraction(0)
    """Seconds by which everything is later in the result than in the source."""

    def close(self) -> None:
        """Close the source's streams."""
        for passenger in self.passengers:
            passenger.reader.close()


def load(
    source: InputContainer, container: OutputContainer, tape: Tape, add_video: Callable[[OutputContainer], VideoStream]
) -> tuple[VideoStream, Luggage]:
    """Add the picture and everything else of ``source`` to ``container``; return the picture's stream and the rest.

    Streams keep their order, languages, titles and dispositions. Nothing is written to the disk yet.
    """
    luggage = Luggage()
    video: VideoStream | None = None
    for stream in source.streams:
        if stream.index == tape.video_stream:
            video = add_video(container)
            _describe_video(video, source, tape, luggage)
        elif stream.type in ("audio", "subtitle"):
            _board(container, tape.path, stream, luggage)
    if video is None:
        raise SourceChanged(
            f"{tape.path}: no longer has a stream {tape.video_stream}; put the file back that was probed"
        )
    for stream in source.streams:
        if stream.type not in ("audio", "subtitle") and stream.index != tape.video_stream:
            _stow(container, tape, stream, luggage)
    luggage.shift = _shift(source, tape, luggage)
    _copy_chapters(source, container, luggage)
    _copy_tags(source, container, tape, luggage)
    return video, luggage


def _board(container: OutputContainer, path: Path, stream: Stream, luggage: Luggage) -> None:
    """Add one audio or subtitle stream: copied if the container can hold it, else converted, else left out."""
    reader = StreamReader(path, stream.index)
    passenger: Passenger | None = None
    if reader.start is None:
        luggage.left_out.append(f"{stream_label(stream)}: it holds no packets")
        return
    encode_sound = stream.type == "audio" and stream.codec_context is not None
    with contextlib.suppress(ValueError):
        if encode_sound and container.format.name == "mp4" and codec_name(stream) not in MP4_AUDIO:
            passenger = board_audio(container, reader, "aac")
        else:
            passenger = board_copy(container, reader)
    if passenger is None and container.format.name == "matroska":
        if encode_sound:
            passenger = board_audio(container, reader, None)
        elif codec_name(stream) == "mov_text":
            passenger = board_text(container, reader)
    if passenger is None:
        luggage.left_out.append(f"{stream_label(stream)}: {container.format.name} cannot hold it")
        return
    passenger.target.disposition = stream.disposition
    untrue = frozenset({"duration"}) if passenger.convert is None else ABOUT_THE_OLD_CODING
    passenger.target.metadata.update(_tags_without(stream.metadata, untrue))
    luggage.passengers.append(passenger)


def _stow(container: OutputContainer, tape: Tape, stream: Stream, luggage: Luggage) -> None:
    """Add an attachment, or an attached picture as one; say so of everything else that is left out."""
    content, name, media_type = b"", "", ""
    if isinstance(stream, AttachmentStream):
        content = stream.data
        name = stream.metadata.get("filename", f"attachment {stream.index}")
        media_type = stream.metadata.get("mimetype", "application/octet-stream")
    elif stream.disposition & Disposition.attached_pic and codec_name(stream) in COVERS:
        content = next((bytes(packet) for packet in StreamReader(tape.path, stream.index)), b"")
        name, media_type = COVERS[codec_name(stream)]
    if content and container.format.name == "matroska":
        target = container.add_attachment(name, media_type, content)
        target.metadata.update({key: value for key, value in stream.metadata.items() if key not in target.metadata})
        luggage.carried.append(f"attachment {name} ({media_type}): copied, {len(content)} bytes")
    elif stream.type == "data" and "timecode" in stream.metadata:
        luggage.carried.append(f"{stream_label(stream)}: its first timecode is kept as a tag of the picture")
    else:
        kind = "a second picture is not restored" if stream.type == "video" else "cannot be held"
        luggage.left_out.append(
            f"{stream_label(stream)}: {kind} by {container.format.name}".replace("restored by", "for")
        )


def _describe_video(video: VideoStream, source: InputContainer, tape: Tape, luggage: Luggage) -> None:
    """Give the restored picture the tags, disposition, timecode and rotation of the source's."""
    stream = source.streams[tape.video_stream]
    video.disposition = stream.disposition
    video.metadata.update(_tags_without(stream.metadata, ABOUT_THE_OLD_CODING))
    video.metadata["encoder"] = f"tapemend {__version__}, {video.codec_context.name}"
    timecodes = [tags["timecode"] for tags in _all_tags(source, stream) if "timecode" in tags]
    if timecodes:
        video.metadata["timecode"] = timecodes[0]
        luggage.carried.append(f"timecode of the first frame: {timecodes[0]}")
    matrix = display_matrix(tape)
    if matrix is not None:
        video.set_display_matrix(matrix)
        luggage.carried.append("rotation of the picture on the screen")


def display_matrix(tape: Tape) -> tuple[int, ...] | None:
    """Return the nine fixed-point numbers by which players turn the source's picture, None when they do not."""
    with open_source(tape.path) as source:
        try:
            frame = next(iter(source.decode(source.streams[tape.video_stream])), None)
        except av.FFmpegError:
            return None
        sides: Any = frame.side_data if isinstance(frame, av.VideoFrame) else ()
        for side_data in sides:
            if side_data.type.name == "DISPLAYMATRIX":
                return tuple(np.frombuffer(memoryview(side_data), np.int32).tolist())
    return None


def _shift(source: InputContainer, tape: Tape, luggage: Luggage) -> Fraction:
    """Return the seconds to add to every timestamp, and say so.

    Neither format begins before 0, and a clock that counts from an arbitrary moment (broadcast streams) starts at 0.
    """
    starts = [passenger.reader.start for passenger in luggage.passengers if passenger.reader.start is not None]
    first = min([tape.start_pts * tape.time_base, *starts])
    absolute = source.format.flags & TS_DISCONT or source.format.name in ABSOLUTE_CLOCKS
    if first == 0 or (first > 0 and not absolute):
        return Fraction(0)
    luggage.left_out.append(
        f"the source's clock: it begins at {float(first):.3f} s, the result at 0; nothing else moved"
    )
    return -first


def _copy_chapters(source: InputContainer, container: OutputContainer, luggage: Luggage) -> None:
    chapters = source.chapters()
    milliseconds = Fraction(1, 1000)
    for chapter in chapters:
        ticks = chapter["time_base"] or milliseconds
        start, end = (round((chapter[edge] * ticks + luggage.shift) / milliseconds) for edge in ("start", "end"))
        chapter["start"], chapter["end"] = max(start, 0), max(end, start, 0)
        chapter["time_base"] = milliseconds
    if chapters:
        container.set_chapters(chapters)
        luggage.carried.append(f"chapters: {len(chapters)}")


def _copy_tags(source: InputContainer, container: OutputContainer, tape: Tape, luggage: Luggage) -> None:
    """Copy the container's tags and append ours; the old ENCODER goes into the history, as FFmpeg sets that tag."""
    tags = dict(source.metadata)
    untrue = sorted(key for key in tags if key.lower() in ABOUT_THE_CONTAINER)
    kept = _tags_without(tags, ABOUT_THE_CONTAINER | {"encoder"})
    if container.format.name == "mp4":
        homeless = sorted(key for key in kept if key.lower() not in MP4_TAGS)
        kept = {key: value for key, value in kept.items() if key not in homeless}
        if homeless:
            luggage.left_out.append(f"tags {', '.join(homeless)}: MP4 has no place for them")
    if untrue:
        luggage.left_out.append(f"tags {', '.join(untrue)}: they describe the source's container, not this one")
    history_key = "comment" if container.format.name == "mp4" else "history"
    history_key = next((key for key in kept if key.lower() == history_key), history_key)
    written_by = next((f" (written by {value})" for key, value in tags.items() if key.lower() == "encoder"), "")
    ours = f"made with tapemend {__version__} from {tape.path.name}{written_by}"
    kept[history_key] = "; ".join(filter(None, [kept.get(history_key), ours]))
    container.metadata.update(kept)
    if len(kept) > 1:
        luggage.carried.append(f"tags of the file: {len(kept) - 1}")


def _tags_without(tags: dict[str, str], names: frozenset[str]) -> dict[str, str]:
    coded_anew = names is ABOUT_THE_OLD_CODING
    return {
        key: value
        for key, value in tags.items()
        if key.lower() not in names and not (coded_anew and key.lower().startswith("_statistics_"))
    }


def _all_tags(source: InputContainer, first: Stream) -> Iterator[dict[str, str]]:
    """Yield the tags of ``first``, of every other stream and of the file, names in lower case."""
    for tags in (first.metadata, *(stream.metadata for stream in source.streams), source.metadata):
        yield {key.lower(): value for key, value in tags.items()}
