"""The command line: one file per command."""

import sys
import tomllib
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter
from cyclopts.config import Toml

from tapemend import __version__
from tapemend.errors import SettingsError, TapemendError

app = App(
    name="tapemend",
    help="Restores digitised analog videotapes, and says what it did.",
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)

COMMANDS = {
    "restore": "Restore a digitised tape into a new file, with a report beside it.",
    "probe": "Say what a capture is: streams, rate, scan and field order as flagged and as measured, shape, colour.",
    "inspect": "Say what is wrong with tapes without restoring them: scores, kinds of damage, worst moments, measures.",
    "adapt": "Adapt the weights to a tape: they learn from its own clean frames, and are kept only if they win.",
    "degrade": "Damage a clean progressive clip as tape does, with the truth about the damage beside it.",
    "dataset": "Build a training set from a folder of clean clips, and say what is in it.",
    "evaluate": "Damage clean clips, restore them, and say how near to the truth each method comes.",
    "models": "Say which weights there are, and what a frame costs with each.",
    "train": "Train a network on a folder of clean clips, damaged by the simulator.",
}
"""Each is imported when it is called; here is what the help says of it before that."""

for command, purpose in COMMANDS.items():
    app.command(f"tapemend.cli.{command}:{command}", help=purpose)

app.meta.suppress_keyboard_interrupt = False


@app.meta.default
def launch(
    *words: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)], config: Path | None = None
) -> object:
    """Run a command.

    Parameters
    ----------
    config
        A TOML file with a table of settings per command, such as [restore] with strength = 0.5; flags win over it.
    """
    if config is not None:
        _refuse_unless_toml(config)
        app.config = (Toml(config),)
    return app(words, exit_on_error=False, print_error=False)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 an error of ours, 2 usage, 130 Ctrl-C.

    3 is a command's own: damage was found, adapted weights do not win.
    """
    app.config = ()
    try:
        answer = app.meta(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return _said(2, f"{str(error).rstrip('.')}; tapemend --help says what there is")
    except TapemendError as error:
        return _said(1, error)
    except KeyboardInterrupt as stop:
        return _said(130, str(stop) or "stopped; the same command goes on where it was")
    return answer if isinstance(answer, int) else 0


def _refuse_unless_toml(path: Path) -> None:
    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"--config {path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise SettingsError(f"--config {path}: is no TOML ({error})") from error


def _said(code: int, what: object) -> int:
    """Say what went wrong, in one line, whatever is in it; returns the exit code."""
    print("tapemend:", " ".join(str(what).split()), file=sys.stderr)
    return code
