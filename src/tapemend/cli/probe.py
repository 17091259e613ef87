"""``tapemend probe``."""

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tapemend.settings import ProbeSettings


def probe(
    source: Path,
    /,
    *,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    settings: Annotated[ProbeSettings, Parameter(name="*")] = ProbeSettings(),
) -> None:
    """Say what a capture is: streams, rate, scan and field order as flagged and as measured, shape, colour.

    Parameters
    ----------
    source
        The capture; it is only read.
    as_json
        Print one JSON object instead of lines.
    """
    from tapemend.probe import describe
    from tapemend.probe import probe as look

    said = describe(look(source, settings))
    if as_json:
        print(json.dumps(said, indent=2))
        return
    for name, value in said.items():
        for number, part in enumerate(value if isinstance(value, list) else [value]):
            print(f"{name.replace('_', ' ') if number == 0 else '':26} {_plain(part)}")


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(part)}" for name, part in value.items())
    return "not stated" if value is None else str(value)
