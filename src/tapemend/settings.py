"""Every setting, declared once: the docstring of a field is the help of its flag and its line in the reference.

Order of precedence: the defaults here, then a TOML file, then flags. The settings used go into the report.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class FieldOrder(StrEnum):
    """What ``--field-order`` may say."""

    AUTO = "auto"
    TOP = "tff"
    BOTTOM = "bff"
    PROGRESSIVE = "progressive"


class ScanOutput(StrEnum):
    """What becomes of an interlaced tape's fields."""

    BOB = "bob"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSettings:
    """How the source is looked at."""

    field_order: FieldOrder = FieldOrder.AUTO
    """Scan type and field order of the source; auto measures them and does not trust the flag."""
    measured_frames: int = 240
    """How many frames idet looks at, spread over the start of the file, at least 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeSettings:
    """How frames are read."""

    cache_frames: int = 24
    """Frames kept for requests by index, at least 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeSettings:
    """How the result is written."""

    scan: ScanOutput = ScanOutput.BOB
    """Interlaced tape: bob writes progressive frames at field rate, keep weaves the fields again with the right flag."""
    access: bool = False
    """Write an H.264 MP4 to look at instead of the lossless FFV1 Matroska file."""
    overwrite: bool = False
    """Replace a target that exists."""
