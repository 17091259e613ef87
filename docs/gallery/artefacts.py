"""What the gallery shows: each artefact, by its name in the AV Artifact Atlas, and the passes that make it."""

from dataclasses import dataclass, fields

from tapemend.degrade import Standard
from tapemend.degrade.passes import Pass
from tapemend.degrade.passes.camera import BurnIn, ImageLag
from tapemend.degrade.passes.colour import (
    ChromaDelay,
    ChromaLoss,
    ChrominanceNoise,
    LowChroma,
    Moire,
    Oversaturation,
    SubcarrierPhaseError,
    WhiteBalanceError,
)
from tapemend.degrade.passes.composite import ColourLockLoss, CompositePath, Decoder
from tapemend.degrade.passes.digitiser import (
    ChromaSubsampling,
    DongleDeinterlacing,
    DvCoding,
    H264Coding,
    Mpeg2Coding,
    Sampling,
    WrongRange,
)
from tapemend.degrade.passes.dropouts import ChromaDropouts, Compensator, Dropouts, Scratches
from tapemend.degrade.passes.fm import Bearding, CarrierLeak, LowRF, LuminanceNoise
from tapemend.degrade.passes.interference import Ghost, Herringbone
from tapemend.degrade.passes.levels import (
    CrushedSetup,
    FluorescentStrobing,
    GainPumping,
    HighVideoLevel,
    HumBar,
    LevelClamping,
)
from tapemend.degrade.passes.recording import ColourUnder, Ringing
from tapemend.degrade.passes.timebase import (
    DihedralError,
    Flagging,
    HeldPicture,
    LineJitter,
    RepeatedLines,
    SyncLoss,
    TensionSkew,
    VacuumGuideError,
)
from tapemend.degrade.passes.tracking import (
    CrashRecord,
    Crease,
    DirtyDrum,
    HeadBanding,
    HeadClog,
    HeadSwitching,
    LengthwiseChange,
    Mistracking,
)


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


def _one(
    name: str, seen: str, *passes: Pass, standard: Standard = Standard.PAL, at: int = 9, seed: int = 1
) -> Artefact:
    return Artefact(name=name, seen=seen, passes=passes, standard=standard, at=at)


