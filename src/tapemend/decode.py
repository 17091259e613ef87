"""Tape to frames: in order, once (the survey), then by index, bit for bit the same.

The survey reads the file from its start, fills what the file cannot give, and notes every frame's time and checksum.
Later reads seek, decode from a key frame, and are held against those checksums; where a file does not give the same
frames after a seek, it is read from its start instead, which is slow and right.
"""

import json
import logging
import os
import zlib
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import av.error
import numpy as np

from tapemend.chroma_delay import put_back
from tapemend.errors import PictureChanged, SettingsError, SourceChanged
from tapemend.fields import Bobber
from tapemend.frames import Components, Frame, FrameIndex, FrameState, Plane, Tape
from tapemend.pictures import planar_format, planes_of
from tapemend.settings import DecodeSettings
from tapemend.source import Picture, Source

logger = logging.getLogger(__name__)

STATES = (FrameState.DECODED, FrameState.CORRUPT, FrameState.FILLED)
"""In the order of their codes in an index."""

SEEK_LEADS = (0, 16, 64, 256)
"""Source frames before the wanted one at which to look for a key frame, tried in turn: streams with open groups of
pictures, or without an index, give other frames, or none, right after the nearest one."""

Emitted = tuple[int, av.VideoFrame, FrameState]
"""A frame on its way out: pts in the reader's time base, planar samples, state."""

Sampled = Callable[[av.VideoFrame], tuple[Plane, ...]]
"""Takes the samples out of such a frame."""


class Reader:
    """Reads the frames of one tape; interlaced tape is bobbed to field rate, 2N frames from N."""

    def __init__(self, tape: Tape, decode: DecodeSettings) -> None:
        """Raise SourceChanged if the file is gone or has another size than when it was probed, SettingsError where
        colour is to be put back and there is none."""
        if not tape.path.is_file() or tape.path.stat().st_size != tape.size_bytes:
            raise SourceChanged(f"{tape.path} is not the file that was probed; start again from the file as it is now")
        self.bobs = tape.scan.used.interlaced
        self.time_base = tape.time_base / 2 if self.bobs else tape.time_base
        self.frame_rate = tape.frame_rate * 2 if self.bobs else tape.frame_rate
        self._tape = tape
        self._index: FrameIndex | None = None
        self._cache: OrderedDict[int, Frame] = OrderedDict()
        self._cache_frames = decode.cache_frames
        self._sampled = _sampling(tape, decode)
        self._in_order = _Cursor(tape, self._sampled)
        self._at_random = _Cursor(tape, self._sampled)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def index(self) -> FrameIndex:
        """What the survey saw; RuntimeError before the survey has ended, unless an index was given."""
        if self._index is None:
            raise RuntimeError("the tape has no index yet: read survey() to its end, or give one with with_index()")
        return self._index

    def with_index(self, index: FrameIndex) -> Self:
        """Take the index of an earlier survey; raises SourceChanged if its time base is not this reader's."""
        if index.time_base != self.time_base:
            raise SourceChanged(
                f"the index of {self._tape.path} counts time in {index.time_base} s, not in {self.time_base} s: "
                "it is of another file or another --field-order; survey the tape again"
            )
        self._index = index
        self._cache.clear()
        return self

    def survey(self, watch: Callable[[av.VideoFrame], None] | None = None) -> Iterator[Frame]:
        """Yield every frame in order, and have the ``index`` when all are read.

        ``watch`` is shown every picture as it is stored, fields woven, before its frames are yielded. Raises
        PictureChanged where picture size or pixel format change. Memory grows by 13 bytes a frame.
        """
        pts, checksums, states = array("q"), array("I"), bytearray()
        source = Source(self._tape)
        try:
            pictures = source.pictures() if watch is None else _watched(source.pictures(), watch)
            for number, (time, picture, state) in enumerate(_emitted(self._tape, pictures)):
                planes = self._sampled(picture)
                pts.append(time)
                checksums.append(_checksum(planes))
                states.append(STATES.index(state))
                yield Frame(index=number, pts=time, planes=planes, state=state)
            notes = source.notes()
        finally:
            source.close()
        self._index = FrameIndex(
            pts=np.array(pts, np.int64),
            time_base=self.time_base,
            checksum=np.array(checksums, np.uint32),
            state=np.frombuffer(bytes(states), np.uint8),
            notes=notes,
        )

    def frames(self, start: int, stop: int) -> Iterator[Frame]:
        """Yield frames ``start`` to ``stop`` - 1, as in the survey; reads on without a seek where the last call ended.

        Raises IndexError for frames that the tape does not have, SourceChanged if the file gives others now.
        """
        if not 0 <= start <= stop <= len(self.index):
            raise IndexError(f"frames {start} to {stop} of a tape of {len(self.index)}")
        for number in range(start, stop):
            yield self._in_order.read(number, self.index)

    def fetch(self, index: int) -> Frame:
        """Return one frame, as in the survey; the last few asked for are kept. Raises as ``frames`` does."""
        if not 0 <= index < len(self.index):
            raise IndexError(f"frame {index} of a tape of {len(self.index)}")
        if index in self._cache:
            self._cache.move_to_end(index)
            return self._cache[index]
        frame = self._at_random.read(index, self.index)
        self._cache[index] = frame
        while len(self._cache) > self._cache_frames:
            self._cache.popitem(last=False)
        return frame

    def close(self) -> None:
        """Close the file."""
        self._in_order.close()
        self._at_random.close()
        self._cache.clear()


