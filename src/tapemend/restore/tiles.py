"""A picture in overlapping pieces whose seams cannot be seen: each is given all that the network can reach."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A piece of a picture, as slices of (rows, columns)."""

    seen: tuple[slice, slice]
    """What the network is given, in the picture."""
    kept: tuple[slice, slice]
    """What is kept of its answer, in the picture."""
    inner: tuple[slice, slice]
    """The same, in the tile."""


def tiles(height: int, width: int, side: int, grid: tuple[int, int], reach: tuple[int, int]) -> Iterator[Tile]:
    """Cut a picture on the network's ``grid`` into tiles of ``side`` pixels, 0 for one piece.

    Tiles start on the grid, so that its blocks are the same with tiles and without. ``reach`` is the rows and columns
    around a tile that the network is given besides, as its settings say.
    """
    for top in range(0, height, _step(side, height, grid[0])):
        kept_rows, seen_rows = _spans(top, _step(side, height, grid[0]), height, reach[0])
        for left in range(0, width, _step(side, width, grid[1])):
            kept_columns, seen_columns = _spans(left, _step(side, width, grid[1]), width, reach[1])
            yield Tile(
                seen=(seen_rows, seen_columns),
                kept=(kept_rows, kept_columns),
                inner=(_within(kept_rows, seen_rows), _within(kept_columns, seen_columns)),
            )


def _step(side: int, length: int, grid: int) -> int:
    return max(side // grid, 1) * grid if side else length


def _spans(start: int, step: int, length: int, reach: int) -> tuple[slice, slice]:
    stop = min(start + step, length)
    return slice(start, stop), slice(max(0, start - reach), min(length, stop + reach))


def _within(kept: slice, seen: slice) -> slice:
    return slice(kept.start - seen.start, kept.stop - seen.start)
