"""The simulator of analog tape damage: the source of all training data and the judge of every detector."""

from tapemend.degrade.chain import Damaged, Kind, Preset, degrade
from tapemend.degrade.presets import PRESETS, preset

__all__ = ["PRESETS", "Damaged", "Kind", "Preset", "degrade", "preset"]
