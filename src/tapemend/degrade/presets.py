"""Whole tapes by name. A released preset is never edited; a better one gets a new date."""

from collections.abc import Mapping
from types import MappingProxyType

from tapemend.degrade.chain import Preset, Step
from tapemend.degrade.passes.published import (
    ColouredLines,
    EdgeWave,
    OverlaidDropouts,
    ScrambledLines,
    StreakyNoise,
    Undersaturation,
)
from tapemend.errors import SettingsError

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "first-2026-11": Preset(
            description="The paper's five families and dropouts, in bursts: about 40 % of the frames stay clean",
            damage=(
                Step(does=ScrambledLines(), name="mistracking", share=0.6, period=11.0),
                Step(does=EdgeWave(), name="edge_wave", share=0.5, period=17.0),
                Step(does=Undersaturation(), name="undersaturation", share=0.6, period=19.0),
                Step(does=ColouredLines(), name="chroma_loss", share=0.6, period=9.0),
                Step(does=StreakyNoise(), name="tape_noise", share=0.8, period=23.0),
                Step(does=OverlaidDropouts(), name="dropouts", share=0.6, period=7.0),
            ),
        ),
    }
)


def preset(name: str) -> Preset:
    """The preset of that name; SettingsError lists the names there are."""
    if name not in PRESETS:
        raise SettingsError(f"no preset is called {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS[name]
