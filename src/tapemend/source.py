"""A video file as it is: opened read-only, decoded packet by packet, its damage counted and its gaps filled.

Threads: what a damaged file decodes to must not depend on the machine. With frame threads a broken packet near the end
takes the frames after it along (an error ends PyAV's drain, and it cannot be taken up again). With slice threads
FFmpeg's H.264 decoder conceals nothing and leaves in place what was in memory, other pixels on every run. So codecs
whose slices stand alone run slice threads, and those that predict between frames run one thread.
"""

import heapq
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import av.container
import av.error
import av.logging
import numpy as np
from av.stream import Disposition

from tapemend.errors import NotAVideo, PictureChanged, SourceChanged
from tapemend.frames import FrameState, Plane, Tape
from tapemend.pictures import frame_of, planes_of, to_planar
from tapemend.wording import by_number, counted

logger = logging.getLogger(__name__)

NOT_A_VIDEO = "is not a video that can be read; check that it plays, or give another file"
TEXT_FORMATS = {"tty", "srt", "ass", "webvtt", "lrc"}
"""Formats as which FFmpeg takes plain text."""

FILL_DISTANCE = Fraction(3, 4)
"""Frame durations that a packet without a frame must lie from its neighbours to count as a lost frame: the second
field of a frame in its own packet, half a duration away, is none."""


PICTURE_STRUCTURE = re.compile(rb"\x00\x00\x01\xb5[\x80-\x8f].(.)", re.DOTALL)
"""MPEG-2's picture coding extension (ISO/IEC 13818-2, 6.2.3.1); the byte's last two bits say top, bottom or frame."""
TOP_FIELD, BOTTOM_FIELD = 1, 2

MARKING_DECODERS = {"h264", "hevc"}
"""Decoders that mark damaged frames, and complain in the log of much that is no damage."""

GAP_SECONDS = 1
"""Between two pictures, above which the report speaks of a gap."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """One picture at the source's rate."""

    pts: int
    """In the source's time base."""
    frame: av.VideoFrame
    """Planar, in the source's own samples."""
    state: FrameState


@dataclass(slots=True, kw_only=True)
class Tally:
    """What went wrong while reading, counted."""

    given: int = 0
    """Pictures handed out, copies included."""
    undecodable_packets: int = 0
    corrupt: int = 0
    filled: int = 0
    repaired_times: int = 0
    gaps: int = 0
    """Places where the next picture comes more than GAP_SECONDS later."""
    missing_at_start: int = 0
    missing_at_end: int = 0
    discarded_packets: int = 0
    """Packets that the container itself marks as not to be shown."""
    broke_off: str = ""
    """Why reading ended before the end of the file."""
    first_corrupt: list[int] = field(default_factory=list)
    """Source numbers of the first few corrupt frames."""


def open_container(path: Path) -> av.container.InputContainer:
    """Open ``path`` for reading; raises NotAVideo if FFmpeg cannot."""
    try:
        container = av.open(str(path), "r", metadata_errors="replace")
    except (av.error.FFmpegError, UnicodeError, OSError) as error:
        raise NotAVideo(f"{path} {NOT_A_VIDEO} ({_words(error)})") from error
    if container.format.name in TEXT_FORMATS:
        container.close()
        raise NotAVideo(f"{path} {NOT_A_VIDEO} (it is text)")
    return container


