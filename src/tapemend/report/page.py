"""The report for people: one page that needs nothing but itself."""

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template

from tapemend.frames import Account, Comparison
from tapemend.report.deviations import NAMED_FRAMES, Deviation
from tapemend.report.facts import settings_facts, tape_facts, written_facts
from tapemend.report.picture import png_data_uri
from tapemend.report.plot import change_plot, column_count, region_map, score_plot
from tapemend.report.summary import Summary, most_changed_windows
from tapemend.report.verdict import headline, particulars
from tapemend.report.wording import counted, percent, timecode

LISTED_WINDOWS = 50
"""Windows in the page's table at most; the JSON has all."""
KINDS_IN_WORDS = {
    "geometry": "lines shifted sideways, mistracking, wavering edges",
    "lines": "lines lost or replaced: dropouts, streaks",
    "chroma": "colour lost or smeared along lines",
    "noise": "tape noise, snow",
    "levels": "brightness, contrast or colour of the whole picture off",
}


def page(account: Account, summary: Summary, deviations: Sequence[Deviation]) -> str:
    """Return the HTML page of an account."""
    template = Template(files("tapemend.report").joinpath("page.html").read_text(encoding="utf-8"))
    name = account.tape.path.name
    return template.substitute(
        title=escape(f"Restoration report: {name}"),
        name=escape(name),
        verdict=_verdict(account, summary),
        deviations=_deviations(account, deviations),
        comparisons=_comparisons(account),
        timeline=_timeline(account, summary),
        damage=_damage(account, summary),
        tape=_facts(tape_facts(account, summary)),
        written=_facts(written_facts(account)),
        references=_references(account),
        settings=_facts(settings_facts(account.settings)),
        software=_facts(account.software.items()),
        footer=_footer(account),
    )


def _verdict(account: Account, summary: Summary) -> str:
    total = summary.frame_count
    shares = [
        ("is-clean", summary.identical, "left exactly as they were"),
        ("is-changed", summary.changed, "repaired, whole or in part"),
        ("is-damaged", total - summary.changed - summary.identical, "could not be read, a neighbour copied"),
    ]
    there = [share for share in shares if share[1]]
    bar = "".join(f'<span class="{name}" style="flex:{number}"></span>' for name, number, _ in there)
    key = "".join(f'<span><i class="{name}"></i>{number:,} {escape(what)}</span>' for name, number, what in there)
    return (
        f'<p class="verdict">{escape(headline(account, summary))}</p><p>{escape(particulars(account, summary))}</p>'
        f'<div class="share" aria-hidden="true">{bar}</div><div class="key">{key}</div>'
    )


def _deviations(account: Account, deviations: Sequence[Deviation]) -> str:
    if not deviations:
        return '<section class="good"><h2>Everything was as expected</h2>Nothing needs a second look.</section>'
    items = "".join(f"<li>{escape(each.what)}{_named_frames(account, each.frames)}</li>" for each in deviations)
    return f'<section class="alert"><h2>Not as expected</h2><ul>{items}</ul></section>'


def _named_frames(account: Account, frames: Sequence[int]) -> str:
    """A few frames in the open, more behind a click."""
    named = ", ".join(f"{frame:,} ({timecode(account.index, frame)})" for frame in frames)
    if len(frames) <= 3:
        return f" {escape(f'Frame {named}.')}" if frames else ""
    which = f"The first {NAMED_FRAMES}" if len(frames) == NAMED_FRAMES else "Which ones"
    return f"<details><summary>{which}</summary>{escape(named)}</details>"


def _comparisons(account: Account) -> str:
    if not account.comparisons:
        return ""
    pairs = "\n".join(_comparison(account, each) for each in account.comparisons)
    return f"<section>\n<h2>Before and after</h2>\n{pairs}\n</section>"


def _comparison(account: Account, comparison: Comparison) -> str:
    rows, columns = comparison.before.shape[:2]
    pixel = account.tape.sample_aspect_ratio or 1
    shape = f"aspect-ratio:{float(columns * pixel):g}/{rows}"
    when = f"frame {comparison.index:,}, {timecode(account.index, comparison.index)}"
    pictures = "".join(
        f'<div><img src="{png_data_uri(picture)}" style="{shape}" alt="{escape(when)}, {name}"><b>{name}</b></div>'
        for name, picture in (("before", comparison.before), ("after", comparison.after))
    )
    caption = f"<strong>{escape(when.capitalize())}</strong> {escape(comparison.caption)}"
    return f'<figure class="pair">{pictures}<figcaption>{caption}</figcaption></figure>'


