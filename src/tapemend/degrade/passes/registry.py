"""Every pass by the name that chains call it: its class's, in small letters with underscores."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from tapemend.degrade.passes import (
    LinePass,
    Pass,
    PicturePass,
    camera,
    colour,
    composite,
    digitiser,
    dropouts,
    fm,
    interference,
    levels,
    published,
    recording,
    timebase,
    tracking,
)

MODULES = (
    camera,
    composite,
    recording,
    timebase,
    tracking,
    dropouts,
    fm,
    colour,
    levels,
    interference,
    digitiser,
    published,
)
"""In about the order in which a signal meets them."""


def pass_name(kind: type[Pass]) -> str:
    """The name of a pass in chains."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind.__name__).lower()


PASSES: Mapping[str, type[Pass]] = MappingProxyType(
    {
        pass_name(thing): thing
        for module in MODULES
        for thing in vars(module).values()
        if isinstance(thing, type)
        and issubclass(thing, LinePass | PicturePass)
        and thing.__module__ == module.__name__
        and not thing.__name__.startswith("_")
    }
)