def main_video(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """Return the stream that is restored: FFmpeg's choice among those that are no covers; raises NotAVideo if none."""
    pictures = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    readable = [stream for stream in pictures if stream.codec_context is not None]
    if not readable:
        reason = "no decoder for its video" if pictures else "no video stream"
        raise NotAVideo(f"{path} {NOT_A_VIDEO} ({reason})")
    best = container.streams.best("video")
    return next((stream for stream in readable if best is not None and stream.index == best.index), readable[0])


class Decoder:
    """The frames of one stream from where the container stands, with the damage counted in ``tally``."""

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self.tally = Tally()
        self._container = container
        self._stream = stream
        self._context = stream.codec_context
        self._context.thread_type = "SLICE"
        if not (self._context.codec.intra_only or self._context.codec.name == "ffv1"):
            self._context.thread_count = 1
        self._expected: list[int] = []
        codec = self._context.codec.name
        self._hears = codec not in MARKING_DECODERS
        self._complained: set[int | None] = set()
        self._lone_fields = _LoneFields() if codec == "mpeg2video" else None

    def frames(self) -> Iterator[tuple[int | None, av.VideoFrame, bool]]:
        """Yield (timestamp in the stream's time base, frame, whether it is corrupt) to the end of the file.

        Packets that cannot be decoded are counted and passed over. A file that cannot be read on ends here, with the
        reason in ``tally.broke_off``.
        """
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                self.tally.broke_off = _words(error)
                break
            if packet is None:
                break
            if packet.is_discard:
                self.tally.discarded_packets += 1
            elif packet.pts is not None:
                heapq.heappush(self._expected, packet.pts)
            if packet.size:
                if self._lone_fields is not None:
                    self._lone_fields.look_at(packet)
                yield from self._decode(packet)
        yield from self._decode(None)

    def lost_before(self, stamp: int | None) -> list[int]:
        """Return, once, the timestamps of packets before ``stamp`` that gave no frame; of all that are left for None.

        To be called with the timestamp of each frame as it comes out.
        """
        lost = []
        while self._expected and (stamp is None or self._expected[0] <= stamp):
            expected = heapq.heappop(self._expected)
            if expected != stamp:
                lost.append(expected)
        return lost

    def seek(self, pts: int) -> None:
        """Go to a key frame at or before ``pts``, as the container knows it; raises av.error.FFmpegError if it cannot.

        The depth of reordering that the decoder has found is kept: without it, it would have to be found again and
        frames would be lost until then.
        """
        depth = self._context.reorder_depth
        self._container.seek(pts, stream=self._stream, backward=True)
        self._context.reorder_depth = depth
        self._expected.clear()

    def _decode(self, packet: "av.Packet[av.VideoStream] | None") -> list[tuple[int | None, av.VideoFrame, bool]]:
        try:
            if self._hears:
                with _errors_heard() as complaints:
                    frames = self._context.decode(packet)
                if complaints:
                    self._complained.add(packet.pts if packet is not None else None)
            else:
                frames = self._context.decode(packet)
        except av.error.EOFError:
            return []
        except av.error.FFmpegError as error:
            logger.info("packet at %s: %s", packet.pts if packet else "the end", _words(error))
            self.tally.undecodable_packets += 1
            return []
        return [self._judged(frame) for frame in frames]

    def _judged(self, frame: av.VideoFrame) -> tuple[int | None, av.VideoFrame, bool]:
        """Return timestamp, frame, and whether it is corrupt; a frame of one field gets its lines twice.

        The decoder leaves whatever was in memory in the lines of a field that the file does not have.
        """
        stamp = frame.dts if frame.pts is None else frame.pts
        parity = self._lone_fields.parity_of(stamp) if self._lone_fields is not None else None
        if parity is not None:
            return stamp, _doubled(frame, parity), True
        complained = bool(self._complained & {stamp, None})
        self._complained -= {stamp, None}
        return stamp, frame, frame.is_corrupt or complained


class _LoneFields:
    """Finds, in an MPEG-2 stream, the frames of which the file has one field only."""

    def __init__(self) -> None:
        self._lone: dict[int | None, int] = {}
        self._before: tuple[int | None, int] | None = None

    def look_at(self, packet: "av.Packet[av.VideoStream]") -> None:
        """Note whether ``packet`` has one field, and whether it is the second of the packet before."""
        structures = [match[1][0] & 3 for match in PICTURE_STRUCTURE.finditer(bytes(packet))]
        fields = [structure for structure in structures if structure in (TOP_FIELD, BOTTOM_FIELD)]
        if len(fields) != 1 or len(structures) != 1:
            self._before = None
        elif self._before is not None and self._before[1] != fields[0]:
            self._lone.pop(self._before[0], None)
            self._before = None
        else:
            self._before = (packet.pts, fields[0])
            self._lone[packet.pts] = fields[0]

    def parity_of(self, stamp: int | None) -> int | None:
        """Return, once, which field the frame at ``stamp`` has, None if both."""
        return self._lone.pop(stamp, None)


class Source:
    """A probed file, read from the start (``pictures``) or from a key frame (``decoded_from``)."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._container = open_container(tape.path)
        videos = {stream.index: stream for stream in self._container.streams.video}
        if tape.video_stream not in videos:
            raise SourceChanged(f"{tape.path} has no video stream {tape.video_stream} any more; probe it again")
        self._stream = videos[tape.video_stream]
        self._decoder = Decoder(self._container, self._stream)
        self._last: Picture | None = None
        self._last_stamp = 0
        self.frame_duration = max(1, round(1 / (tape.frame_rate * tape.time_base)))
        """Nominal duration of a frame in ticks of the source's time base."""

    @property
    def tally(self) -> Tally:
        """What went wrong so far."""
        return self._decoder.tally

    def pictures(self) -> Iterator[Picture]:
        """Yield every picture of the file once: timestamps strictly rising, lost frames filled with copies.

        Only to be called on a fresh source. Raises PictureChanged where size or pixel format change.
        """
        for stamp, frame, corrupt in self._decoder.frames():
            lost = self._decoder.lost_before(stamp) if stamp is not None else []
            if self._last is None:
                self.tally.missing_at_start = len(lost)
            elif stamp is not None:
                yield from self._copies(lost, stamp)
            self._check(frame, stamp)
            if corrupt:
                self._note_corrupt()
            state = FrameState.CORRUPT if corrupt else FrameState.DECODED
            yield self._placed(Picture(pts=0, frame=to_planar(frame), state=state), stamp)
        self.tally.missing_at_end = len(
            [stamp for stamp in self._decoder.lost_before(None) if self._beyond_last(stamp)]
        )

    def decoded_from(self, pts: int) -> Iterator[tuple[int | None, av.VideoFrame]]:
        """Yield (raw timestamp, planar frame) from a key frame at or before ``pts`` on, nothing filled or repaired.

        Raises av.error.FFmpegError where the container cannot seek.
        """
        self._decoder.seek(pts)
        for stamp, frame, _ in self._decoder.frames():
            self._decoder.lost_before(stamp)
            self._check(frame, stamp)
            yield stamp, to_planar(frame)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def notes(self) -> tuple[str, ...]:
        """Return what was not as expected, a sentence each; to be called when ``pictures`` has ended."""
        tally, notes = self.tally, []
        notes.extend(self._promise_notes())
        if tally.broke_off:
            notes.append(f"Reading broke off after frame {tally.given - 1}: {tally.broke_off}.")
        if count := tally.undecodable_packets:
            notes.append(f"{counted(count, 'packet')} of the file could not be decoded.")
        for place, count in (("start", tally.missing_at_start), ("end", tally.missing_at_end)):
            if count:
                are = by_number(count, "is", "are")
                notes.append(f"{counted(count, 'frame')} at the {place} could not be decoded and {are} left out.")
        if count := tally.filled:
            copies = by_number(count, "is a copy", "are copies")
            notes.append(f"{counted(count, 'frame')} that the file could not give {copies} of the frame before.")
        if tally.corrupt:
            first = ", ".join(str(number) for number in tally.first_corrupt)
            more = ", ..." if tally.corrupt > len(tally.first_corrupt) else ""
            are = by_number(tally.corrupt, "is", "are")
            numbers = by_number(tally.corrupt, "source frame", "source frames")
            notes.append(f"{counted(tally.corrupt, 'frame')} {are} damaged in the file ({numbers} {first}{more}).")
        if count := tally.gaps:
            times, gaps = by_number(count, "Once", f"{count:,} times"), by_number(count, "gap is", "gaps are")
            notes.append(f"{times} the next frame comes more than {GAP_SECONDS} s later; the {gaps} kept.")
        if count := tally.repaired_times:
            were, follow = by_number(count, "was", "were"), by_number(count, "it follows", "they follow")
            notes.append(
                f"{counted(count, 'timestamp')} {were} missing or did not rise; {follow} the frame rate instead."
            )
        return tuple(notes)

    def _promise_notes(self) -> list[str]:
        """Return a note if the header says another number of frames, or a longer time, than the file gave."""
        tally, promised = self.tally, self._tape.frame_count_from_header
        if promised is not None:
            promised -= tally.discarded_packets
            return [] if promised == tally.given else [_promise(f"{promised} frames", tally.given)]
        duration = _tagged_seconds(self._stream.metadata.get("DURATION", ""))
        missing = duration * self._tape.frame_rate - tally.given
        return [_promise(f"{float(duration):.2f} s", tally.given)] if missing > max(2, tally.given // 100) else []

    def _copies(self, lost: list[int], stamp: int) -> Iterator[Picture]:
        """Yield copies of the last picture for the lost timestamps that are frames of their own before ``stamp``."""
        distance = FILL_DISTANCE * self.frame_duration
        for missing in lost:
            if missing - self._last_stamp >= distance and stamp - missing >= distance and self._last is not None:
                self.tally.filled += 1
                yield self._placed(Picture(pts=0, frame=self._last.frame, state=FrameState.FILLED), missing)

    def _placed(self, picture: Picture, stamp: int | None) -> Picture:
        """Return ``picture`` with a pts after the last one's, and remember it as the last."""
        pts = stamp
        if pts is None or (self._last is not None and pts <= self._last.pts):
            self.tally.repaired_times += 1
            pts = 0 if self._last is None else self._last.pts + self.frame_duration
        if self._last is not None and (pts - self._last.pts) * self._tape.time_base > GAP_SECONDS:
            self.tally.gaps += 1
        self._last = Picture(pts=pts, frame=picture.frame, state=picture.state)
        self._last_stamp = pts if stamp is None else stamp
        self.tally.given += 1
        return self._last

    def _beyond_last(self, stamp: int) -> bool:
        return self._last is None or stamp - self._last_stamp >= FILL_DISTANCE * self.frame_duration

    def _note_corrupt(self) -> None:
        self.tally.corrupt += 1
        if len(self.tally.first_corrupt) < 8:
            self.tally.first_corrupt.append(self.tally.given)

    def _check(self, frame: av.VideoFrame, stamp: int | None) -> None:
        """Raise PictureChanged if the frame is not of the tape's size and pixel format."""
        tape = self._tape
        now = f"{frame.width}x{frame.height} {frame.format.name}"
        before = f"{tape.width}x{tape.height} {tape.stored_pixel_format}"
        if now != before:
            time = "an unknown time" if stamp is None else f"{float((stamp - tape.start_pts) * tape.time_base):.2f} s"
            raise PictureChanged(
                f"{tape.path} changes from {before} to {now} at frame {self.tally.given} ({time}); "
                "cut the file there, for example with ffmpeg -ss and -t, and restore the parts"
            )


def _doubled(frame: av.VideoFrame, parity: int) -> av.VideoFrame:
    """Return ``frame`` with the lines of the field ``parity`` in place of the other field's too."""
    planes: list[Plane] = []
    for plane in planes_of(frame):
        rows = np.arange(len(plane)) // 2 * 2 + (0 if parity == TOP_FIELD else 1)
        planes.append(plane[np.where(rows < len(plane), rows, rows - 2)])
    whole = frame_of(tuple(planes), frame.format.name)
    whole.pts = frame.pts
    return whole


@contextmanager
def _errors_heard() -> Iterator[list[tuple[int, str, str]]]:
    """Collect what FFmpeg logs as errors meanwhile.

    Most decoders, FFV1's among them, conceal damage and say so in FFmpeg's log only: the frame carries no mark.
    """
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture(local=False) as complaints:
            yield complaints
    finally:
        av.logging.set_level(before)


def _promise(promised: str, given: int) -> str:
    return f"The header promises {promised} of video, the file gives {given} frames."


def _tagged_seconds(text: str) -> Fraction:
    """Return the seconds of Matroska's DURATION tag, such as 00:00:12.480000000; 0 if it is none."""
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", text.strip("\0 "))
    return int(match[1]) * 3600 + int(match[2]) * 60 + Fraction(match[3]) if match else Fraction(0)


def _words(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)
