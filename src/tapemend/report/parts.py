"""What the pages are made of: each part is HTML, and all text in it is escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template

import numpy as np
from numpy.typing import NDArray

from tapemend.frames import Survey
from tapemend.report.deviations import NAMED_FRAMES, Deviation
from tapemend.report.picture import png_data_uri
from tapemend.report.plot import column_count, region_map, score_plot
from tapemend.report.summary import damage_found
from tapemend.report.wording import percent, timecode

KINDS_IN_WORDS = {
    "geometry": "lines shifted sideways, mistracking, wavering edges",
    "lines": "lines lost or replaced: dropouts, streaks",
    "chroma": "colour lost or smeared along lines",
    "noise": "tape noise, snow",
    "levels": "brightness, contrast or colour of the whole picture off",
}


def whole_page(title: str, verdict: str, deviations: str, sections: Iterable[tuple[str, str]], survey: Survey) -> str:
    """Return a page that needs nothing but itself; sections are headings with their HTML, empty ones are left out."""
    template = Template(files("tapemend.report").joinpath("page.html").read_text(encoding="utf-8"))
    there = (f"<section>\n<h2>{escape(heading)}</h2>\n{html}\n</section>" for heading, html in sections if html)
    return template.substitute(
        title=escape(title),
        verdict=verdict,
        deviations=deviations,
        sections="\n".join(there),
        footer=_footer(survey),
    )


def verdict_part(headline: str, particulars: str, shares: Iterable[tuple[str, int, str]]) -> str:
    """The outcome in words and as one bar; shares: CSS class, number, what it counts."""
    there = [share for share in shares if share[1]]
    bar = "".join(f'<span class="{name}" style="flex:{number}"></span>' for name, number, _ in there)
    key = "".join(f'<span><i class="{name}"></i>{number:,} {escape(what)}</span>' for name, number, what in there)
    return (
        f'<p class="verdict">{escape(headline)}</p><p>{escape(particulars)}</p>'
        f'<div class="share" aria-hidden="true">{bar}</div><div class="key">{key}</div>'
    )


def deviations_part(survey: Survey, deviations: Sequence[Deviation]) -> str:
    """What was not as expected, or that everything was."""
    if not deviations:
        return '<section class="good"><h2>Everything was as expected</h2>Nothing needs a second look.</section>'
    items = "".join(f"<li>{escape(each.what)}{_named_frames(survey, each.frames)}</li>" for each in deviations)
    return f'<section class="alert"><h2>Not as expected</h2><ul>{items}</ul></section>'


def _named_frames(survey: Survey, frames: Sequence[int]) -> str:
    """A few frames in the open, more behind a click."""
    named = ", ".join(f"{frame:,} ({timecode(survey.index, frame)})" for frame in frames)
    if len(frames) <= 3:
        return f" {escape(f'Frame {named}.')}" if frames else ""
    which = f"The first {NAMED_FRAMES}" if len(frames) == NAMED_FRAMES else "Which ones"
    return f"<details><summary>{which}</summary>{escape(named)}</details>"


def score_part(survey: Survey, changed: NDArray[np.bool_] | None = None) -> str:
    """How damaged each frame is, along the tape; changed: (N,) frames that were changed."""
    per_column = -(-len(survey.index) // column_count(survey))
    column = "one frame" if per_column == 1 else f"the highest of up to {per_column:,} frames"
    return (
        f'<h3>How damaged each frame is</h3><p class="soft">Score by {escape(survey.analysis.scorer)}; '
        f"each column is {column}. {escape(survey.verdict.reason)}</p>{score_plot(survey, changed)}"
    )


def damage_part(survey: Survey) -> str:
    """Which kinds of damage there are, and where in the picture."""
    if not survey.verdict.damaged.any():
        return "<p>No frame was judged damaged.</p>"
    kinds, where = damage_found(survey)
    worst = max(kind.mean for kind in kinds)
    shape = picture_shape(survey, survey.tape.width, survey.tape.height)
    if not worst:
        return f"<p>{escape(survey.analysis.scorer)} does not tell kinds of damage apart.</p>"
    rows = "".join(
        f"<tr><th>{kind.name}<small>{KINDS_IN_WORDS[kind.name]}</small></th>"
        f'<td class="bar"><i style="width:{100 * kind.mean / worst:.1f}%"></i></td>'
        f'<td class="number">{percent(kind.mean)}</td><td class="number">{kind.strongest_in:,}</td></tr>'
        for kind in kinds
    )
    return (
        '<div class="beside"><div><table class="bars"><thead><tr><th>Kind</th>'
        '<th colspan="2">Mean score, damaged frames</th><th class="number">Strongest in frames</th></tr></thead>'
        f'<tbody>{rows}</tbody></table></div><div><div style="{shape};display:grid">{region_map(where)}</div>'
        '<p class="soft">Where in the picture: the stronger the colour, the more damage on average.</p></div></div>'
    )


def picture_part(survey: Survey, frame: int, pictures: Iterable[tuple[str, NDArray[np.uint8]]], caption: str) -> str:
    """Pictures (H, W, 3) R'G'B' of one frame, each with its name, side by side."""
    when = f"frame {frame:,}, {timecode(survey.index, frame)}"
    pictures = tuple(pictures)
    shape = picture_shape(survey, pictures[0][1].shape[1], pictures[0][1].shape[0])
    shown = "".join(
        f'<div><img src="{png_data_uri(picture)}" style="{shape}" '
        f'alt="{escape(f"{when}, {name}" if name else when)}">{f"<b>{name}</b>" if name else ""}</div>'
        for name, picture in pictures
    )
    said = f"<strong>{escape(when.capitalize())}</strong> {escape(caption)}"
    return f'<figure class="pair">{shown}<figcaption>{said}</figcaption></figure>'


def picture_shape(survey: Survey, width: int, height: int) -> str:
    """The CSS of a picture of that many pixels as it is to be shown."""
    return f"aspect-ratio:{float(width * (survey.tape.sample_aspect_ratio or 1)):g}/{height}"


def facts_part(facts: Iterable[tuple[str, str | Sequence[str]]]) -> str:
    """A table of names and values; several values of one name are a list."""
    rows = []
    for name, value in facts:
        shown = escape(value) if isinstance(value, str) else _bullets(value)
        rows.append(f"<tr><th>{escape(name)}</th><td>{shown}</td></tr>")
    return f'<table class="facts"><tbody>{"".join(rows)}</tbody></table>'


def _bullets(values: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(value)}</li>" for value in values)
    return f'<ul class="plain">{items}</ul>' if items else "nothing"


def _footer(survey: Survey) -> str:
    rate = survey.frame_rate / survey.tape.frame_rate
    fields = " Each frame of this interlaced tape holds two fields; here each field is a frame." if rate == 2 else ""
    return (
        f"Frames are counted from 0, times from the first frame, h:mm:ss.{fields} "
        "Everything in this page, and every frame's numbers, are in the JSON report beside it."
    )
