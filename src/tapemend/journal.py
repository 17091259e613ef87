"""Work on one tape, on disk: what is finished stays finished, whatever happens to the process.

A folder beside the target. ``work.json`` says of what the work is: source, settings, weights. Something is finished
when its own JSON is there, which is written after what it speaks of, holds its digests, and is renamed when whole.
"""

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tapemend.errors import JournalMismatch, TargetNotWritable
from tapemend.files import file_sha256
from tapemend.frames import References, Segment, SegmentNote, WindowNote

log = logging.getLogger(__name__)

WORK, WRITTEN = "work.json", "written.json"


class Journal:
    """The journal of one work; open_journal makes it.

    As a context: work that ends well removes it, the target holds everything. Work that breaks off leaves it, unless
    nothing is finished in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None or not any(path.name != WORK for path in self.folder.glob("*.json")):
            _remove(self.folder)

    def fact(self, name: str, find_out: Callable[[], dict[str, Any]], files: Sequence[Path] = ()) -> dict[str, Any]:
        """What is noted under a name; else what finding it out gives, noted when that is finished.

        It is found out again when the files that go with it are not as they were then.
        """
        path = self.folder / f"{name}.json"
        noted = _read_json(path)
        if noted is None or noted["files"] != [_digest(file) for file in files]:
            with disk_errors(self.folder):
                path.unlink(missing_ok=True)
                found = find_out()
                noted = {"found": found, "files": [_digest(file) for file in files]}
            _write_json(path, noted)
        fact: dict[str, Any] = noted["found"]
        return fact

    def segment(self, number: int, restore: Callable[[Path], SegmentNote]) -> SegmentNote:
        """The finished segment of that number; restored into the path given when it is not there, or not whole."""
        path = self.folder / f"{number:06d}.nut"
        beside = path.with_suffix(".json")
        noted = _read_json(beside)
        if noted is not None:
            note = _note_from(noted, path)
            if _digest(path) == note.segment.sha256:
                return note
            log.warning("%s: is not what the journal says it is; restored again", path)
        note = restore(path)
        _write_json(beside, _note_to(note))
        return note

    def finished(self, numbers: Iterable[int]) -> int:
        """How many of these segments are noted as finished."""
        return sum((self.folder / f"{number:06d}.json").exists() for number in numbers)

    def note_written(self, target_sha256: str) -> None:
        """Note what the target will be: work that breaks off before its report is there may replace that, unasked."""
        _write_json(self.folder / WRITTEN, {"sha256": target_sha256})


def journal_folder(target: Path) -> Path:
    """Where the journal of a target lies."""
    return target.with_name(target.name + ".journal")


def is_own_result(target: Path) -> bool:
    """Whether what lies at ``target`` was written by the unfinished work of its journal."""
    noted = _read_json(journal_folder(target) / WRITTEN)
    return noted is not None and _digest(target) == noted["sha256"]


def open_journal(target: Path, work: dict[str, Any], resume: bool) -> Journal:
    """The journal of this work: a new one, or with ``resume`` the one that is there.

    work: JSON-ready; what must be the same for work to go on. JournalMismatch names what differs, or says that the
    folder is no journal: that is never removed. TargetNotWritable when the folder cannot be made.
    """
    folder = journal_folder(target)
    if folder.is_dir() and {path.name for path in folder.iterdir()} - {f"{WORK}.part"} and not (folder / WORK).exists():
        raise JournalMismatch(f"{folder}: is a folder but no journal of tapemend; move it away, or name another target")
    with disk_errors(folder):
        if folder.is_dir() and not resume:
            _remove(folder)
        folder.mkdir(exist_ok=True)
    if not (folder / WORK).exists():
        _write_json(folder / WORK, work)
    differences = list(_differences(_read_json(folder / WORK), json.loads(json.dumps(work))))
    if differences:
        raise JournalMismatch(
            f"{folder}: holds unfinished work that differs in {', '.join(differences)}; "
            "use the same settings, --no-resume to discard it, or another target"
        )
    return Journal(folder)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into one line, a TargetNotWritable."""
    try:
        yield
    except OSError as error:
        raise TargetNotWritable(
            f"{path}: cannot be written ({error.strerror or error}); free some space or name another target"
        ) from error


def _remove(folder: Path) -> None:
    """Remove a journal, its work last: what is left if that breaks off is still a journal."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != WORK:
            path.unlink()
    shutil.rmtree(folder)


def _differences(old: Any, new: Any, name: str = "") -> Iterable[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(key), new.get(key), f"{name}.{key}" if name else str(key))
    elif old != new:
        yield f"{name or 'everything'} ({old} there, {new} now)"


def _note_to(note: SegmentNote) -> dict[str, Any]:
    plain = asdict(note)
    del plain["segment"]["path"]
    return plain


def _note_from(plain: dict[str, Any], path: Path) -> SegmentNote:
    segment = plain["segment"]
    return SegmentNote(
        segment=Segment(
            path=path,
            frame_count=segment["frame_count"],
            sha256=segment["sha256"],
            frame_md5=tuple(segment["frame_md5"]),
        ),
        changed=tuple(plain["changed"]),
        moved=tuple(plain["moved"]),
        chroma_gains=tuple(plain["chroma_gains"]),
        hues=tuple(plain["hues"]),
        recoloured=tuple(plain["recoloured"]),
        detail_gains=tuple(plain["detail_gains"]),
        windows=tuple(
            WindowNote(
                start=window["start"],
                stop=window["stop"],
                references=References(
                    indices=tuple(window["references"]["indices"]),
                    similarity=tuple(window["references"]["similarity"]),
                ),
            )
            for window in plain["windows"]
        ),
    )


def _digest(path: Path) -> str | None:
    """SHA-256 of a file, None where there is none."""
    return file_sha256(path) if path.is_file() else None


def _read_json(path: Path) -> dict[str, Any] | None:
    """What a JSON file says, None where there is none or the disk has lost a part of it."""
    if not path.is_file():
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return content


def _write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a file aside, and to the disk, before it has its name."""
    aside = path.with_name(path.name + ".part")
    try:
        with disk_errors(path), aside.open("w", encoding="utf-8") as file:
            file.write(json.dumps(content))
            file.flush()
            os.fsync(file.fileno())
        with disk_errors(path):
            aside.replace(path)
    finally:
        with disk_errors(path):
            aside.unlink(missing_ok=True)