ARTEFACTS = (
    _one("AC beat", "A milky bar, a beat of the mains with the field rate, rolls upward.", HumBar()),
    _one("Bearding", "Black spikes to the right of bright edges: the FM carrier was driven too far.", Bearding()),
    _one("Carrier leak", "A fine pattern that follows the brightness: what is left of the FM carrier.", CarrierLeak()),
    _one(
        "Chrominance noise",
        "Specks and streaks of wrong colour, worst in dark and saturated parts.",
        ChrominanceNoise(),
    ),
    _one("Crash record", "A band of false colour slides down after an edit without erasing.", CrashRecord()),
    _one("Crushed setup", "Shadows are pushed below black, and what was in them is gone.", CrushedSetup()),
    _one(
        "Dihedral maladjustment",
        "Verticals open to a V at the top: alternate fields lean apart.",
        DihedralError(microseconds=6.0, lines=40.0),
    ),
    _one("Dirty head drum", "Grainy discoloured lines stay for many pictures.", DirtyDrum()),
    _one("Dot crawl", "Crawling dots at the edges of saturated colours: a decoder without comb.", CompositePath()),
    _one("Fluorescent strobing", "Light that pulses with the mains, filmed at another rate.", FluorescentStrobing()),
    _one("Ghost", "A weak displaced copy of the picture.", Ghost()),
    _one(
        "Head equalisation error", "Bands of 16 lines differ: each of four heads has its own response.", HeadBanding()
    ),
    _one("Head-switching noise", "The last lines are torn aside where the other head takes over.", HeadSwitching()),
    _one("Herringbone", "A fine slanted pattern of a radio signal that came in.", Herringbone()),
    _one("High video level", "Whites above 100 IRE are clipped.", HighVideoLevel()),
    _one("Image lag", "Bright things that move leave trails in a tube camera.", ImageLag()),
    _one("Image burn-in", "What a tube saw for too long stays in its picture.", BurnIn()),
    _one("Incorrect speed", "Several bars of noise roll through the picture.", Mistracking(bars=4, height_lines=40.0)),
    _one("Lengthwise expansion or shrinkage", "To one end lines lean and the signal goes.", LengthwiseChange()),
    _one("Level clamping", "Levels are cut where somebody made them legal.", LevelClamping()),
    _one("Long play mismatch", "Bars of noise: the heads cross several tracks.", Mistracking(bars=2, other_head=1.0)),
    _one("Loss of colour lock", "Hue runs from left to right in every line.", ColourLockLoss()),
    _one("Low RF", "Noise and sparkles: the carrier is hardly above the noise.", LowRF()),
    _one("Luminance noise", "White grain over everything.", LuminanceNoise(sigma=0.06)),
    _one("Moire", "A beat pattern in saturated parts.", Moire()),
    _one("Oversaturation", "Colour is too strong, and bleeds.", Oversaturation()),
    _one("Poor Y/C decoding", "A checkerboard: luma carries the whole chroma.", CompositePath(decoder=Decoder.NONE)),
    _one("Ringing", "Edges come again, weaker and weaker.", Ringing()),
    _one("Scratches and tape wear", "Long losses at the same lines in picture after picture.", Scratches()),
    _one("Skew error (flagging)", "The top of the picture bends aside.", Flagging(microseconds=9.0, swing=0.0)),
    _one(
        "Tension skew", "A step aside at the change of heads, and a bent top.", TensionSkew(microseconds=9.0, swing=0.0)
    ),
    _one("Subcarrier phase error", "All hues are turned.", SubcarrierPhaseError()),
    _one("Sync loss (roll)", "The picture rolls, the bar between two pictures passes through.", SyncLoss()),
    _one("Tape deformation", "Creases move through the picture, each with a wave and a loss.", Crease()),
    _one("TBC processing artifact", "A corrector repeats lines where it cannot read the tape.", RepeatedLines()),
    _one("TBC freeze", "A corrector holds its last picture.", HeldPicture(), at=17),
    _one(
        "Time-base error",
        "Lines start too early or too late, and the picture wobbles.",
        LineJitter(walk_microseconds=0.6),
    ),
    _one(
        "Tracking error (mistracking)", "A bar of snow and torn lines: the head strays from its track.", Mistracking()
    ),
    _one("Undersaturation", "Colour is washed out.", LowChroma()),
    _one("Vacuum guide error", "Verticals are scalloped, 16 lines at a time.", VacuumGuideError()),
    _one(
        "Venetian blind (Hanover bars)",
        "Pairs of lines differ in hue: PAL without its delay line.",
        CompositePath(delay_line=False, phase_error_degrees=45.0),
    ),
    _one("Video dropout", "Pieces of lines are white or black.", Dropouts(compensator=Compensator.NONE)),
    _one(
        "Video dropout, compensated",
        "Pieces of lines show the line above them.",
        Dropouts(compensator=Compensator.LINE),
    ),
    _one("Colour dropout", "Pieces of lines have lost their colour.", ChromaDropouts()),
    _one("Colour loss", "Lines and bands are grey: the colour killer closed.", ChromaLoss()),
    _one("Video head clog", "Every second field is buried in snow.", HeadClog(steadiness=0.8)),
    _one(
        "Video jitter",
        "Each line for itself is a little early or late.",
        LineJitter(walk_microseconds=0.0, line_microseconds=0.15, drum_microseconds=0.0, capstan_microseconds=0.0),
    ),
    _one("White-balance error", "The picture has a cast.", WhiteBalanceError()),
    _one("Y/C delay error", "Colour stands right of and below what it belongs to.", ChromaDelay()),
    _one("Gain pumping", "Brightness pumps, as copy protection makes it.", GainPumping()),
    _one("Generation loss", "A copy of a copy of a copy.", ColourUnder(format="vhs-ep", generations=3)),
    _one("Block noise", "Blocks of a coder that had too few bits.", Mpeg2Coding(quantiser=24)),
    _one("Mosquito noise", "Swarms around edges: DV's coding.", DvCoding()),
    _one("Coding for the web", "H.264 smears what it cannot afford.", H264Coding(crf=38.0)),
    _one("Sub-sampling", "Colour has a quarter of the columns.", ChromaSubsampling(sampling=Sampling.YUV_411)),
    _one("Blended fields", "A cheap converter averages the two fields.", DongleDeinterlacing()),
    _one("Wrong range", "Full range taken for limited: black and white are cut.", WrongRange()),
)
