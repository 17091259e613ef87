"""Whole tapes by name. A released preset is never edited; a better one gets a new date.

A recording holds what every good stretch of such a tape shows; its grain too, for a clean picture stays as it was.
Strengths, shares and periods (in pictures: fields where the tape has fields) are set by eye and by the measures of
``benchmarks/tape_statistics.py`` beside real captures.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tapemend.degrade.chain import Preset, Step
from tapemend.degrade.grid import Standard
from tapemend.degrade.passes.camera import LowLightNoise
from tapemend.degrade.passes.colour import ChromaDelay, ChromaLoss, ChromaPhaseNoise, ChrominanceNoise, LowChroma
from tapemend.degrade.passes.dropouts import ChromaDropouts, Compensator, Dropouts, Scratches
from tapemend.degrade.passes.fm import LowRF, LuminanceNoise
from tapemend.degrade.passes.levels import GainPumping, HumBar, LevelErrors
from tapemend.degrade.passes.published import (
    ColouredLines,
    EdgeWave,
    OverlaidDropouts,
    ScrambledLines,
    StreakyNoise,
    Undersaturation,
)
from tapemend.degrade.passes.recording import ColourUnder, Sharpen
from tapemend.degrade.passes.timebase import Flagging, LineJitter, RepeatedLines, TensionSkew
from tapemend.degrade.passes.tracking import Crease, DirtyDrum, HeadClog, HeadSwitching, Mistracking
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
        "paper-2023": Preset(
            description="The published data set: its five families by its recipe, randomised over time, for comparison",
            damaged_share=0.8,
            stretch=40.0,
            damage=(
                Step(does=ScrambledLines(pixels=9.0), name="mistracking", share=0.85, period=30.0),
                Step(does=EdgeWave(pixels=4.0), name="edge_wave", share=0.5, period=30.0),
                Step(does=Undersaturation(), name="undersaturation", share=0.7, period=40.0),
                Step(does=ColouredLines(), name="chroma_loss", share=0.8, period=20.0),
                Step(does=StreakyNoise(luma_sigma=0.05), name="tape_noise", share=0.9, period=40.0),
            ),
        ),
        "family-vhs-sp-2026-11": Preset(
            description="A family's PAL VHS cassette in standard play: soft; now and then dropouts, noise, a crease",
            damaged_share=0.55,
            stretch=50.0,
            recording=(
                Step(does=ColourUnder(format="vhs-sp"), name="vhs"),
                Step(does=LuminanceNoise(sigma=0.012), name="grain"),
                Step(does=HeadSwitching(), name="head_switching"),
            ),
            damage=(
                Step(does=LuminanceNoise(), name="noise", strength=0.8, share=0.5, period=60.0),
                Step(does=ChrominanceNoise(), name="chroma_noise", strength=0.7, share=0.5, period=60.0),
                Step(does=ChromaLoss(), name="chroma_loss", strength=0.6, share=0.3, period=20.0),
                Step(does=LowChroma(), name="low_chroma", strength=0.6, share=0.25, period=70.0),
                Step(does=LineJitter(), name="line_jitter", strength=0.7, share=0.5, period=40.0),
                Step(does=Flagging(), name="flagging", strength=0.7, share=0.25, period=30.0),
                Step(does=Dropouts(), name="dropouts", share=0.6, period=10.0),
                Step(does=Mistracking(), name="mistracking", share=0.3, period=25.0),
                Step(does=Crease(), name="crease", share=0.12, period=40.0),
                Step(does=GainPumping(), name="gain_pumping", strength=0.4, share=0.15, period=60.0),
            ),
        ),
        "family-vhs-lp-2026-11": Preset(
            description="The same in long play on another deck: noisy, unsteady, mistracked, colour coming and going",
            damaged_share=0.7,
            stretch=50.0,
            recording=(
                Step(does=ColourUnder(format="vhs-lp"), name="vhs"),
                Step(does=LuminanceNoise(sigma=0.016), name="grain"),
                Step(does=HeadSwitching(), name="head_switching"),
            ),
            damage=(
                Step(does=LowRF(carrier_to_noise=25.0), name="low_rf", share=0.25, period=40.0),
                Step(does=ChrominanceNoise(), name="chroma_noise", share=0.6, period=60.0),
                Step(does=ChromaPhaseNoise(), name="chroma_phase_noise", share=0.3, period=40.0),
                Step(does=ChromaLoss(), name="chroma_loss", share=0.5, period=15.0),
                Step(does=LowChroma(), name="low_chroma", strength=0.8, share=0.35, period=70.0),
                Step(does=LineJitter(walk_microseconds=0.18), name="line_jitter", strength=0.8, share=0.6, period=40.0),
                Step(does=Flagging(), name="flagging", share=0.4, period=30.0),
                Step(does=Dropouts(), name="dropouts", share=0.7, period=10.0),
                Step(does=Mistracking(height_lines=60.0), name="mistracking", share=0.25, period=25.0),
                Step(does=Mistracking(bars=3, height_lines=50.0, roll_lines=3.0), name="bars", share=0.06, period=30.0),
                Step(does=HeadClog(), name="head_clog", share=0.08, period=50.0),
                Step(does=Crease(), name="crease", share=0.12, period=40.0),
            ),
        ),
        "family-vhs-ep-ntsc-2026-11": Preset(
            description="NTSC VHS in extended play, dubbed once: very soft, noisy, hue unsteady",
            standard=Standard.NTSC,
            damaged_share=0.7,
            stretch=60.0,
            recording=(
                Step(does=ColourUnder(format="vhs-ep", generations=2), name="vhs"),
                Step(does=LuminanceNoise(sigma=0.018), name="grain"),
                Step(does=HeadSwitching(), name="head_switching"),
            ),
            damage=(
                Step(does=LuminanceNoise(), name="noise", strength=0.7, share=0.5, period=60.0),
                Step(does=ChrominanceNoise(sigma=0.06), name="chroma_noise", share=0.6, period=60.0),
                Step(does=ChromaPhaseNoise(), name="chroma_phase_noise", share=0.5, period=40.0),
                Step(does=LineJitter(walk_microseconds=0.18), name="line_jitter", strength=0.8, share=0.7, period=40.0),
                Step(does=TensionSkew(), name="skew", share=0.4, period=40.0),
                Step(
                    does=Dropouts(compensator=Compensator.NONE), name="dropouts", strength=0.3, share=0.6, period=10.0
                ),
                Step(does=Mistracking(height_lines=55.0), name="mistracking", share=0.3, period=25.0),
                Step(does=ChromaDelay(), name="chroma_delay", strength=0.6, share=0.3, period=90.0),
            ),
        ),
        "camcorder-video8-2026-11": Preset(
            description="A camcorder's Video8 cassette: sharpened, low light, colour dropouts, a clogged head",
            damaged_share=0.55,
            stretch=60.0,
            recording=(
                Step(does=Sharpen(gain=0.4, vertical=0.1), name="camera"),
                Step(does=ColourUnder(format="video8-sp"), name="video8"),
                Step(does=LuminanceNoise(sigma=0.012), name="grain"),
            ),
            damage=(
                Step(does=LowLightNoise(), name="low_light", strength=0.7, share=0.3, period=90.0),
                Step(does=ChrominanceNoise(), name="chroma_noise", strength=0.7, share=0.5, period=60.0),
                Step(does=ChromaDropouts(), name="chroma_dropouts", share=0.5, period=12.0),
                Step(does=LineJitter(), name="line_jitter", strength=0.6, share=0.5, period=40.0),
                Step(does=Dropouts(compensator=Compensator.LINE), name="dropouts", share=0.6, period=10.0),
                Step(does=HeadClog(), name="head_clog", share=0.12, period=40.0),
                Step(does=Scratches(), name="scratches", strength=0.7, share=0.2, period=60.0),
            ),
        ),
        "archive-umatic-2026-11": Preset(
            description="An archive's U-matic cassette through a corrector: repeated lines, dirt on the drum, hum",
            damaged_share=0.5,
            stretch=60.0,
            recording=(
                Step(does=ColourUnder(format="u-matic-low"), name="u_matic"),
                Step(does=LuminanceNoise(sigma=0.01), name="grain"),
            ),
            damage=(
                Step(does=LowRF(carrier_to_noise=21.0), name="low_rf", share=0.3, period=40.0),
                Step(does=ChrominanceNoise(), name="chroma_noise", strength=0.6, share=0.5, period=60.0),
                Step(does=LevelErrors(), name="levels", strength=0.5, share=0.3, period=90.0),
                Step(does=HumBar(), name="hum", strength=0.7, share=0.2, period=90.0),
                Step(does=LineJitter(), name="line_jitter", strength=0.5, share=0.4, period=40.0),
                Step(does=Flagging(), name="flagging", share=0.3, period=30.0),
                Step(does=RepeatedLines(), name="repeated_lines", share=0.4, period=12.0),
                Step(does=Dropouts(compensator=Compensator.LINE), name="dropouts", share=0.6, period=10.0),
                Step(does=DirtyDrum(), name="dirty_drum", share=0.3, period=60.0),
                Step(does=Scratches(), name="scratches", share=0.2, period=60.0),
            ),
        ),
    }
)


def preset(name: str) -> Preset:
    """The preset of that name; SettingsError lists the names there are."""
    if name not in PRESETS:
        raise SettingsError(f"no preset is called {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS[name]
