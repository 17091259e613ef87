"""Packets and their times."""

from fractions import Fraction
from typing import Any, TypeAlias

import av

AnyPacket: TypeAlias = "av.Packet[Any]"


def moved(packet: AnyPacket, shift: Fraction) -> AnyPacket:
    """Return the packet itself, ``shift`` seconds later than it was, to the nearest tick of its time base."""
    ticks = round(shift / packet.time_base)
    packet.pts = None if packet.pts is None else packet.pts + ticks
    packet.dts = None if packet.dts is None else packet.dts + ticks
    return packet


def decoding_time(packet: AnyPacket) -> Fraction:
    """Return when a packet is to be decoded, in seconds; 0 where it does not say."""
    return Fraction(packet.dts or 0) * packet.time_base
