"""``tapemend inspect``."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tapemend.cli.progress import Bar
from tapemend.errors import TapemendError
from tapemend.settings import DetectSettings, InspectSettings, ProbeSettings

if TYPE_CHECKING:
    from tapemend.frames import Inspection

CLEAN, UNREADABLE, DAMAGED = 0, 1, 3
"""Exit codes; what could not be read weighs more than damage."""
Flat = Parameter(name="*")


def inspect(
    source: Path,
    /,
    *more: Path,
    report: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    look: Annotated[InspectSettings, Flat] = InspectSettings(),
    probe: Annotated[ProbeSettings, Flat] = ProbeSettings(),
    detect: Annotated[DetectSettings, Flat] = DetectSettings(),
) -> int:
    """Say what is wrong with tapes without restoring them.

    Exit code: 0 no damage, 3 damage in one of the tapes, 1 one of them could not be inspected.

    Parameters
    ----------
    source
        The capture, or a folder of captures; they are only read.
    more
        More of them, one after the other; one that cannot be read is no reason to stop.
    report
        A folder for a page and a JSON file per tape, with every frame's numbers and pictures of the worst moments.
    as_json
        Print one JSON object per tape and line, also for a tape that cannot be inspected.
    """
    from tapemend.allocator import keep_memory

    keep_memory()
    if report is not None:
        report.mkdir(parents=True, exist_ok=True)
    codes = set()
    with Bar() as bar:
        for tape in _tapes((source, *more)):
            try:
                with _inspected(tape, look, probe, detect, report, bar) as inspection:
                    _say(inspection, as_json)
                    codes.add(DAMAGED if inspection.verdict.damaged.any() else CLEAN)
            except TapemendError as error:
                codes.add(UNREADABLE)
                named = "" if str(tape) in str(error) else f"{tape}: "
                bar.say(f"tapemend: {named}{error}")
                if as_json:
                    print(json.dumps({"path": str(tape), "error": str(error)}), flush=True)
    return next(code for code in (UNREADABLE, DAMAGED, CLEAN) if code in codes)


def _tapes(named: tuple[Path, ...]) -> Iterator[Path]:
    """What was named, and in place of a folder the files in it, but no hidden ones, by name."""
    for path in named:
        if path.is_dir():
            files = sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith("."))
            yield from files or [path]
        else:
            yield path


@contextmanager
def _inspected(
    source: Path, look: InspectSettings, probe: ProbeSettings, detect: DetectSettings, report: Path | None, bar: Bar
) -> Iterator["Inspection"]:
    """An inspection, its report written, while its scratch folder is there."""
    from tapemend.inspection import inspect as inspected
    from tapemend.report import write_inspection

    with TemporaryDirectory(prefix="tapemend-") as scratch:
        inspection = inspected(
            source, Path(scratch), look, look=probe, detect=detect, pictures=report is not None, progress=bar
        )
        if report is not None:
            write_inspection(inspection, report)
        yield inspection


def _say(inspection: "Inspection", as_json: bool) -> None:
    from tapemend.report import inspection_headline, inspection_line

    line = inspection_line(inspection)
    if as_json:
        print(json.dumps(line), flush=True)
        return
    print(f"{inspection.tape.path}: {inspection_headline(inspection)}")
    print(f"    {inspection.verdict.reason}")
    for moment in line["worst_moments"]:
        kind = max(moment["kinds"], key=moment["kinds"].get)
        print(f"    {moment['time']}  frame {moment['index']:,}, damage {moment['score']:.2f}, mostly {kind}")
    for deviation in line["not_as_expected"]:
        print(f"    {deviation['what']}")
