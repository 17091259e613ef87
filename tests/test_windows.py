"""Which frames are restored together."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapemend.frames import Shot
from tapemend.restore.windows import CONTEXT, overlapping, windows


@st.composite
def tapes(draw: st.DrawFn) -> tuple[Shot, ...]:
    edges = [0, *sorted(draw(st.sets(st.integers(1, 80), min_size=1, max_size=5)))]
    return tuple(Shot(start=start, stop=stop) for start, stop in pairwise(edges))


lengths = st.integers(1, 32)


@given(tapes(), lengths)
def test_every_frame_is_restored_in_exactly_one_window(shots: tuple[Shot, ...], length: int) -> None:
    restored = [index for window in windows(shots, length) for index in range(window.start, window.stop)]
    assert restored == list(range(shots[-1].stop))


@given(tapes(), lengths)
def test_no_window_sees_across_a_cut(shots: tuple[Shot, ...], length: int) -> None:
    for window in windows(shots, length):
        shot = next(shot for shot in shots if shot.start <= window.start < shot.stop)
        assert shot.start <= window.first <= window.start < window.stop <= window.last <= shot.stop


@given(tapes(), lengths)
def test_a_window_sees_its_context_where_the_shot_has_it(shots: tuple[Shot, ...], length: int) -> None:
    for window in windows(shots, length):
        shot = next(shot for shot in shots if shot.start <= window.start < shot.stop)
        assert window.first == max(window.start - CONTEXT, shot.start)
        assert window.last == min(window.stop + CONTEXT, shot.stop)
        assert window.stop - window.start <= length


@given(tapes(), lengths, st.data())
def test_a_stretch_meets_the_same_windows_wherever_it_begins(
    shots: tuple[Shot, ...], length: int, data: st.DataObject
) -> None:
    end = shots[-1].stop
    start = data.draw(st.integers(0, end - 1))
    stop = data.draw(st.integers(start + 1, end))
    wanted = [window for window in windows(shots, length) if window.start < stop and window.stop > start]
    assert list(overlapping(shots, length, start, stop)) == wanted
    assert wanted[0].start <= start
    assert wanted[-1].stop >= stop


@pytest.mark.parametrize("length", [1, 8])
def test_a_tape_of_one_frame_has_one_window(length: int) -> None:
    (window,) = windows((Shot(start=0, stop=1),), length)
    assert (window.first, window.start, window.stop, window.last) == (0, 0, 1, 1)
