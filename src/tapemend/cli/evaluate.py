"""``tapemend evaluate``."""

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tapemend.cli.progress import Bar
from tapemend.errors import SettingsError
from tapemend.settings import DetectSettings, EvaluateSettings, ReferenceSettings, Settings

Flat = Parameter(name="*")


def evaluate(
    clips: Path,
    /,
    *,
    json_file: Annotated[Path | None, Parameter(name="--json")] = None,
    settings: Annotated[EvaluateSettings, Flat] = EvaluateSettings(),
    detect: Annotated[DetectSettings, Flat] = DetectSettings(),
    references: Annotated[ReferenceSettings, Flat] = ReferenceSettings(),
) -> None:
    """Damage clean clips, restore them, and say how near to the truth each method comes.

    Means are over the frames that damage changed, of a clean tape over all. gain: PSNR over the input, dB; worst: of a
    single frame; area: gain in the visibly damaged area alone. Lower flicker and warping are better.

    Parameters
    ----------
    clips
        A clean video, or a folder of them and nothing else; they are scaled to a tape's size.
    json_file
        Where every number goes, of every tape.
    """
    from tapemend.allocator import keep_memory

    keep_memory()
    from tapemend.evaluate.results import entry, summary, table, with_area_gains
    from tapemend.evaluate.run import evaluate as evaluated
    from tapemend.evaluate.run import find_clips, software
    from tapemend.files import plain

    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise SettingsError(f"--json {json_file}: there is no such folder; make it first")
    entries = []
    with Bar() as bar:
        restoration = Settings(detect=detect, references=references)
        for result in evaluated(find_clips(clips), settings, restoration, bar):
            entries += [entry(result, score) for score in result.scores]
    means = summary(with_area_gains(entries))
    print(table(means))
    if json_file is not None:
        json_file.write_text(json.dumps({"software": software(), "mean": means, "tapes": plain(entries)}, indent=1))
