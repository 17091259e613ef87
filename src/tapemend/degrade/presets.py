"""Whole tapes by name. A released preset is never edited; a better one gets a new date."""

from collections.abc import Mapping
from types import MappingProxyType

from tapemend.degrade.chain import Burst, Preset
from tapemend.errors import SettingsError

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "first-2026-11": Preset(
            description="The paper's five families and dropouts, in bursts: about 40 % of the frames stay clean",
            damaged_share=0.6,
            stretch=24.0,
            passes=MappingProxyType(
                {
                    "mistracking": Burst(strength=1.0, share=0.6, period=11.0),
                    "edge_wave": Burst(strength=1.0, share=0.5, period=17.0),
                    "undersaturation": Burst(strength=1.0, share=0.6, period=19.0),
                    "chroma_loss": Burst(strength=1.0, share=0.6, period=9.0),
                    "tape_noise": Burst(strength=1.0, share=0.8, period=23.0),
                    "dropouts": Burst(strength=1.0, share=0.6, period=7.0),
                }
            ),
        ),
    }
)


def preset(name: str) -> Preset:
    """The preset of that name; SettingsError lists the names there are."""
    if name not in PRESETS:
        raise SettingsError(f"no preset is called {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS[name]
