"""Progress on a terminal."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Bar:
    """Shows each stage with its frames and the time left, on standard error; no bars where that is no terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, soft_wrap=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def stage(self, name: str, total: int | None, done: int = 0) -> None:
        """A stage begins; what is done already does not count for the speed."""
        self._task = self._progress.add_task(name, total=total, completed=done)

    def advance(self, frames: int) -> None:
        """So many more frames are done."""
        if self._task is not None:
            self._progress.advance(self._task, frames)

    def say(self, text: str) -> None:
        """A line for the user, on standard output's companion."""
        self._console.print(text, markup=False)