class _Cursor:
    """A place in the tape from which frames are read on, and moved where that does not lead to the frame wanted."""

    def __init__(self, tape: Tape, sampled: Sampled) -> None:
        self._tape, self._sampled = tape, sampled
        self._per_picture = 2 if tape.scan.used.interlaced else 1
        self._source: Source | None = None
        self._emitted: Iterator[Emitted] = iter(())
        self._position = 0
        self._leads = list(SEEK_LEADS)
        self._reach = 1
        """Frames ahead that are reached by reading on: the longest way from a key frame seen, one in intra codecs."""

    def read(self, number: int, index: FrameIndex) -> Frame:
        """Return frame ``number``, verified against the index; raises SourceChanged if the file gives another."""
        ahead = number - self._position
        if self._source is not None and ahead >= 0 and (ahead < self._reach or not self._leads):
            frame = self._read_on(number, index)
            if frame is not None:
                return frame
        while self._leads:
            frame = self._read_after_seek(number, index)
            if frame is not None:
                return frame
            if number <= self._leads[0] * self._per_picture:
                break
            self._leads.pop(0)
            if not self._leads:
                logger.warning("%s gives other frames after a seek; it is read from its start", self._tape.path)
        frame = self._read_from_start(number, index)
        if frame is None:
            raise SourceChanged(
                f"{self._tape.path} gives another picture for frame {number} than when it was surveyed; "
                "if the file has changed, start again without resuming"
            )
        return frame

    def close(self) -> None:
        """Close the file."""
        if self._source is not None:
            self._source.close()
        self._source = None
        self._emitted = iter(())

    def _read_after_seek(self, number: int, index: FrameIndex) -> Frame | None:
        """Return the frame by way of the nearest key frame that is the current lead before it, None if that fails."""
        first = max(0, number // self._per_picture - (1 if self._per_picture == 2 else 0))
        while first > 0 and index.state[first * self._per_picture] == STATES.index(FrameState.FILLED):
            first -= 1
        target = max(0, first - self._leads[0])
        if self._source is None:
            self._source = Source(self._tape)
        pts = int(index.pts[target * self._per_picture]) // self._per_picture
        pictures = self._pictures_after_seek(self._source, pts, first, index)
        self._emitted = _emitted(self._tape, pictures)
        self._position = first * self._per_picture
        return self._read_on(number, index)

    def _read_from_start(self, number: int, index: FrameIndex) -> Frame | None:
        self.close()
        self._source = Source(self._tape)
        self._emitted = _emitted(self._tape, self._source.pictures())
        self._position = 0
        return self._read_on(number, index)

    def _read_on(self, number: int, index: FrameIndex) -> Frame | None:
        """Return frame ``number``, at or after the position; None if it is not there or not as in the index."""
        try:
            while self._position < number:
                next(self._emitted)
                self._position += 1
            pts, picture, state = next(self._emitted)
        except (StopIteration, av.error.FFmpegError, PictureChanged):
            return None
        self._position += 1
        planes = self._sampled(picture)
        if pts != index.pts[number] or _checksum(planes) != index.checksum[number]:
            return None
        return Frame(index=number, pts=pts, planes=planes, state=state)

    def _pictures_after_seek(self, source: Source, pts: int, first: int, index: FrameIndex) -> Iterator[Picture]:
        """Yield the pictures from source number ``first`` on, with their times and states as the survey had them.

        ``pts`` is where to look for a key frame. Ends where the file does not give a picture that the index has.
        """
        since_key, decoded = 0, source.decoded_from(pts)
        shown: av.VideoFrame | None = None
        for number in range(first, len(index) // self._per_picture):
            entry = number * self._per_picture
            wanted = int(index.pts[entry]) // self._per_picture
            state = STATES[index.state[entry]]
            if state is not FrameState.FILLED or shown is None:
                shown = None
                for stamp, frame in decoded:
                    since_key = 1 if frame.key_frame else since_key + 1
                    self._reach = max(self._reach, since_key * self._per_picture)
                    if stamp is None or stamp >= wanted:
                        shown = frame if stamp == wanted else None
                        break
                if shown is None:
                    return
            yield Picture(pts=wanted, frame=shown, state=state)


def save_index(index: FrameIndex, path: Path) -> None:
    """Write ``index`` to ``path`` (npz): beside it first, then renamed, so that it is never half there."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            np.savez(
                file,
                pts=index.pts,
                checksum=index.checksum,
                state=index.state,
                time_base=np.array([index.time_base.numerator, index.time_base.denominator], np.int64),
                notes=np.array(json.dumps(index.notes)),
            )
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def load_index(path: Path) -> FrameIndex:
    """Read an index that ``save_index`` wrote; raises OSError, ValueError or KeyError for anything else."""
    with np.load(path, allow_pickle=False) as stored:
        numerator, denominator = stored["time_base"].tolist()
        return FrameIndex(
            pts=stored["pts"],
            time_base=Fraction(numerator, denominator),
            checksum=stored["checksum"],
            state=stored["state"],
            notes=tuple(json.loads(str(stored["notes"]))),
        )


def _watched(pictures: Iterator[Picture], watch: Callable[[av.VideoFrame], None]) -> Iterator[Picture]:
    for picture in pictures:
        watch(picture.frame)
        yield picture


def _emitted(tape: Tape, pictures: Iterator[Picture]) -> Iterator[Emitted]:
    """Yield the frames of ``pictures`` at the rate the stages work at."""
    if not tape.scan.used.interlaced:
        for picture in pictures:
            yield picture.pts, picture.frame, picture.state
        return
    duration = max(1, round(1 / (tape.frame_rate * tape.time_base)))
    bobber = Bobber(planar_format(tape.stored_pixel_format), tape.scan.used)
    before: Picture | None = None
    for picture in pictures:
        fields = bobber.push(picture.frame)
        if before is not None:
            yield from _timed(before, fields, min(duration, picture.pts - before.pts))
        before = picture
    if before is not None:
        yield from _timed(before, bobber.finish(), duration)


def _timed(picture: Picture, fields: list[av.VideoFrame], duration: int) -> Iterator[Emitted]:
    """Yield both fields of ``picture``, the second half of ``duration`` (source ticks) after the first."""
    first, second = fields
    yield 2 * picture.pts, first, picture.state
    yield 2 * picture.pts + duration, second, picture.state


def _sampling(tape: Tape, decode: DecodeSettings) -> Sampled:
    """How samples come out: as they are stored, or with the colour put back. SettingsError where there is no colour."""
    right, down = decode.chroma_delay
    if right == down == 0:
        return planes_of
    if tape.layout.components is Components.GRAY:
        raise SettingsError(f"--chroma-delay {right:g} {down:g}: {tape.path} has no colour; leave it out")
    return lambda picture: put_back(planes_of(picture), tape.layout, right, down)


def _checksum(planes: tuple[Plane, ...]) -> int:
    checksum = 0
    for plane in planes:
        checksum = zlib.crc32(plane.data, checksum)
    return checksum
