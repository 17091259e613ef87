"""Which frames are restored together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tapemend.frames import Shot

CONTEXT = 2
"""Frames seen on each side of a window and not restored with it, where the shot has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Frames start to stop - 1 are restored together; first to last - 1 are seen."""

    start: int
    stop: int
    first: int
    last: int


def windows(shots: Iterable[Shot], length: int) -> Iterator[Window]:
    """Cut each shot into windows of ``length`` frames, the last one shorter; none crosses a cut.

    They depend on the shots alone: a frame is restored in the same company wherever work was cut into segments.
    """
    for shot in shots:
        for start in range(shot.start, shot.stop, length):
            stop = min(start + length, shot.stop)
            yield Window(
                start=start, stop=stop, first=max(shot.start, start - CONTEXT), last=min(shot.stop, stop + CONTEXT)
            )


def overlapping(shots: tuple[Shot, ...], length: int, start: int, stop: int) -> Iterator[Window]:
    """The windows that hold a frame of [start, stop), in order."""
    near = (shot for shot in shots if shot.start < stop and shot.stop > start)
    return (window for window in windows(near, length) if window.start < stop and window.stop > start)
