"""Every setting, declared once: the docstring of a field is the help of its flag and its line in the reference.

Order of precedence: the defaults here, then a TOML file, then flags. The settings used go into the report.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tapemend.errors import SettingsError

MOST_DELAY = 32
"""Pixels, or lines, by which colour may be moved: no deck has more."""


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

    chroma_delay: tuple[float, float] = (0.0, 0.0)
    """Pixels by which colour stands to the right of luma all over the tape, and lines by which it stands below, as
    inspect measures them (Y/C delay); negative: to the left, above. It is put back in every frame."""
    cache_frames: int = 24
    """Frames kept for requests by index, at least 1."""

    def __post_init__(self) -> None:
        if not all(abs(distance) <= MOST_DELAY for distance in self.chroma_delay):
            right, down = self.chroma_delay
            raise SettingsError(f"--chroma-delay {right:g} {down:g}: must be {MOST_DELAY} at most, or -{MOST_DELAY}")
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


class ClipPrompts(StrEnum):
    """What ``--clip-prompts`` may say."""

    PAPER = "paper"
    TAPE = "tape"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectSettings:
    """How damage is found."""

    scorer: ScorerName = ScorerName.EMBEDDED
    """The scorer that ships with the package, or CLIP with the paper's prompts where its weights are at hand."""
    scorer_weights: str = "scorer-default"
    """Weights of the embedded scorer: a checkpoint that ships with tapemend, or a .safetensors file."""
    clip_model: str = "openai/clip-vit-large-patch14"
    """With --scorer clip: a local folder, or the hub name of a model that is already on this machine."""
    clip_prompts: ClipPrompts = ClipPrompts.PAPER
    """With --scorer clip: the twelve descriptions of damage of the TAPE paper, or twelve of ours for tape alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSettings:
    """How clean frames are chosen for each window."""

    references: int = 3
    """Reference frames per window at most (the paper's D), 0 to 8."""

    def __post_init__(self) -> None:
        if not 0 <= self.references <= 8:
            raise SettingsError(f"--references {self.references}: must be 0 to 8")


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectSettings:
    """How a tape is looked at without restoring it."""

    measures: bool = True
    """Measure every stored frame with FFmpeg's signalstats, as QCTools does; about as much work as finding damage."""
    moments: int = 8
    """How many of the worst moments are named at most, at least 0."""
    device: str = "auto"
    """auto, cpu, or cuda; auto takes the GPU where there is one."""

    def __post_init__(self) -> None:
        if self.moments < 0:
            raise SettingsError(f"--moments {self.moments}: must be at least 0")


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
    steady: bool = True
    """Put lines back that lie aside of where the frames around, or clean ones of a still scene, have them, and those
    torn each for itself that frames of the scene tell the place of."""
    chroma_gain: bool = True
    """Give damaged frames whose colour is weaker or stronger than that of clean frames of the scene, or of another hue,
    theirs, and lines that have none left."""
    response: bool = True
    """Give damaged frames whose luma is softer, sharper, or of another contrast than that of clean frames before and
    after them theirs."""
    consensus: bool = True
    """Where clean frames before and after a damaged one agree, believe them more than what is restored, the more the
    more that had to change."""
    levels: bool = True
    """Give frames that for a moment are darker or brighter as a whole the brightness of those before and after them."""
    hold: bool = True
    """Put frames back up or down that for a moment stand lower or higher than those before and after them."""
    make_up: bool = True
    """Make up frames of which nothing is to be seen, up to four in a row, of those before and after them."""
    second_look: bool = True
    """Restore heavily damaged frames once more beside their restored neighbours; not with the paper's networks."""
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


class MethodName(StrEnum):
    """What ``--methods`` may say."""

    INPUT = "input"
    TAPEMEND = "tapemend"
    CLASSICAL = "classical"
    MEDIAN = "median"


class MetricName(StrEnum):
    """What ``--metrics`` may say."""

    PSNR = "psnr"
    SSIM = "ssim"
    MS_SSIM = "ms-ssim"
    FLICKER = "flicker"
    WARPING = "warping"
    VMAF = "vmaf"
    LPIPS = "lpips"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateSettings:
    """What is compared, on which tapes, and how."""

    presets: tuple[str, ...] = ("first-2026-11",)
    """Kinds of tape, as tapemend degrade --list names them; clean stands for no damage at all."""
    methods: tuple[MethodName, ...] = tuple(MethodName)
    """What is compared with the input: tapemend, FFmpeg's classical chain, a temporal median aligned by lines."""
    metrics: tuple[MetricName, ...] = tuple(name for name in MetricName if name is not MetricName.LPIPS)
    """What is measured besides PSNR; vmaf needs the binary of imageio-ffmpeg, lpips needs --lpips-weights."""
    weights: tuple[str, ...] = ("restorer-default",)
    """Networks for tapemend: checkpoints that ship with it, or .safetensors files; each is a method of its own."""
    frames: int = 48
    """Frames from the start of each clip, at least 1."""
    rows: int = 576
    """Clips are scaled to this height, an even number."""
    blanking: int = 0
    """Black columns on either side of each clip, as captures of whole lines have them; an even number."""
    paper: bool = False
    """The paper's protocol: the centre 512 x 512 of each frame, windows of five frames, five references."""
    lpips_weights: Path | None = None
    """A .safetensors file with an AlexNet or VGG-16 (features.*) and LPIPS's linear layers (lin0 to lin4)."""
    seed: int = 2026
    """Of the first clip's damage; one more for each next clip."""
    device: str = "auto"
    """Where tapemend's network computes: auto, cpu or cuda."""

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise SettingsError(f"--frames {self.frames}: must be at least 1")
        if self.rows < 16 or self.rows % 2:
            raise SettingsError(f"--rows {self.rows}: must be an even number of at least 16")
        if self.blanking < 0 or self.blanking % 2:
            raise SettingsError(f"--blanking {self.blanking}: must be an even number, 0 for none")
        if MetricName.LPIPS in self.metrics and self.lpips_weights is None:
            raise SettingsError("--metrics lpips: needs weights, which are not shipped; name them with --lpips-weights")
        for flag, values in (("presets", self.presets), ("methods", self.methods), ("weights", self.weights)):
            if not values or len(set(values)) < len(values):
                raise SettingsError(f"--{flag}: name at least one, and none twice")

    @property
    def measured(self) -> tuple[MetricName, ...]:
        """The metrics in their order: those asked for, PSNR always, LPIPS where weights are given."""
        extra = {MetricName.PSNR} | ({MetricName.LPIPS} if self.lpips_weights else set())
        return tuple(name for name in MetricName if name in extra.union(self.metrics))


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptSettings:
    """How weights are adapted to a tape."""

    weights: str = "restorer-default"
    """What is adapted, and must be beaten: a checkpoint that ships with tapemend, or a .safetensors file."""
    minutes: float = 10.0
    """How long the network learns, besides the look at the tape before and the judgement after it; at least 0."""
    steps: int | None = None
    """Learn for so many steps and no longer, whatever time is left."""
    seed: int = 1
    """Of every damaged window, learned from or judged by."""
    device: str = "auto"
    """auto, cpu, or cuda; auto takes the GPU where there is one."""
    ahead: bool = True
    """Damage windows ahead in another process, or else between the steps; they are the same."""
    overwrite: bool = False
    """Replace weights that exist."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.minutes < float("inf"):
            raise SettingsError(f"--minutes {self.minutes}: must be at least 0")
        if self.steps is not None and self.steps < 1:
            raise SettingsError(f"--steps {self.steps}: must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """One run of a recipe."""

    minutes: float = 60.0
    """Stop after this time; the next run with the same folder goes on from there."""
    seed: int = 1
    """Of the weights and of every sample."""
    steps: int | None = None
    """Length of the whole schedule, instead of the recipe's own."""
    learning_rate: float | None = None
    """At its highest, instead of the recipe's own. Weights that were trained to the end go on at a small part of it."""
    start_from: str | None = None
    """A checkpoint whose weights a new run begins with: a shipped one's name, or a file."""
    save_every: int = 200
    """Steps between checkpoints."""
    device: str = "cpu"
    """cpu or cuda."""
    ahead: bool = True
    """Make samples ahead in another process, or else between the steps; they are the same."""

    def __post_init__(self) -> None:
        if self.learning_rate is not None and not self.learning_rate > 0:
            raise SettingsError(f"--learning-rate {self.learning_rate}: must be above 0")
