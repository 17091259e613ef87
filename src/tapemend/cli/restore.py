"""``tapemend restore``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tapemend.cli.progress import Bar
from tapemend.settings import (
    DecodeSettings,
    DetectSettings,
    EncodeSettings,
    ProbeSettings,
    ReferenceSettings,
    RestoreSettings,
    Settings,
)

Flat = Parameter(name="*")


def restore(
    source: Path,
    /,
    target: Annotated[Path | None, Parameter(name=["--target", "-o"])] = None,
    *,
    resume: bool = True,
    probe: Annotated[ProbeSettings, Flat] = ProbeSettings(),
    decode: Annotated[DecodeSettings, Flat] = DecodeSettings(),
    detect: Annotated[DetectSettings, Flat] = DetectSettings(),
    references: Annotated[ReferenceSettings, Flat] = ReferenceSettings(),
    repair: Annotated[RestoreSettings, Flat] = RestoreSettings(),
    encode: Annotated[EncodeSettings, Flat] = EncodeSettings(),
) -> None:
    """Restore a digitised tape into a new file, with a report beside it.

    Parameters
    ----------
    source
        The capture; it is only read.
    target
        The restored file; SOURCE.restored.mkv beside the source if not given (.mp4 with --access).
    resume
        Go on with unfinished work on the same target; --no-resume discards it.
    """
    settings = Settings(probe=probe, decode=decode, detect=detect, references=references, restore=repair, encode=encode)
    from tapemend.allocator import keep_memory

    keep_memory()
    from tapemend import pipeline

    with Bar() as bar:
        outcome = pipeline.restore(
            source, target or default_target(source, encode), settings, resume=resume, progress=bar
        )
    bar.say(
        f"{outcome.written.path}: {outcome.damaged_frames} of {outcome.frame_count} frames damaged, "
        f"{outcome.changed_frames} changed"
    )
    bar.say(f"{outcome.report_html}: what was found and done")


def default_target(source: Path, encode: EncodeSettings) -> Path:
    """Where the result goes when nobody says."""
    return source.parent / f"{source.stem}.restored.{'mp4' if encode.access else 'mkv'}"
