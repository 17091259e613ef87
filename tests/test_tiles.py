"""A picture in pieces."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tapemend.restore.tiles import tiles

GRID = (16, 32)
rows = st.integers(1, 12).map(lambda count: count * GRID[0])
columns = st.integers(1, 12).map(lambda count: count * GRID[1])
sides = st.integers(0, 8).map(lambda count: count * 64)
reaches = st.tuples(st.integers(0, 4), st.integers(0, 4)).map(lambda counts: (counts[0] * GRID[0], counts[1] * GRID[1]))


@given(rows, columns, sides, reaches)
def test_every_pixel_is_kept_from_exactly_one_tile(height: int, width: int, side: int, reach: tuple[int, int]) -> None:
    kept = np.zeros((height, width), np.uint8)
    for tile in tiles(height, width, side, GRID, reach):
        kept[tile.kept] += 1
    assert (kept == 1).all()


@given(rows, columns, sides, reaches)
def test_what_is_kept_lies_at_the_same_place_in_tile_and_picture(
    height: int, width: int, side: int, reach: tuple[int, int]
) -> None:
    picture = np.arange(height)[:, None] * width + np.arange(width)
    for tile in tiles(height, width, side, GRID, reach):
        np.testing.assert_array_equal(picture[tile.seen][tile.inner], picture[tile.kept])


@given(rows, columns, sides, reaches)
def test_a_tile_lies_on_the_grid_and_sees_all_that_reaches_it(
    height: int, width: int, side: int, reach: tuple[int, int]
) -> None:
    for tile in tiles(height, width, side, GRID, reach):
        for seen, kept, length, grid, far in zip(tile.seen, tile.kept, (height, width), GRID, reach, strict=True):
            assert seen.start % grid == seen.stop % grid == 0
            assert seen.start == max(0, kept.start - far)
            assert seen.stop == min(length, kept.stop + far)


def test_without_a_side_the_picture_is_one_piece() -> None:
    (tile,) = tiles(576, 768, 0, GRID, (192, 384))
    assert tile.seen == tile.kept == tile.inner == (slice(0, 576), slice(0, 768))


def test_a_side_larger_than_the_picture_is_one_piece() -> None:
    assert len(list(tiles(128, 192, 512, GRID, (192, 384)))) == 1
