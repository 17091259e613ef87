"""Where the result goes: refused before any work where it cannot go, and there only when it is whole."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import av
from av.container import OutputContainer

from tapemend.encode.packets import AnyPacket
from tapemend.errors import TargetExists, TargetNotWritable
from tapemend.settings import EncodeSettings

INTERLEAVE_MICROSECONDS = 500_000
"""How long a muxer holds packets back for a silent stream; we hand them in by time already."""

OTHER_CONTAINERS = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".mts", ".mxf", ".ts", ".webm", ".wmv"})
"""Endings that promise something; any other is the user's own business."""


def check_target(source: Path, target: Path, settings: EncodeSettings) -> None:
    """Raise before any work is done when ``target`` cannot be, or must not be, written.

    TargetExists: it is there and replacing it was not asked for. TargetNotWritable: its folder is missing or forbidden,
    it is a folder itself, it (or the file beside it that we write) is the source under any name, or its ending promises
    another container than the one that is written.
    """
    own = ".mp4" if settings.access else ".mkv"
    if target.suffix.lower() in OTHER_CONTAINERS - {own}:
        container = "an MP4" if settings.access else "a Matroska"
        raise TargetNotWritable(f"{target}: {container} file is written; name it {target.stem}{own}")
    for written in (target, part_path(target), frame_md5_path(target)):
        if written.exists() and source.exists() and written.samefile(source):
            raise TargetNotWritable(f"{written}: this is the source, which is never written to; name another target")
    if target.is_dir():
        raise TargetNotWritable(f"{target}: is a folder; name a file in it")
    refuse_existing(target, settings)
    if not target.parent.is_dir():
        raise TargetNotWritable(f"{target.parent}: no such folder; make it first")
    part = part_path(target)
    with disk_errors(target):
        part.open("ab").close()
        part.unlink()


def refuse_existing(target: Path, settings: EncodeSettings) -> None:
    """Raise TargetExists when ``target`` is there and may not be replaced."""
    if os.path.lexists(target) and not settings.overwrite:
        raise TargetExists(f"{target}: exists already; name another target or ask to overwrite it")


def part_path(target: Path) -> Path:
    """Return the name a file has while it is being written."""
    return target.with_name(target.name + ".part")


def frame_md5_path(target: Path) -> Path:
    """Return the name of the checksums beside ``target``."""
    return target.with_name(target.name + ".framemd5")


@contextlib.contextmanager
def disk_errors(target: Path) -> Iterator[None]:
    """Turn whatever the disk refuses into one line, a TargetNotWritable."""
    try:
        yield
    except OSError as error:
        raise TargetNotWritable(
            f"{target}: cannot be written ({error.strerror or error}); free some space or name another target"
        ) from error


@contextlib.contextmanager
def written_aside(target: Path) -> Iterator[Path]:
    """Give the path to write to; when the block ends well the file is on the disk and has its name, else it is gone."""
    part = part_path(target)
    try:
        yield part
        with disk_errors(target):
            flush_to_disk(part)
            part.replace(target)
            flush_to_disk(target.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def flush_to_disk(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk; raise OSError when it cannot be."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class MediaWriter:
    """A media file that is being written to ``part``; errors speak of ``target``."""

    def __init__(self, part: Path, target: Path, container_format: str, options: dict[str, str] | None = None) -> None:
        self.target = target
        held_back = {"max_interleave_delta": str(INTERLEAVE_MICROSECONDS)}
        with disk_errors(target):
            self.container: OutputContainer = av.open(
                str(part.absolute()), "w", format=container_format, container_options=held_back | (options or {})
            )

    def __enter__(self) -> "MediaWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            with disk_errors(self.target):
                self.container.close()
        else:
            with contextlib.suppress(Exception):
                self.container.close()

    def mux(self, packet: AnyPacket) -> None:
        """Write one packet, rescaled to its stream's time base."""
        with disk_errors(self.target):
            self.container.mux_one(packet)
