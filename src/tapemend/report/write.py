"""Both reports beside the result, each written aside and renamed."""

import os
from pathlib import Path

from tapemend.errors import TargetNotWritable
from tapemend.frames import Account, Inspection
from tapemend.report.deviations import find_deviations
from tapemend.report.document import document, to_text
from tapemend.report.inspection_document import inspection_document
from tapemend.report.inspection_page import inspection_page
from tapemend.report.page import page
from tapemend.report.summary import summarise


def report_paths(target: Path) -> tuple[Path, Path]:
    """Return the names of the JSON report and the HTML page of a target: for tape.mkv, tape.report.json and .html."""
    return target.with_name(f"{target.stem}.report.json"), target.with_name(f"{target.stem}.report.html")


def write_report(account: Account, target: Path) -> tuple[Path, Path]:
    """Write what there is to say about a restoration beside ``target``; return the paths of the JSON and the HTML.

    Reports that are there already are replaced. Raises TargetNotWritable when the disk refuses; no half file is left.
    """
    summary, deviations = summarise(account), find_deviations(account)
    json_path, html_path = report_paths(target)
    _write(json_path, to_text(document(account, summary, deviations)))
    _write(html_path, page(account, summary, deviations))
    return json_path, html_path


def write_inspection(inspection: Inspection, folder: Path) -> tuple[Path, Path]:
    """Write all there is to say about a tape into ``folder``; return the paths of the JSON and the HTML.

    Named after the tape and the beginning of its SHA-256, so that tapes of one name do not meet; reports of the same
    tape are replaced. Raises TargetNotWritable when the disk refuses; no half file is left.
    """
    stem = f"{inspection.tape.path.name}.{inspection.source_sha256[:8]}.inspection"
    json_path, html_path = folder / f"{stem}.json", folder / f"{stem}.html"
    _write(json_path, to_text(inspection_document(inspection)))
    _write(html_path, inspection_page(inspection))
    return json_path, html_path


def _write(path: Path, text: str) -> None:
    """Write a file whole; bytes of a file name that are no text become marks of the unknown."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", errors="xmlcharrefreplace", newline="\n") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        part.replace(path)
    except OSError as error:
        _remove(part)
        raise TargetNotWritable(
            f"{path}: the report cannot be written ({error.strerror or error}); free some space or name another target"
        ) from error


def _remove(part: Path) -> None:
    """Remove a file that was begun; one that cannot be removed was refused by the disk from the start."""
    try:
        part.unlink(missing_ok=True)
    except OSError:
        return
