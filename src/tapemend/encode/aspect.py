"""The shape of pixels in a Matroska file, which PyAV 18 cannot set on a stream that it writes.

The muxer is made to write a track name with room behind it; afterwards the room is taken by the display size. No byte
outside that one track changes, but for the checksum over the list of tracks.
"""

import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from tapemend.errors import VerificationFailed

ROOM = "." * 64
"""What is put behind the name of the track."""

SEGMENT, TRACKS, TRACK_ENTRY = b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\xae"
NAME, VIDEO, VOID, CHECKSUM = b"\x53\x6e", b"\xe0", b"\xec", b"\xbf"
DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT = b"\x54\xb0", b"\x54\xba", b"\x54\xb2"
DISPLAY = (DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT)
ASPECT_RATIO_UNIT = 3
"""Matroska (RFC 9559, DisplayUnit): the display size is a ratio and not a count of pixels."""


def set_pixel_aspect(path: Path, size: tuple[int, int], aspect: Fraction) -> None:
    """State in a finished Matroska file that each pixel of its picture is ``aspect`` times as wide as high.

    The picture's track must have a name that ends in ``ROOM``; that end is removed. ``size`` is (width, height) of the
    picture. Raises VerificationFailed when the file is not laid out as expected.
    """
    with path.open("r+b") as file:
        start, length = _find_tracks(file, path)
        file.seek(start)
        children = list(_children(file.read(length)))
        mended = (
            (name, head, _with_aspect(body, size, aspect) if name == TRACK_ENTRY else body)
            for name, head, body in children
        )
        content = b"".join(head + body for name, head, body in mended if name != CHECKSUM)
        if children[0][0] == CHECKSUM:
            content = _element(CHECKSUM, zlib.crc32(content).to_bytes(4, "little")) + content
        if len(content) != length:
            raise VerificationFailed(f"{path}: its list of tracks is not as expected, so the pixels' shape is not kept")
        file.seek(start)
        file.write(content)


def _with_aspect(entry: bytes, size: tuple[int, int], aspect: Fraction) -> bytes:
    """Return a track entry of the same length, with the display size in place of the room, if it has room."""
    children = list(_children(entry))
    if not any(name == NAME and body.endswith(ROOM.encode()) for name, _, body in children):
        return entry
    content = b""
    for name, _, body in children:
        if name == VIDEO:
            said = (_element(part, value) for part, _, value in _children(body) if part not in DISPLAY)
            content += _element(name, b"".join(said) + _display_size(size, aspect))
        elif name != NAME or body != ROOM.encode():
            content += _element(name, body.removesuffix(ROOM.encode()))
    left = len(entry) - len(content)
    return content + VOID + _size_of(left - 2, 1) + bytes(left - 2)


def _display_size(size: tuple[int, int], aspect: Fraction) -> bytes:
    """Return the display size: in pixels where that is exact, else as a ratio."""
    width, height = size[0] * aspect, size[1]
    if width.denominator == 1:
        return _number(DISPLAY_WIDTH, width.numerator) + _number(DISPLAY_HEIGHT, height)
    ratio = width / height
    return (
        _number(DISPLAY_WIDTH, ratio.numerator)
        + _number(DISPLAY_HEIGHT, ratio.denominator)
        + _number(DISPLAY_UNIT, ASPECT_RATIO_UNIT)
    )


def _find_tracks(file: BinaryIO, path: Path) -> tuple[int, int]:
    """Return (offset, length) of the content of the list of tracks."""
    position, end = 0, path.stat().st_size
    while position < end:
        file.seek(position)
        name, size, header = _head(file.read(16))
        if name == TRACKS:
            return position + header, size
        position += header if name == SEGMENT else header + size
    raise VerificationFailed(f"{path}: has no list of tracks")


def _children(content: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield (identifier, whole head, body) of each element in ``content``."""
    position = 0
    while position < len(content):
        name, size, header = _head(content[position : position + 16])
        body = position + header
        yield name, content[position:body], content[body : body + size]
        position += header + size


def _head(start: bytes) -> tuple[bytes, int, int]:
    """Return (identifier, size of the content, size of this head) of an EBML element."""
    name_length = 9 - start[0].bit_length()
    size_length = 9 - start[name_length].bit_length()
    coded = int.from_bytes(start[name_length : name_length + size_length], "big")
    return start[:name_length], coded & ((1 << 7 * size_length) - 1), name_length + size_length


def _element(name: bytes, body: bytes) -> bytes:
    length = next(count for count in range(1, 9) if len(body) < (1 << 7 * count) - 1)
    return name + _size_of(len(body), length) + body


def _number(name: bytes, value: int) -> bytes:
    return _element(name, value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _size_of(size: int, length: int) -> bytes:
    return (size | 1 << 7 * length).to_bytes(length, "big")
