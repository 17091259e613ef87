"""The command line: one file per command."""

import sys

from cyclopts import App, CycloptsError

from tapemend import __version__
from tapemend.errors import TapemendError

app = App(
    name="tapemend",
    help="Restores digitised analog videotapes, and says what it did.",
    version=__version__,
    result_action="return_value",
)
app.command("tapemend.cli.restore:restore")
app.command("tapemend.cli.probe:probe")
app.command("tapemend.cli.degrade:degrade")
app.command("tapemend.cli.train:train")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 an error of ours, 2 usage, 130 Ctrl-C."""
    try:
        app(arguments, exit_on_error=False)
    except TapemendError as error:
        print(f"tapemend: {error}", file=sys.stderr)
        return 1
    except CycloptsError:
        return 2
    except KeyboardInterrupt:
        print("tapemend: stopped; the same command goes on where it was", file=sys.stderr)
        return 130
    return 0
