"""The tapes that samples are damaged by: the presets, others of passes drawn at random, and plain damage.

A network that knows a few tapes harms others (docs/experiments.md, 2026-11-23), and nobody's tape is one of ours.
"""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from tapemend.degrade import Preset, Step, preset
from tapemend.degrade.passes import Pass
from tapemend.degrade.passes.camera import LowLightNoise
from tapemend.degrade.passes.colour import (
    ChromaDelay,
    ChromaLoss,
    ChromaPhaseNoise,
    ChrominanceNoise,
    ColourBleeding,
    LowChroma,
)
from tapemend.degrade.passes.dropouts import ChromaDropouts, Compensator, Dropouts, Scratches
from tapemend.degrade.passes.fm import LowRF, LuminanceNoise
from tapemend.degrade.passes.levels import GainPumping, HumBar
from tapemend.degrade.passes.published import (
    ColouredLines,
    EdgeWave,
    OverlaidDropouts,
    ScrambledLines,
    StreakyNoise,
    Undersaturation,
)
from tapemend.degrade.passes.timebase import (
    DihedralError,
    Flagging,
    LineJitter,
    RepeatedLines,
    TensionSkew,
    VacuumGuideError,
)
from tapemend.degrade.passes.tracking import (
    Crease,
    DirtyDrum,
    HeadBanding,
    HeadClog,
    HeadSwitching,
    LengthwiseChange,
    Mistracking,
)
from tapemend.degrade.timeline import uniform
from tapemend.train.plain import PlainBand, PlainNoise, PlainStreaks, PlainTears

MOST = 5
"""Passes of a tape drawn at random, at most."""
SIDED = MappingProxyType[type[Pass], tuple[str, ...]](
    {
        Flagging: ("microseconds", "bottom_microseconds"),
        TensionSkew: ("microseconds",),
        Mistracking: ("wave_microseconds",),
        LengthwiseChange: ("microseconds",),
    }
)
"""Passes that move lines to one side, and how far."""


def _passes(key: tuple[int, int, int]) -> tuple[Pass, ...]:
    """All that a restoration should undo, somewhere in the picture and with something of their own."""
    place, height, speed, pixels, compensator, bars = (
        uniform(*key, name) for name in ("place", "height", "speed", "pixels", "compensator", "bars")
    )
    return (
        ScrambledLines(pixels=3 + 20 * pixels),
        EdgeWave(pixels=1 + 8 * pixels),
        LineJitter(line_microseconds=0.15 * speed),
        Flagging(),
        TensionSkew(),
        DihedralError(),
        VacuumGuideError(),
        RepeatedLines(),
        Mistracking(place=place, height_lines=15 + 90 * height, bars=1 + int(3 * bars)),
        Crease(place=place, height_lines=4 + 16 * height, speed_lines=4 * speed),
        HeadClog(),
        DirtyDrum(),
        LengthwiseChange(),
        Dropouts(compensator=list(Compensator)[int(len(Compensator) * compensator)]),
        OverlaidDropouts(),
        ChromaDropouts(),
        Scratches(),
        ChrominanceNoise(bandwidth=2e5 + 8e5 * speed),
        ChromaPhaseNoise(smoothness=0.5 + 6 * height),
        ChromaLoss(),
        ColouredLines(),
        ChromaDelay(microseconds=1.6 * (place - 0.5)),
        ColourBleeding(),
        HeadBanding(),
        LowChroma(),
        Undersaturation(),
        LuminanceNoise(),
        StreakyNoise(),
        LowRF(carrier_to_noise=16 + 12 * height),
        LowLightNoise(),
        GainPumping(),
        HumBar(),
    )


def any_tape(base: Preset, key: tuple[int, int, int]) -> Preset:
    """A tape recorded as another, harmed by one to MOST passes."""
    number = 1 + int(MOST * uniform(*key, "number"))
    passes = sorted(_passes(key), key=lambda each: uniform(*key, "drawn", type(each).__name__))[:number]
    steps = tuple(Step(does=each, name=type(each).__name__, period=30.0) for each in passes)
    return replace(base, damage=steps)


