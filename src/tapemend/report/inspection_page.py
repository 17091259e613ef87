"""What an inspection has to say to people: one page that needs nothing but itself."""

from html import escape

from tapemend.frames import Inspection
from tapemend.report.deviations import deviations_found
from tapemend.report.facts import settings_facts, tape_facts
from tapemend.report.parts import (
    damage_part,
    deviations_part,
    facts_part,
    picture_part,
    score_part,
    verdict_part,
    whole_page,
)
from tapemend.report.plot import measure_plot
from tapemend.report.summary import KINDS, duration
from tapemend.report.wording import clock, percent
from tapemend.wording import counted

PLOTTED = {
    "YAVG": "mean luma",
    "SATAVG": "mean saturation",
    "TOUT": "samples that stand out: speckle, dropouts",
    "VREP": "repeated lines: dropout compensation",
    "BRNG": "samples outside of broadcast range",
    "YDIF": "change of luma from frame to frame",
}
"""Measures drawn on the page, and what they are."""


def inspection_page(inspection: Inspection) -> str:
    """Return the HTML page of an inspection."""
    found = deviations_found(inspection)
    how = (
        f"<h3>Settings</h3>{facts_part(settings_facts(inspection.settings))}"
        f"<h3>Software and weights</h3>{facts_part(inspection.software.items())}"
    )
    sections = (
        ("The worst moments", _moments(inspection)),
        ("Along the tape", score_part(inspection) + _measures(inspection)),
        ("What the damage is", damage_part(inspection)),
        ("The tape", facts_part(tape_facts(inspection))),
        ("How it was done", how),
    )
    title = f"Inspection report: {inspection.tape.path.name}"
    return whole_page(title, _verdict(inspection), deviations_part(inspection, found), sections, inspection)


def inspection_headline(inspection: Inspection) -> str:
    """Return one sentence: how much is damaged, and for how much of it the tape itself can lend."""
    total, damaged = len(inspection.index), int(inspection.verdict.damaged.sum())
    if not damaged:
        return f"No damage was found in {counted(total, 'frame')}."
    lent = (
        "the tape has nothing clean to lend to any of them"
        if not inspection.helped
        else f"for {percent(inspection.helped, damaged)} of them the tape has clean frames to lend"
    )
    return f"{damaged:,} of {counted(total, 'frame')} ({percent(damaged, total)}) damaged; {lent}."


def _verdict(inspection: Inspection) -> str:
    total, damaged = len(inspection.index), int(inspection.verdict.damaged.sum())
    shares = (
        ("is-clean", total - damaged, "judged clean"),
        ("is-changed", inspection.helped, "damaged, with clean frames to lend"),
        ("is-damaged", damaged - inspection.helped, "damaged, with neighbouring frames only"),
    )
    length = duration(inspection)
    runs_for = f"The tape runs for {clock(length, 0 if length >= 10 else 2)}."
    return verdict_part(inspection_headline(inspection), f"{runs_for} Nothing was changed.", shares)


def _moments(inspection: Inspection) -> str:
    shown = "".join(
        picture_part(inspection, moment.index, (("", moment.picture),), _said(inspection, moment.index))
        for moment in inspection.moments
        if moment.picture is not None
    )
    return f'<div class="moments">{shown}</div>' if shown else ""


def _said(inspection: Inspection, frame: int) -> str:
    kinds = inspection.analysis.kind_score[frame]
    named = f", mostly {KINDS[int(kinds.argmax())]}" if kinds.any() else ""
    return f"damage {inspection.analysis.frame_score[frame]:.2f}{named}"


def _measures(inspection: Inspection) -> str:
    drawn = "".join(
        f'<h3>{name}</h3><p class="soft">{escape(meaning)}</p>{measure_plot(inspection, inspection.measures[name])}'
        for name, meaning in PLOTTED.items()
        if name in inspection.measures
    )
    return f'<div class="low">{drawn}</div>' if drawn else ""
