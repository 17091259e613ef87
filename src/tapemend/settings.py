"""Every setting, declared once: the docstring of a field is the help of its flag and its line in the reference.

Order of precedence: the defaults here, then a TOML file, then flags. The settings used go into the report.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tapemend.errors import SettingsError


class FieldOrder(StrEnum):
    """What ``--field-order`` may say."""

    AUTO = "auto"
    TFF = "tff"
    BFF = "bff"
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

    def __post_init__(self) -> None:
        if self.measured_frames < 2:
            raise SettingsError(f"--measured-frames {self.measured_frames}: must be at least 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeSettings:
    """How frames are read."""

    cache_frames: int = 24
    """Frames kept for requests by index, at least 1."""

    def __post_init__(self) -> None:
        if self.cache_frames < 1:
            raise SettingsError(f"--cache-frames {self.cache_frames}: must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeSettings:
    """How the result is written."""

    scan: ScanOutput = ScanOutput.BOB
    """Interlaced tape: bob writes progressive frames at field rate, keep weaves the fields again and flags them."""
    access: bool = False
    """Write an H.264 MP4 to look at instead of the lossless FFV1 Matroska file."""
    overwrite: bool = False
    """Replace a target that exists."""


class ScorerName(StrEnum):
    """What ``--scorer`` may say."""

    EMBEDDED = "embedded"
    CLIP = "clip"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectSettings:
    """How damage is found."""

    scorer: ScorerName = ScorerName.EMBEDDED
    """The scorer that ships with the package, or CLIP with the paper's prompts where its weights are at hand."""
    scorer_weights: str = "scorer-default"
    """Weights of the embedded scorer: a checkpoint that ships with tapemend, or a .safetensors file."""
    clip_model: str = "openai/clip-vit-large-patch14"
    """With --scorer clip: a local folder, or the hub name of a model that is already on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSettings:
    """How clean frames are chosen for each window."""

    references: int = 3
    """Reference frames per window at most (the paper's D), 0 to 8."""

    def __post_init__(self) -> None:
        if not 0 <= self.references <= 8:
            raise SettingsError(f"--references {self.references}: must be 0 to 8")


class Precision(StrEnum):
    """What ``--precision`` may say."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreSettings:
    """How damaged frames are restored."""

    strength: float = 1.0
    """How much of the change is applied: 0 gives the identical video, 1 the whole restoration."""
    weights: str = "restorer-default"
    """A checkpoint that ships with tapemend, or a .safetensors file."""
    window: int = 8
    """Frames restored together (the paper's T), 1 to 32."""
    device: str = "auto"
    """auto, cpu, or cuda; auto takes the GPU where there is one."""
    precision: Precision = Precision.AUTO
    """Arithmetic of the network; auto takes bfloat16 where the device is made for it."""
    tile: int = 0
    """Restore in tiles of this many pixels a side, a multiple of 64; 0 tiles only when memory asks for it."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.strength <= 1.0:
            raise SettingsError(f"--strength {self.strength}: must be 0 to 1")
        if not 1 <= self.window <= 32:
            raise SettingsError(f"--window {self.window}: must be 1 to 32 frames")
        if self.tile < 0 or self.tile % 64:
            raise SettingsError(f"--tile {self.tile}: must be a multiple of 64 pixels, or 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of them."""

    probe: ProbeSettings = ProbeSettings()
    decode: DecodeSettings = DecodeSettings()
    detect: DetectSettings = DetectSettings()
    references: ReferenceSettings = ReferenceSettings()
    restore: RestoreSettings = RestoreSettings()
    encode: EncodeSettings = EncodeSettings()


class Fields(StrEnum):
    """What ``--fields`` may say."""

    PROGRESSIVE = "progressive"
    PSF = "psf"
    INTERLACED = "interlaced"
    TELECINE = "telecine"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateSettings:
    """How a clean clip is damaged."""

    preset: str | None = None
    """Kind of tape, first-2026-11 if neither this nor --chain is given; --list says which there are."""
    chain: Path | None = None
    """A TOML file that states another kind of tape; --describe PRESET prints one to start from."""
    seed: int = 1
    """The same seed gives the same damage."""
    fields: Fields = Fields.PROGRESSIVE
    """Frames damaged whole (progressive), or as two fields each: both of one frame (psf), of two frames that follow
    each other (interlaced, half as many frames), or film by 2:3 pulldown (telecine, five frames from four)."""
    overwrite: bool = False
    """Replace a tape and a truth that exist."""

    def __post_init__(self) -> None:
        if self.preset is not None and self.chain is not None:
            raise SettingsError(f"--preset {self.preset} and --chain {self.chain} contradict each other; give one")