def _timeline(account: Account, summary: Summary) -> str:
    per_column = -(-summary.frame_count // column_count(account))
    column = "one frame" if per_column == 1 else f"the highest of up to {per_column:,} frames"
    scored = (
        f'<h3>How damaged each frame is</h3><p class="soft">Score by {escape(account.analysis.scorer)}; '
        f"each column is {column}. {escape(account.verdict.reason)}</p>{score_plot(account)}"
    )
    if not summary.changed:
        return scored
    return (
        f'{scored}<div class="low"><h3>How much of each frame changed</h3><p class="soft">Share of a frame\'s samples '
        f"that have another value than before: {percent(summary.mean_changed)} on average over the "
        f"{counted(summary.changed, 'frame')} that changed.</p>{change_plot(account)}</div>"
    )


def _damage(account: Account, summary: Summary) -> str:
    if not summary.damaged:
        return "<p>No frame was judged damaged.</p>"
    worst = max(kind.mean for kind in summary.kinds)
    if not worst:
        return f"<p>{escape(account.analysis.scorer)} does not tell kinds of damage apart.</p>"
    rows = "".join(
        f"<tr><th>{kind.name}<small>{KINDS_IN_WORDS[kind.name]}</small></th>"
        f'<td class="bar"><i style="width:{100 * kind.mean / worst:.1f}%"></i></td>'
        f'<td class="number">{percent(kind.mean)}</td><td class="number">{kind.strongest_in:,}</td></tr>'
        for kind in summary.kinds
    )
    shape = (
        f"aspect-ratio:{float(account.tape.width * (account.tape.sample_aspect_ratio or 1)):g}/{account.tape.height}"
    )
    return (
        '<div class="beside"><div><table class="bars"><thead><tr><th>Kind</th>'
        '<th colspan="2">Mean score, damaged frames</th><th class="number">Strongest in frames</th></tr></thead>'
        f'<tbody>{rows}</tbody></table></div><div><div style="{shape};display:grid">{region_map(summary.where)}</div>'
        '<p class="soft">Where in the picture: the stronger the colour, the more damage on average.</p></div></div>'
    )


def _references(account: Account) -> str:
    if not account.windows:
        return "<p>Nothing was restored, so nothing was lent.</p>"
    listed = most_changed_windows(account, LISTED_WINDOWS)
    rows = "".join(
        f'<tr><td class="time">{window.start:,} to {window.stop - 1:,}</td>'
        f'<td class="time">{timecode(account.index, window.start)}</td><td class="number">{percent(changed)}</td>'
        f"<td>{escape(_lenders(window.references.indices, window.references.similarity))}</td></tr>"
        for window, changed in listed
    )
    count = len(account.windows)
    which = "" if count <= LISTED_WINDOWS else f" The {LISTED_WINDOWS} with the most change; the JSON report has all."
    return (
        f"<p>Frames are restored in windows of neighbours; clean frames of the same shot lend what is lost. "
        f"{counted(count, 'window')} had something to restore.{which}</p>"
        '<div class="wide"><table><thead><tr><th>Frames restored</th><th>From</th><th class="number">Changed</th>'
        f"<th>Frames that lent, with their similarity</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _lenders(indices: Sequence[int], similarity: Sequence[float]) -> str:
    lenders = (f"{index:,} ({value:.2f})" for index, value in zip(indices, similarity, strict=True))
    return ", ".join(lenders) or "none; neighbouring frames only"


def _facts(facts: Iterable[tuple[str, str | Sequence[str]]]) -> str:
    """A table of names and values; several values of one name are a list."""
    rows = []
    for name, value in facts:
        shown = escape(value) if isinstance(value, str) else _bullets(value)
        rows.append(f"<tr><th>{escape(name)}</th><td>{shown}</td></tr>")
    return f'<table class="facts"><tbody>{"".join(rows)}</tbody></table>'


def _bullets(values: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(value)}</li>" for value in values)
    return f'<ul class="plain">{items}</ul>' if items else "nothing"


def _footer(account: Account) -> str:
    rate = account.frame_rate / account.tape.frame_rate
    fields = " Each frame of this interlaced tape holds two fields; here each field is a frame." if rate == 2 else ""
    return (
        f"Frames are counted from 0, times from the first frame, h:mm:ss.{fields} "
        "Everything in this page, and every frame's numbers, are in the JSON report beside it."
    )
