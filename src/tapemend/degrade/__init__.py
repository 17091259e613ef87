"""The simulator of analog tape damage: the source of all training data and the judge of every detector."""

from tapemend.degrade.chain import VISIBLE, Damaged, Preset, Step, degrade
from tapemend.degrade.grid import Standard
from tapemend.degrade.passes import Kind
from tapemend.degrade.presets import PRESETS, preset

__all__ = ["PRESETS", "VISIBLE", "Damaged", "Kind", "Preset", "Standard", "Step", "degrade", "preset"]
