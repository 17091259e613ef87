"""How long work tells its user where it is."""

from typing import Protocol


class Progress(Protocol):
    """Told by the stages; shown by whoever called."""

    def stage(self, name: str, total: int | None, done: int = 0) -> None:
        """A stage begins: ``total`` frames to do, None when that is not known; ``done`` of them are there already."""
        ...

    def advance(self, frames: int) -> None:
        """So many more frames of this stage are done."""
        ...


class Silent:
    """Tells nobody."""

    def stage(self, name: str, total: int | None, done: int = 0) -> None:
        """Nothing."""

    def advance(self, frames: int) -> None:
        """Nothing."""
