"""Tiny clips with known pictures, written with PyAV; what every test of a stage that reads a file starts from.

A clip's pictures are a texture that moves a few columns per field, so that two fields of different times differ and
every frame is unlike every other. ``Clip(...).write(tmp_path / "clip.mkv")`` makes the file, ``clip.planes(3)`` says
what went into its fourth frame.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tapemend.frames import ColourTags, ScanType

Picture = tuple[NDArray[np.uint8] | NDArray[np.uint16], ...]

COLUMNS_PER_FIELD = 3
PULLDOWN = (0, 0, 0, 1, 1, 2, 2, 2, 3, 3)
"""Which film frame of four each of the ten fields of five telecined frames shows (2:3 pulldown)."""


@dataclass(frozen=True, kw_only=True)
class AudioTrack:
    """A tone."""

    codec: str = "pcm_s16le"
    rate: int = 48000
    start: Fraction = Fraction(0)
    """Seconds after the first frame at which it begins."""
    seconds: Fraction = Fraction(1, 2)
    language: str = "eng"
    frequency_hz: float = 440.0


@dataclass(frozen=True, kw_only=True)
class Clip:
    """What to write; ``write`` does it."""

    codec: str = "ffv1"
    pixel_format: str = "yuv420p"
    width: int = 64
    height: int = 48
    frame_count: int = 12
    frame_rate: Fraction = Fraction(25)
    scan: ScanType = ScanType.PROGRESSIVE
    """What the pictures show."""
    flagged: ScanType | None = None
    """What the stream says; None: the same as scan (telecine is flagged top field first)."""
    picture: Callable[[int], Picture] | None = None
    """Gives the stored planes of a frame instead of the moving texture; packed formats as (rows, bytes of a row)."""
    pts: tuple[int, ...] | None = None
    """Timestamps in 1 / frame_rate; None: 0, 1, 2, ..."""
    sample_aspect_ratio: Fraction | None = None
    colour: ColourTags | None = None
    options: dict[str, str] = field(default_factory=dict)
    """Of the encoder, such as ``{"g": "12", "bf": "2"}``."""
    audio: tuple[AudioTrack, ...] = ()
    chapters: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    attachments: tuple[tuple[str, str, bytes], ...] = ()
    """File name, media type, content."""
    cover: bool = False
    """A picture attached to the file (needs a container that has them, such as mp4)."""

    def planes(self, index: int) -> Picture:
        """Return the samples of frame ``index`` as stored: per plane (rows, columns), uint8 or uint16."""
        if self.picture is not None:
            return self.picture(index)
        first, second = self._field_times(index)
        return tuple(
            _weave(self._texture(plane, first), self._texture(plane, second), self.scan is ScanType.BOTTOM_FIRST)
            for plane in range(len(plane_shapes(self.pixel_format, self.width, self.height)))
        )

    def write(self, path: Path) -> Path:
        """Write the clip to ``path``, whose suffix names the container, and return the path."""
        with av.open(str(path), "w") as container:
            container.metadata.update(self.tags)
            stream = self._add_video(container)
            tracks = [(track, _add_audio(container, track)) for track in self.audio]
            cover = _add_cover(container) if self.cover else None
            for name, media_type, content in self.attachments:
                container.add_attachment(name, media_type, content)
            if self.chapters:
                container.set_chapters([_chapter(number, title) for number, title in enumerate(self.chapters)])
            if cover is not None:
                container.mux(
                    cover.encode(_frame("yuvj420p", 16, 16, [np.full((n, n), 90, np.uint8) for n in (16, 8, 8)]))
                )
            for track, audio_stream in tracks:
                _write_tone(container, audio_stream, track)
            self._write_pictures(container, stream)
        return path

    def _field_times(self, index: int) -> tuple[int, int]:
        if self.scan is ScanType.TELECINE:
            film = [4 * (n // 10) + PULLDOWN[n % 10] for n in (2 * index, 2 * index + 1)]
            return 2 * film[0], 2 * film[1]
        return (2 * index, 2 * index + 1) if self.scan.interlaced else (2 * index, 2 * index)

    def _texture(self, plane: int, time: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Return one plane at one field time: stripes with some noise over them, moving to the left.

        Mostly stripes, because idet compares neighbouring lines and a tiny picture has few of them to average over.
        """
        rows, columns = plane_shapes(self.pixel_format, self.width, self.height)[plane]
        maximum = (1 << bit_depth(self.pixel_format)) - 1
        noise = np.random.default_rng(plane).random((rows // 4 + 2, columns // 4 + 40))
        blocks = np.kron(0.9 * noise[:1] + 0.1 * noise, np.ones((4, 4)))
        texture = sum(np.roll(blocks, shift, axis=1) for shift in range(4))[:rows] / 4
        moved = np.roll(texture, -COLUMNS_PER_FIELD * time, axis=1)[:, :columns]
        scaled = np.rint(maximum * (0.1 + 0.8 * moved))
        return scaled.astype(np.uint8 if maximum < 256 else np.uint16)

    def _add_video(self, container: av.container.OutputContainer) -> av.VideoStream:
        stream = container.add_stream(self.codec, rate=self.frame_rate, options=dict(self.options))
        stream.width, stream.height, stream.pix_fmt = self.width, self.height, self.pixel_format
        stream.codec_context.time_base = 1 / self.frame_rate
        stream.codec_context.thread_count = 1
        if self.sample_aspect_ratio is not None:
            stream.codec_context.sample_aspect_ratio = self.sample_aspect_ratio
        if self.colour is not None:
            context = stream.codec_context
            context.color_primaries, context.color_trc = self.colour.primaries, self.colour.transfer
            context.colorspace, context.color_range = self.colour.matrix, self.colour.range
        flagged = self._flag()
        if flagged.interlaced:
            stream.codec_context.field_order = 2 if flagged is ScanType.TOP_FIRST else 3
            stream.codec_context.flags |= av.codec.context.Flags.interlaced_dct | av.codec.context.Flags.interlaced_me
        return stream

    def _flag(self) -> ScanType:
        flagged = self.flagged or self.scan
        return ScanType.TOP_FIRST if flagged is ScanType.TELECINE else flagged

    def _write_pictures(self, container: av.container.OutputContainer, stream: av.VideoStream) -> None:
        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=self.width, height=self.height, format=self.pixel_format, time_base=1 / self.frame_rate
        )
        flags = {ScanType.TOP_FIRST: "tff", ScanType.BOTTOM_FIRST: "bff", ScanType.UNKNOWN: "auto"}
        flag = graph.add("setfield", f"mode={flags.get(self._flag(), 'prog')}")
        graph.link_nodes(source, flag, graph.add("buffersink")).configure()
        for index in range(self.frame_count):
            frame = _frame(self.pixel_format, self.width, self.height, self.planes(index))
            frame.pts = index if self.pts is None else self.pts[index]
            frame.time_base = 1 / self.frame_rate
            if self.colour is not None:
                frame.color_primaries, frame.color_trc = self.colour.primaries, self.colour.transfer
                frame.colorspace, frame.color_range = self.colour.matrix, self.colour.range
            graph.push(frame)
            container.mux(stream.encode(graph.pull()))
        container.mux(stream.encode(None))


def plane_shapes(pixel_format: str, width: int, height: int) -> list[tuple[int, int]]:
    """Return (rows, samples of a row) of each stored plane; of a packed format (rows, bytes of a row)."""
    form = av.VideoFormat(pixel_format, width, height)
    if len({component.plane for component in form.components}) < len(form.components):
        planes = av.VideoFrame(width, height, pixel_format).planes
        packed = [[part for part in form.components if part.plane == plane] for plane in range(len(planes))]
        return [
            (
                plane.height,
                width * form.padded_bits_per_pixel // 8
                if len(planes) == 1
                else len(parts) * plane.width * -(-parts[0].bits // 8),
            )
            for plane, parts in zip(planes, packed, strict=True)
        ]
    ordered = sorted(form.components, key=lambda part: part.plane)
    return [(part.height, part.width) for part in ordered]


def bit_depth(pixel_format: str) -> int:
    """Return the bits of a sample; 8 for packed formats, which are bytes here."""
    form = av.VideoFormat(pixel_format, 16, 16)
    packed = len({component.plane for component in form.components}) < len(form.components)
    return 8 if packed else form.components[0].bits


def _weave(first: NDArray, second: NDArray, bottom_first: bool) -> NDArray:
    woven = first.copy()
    own = 0 if bottom_first else 1
    woven[own::2] = second[own::2]
    return woven


def _frame(pixel_format: str, width: int, height: int, planes: Picture) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, pixel_format)
    for target, samples in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(target, np.uint8).reshape(target.height, target.line_size)
        content = np.ascontiguousarray(samples).view(np.uint8).reshape(target.height, -1)
        rows[:, : content.shape[1]] = content
    return frame


def _add_audio(container: av.container.OutputContainer, track: AudioTrack) -> av.AudioStream:
    stream = container.add_stream(track.codec, rate=track.rate)
    stream.codec_context.layout = "mono"
    stream.codec_context.time_base = Fraction(1, track.rate)
    stream.metadata["language"] = track.language
    return stream


def _write_tone(container: av.container.OutputContainer, stream: av.AudioStream, track: AudioTrack) -> None:
    count = int(track.rate * track.seconds)
    wave = np.sin(2 * np.pi * track.frequency_hz * np.arange(count) / track.rate)
    samples = (8000 * wave).astype(np.int16)[None]
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.rate, frame.time_base, frame.pts = track.rate, Fraction(1, track.rate), 0
    context = stream.codec_context
    resampler = av.AudioResampler(context.format, "mono", track.rate, frame_size=context.frame_size or 1024)
    offset = int(track.start * track.rate)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        part.pts += offset
        container.mux(stream.encode(part))
    container.mux(stream.encode(None))


def _add_cover(container: av.container.OutputContainer) -> av.VideoStream:
    stream = container.add_stream("mjpeg", rate=1)
    stream.width, stream.height, stream.pix_fmt = 16, 16, "yuvj420p"
    stream.disposition = av.stream.Disposition.attached_pic
    return stream


def _chapter(number: int, title: str) -> dict[str, object]:
    start = 100 * number
    return {
        "id": number + 1,
        "start": start,
        "end": start + 100,
        "time_base": Fraction(1, 1000),
        "metadata": {"title": title},
    }
