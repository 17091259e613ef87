"""Every pass by the name that chains call it."""

from collections.abc import Mapping
from types import MappingProxyType

from tapemend.degrade.passes import Pass
from tapemend.degrade.passes.published import (
    ColouredLines,
    EdgeWave,
    OverlaidDropouts,
    ScrambledLines,
    StreakyNoise,
    Undersaturation,
)

PASSES: Mapping[str, type[Pass]] = MappingProxyType(
    {
        "scrambled_lines": ScrambledLines,
        "edge_wave": EdgeWave,
        "undersaturation": Undersaturation,
        "coloured_lines": ColouredLines,
        "streaky_noise": StreakyNoise,
        "overlaid_dropouts": OverlaidDropouts,
    }
)
