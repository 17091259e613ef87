"""A segment: some hundred finished frames in one verified lossless file, the unit of the journal."""

import array
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from tapemend.encode.picture import (
    FIELD_ORDER,
    picture_of,
    picture_planes,
    planes_md5,
    stored_format,
    stored_planes,
)
from tapemend.encode.slices import lossless_options, slice_count
from tapemend.encode.target import MediaWriter, written_aside
from tapemend.errors import VerificationFailed
from tapemend.files import file_sha256
from tapemend.frames import Frame, PictureForm, Plane, Segment
from tapemend.pictures import planes_of, to_planar

SEGMENT_FORMAT = "nut"
"""NUT keeps any time base exactly; Matroska would round pts to milliseconds."""


def write_segment(frames: Iterable[Frame], form: PictureForm, path: Path) -> Segment:
    """Write ``frames`` to ``path`` without loss, prove it, and return what was written.

    FFV1 version 3, every frame for itself, a checksum in every slice. The file is written aside, decoded again and each
    frame's samples and pts are compared; only then it gets its name. Raises VerificationFailed when a frame differs,
    TargetNotWritable when the disk refuses, UnsupportedPicture when FFV1 has no such format, ValueError when there is
    no frame or one of another shape.
    """
    checksums: list[str] = []
    stamps = array.array("q")
    with written_aside(path) as part:
        with MediaWriter(part, path, SEGMENT_FORMAT) as writer:
            stream = add_lossless_stream(writer.container, form)
            flagged = FieldFlagger(form)
            for frame in frames:
                planes = stored_planes(frame, form.layout)
                picture = picture_of(planes, form)
                picture.pts = frame.pts
                checksums.append(planes_md5(planes))
                stamps.append(frame.pts)
                for packet in stream.encode(flagged(picture)):
                    writer.mux(packet)
            if not checksums:
                raise ValueError(f"{path}: a segment needs at least one frame")
            for packet in stream.encode(None):
                writer.mux(packet)
        _compare(part, form, checksums, stamps)
        digest = file_sha256(part)
    return Segment(path=path, frame_count=len(checksums), sha256=digest, frame_md5=tuple(checksums))


def add_lossless_stream(container: OutputContainer, form: PictureForm, thread_count: int = 0) -> VideoStream:
    """Add an FFV1 stream for pictures of ``form``; the same form always gives the same extradata."""
    pixel_format = stored_format(form.layout)
    slices = slice_count(pixel_format, form.width, form.height)
    stream = container.add_stream("ffv1", rate=form.frame_rate, options=lossless_options(slices))
    stream.width, stream.height, stream.pix_fmt = form.width, form.height, pixel_format
    describe_pictures(stream, form)
    stream.codec_context.thread_type = "SLICE"
    stream.codec_context.thread_count = thread_count
    return stream


def describe_pictures(stream: VideoStream, form: PictureForm) -> None:
    """Set everything a stream says of its pictures but their size and format."""
    context = stream.codec_context
    context.time_base = form.time_base
    context.framerate = form.frame_rate
    context.field_order = FIELD_ORDER.get(form.scan, 0)
    context.color_primaries, context.color_trc = form.colour.primaries, form.colour.transfer
    context.colorspace, context.color_range = form.colour.matrix, form.colour.range
    if form.sample_aspect_ratio is not None:
        context.sample_aspect_ratio = form.sample_aspect_ratio


class FieldFlagger:
    """Marks pictures as interlaced where their form says so, by FFmpeg's setfield: PyAV can only read that flag."""

    def __init__(self, form: PictureForm) -> None:
        self._graph: av.filter.Graph | None = None
        if form.scan.interlaced:
            self._graph = av.filter.Graph()
            pixel_format = av.VideoFormat(stored_format(form.layout), form.width, form.height)
            source = self._graph.add_buffer(
                width=form.width, height=form.height, format=pixel_format, time_base=form.time_base
            )
            flag = self._graph.add("setfield", f"mode={form.scan}")
            self._graph.link_nodes(source, flag, self._graph.add("buffersink")).configure()

    def __call__(self, picture: av.VideoFrame) -> av.VideoFrame:
        """Return the picture, flagged."""
        if self._graph is None:
            return picture
        self._graph.vpush(picture)
        return self._graph.vpull()


def decoded_pictures(path: Path) -> Iterator[tuple[Fraction, av.VideoFrame]]:
    """Yield (seconds, picture) of every frame of the first video stream of a file of ours, in order.

    Raises VerificationFailed when the file cannot be read.
    """
    try:
        with av.open(str(path.absolute())) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for picture in container.decode(stream):
                yield Fraction(picture.pts or 0) * (picture.time_base or 0), picture
    except av.FFmpegError as error:
        raise VerificationFailed(f"{path}: what was written cannot be read again ({error.strerror})") from error


def planes_at(segment: Segment, position: int) -> tuple[Plane, ...]:
    """Return the samples of the frame at ``position`` of a segment, counted from 0, planar."""
    _, picture = next(islice(decoded_pictures(segment.path), position, None))
    return planes_of(to_planar(picture))


def _compare(part: Path, form: PictureForm, checksums: list[str], stamps: "array.array[int]") -> None:
    """Raise VerificationFailed unless ``part`` decodes to exactly these frames at these times."""
    count = 0
    for seconds, picture in decoded_pictures(part):
        if count < len(checksums):
            if planes_md5(picture_planes(picture)) != checksums[count]:
                raise VerificationFailed(f"{part}: frame {count} was stored with other samples; check memory and disk")
            if seconds != stamps[count] * form.time_base:
                raise VerificationFailed(f"{part}: frame {count} was stored at {seconds} s, not at its own time")
        count += 1
    if count != len(checksums):
        raise VerificationFailed(f"{part}: holds {count} frames instead of {len(checksums)}; check the disk")
