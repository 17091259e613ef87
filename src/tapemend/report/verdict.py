"""The outcome in plain words."""

from tapemend.frames import Account
from tapemend.report.deviations import colour_put_back, setting
from tapemend.report.summary import Summary
from tapemend.report.wording import beside, clock, percent
from tapemend.wording import counted


def headline(account: Account, summary: Summary) -> str:
    """Return one sentence: how many frames were damaged, repaired, and left exactly as they were."""
    total, damaged = summary.frame_count, summary.damaged
    same = "left as in the source" if setting(account, "encode", "access") else "bit-identical to the source"
    same = f"but for the place of colour {same}" if any(colour_put_back(account)) else same
    identical = f"{_number(summary.identical)} {'is' if summary.identical < 2 else 'are'} {same}"
    if damaged:
        found = f"{damaged:,} of {counted(total, 'frame')} ({percent(damaged, total)}) {_was(damaged)} damaged"
        return f"{found}; {_number(summary.repaired)} {_was(summary.repaired)} repaired; {identical}."
    if summary.changed:
        in_places = f"{summary.changed:,} {_was(summary.changed)} repaired in places"
        return f"None of {counted(total, 'frame')} was damaged as a whole; {in_places}; {identical}."
    if summary.identical < total:
        return f"No damage was found in {counted(total, 'frame')}; {identical}."
    return f"No damage was found: {f'all {total:,} frames are' if total > 1 else 'the only frame is'} {same}."


def particulars(account: Account, summary: Summary) -> str:
    """Return what the headline leaves out: length, how far the repair went, frames that are special."""
    sentences = [f"The tape runs for {clock(summary.duration, 0 if summary.duration >= 10 else 2)}."]
    if any(moved := colour_put_back(account)):
        sentences.append(f"Colour that stood {beside(*moved)} luma was put back in every frame, as was asked.")
    if summary.changed:
        sentences.append(
            f"Where a frame was changed, {percent(summary.mean_changed)} of its picture changed on average."
        )
    if summary.steadied:
        sentences.append(
            f"Lines that lay aside were put back in {counted(summary.steadied, 'frame')}, by up to "
            f"{summary.farthest:.1f} pixels."
        )
    if summary.strengthened:
        sentences.append(
            f"Colour that had faded was strengthened in {counted(summary.strengthened, 'frame')}, to up to "
            f"{summary.strongest_gain:.1f} times what it was."
        )
    if summary.weakened:
        sentences.append(
            f"Colour that was too strong was weakened in {counted(summary.weakened, 'frame')}, to as little as "
            f"{summary.weakest_gain:.1f} times what it was."
        )
    if summary.turned:
        sentences.append(
            f"Hue that differed from that of clean frames was turned back in {counted(summary.turned, 'frame')}, by up "
            f"to {summary.farthest_turn:.0f} degrees."
        )
    if summary.evened:
        sentences.append(
            f"Luma that was softer, sharper or of another contrast than that of clean frames was evened in "
            f"{counted(summary.evened, 'frame')}, detail multiplied by {summary.weakest_detail_gain:.1f} to "
            f"{summary.strongest_detail_gain:.1f}."
        )
    if summary.levelled:
        sentences.append(
            f"{counted(summary.levelled, 'frame')} that flickered got the brightness of those before and after."
        )
    if summary.held:
        sentences.append(
            f"{counted(summary.held, 'frame')} that stood higher or lower than those before and after "
            f"{_was(summary.held)} put back."
        )
    if summary.made_up:
        sentences.append(
            f"{counted(summary.made_up, 'frame')} that showed nothing of the shot {_was(summary.made_up)} made up of "
            "those before and after."
        )
    if summary.recoloured:
        sentences.append(f"Lines without colour got that of other frames in {counted(summary.recoloured, 'frame')}.")
    if summary.damaged and summary.repaired_in_regions:
        others = summary.repaired_in_regions
        sentences.append(f"{counted(others, 'other frame')} {_was(others)} repaired in places.")
    if summary.filled:
        sentences.append(f"{counted(summary.filled, 'frame')} could not be read and {_was(summary.filled)} filled in.")
    if setting(account, "encode", "access"):
        sentences.append("This is an access copy: its compression changes every picture a little.")
    return " ".join(sentences)


def _number(number: int) -> str:
    return f"{number:,}" if number else "none"


def _was(number: int) -> str:
    return "was" if number < 2 else "were"
