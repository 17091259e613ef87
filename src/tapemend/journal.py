"""Work on one tape, on disk: what is finished stays finished, whatever happens to the process.

A folder beside the target. ``work.json`` says of what the work is: source, settings, weights. The analysis is finished
when ``analysis.json`` is there, a segment when its own JSON is; each is written after what it speaks of, and renamed.
"""

import json
import logging
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tapemend.checkpoint import sha256
from tapemend.errors import JournalMismatch, TargetNotWritable
from tapemend.frames import References, Segment, SegmentNote, WindowNote

log = logging.getLogger(__name__)


class Journal:
    """The journal of one work; open_journal makes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fact(self, name: str, find_out: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What is noted under a name; else what finding it out gives, noted when that is finished."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            _write_json(path, find_out())
        noted: dict[str, Any] = json.loads(path.read_text())
        return noted

    def segment(self, number: int, restore: Callable[[Path], SegmentNote]) -> SegmentNote:
        """The finished segment of that number; restored into the path given when it is not there, or not whole."""
        path = self.folder / f"{number:06d}.nut"
        beside = path.with_suffix(".json")
        if beside.exists():
            note = _note_from(json.loads(beside.read_text()), path)
            if path.exists() and sha256(path) == note.segment.sha256:
                return note
            log.warning("%s: is not what the journal says it is; restored again", path)
        note = restore(path)
        _write_json(beside, _note_to(note))
        return note

    def finished(self, numbers: Iterable[int]) -> int:
        """How many of these segments are noted as finished."""
        return sum((self.folder / f"{number:06d}.json").exists() for number in numbers)

    def discard(self) -> None:
        """Remove the journal: the target holds everything."""
        shutil.rmtree(self.folder)


def journal_folder(target: Path) -> Path:
    """Where the journal of a target lies."""
    return target.with_name(target.name + ".journal")


def open_journal(target: Path, work: dict[str, Any], resume: bool) -> Journal:
    """The journal of this work: a new one, or with ``resume`` the one that is there.

    work: JSON-ready; what must be the same for work to go on. JournalMismatch names what differs.
    """
    folder = journal_folder(target)
    if folder.exists() and not resume:
        shutil.rmtree(folder)
    try:
        folder.mkdir(exist_ok=True)
        if not (folder / "work.json").exists():
            _write_json(folder / "work.json", work)
    except OSError as error:
        raise TargetNotWritable(f"{folder}: cannot be written ({error.strerror}); name a target elsewhere") from error
    differences = list(_differences(json.loads((folder / "work.json").read_text()), json.loads(json.dumps(work))))
    if differences:
        raise JournalMismatch(
            f"{folder}: holds unfinished work that differs in {', '.join(differences)}; "
            "use the same settings, --no-resume to discard it, or another target"
        )
    return Journal(folder)


def _differences(old: Any, new: Any, name: str = "") -> Iterable[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(key), new.get(key), f"{name}.{key}" if name else str(key))
    elif old != new:
        yield f"{name} ({old} there, {new} now)"


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


def _write_json(path: Path, content: dict[str, Any]) -> None:
    aside = path.with_name(path.name + ".part")
    try:
        aside.write_text(json.dumps(content))
        aside.replace(path)
    except OSError as error:
        raise TargetNotWritable(f"{path}: cannot be written ({error.strerror}); free some space") from error
