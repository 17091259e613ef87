import av
import numpy as np
import pytest
from clips import Clip

from tapemend.pictures import frame_of, planes_of
from tapemend.source import _doubled, _LoneFields


def field_picture(structure: int, pts: int) -> av.Packet:
    """As much of an MPEG-2 packet as says which field it holds."""
    packet = av.Packet(
        b"\x00\x00\x01\x00\x00\x0f\xff\xf8" + b"\x00\x00\x01\xb5\x8f\xff" + bytes([0xF0 | structure]) + b"\x80"
    )
    packet.pts = pts
    return packet


def test_a_field_without_its_partner_is_told_from_a_pair_in_two_packets() -> None:
    fields = _LoneFields()
    for structure, pts in [(1, 0), (2, 1), (3, 4), (2, 8), (1, 9), (1, 12), (1, 16), (2, 17), (2, 20)]:
        fields.look_at(field_picture(structure, pts))
    assert [fields.parity_of(pts) for pts in (0, 4, 8, 12, 16, 20)] == [None, None, None, 1, None, 2]


@pytest.mark.parametrize(("parity", "height"), [(1, 48), (2, 48), (1, 47), (2, 47)])
def test_the_lines_of_a_missing_field_are_those_of_the_other(parity: int, height: int) -> None:
    planes = Clip(height=height).planes(0)
    doubled = planes_of(_doubled(frame_of(planes, "yuv420p"), parity))
    for plane, wanted in zip(doubled, planes, strict=True):
        own = parity - 1
        np.testing.assert_array_equal(plane[own::2], wanted[own::2])
        for row in range(1 - own, len(plane), 2):
            neighbours = wanted[max(0, row - 1) : row + 2 : 2] if row else wanted[1:2]
            assert any((plane[row] == neighbour).all() for neighbour in neighbours)