def other_heads(base: Preset, key: tuple[int, int, int]) -> Preset:
    """The same tape, whose heads are switched higher up or further down, and disturb its last lines more or less: of
    what all its pictures show at the bottom nothing is damage."""
    high, far, long, noisy, pale, start = (
        uniform(*key, f"heads' {name}") for name in ("height", "distance", "length", "noise", "colour", "start")
    )
    heads = HeadSwitching(
        height_lines=2.5 + 11 * high,
        microseconds=10 * far,
        recovery_lines=1 + 6 * long,
        noise=0.8 * noisy,
        colour_loss=pale,
        start=start,
    )
    others = tuple(step for step in base.recording if not isinstance(step.does, HeadSwitching))
    return replace(base, recording=(*others, Step(does=heads, name="head_switching")))


def either_side(base: Preset, key: tuple[int, int, int]) -> Preset:
    """The same tape, each of its passes that move lines to one side as likely to the left as to the right.

    Tapes are too tense or too slack. Where nothing tells how far lines hang aside, a network guesses what tapes do in
    the mean, and the mean of ours is no other tape's.
    """
    turned = (uniform(*key, f"{step.name}'s side") < 0.5 for step in base.damage)
    steps = zip(base.damage, turned, strict=True)
    return replace(base, damage=tuple(_to_the_other_side(step) if other else step for step, other in steps))


def _to_the_other_side(step: Step) -> Step:
    moved = {name: -getattr(step.does, name) for name in SIDED.get(type(step.does), ())}
    return replace(step, does=replace(step.does, **moved))


def with_plain(base: Preset, key: tuple[int, int, int]) -> Preset:
    """The same tape with plain noise, streaks, tears or a band, or the first two, besides its own damage or instead of
    it."""
    chance = partial(uniform, *key, "plain")
    noise = PlainNoise(
        grain=(1 + int(2 * chance("rows")), 1 + int(4 * chance("columns") ** 2)), chroma_sigma=0.08 * chance("colour")
    )
    streaks = PlainStreaks(
        most=5 + 75 * chance("most") ** 2,
        thickest=1 + int(5 * chance("thickest")),
        longest=0.1 + 0.9 * chance("longest"),
    )
    tears = PlainTears(pixels=2 + 30 * chance("pixels"), cuts=1 + int(4 * chance("cuts")))
    grain, moves = 1 + int(30 * chance("grain") ** 3), chance("moves") < 0.8
    band = PlainBand(
        place=chance("place"),
        height_lines=2 * 150 ** chance("height"),
        roll_lines=20 * max(0.0, chance("roll") - 0.5),
        jump_lines=30 * max(0.0, chance("jump") - 0.5),
        softness=chance("softness"),
        lean=30 * (2 * chance("lean") - 1) * (chance("leans") < 0.7) * moves,
        pixels=20 * chance("torn") ** 2 * moves,
        together=8 * chance("together") ** 2,
        noise=0.3 * chance("noise") ** 2,
        grain=grain,
        flashes=0.25 * max(0.0, 2 * chance("flashes") - 1) ** 2 / grain,
        level=0.3 + 0.7 * chance("level"),
        colour_loss=min(1.0, 2 * chance("pale")),
    )
    kinds = (noise,), (streaks,), (tears,), (band,), (noise, streaks)
    chosen = kinds[bisect((0.32, 0.5, 0.58, 0.9), chance("which"))]
    steps = tuple(Step(does=each, name=type(each).__name__, period=30.0) for each in chosen)
    return replace(base, damage=(*(base.damage if chance("besides") > 0.5 else ()), *steps))


def tape(presets: Sequence[str], varied_share: float, clean_share: float, key: tuple[int, int, int]) -> Preset:
    """One of the presets, or a tape of passes drawn at random, with every pass at a strength and to a side of its own;
    in damaged stretches all the time or not at all. As many as are of passes drawn at random have other heads, and as
    many plain damage."""
    chance = partial(uniform, *key)
    base = preset(presets[int(chance("preset") * len(presets))])
    if chance("heads") < varied_share:
        base = other_heads(base, key)
    if chance("varied") < varied_share:
        base = any_tape(base, key)
    if chance("plain") < varied_share:
        base = with_plain(base, key)
    base = either_side(base, key)
    damage = tuple(replace(step, strength=step.strength * chance(step.name) ** 0.5) for step in base.damage)
    return replace(base, damaged_share=0.0 if chance("clean") < clean_share else 1.0, damage=damage)
