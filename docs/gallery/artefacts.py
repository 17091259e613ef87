"""What the gallery shows: each artefact, by its name in the AV Artifact Atlas, and the passes that make it."""

from dataclasses import dataclass, fields

from tapemend.degrade import Standard
from tapemend.degrade.passes import Pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """An entry of the gallery."""

    name: str
    seen: str
    """What it looks like, in a sentence."""
    passes: tuple[Pass, ...]
    standard: Standard = Standard.PAL
    at: int = 9
    """The picture shown."""
    seed: int = 1

    @property
    def file(self) -> str:
        """Of its picture, without the ending."""
        return "-".join("".join(letter if letter.isalnum() else " " for letter in self.name.lower()).split())

    def code(self) -> str:
        """Its passes in Python, with what is not their default."""
        return ", ".join(map(_code, self.passes))


def _code(does: Pass) -> str:
    plain = type(does)()
    said = {field.name: getattr(does, field.name) for field in fields(does)}
    own = (f"{name}={value!r}" for name, value in said.items() if value != getattr(plain, name))
    return f"{type(does).__name__}({', '.join(own)})"
