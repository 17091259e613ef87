"""The finished file, decoded again before it is named: every frame counted and compared, every copied byte of sound."""

import hashlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer

from tapemend import __version__
from tapemend.encode.passengers import Passenger
from tapemend.encode.picture import picture_planes, planes_md5
from tapemend.encode.target import disk_errors
from tapemend.errors import VerificationFailed
from tapemend.frames import PictureForm

MATROSKA_TICK = Fraction(1, 1000)
"""Seconds."""


def verify_pictures(part: Path, expected: Iterator[str | None], form: PictureForm, checksums: Path) -> int:
    """Decode ``part``, compare every frame with its expected MD5 (None: count only) and write the framemd5 file.

    ``checksums`` is the file to write, as FFmpeg's ``-f framemd5`` does, timestamps in the time base of ``part``.
    Returns the count of frames; raises VerificationFailed when a frame differs, is missing or too many.
    """
    count = 0
    try:
        with (
            disk_errors(checksums),
            checksums.open("w", encoding="ascii", newline="\n") as lines,
            _opened(part) as container,
        ):
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            base = stream.time_base or MATROSKA_TICK
            lines.write(_header(container, form))
            for picture in container.decode(stream):
                planes = picture_planes(picture)
                digest = planes_md5(planes)
                wanted = next(expected, "nothing")
                if wanted not in (None, digest):
                    raise VerificationFailed(
                        f"{part}: frame {count} is not the one that was restored; check memory and disk"
                    )
                size = sum(plane.size for plane in planes)
                ticks = round(1 / form.frame_rate / base)
                lines.write(f"0, {picture.pts:10d}, {picture.pts:10d}, {ticks:8d}, {size:8d}, {digest}\n")
                count += 1
    except av.FFmpegError as error:
        raise VerificationFailed(f"{part}: what was written cannot be decoded ({error.strerror})") from error
    missing = sum(1 for _ in expected)
    if missing:
        raise VerificationFailed(f"{part}: holds {count} frames and lacks {missing}; check the disk")
    return count


def verify_sound(part: Path, passengers: Sequence[Passenger]) -> None:
    """Raise VerificationFailed unless the bytes of every audio stream in ``part`` are those that were written."""
    for passenger in passengers:
        if passenger.kind != "audio":
            continue
        digest = hashlib.sha256()
        with _opened(part) as container:
            for packet in container.demux(container.streams[passenger.position]):
                digest.update(packet)
        if digest.digest() != passenger.digest.digest():
            raise VerificationFailed(f"{part}: {passenger.label} was stored with other bytes; check memory and disk")


def _opened(part: Path) -> InputContainer:
    return av.open(str(part.absolute()))


def _header(container: InputContainer, form: PictureForm) -> str:
    stream = container.streams.video[0]
    base, aspect = stream.time_base or MATROSKA_TICK, form.sample_aspect_ratio or Fraction(0)
    return "\n".join(
        [
            "#format: frame checksums",
            "#version: 2",
            "#hash: MD5",
            f"#software: tapemend {__version__}",
            f"#tb 0: {base.numerator}/{base.denominator}",
            "#media_type 0: video",
            "#codec_id 0: rawvideo",
            f"#dimensions 0: {stream.width}x{stream.height}",
            f"#sar 0: {aspect.numerator}/{aspect.denominator}",
            "#stream#, dts,        pts, duration,     size, hash",
            "",
        ]
    )
