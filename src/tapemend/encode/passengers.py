"""Streams of the source that travel beside the picture: read by time, copied where possible, proven by checksum."""

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Discard, Stream
from av.subtitles.subtitle import AssSubtitle

from tapemend.encode.packets import AnyPacket, moved
from tapemend.errors import SourceChanged

logger = logging.getLogger(__name__)

CLOCK_JUMP_SECONDS = 1
"""Timestamps that fall back by more are of a new clock, and the stream goes on where it was; by less, one was late."""

MP4_AUDIO = frozenset({"aac", "mp3", "ac3", "eac3", "alac"})
"""Audio that players expect in MP4; other codecs become AAC there."""

LAYOUTS = ("", "mono", "stereo", "3.0", "4.0", "5.0", "5.1", "6.1", "7.1")
"""Names of the usual layouts, by count of channels: an encoder with loss has to know where each is heard."""

PCM_OF_SAMPLES = {"u8": "pcm_u8", "s16": "pcm_s16le", "s32": "pcm_s32le", "flt": "pcm_f32le", "dbl": "pcm_f64le"}
"""The PCM codec that keeps decoded samples as they are."""


def open_source(path: Path) -> av.container.InputContainer:
    """Open the source for reading; raise SourceChanged when it cannot be opened any more."""
    try:
        return av.open(str(path.absolute()), metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise SourceChanged(f"{path}: can no longer be read ({error.strerror}); put it back and start again") from error


class StreamReader:
    """One stream of the source, by a file handle of its own: badly interleaved files need no memory that way."""

    def __init__(self, path: Path, index: int) -> None:
        self._path = path
        self._container = open_source(path)
        self.stream = self._container.streams[index]
        for other in self._container.streams:
            if other.index != index:
                other.discard = Discard.all
        self.notes: list[str] = []
        self._packets = self._demux()
        self._first = next(self._packets, None)

    @property
    def start(self) -> Fraction | None:
        """Seconds of the first timestamp, before any move; None when there is no packet."""
        if self._first is None:
            return None
        stamps = [stamp for stamp in (self._first.pts, self._first.dts) if stamp is not None]
        return min(stamps, default=0) * self._first.time_base

    def __iter__(self) -> Iterator[AnyPacket]:
        """Yield every packet with data, once, with pts and dts; dts rises, or stays where subtitles share a time."""
        end, last, offset, late = 0, None, 0, 0
        for packet in chain([self._first] if self._first is not None else [], self._packets):
            stamp = packet.dts if packet.dts is not None else packet.pts
            reorder = packet.pts - stamp if packet.pts is not None and stamp is not None else 0
            dts = end if stamp is None else stamp + offset
            if last is not None and (dts < last or (dts == last and self.stream.type == "audio")):
                late += 1
                jumped = (last - dts) * packet.time_base > CLOCK_JUMP_SECONDS
                offset += end - dts if jumped else 0
                dts = end if jumped else last + 1
            packet.dts, packet.pts = dts, dts + max(reorder, 0)
            last, end = dts, dts + max(packet.duration or 0, 1)
            yield packet
        if late:
            self.notes.append(f"timestamps that went back and were moved on: {late}")

    def close(self) -> None:
        """Close the file; the stream is not to be touched after that."""
        self._container.close()

    def _demux(self) -> Iterator[AnyPacket]:
        try:
            for packet in self._container.demux(self.stream):
                if packet.size:
                    yield packet
        except av.FFmpegError as error:
            logger.warning("%s: stream %d ends early: %s", self._path, self.stream.index, error)
            self.notes.append(f"it cannot be read to its end ({error.strerror})")


@dataclass(slots=True, eq=False, kw_only=True)
class Passenger:
    """A stream of the source on its way into the result."""

    reader: StreamReader
    target: Stream
    """In the result; like the reader's, not to be touched once its file is closed (PyAV would crash)."""
    label: str = field(init=False)
    """What it is called in sentences for people."""
    kind: str = field(init=False)
    """``audio`` or ``subtitle``."""
    position: int = field(init=False)
    """Index of its stream in the result."""
    convert: Callable[["Passenger"], Iterator[AnyPacket]] | None = None
    """Makes other packets of the source's; None: they are copied."""
    conversion: str = ""
    """For people: what it became and why; empty when copied."""
    lossless: bool = True
    count: int = 0
    """Packets written so far."""
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    """Over the bytes of the packets written."""

    def __post_init__(self) -> None:
        self.label = stream_label(self.reader.stream)
        self.kind, self.position = self.target.type, self.target.index

    def packets(self, shift: Fraction) -> Iterator[AnyPacket]:
        """Yield its packets for the result, ``shift`` seconds later than in the source, and count and hash them."""
        adts = None
        for packet in self.reader if self.convert is None else self.convert(self):
            if not self.count and self.convert is None and _has_adts_header(packet, self.reader.stream):
                adts = av.bitstream.BitStreamFilterContext("aac_adtstoasc", self.reader.stream)
            self.digest.update(packet if adts is None else _without_header(adts, packet))
            self.count += 1
            packet.stream = self.target
            yield moved(packet, shift)

    def sentence(self) -> str:
        """Return, for the report, how it travelled."""
        manner = self.conversion or "copied"
        return "; ".join([f"{self.label}: {manner}, {self.count} packets", *self.reader.notes])


def stream_label(stream: Stream) -> str:
    """Return what a stream is called in sentences for people, such as ``audio stream 1 (pcm_s16le, eng)``."""
    details = [codec_name(stream), *filter(None, [stream.metadata.get("language")])]
    return f"{stream.type} stream {stream.index} ({', '.join(details)})"


def codec_name(stream: Stream) -> str:
    """Return FFmpeg's name of a stream's codec, or ``unknown``."""
    if stream.codec_context is None:
        return (stream.name if stream.type == "data" else None) or "unknown"
    return str(stream.codec_context.codec.canonical_name)


def board_copy(container: OutputContainer, reader: StreamReader) -> Passenger:
    """Add a stream that is copied packet by packet; raise ValueError when the container cannot hold it."""
    return Passenger(reader=reader, target=container.add_stream_from_template(reader.stream, opaque=True))


def board_audio(container: OutputContainer, reader: StreamReader, codec: str | None) -> Passenger:
    """Add an audio stream that is decoded and encoded again: as ``codec``, or as PCM of the very same samples.

    Raises ValueError when ``codec`` is given and there are more than eight channels.
    """
    context = reader.stream.codec_context
    assert isinstance(context, av.AudioCodecContext)
    lossless = codec is None
    if not lossless and context.channels >= len(LAYOUTS):
        raise ValueError(f"{codec} takes no {context.channels} channels")
    codec = codec or PCM_OF_SAMPLES[context.format.packed.name]
    stream = container.add_stream(codec, rate=context.sample_rate)
    assert isinstance(stream, AudioStream)
    stream.codec_context.layout = context.layout if lossless else LAYOUTS[context.channels]
    stream.codec_context.time_base = Fraction(1, context.sample_rate)
    held = f"{container.format.name} cannot hold {codec_name(reader.stream)}"
    if lossless:
        return Passenger(
            reader=reader, target=stream, convert=_encoded_audio, conversion=f"the same samples as {codec}, as {held}"
        )
    stream.codec_context.bit_rate = 96_000 * context.channels
    conversion = f"encoded again as {codec}, with loss, as players do not expect {codec_name(reader.stream)} in MP4"
    return Passenger(reader=reader, target=stream, convert=_encoded_audio, conversion=conversion, lossless=False)


def board_text(container: OutputContainer, reader: StreamReader) -> Passenger:
    """Add the plain text of a subtitle stream, without its styles, as SubRip."""
    return Passenger(
        reader=reader,
        target=container.add_mux_stream("subrip"),
        convert=_plain_text,
        conversion=f"as plain text (subrip), without styles, as {container.format.name} cannot hold it",
        lossless=False,
    )


def _encoded_audio(passenger: Passenger) -> Iterator[AnyPacket]:
    target = passenger.target
    assert isinstance(target, AudioStream)
    gaps = _GapFiller(target) if not passenger.lossless else None
    for frame in _decoded_audio(passenger.reader):
        for part in gaps.push(frame) if gaps is not None else [frame]:
            yield from target.encode(part)
    yield from target.encode(None)


def _decoded_audio(reader: StreamReader) -> Iterator[av.AudioFrame]:
    """Yield what a decoder makes of every packet; those that it cannot decode are counted in the reader's notes."""
    assert isinstance(reader.stream, AudioStream)
    broken = 0
    for packet in chain(reader, [None]):
        try:
            yield from reader.stream.decode(packet)
        except av.FFmpegError:
            broken += 1
    if broken:
        reader.notes.append(f"packets that could not be decoded: {broken}")


class _GapFiller:
    """Fills holes between audio frames with silence, so that an encoder of fixed frames keeps the time."""

    def __init__(self, target: AudioStream) -> None:
        self._target = target
        self._graph: av.filter.Graph | None = None

    def push(self, frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
        """Yield what is ready after ``frame``."""
        if self._graph is None:
            self._graph = av.filter.Graph()
            source = self._graph.add_abuffer(
                sample_rate=frame.sample_rate, format=frame.format, layout=frame.layout, time_base=frame.time_base
            )
            filler = self._graph.add("aresample", "async=1:min_hard_comp=0.02")
            heard = self._graph.add("aformat", f"channel_layouts={self._target.codec_context.layout.name}")
            self._graph.link_nodes(source, filler, heard, self._graph.add("abuffersink")).configure()
        self._graph.push(frame)
        while True:
            try:
                pulled = self._graph.pull()
            except (BlockingIOError, EOFError):
                return
            assert isinstance(pulled, av.AudioFrame)
            yield pulled


def _plain_text(passenger: Passenger) -> Iterator[AnyPacket]:
    for packet in passenger.reader:
        lines = [text.dialogue for text in packet.decode() if isinstance(text, AssSubtitle)]
        content = b"\n".join(lines).replace(b"\\N", b"\n").strip()
        if content:
            written = av.Packet(content)
            written.time_base, written.pts, written.dts = packet.time_base, packet.pts, packet.dts
            written.duration, written.is_keyframe = packet.duration, True
            yield written


def _has_adts_header(packet: AnyPacket, stream: Stream) -> bool:
    head = bytes(packet)[:2]
    return codec_name(stream) == "aac" and len(head) == 2 and head[0] == 0xFF and head[1] & 0xF0 == 0xF0


def _without_header(adts: av.bitstream.BitStreamFilterContext, packet: AnyPacket) -> bytes:
    """Return the packet's bytes as a muxer stores them; the ADTS header of every packet becomes the stream's one."""
    copy = av.Packet(bytes(packet))
    copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
    return b"".join(bytes(part) for part in adts.filter(copy))
