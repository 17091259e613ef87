"""The report of a restoration for people: one page that needs nothing but itself."""

from collections.abc import Sequence
from html import escape

from tapemend.frames import Account
from tapemend.report.deviations import Deviation, colour_put_back
from tapemend.report.facts import settings_facts, tape_facts, written_facts
from tapemend.report.parts import (
    damage_part,
    deviations_part,
    facts_part,
    picture_part,
    score_part,
    verdict_part,
    whole_page,
)
from tapemend.report.plot import change_plot
from tapemend.report.summary import Summary, most_changed_windows
from tapemend.report.verdict import headline, particulars
from tapemend.report.wording import percent, timecode
from tapemend.wording import counted

LISTED_WINDOWS = 50
"""Windows in the page's table at most; the JSON has all."""


def page(account: Account, summary: Summary, deviations: Sequence[Deviation]) -> str:
    """Return the HTML page of an account."""
    how = (
        f"<h3>Settings</h3>{facts_part(settings_facts(account.settings))}"
        f"<h3>Software and weights</h3>{facts_part(account.software.items())}"
    )
    sections = (
        ("Before and after", _comparisons(account)),
        ("Along the tape", _timeline(account, summary)),
        ("What the damage was", damage_part(account)),
        ("The tape", facts_part(tape_facts(account))),
        ("The restored file", facts_part(written_facts(account))),
        ("What lent to what", _references(account)),
        ("How it was done", how),
    )
    title = f"Restoration report: {account.tape.path.name}"
    return whole_page(title, _verdict(account, summary), deviations_part(account, deviations), sections, account)


def _verdict(account: Account, summary: Summary) -> str:
    unread = summary.frame_count - summary.changed - summary.identical
    how = "but for the place of colour" if any(colour_put_back(account)) else "exactly"
    shares = (
        ("is-clean", summary.identical, f"left {how} as they were"),
        ("is-changed", summary.changed, "repaired, whole or in part"),
        ("is-damaged", unread, "could not be read, a neighbour copied"),
    )
    return verdict_part(headline(account, summary), particulars(account, summary), shares)


def _comparisons(account: Account) -> str:
    return "\n".join(
        picture_part(account, each.index, (("before", each.before), ("after", each.after)), each.caption)
        for each in account.comparisons
    )


def _timeline(account: Account, summary: Summary) -> str:
    scored = score_part(account, account.changed > 0)
    if not summary.changed:
        return scored
    return (
        f'{scored}<div class="low"><h3>How much of each frame changed</h3><p class="soft">Share of a frame\'s samples '
        f"that have another value than before: {percent(summary.mean_changed)} on average over the "
        f"{counted(summary.changed, 'frame')} that changed.</p>{change_plot(account)}</div>"
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
        f"<p>Frames are restored in windows of neighbours; clean frames of the same scene lend what is lost. "
        f"{counted(count, 'window')} had something to restore.{which}</p>"
        '<div class="wide"><table><thead><tr><th>Frames restored</th><th>From</th><th class="number">Changed</th>'
        f"<th>Frames that lent, with their similarity</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _lenders(indices: Sequence[int], similarity: Sequence[float]) -> str:
    lenders = (f"{index:,} ({value:.2f})" for index, value in zip(indices, similarity, strict=True))
    return ", ".join(lenders) or "none; neighbouring frames only"
