"""Everything that was not as expected, one sentence each, with the frames it is about."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tapemend.frames import Account, ChromaDelay, FrameState, Survey
from tapemend.report.summary import frames_in_state
from tapemend.report.wording import beside
from tapemend.wording import by_number, counted

NAMED_FRAMES = 100
"""Frames named in a deviation at most; its sentence says how many there are."""
DELAYED = 1.5
"""Pixels, or lines, from which on it is said where colour stands: of 50 of 52 clean clips it is measured within 1.2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """Something that was not as expected."""

    what: str
    """One sentence."""
    frames: tuple[int, ...] = ()
    """The first of the frames it is about."""


def find_deviations(account: Account) -> tuple[Deviation, ...]:
    """Return everything in an account that was not as expected: of the file, the verdict, the repair, the result."""
    return (
        *deviations_found(account),
        *_of_the_repair(account),
        *(Deviation(what=f"Not kept as it was: {_sentence(what)}") for what in account.written.left_out),
    )


def deviations_found(survey: Survey) -> tuple[Deviation, ...]:
    """Return what was not as expected before anything was restored: of the file and of the verdict."""
    return (
        *(Deviation(what=note) for note in survey.tape.notes),
        *(Deviation(what=note) for note in survey.index.notes),
        *_of_the_file(survey),
        *_of_the_colour(survey),
        *_of_the_verdict(survey),
    )


def setting(survey: Survey, stage: str, name: str) -> Any:
    """Return the value of a setting that was used, None when it was not a setting of this."""
    return survey.settings.get(stage, {}).get(name)


def colour_put_back(survey: Survey) -> tuple[float, float]:
    """Return the pixels that colour was put back to the left, and the lines it was put up, in every frame."""
    right, down = setting(survey, "decode", "chroma_delay") or (0.0, 0.0)
    return right, down


def worth_putting_back(delay: ChromaDelay) -> tuple[float, float]:
    """Return pixels to the right and lines below that are said of colour, 0 for what is too little or not told."""
    right, down = (told if told and abs(told) >= DELAYED else 0.0 for told in (delay.right, delay.down))
    return right, down


def _of_the_file(survey: Survey) -> Iterator[Deviation]:
    corrupt = frames_in_state(survey, FrameState.CORRUPT)
    if len(corrupt):
        yield _about(corrupt, f"{counted(len(corrupt), 'frame')} came damaged out of the file; the decoder patched it.")
    filled = frames_in_state(survey, FrameState.FILLED)
    if len(filled):
        yield _about(
            filled, f"{counted(len(filled), 'frame')} could not be had from the file; a copy of a neighbour stands in."
        )


def _of_the_colour(survey: Survey) -> Iterator[Deviation]:
    delay = survey.chroma_delay
    if any(found := worth_putting_back(delay)):
        flag = " ".join(f"{before + more:.1f}" for before, more in zip(colour_put_back(survey), found, strict=True))
        yield Deviation(
            what=f"All over the tape colour stands about {beside(*found)} luma, measured in "
            f"{counted(delay.frames, 'frame')} (Y/C delay): --chroma-delay {flag} puts it back."
        )


def _of_the_verdict(survey: Survey) -> Iterator[Deviation]:
    damaged = survey.verdict.damaged
    if not survey.verdict.separable:
        yield Deviation(
            what=f"Damaged and clean frames do not stand apart on this tape. {_sentence(survey.verdict.reason)}"
        )
    if damaged.all():
        yield Deviation(what="Every frame was judged damaged: there was no clean frame to lend what is lost.")
        return
    total = np.concatenate(([0], np.cumsum(damaged)))
    shots = [shot for shot in survey.shots if total[shot.stop] - total[shot.start] == shot.stop - shot.start]
    if shots:
        yield _about(
            np.array([shot.start for shot in shots]),
            f"{counted(len(shots), 'shot')} of {len(survey.shots):,} without a clean frame of its own to lend "
            "what is lost (each is named by its first frame).",
        )


def _of_the_repair(account: Account) -> Iterator[Deviation]:
    alone = np.array([window.start for window in account.windows if not window.references.indices], np.intp)
    if len(alone):
        yield _about(
            alone,
            f"{counted(len(alone), 'window')} of {len(account.windows):,} had no reference frame and "
            f"{by_number(len(alone), 'was', 'were')} restored from neighbouring frames only "
            "(each is named by its first frame).",
        )
    if setting(account, "restore", "strength") == 0:
        yield Deviation(what="The strength was set to 0, so no picture was changed.")
        return
    untouched = np.flatnonzero(account.verdict.damaged & (account.changed == 0))
    if len(untouched):
        yield _about(untouched, f"{counted(len(untouched), 'frame')} judged damaged came through without a change.")


def _about(frames: NDArray[np.intp], what: str) -> Deviation:
    return Deviation(what=what, frames=tuple(frames[:NAMED_FRAMES].tolist()))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
