"""The way of a tape, in order: probe, decode, detect, select references, restore, encode, report. Read this first."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch

from tapemend import __version__, checkpoint
from tapemend.chroma_delay import measured
from tapemend.colour import rgb_codes, to_ycbcr
from tapemend.decode import Reader, load_index, save_index
from tapemend.detect import ANALYSIS_FILES, Scorer, analyse, find_shots, judge_in_shots, load, scorer
from tapemend.encode import arrange, assemble, check_target, output_form, planes_at, write_segment
from tapemend.files import file_sha256
from tapemend.frames import (
    Account,
    Analysis,
    ChromaDelay,
    Comparison,
    FrameState,
    PictureForm,
    PixelLayout,
    Plane,
    References,
    Repair,
    SegmentNote,
    Shot,
    Tape,
    Verdict,
    WindowNote,
    Written,
)
from tapemend.journal import Journal, is_own_result, open_journal
from tapemend.probe import probe
from tapemend.progress import Progress, Silent
from tapemend.references import ReferenceFinder
from tapemend.report import write_report
from tapemend.restore import Plan, Restorer, TapeRestorer
from tapemend.settings import ReferenceSettings, Settings

SEGMENT_FRAMES = 240
"""Frames of a segment, at the reader's rate; even, so that both fields of a frame are in one."""
MEASURED = 24
"""Frames in which the delay of chroma is measured."""
COMPARISONS = 5
"""Before and after pictures in the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a restoration leaves."""

    written: Written
    report_json: Path
    report_html: Path
    damaged_frames: int
    changed_frames: int
    frame_count: int


def restore(
    source: Path, target: Path, settings: Settings, *, resume: bool = True, progress: Progress | None = None
) -> Outcome:
    """Restore the tape at ``source`` into ``target``; the source is only read.

    Unfinished work of the same source, settings and weights is taken up where it stopped; without ``resume`` it is
    discarded. Raises a TapemendError; the target is then as it was, and finished segments stay in the journal.
    """
    told = progress or Silent()
    tape = probe(source, settings.probe)
    may_replace = settings.encode.overwrite or (resume and is_own_result(target))
    encode = replace(settings.encode, overwrite=may_replace)
    check_target(source, target, encode)
    restorer = Restorer(checkpoint.read(settings.restore.weights, "restorer"), settings.restore)
    judging = scorer(settings.detect, restorer.device)
    work = _work(tape, settings, restorer, judging)
    with open_journal(target, work, resume) as journal, Reader(tape, settings.decode) as reader:
        analysis = _analyse(reader, tape, judging, journal, told)
        plan = _plan(reader, tape, analysis, settings)
        form = output_form(tape, reader.frame_rate, reader.time_base, settings.encode)
        notes = _restore_segments(reader, TapeRestorer(restorer, plan), (tape, form, settings), journal, told)
        told.stage("writing and verifying", None)
        written = assemble(tape, [note.segment for note in notes], form, target, encode, journal.note_written)
        account = Account(
            tape=tape,
            source_sha256=work["source"]["sha256"],
            index=reader.index,
            frame_rate=reader.frame_rate,
            analysis=analysis,
            verdict=plan.verdict,
            shots=plan.shots,
            chroma_delay=delay_of_chroma(reader, analysis, tape.layout),
            changed=np.array([share for note in notes for share in note.changed], np.float32),
            moved=np.array([pixels for note in notes for pixels in note.moved], np.float32),
            chroma_gains=np.array([gain for note in notes for gain in note.chroma_gains], np.float32),
            hues=np.array([degrees for note in notes for degrees in note.hues], np.float32),
            recoloured=np.array([share for note in notes for share in note.recoloured], np.float32),
            detail_gains=np.array([gain for note in notes for gain in note.detail_gains], np.float32),
            windows=tuple(window for note in notes for window in note.windows),
            comparisons=tuple(_comparisons(reader, plan, notes, tape.layout)),
            written=written,
            settings=work["settings"],
            software=work["software"],
        )
        report_json, report_html = write_report(account, target)
    return Outcome(
        written=written,
        report_json=report_json,
        report_html=report_html,
        damaged_frames=int(plan.verdict.damaged.sum()),
        changed_frames=int((account.changed > 0).sum()),
        frame_count=len(analysis),
    )


def _work(tape: Tape, settings: Settings, restorer: Restorer, judging: Scorer) -> dict[str, Any]:
    """What the result depends on, JSON-ready: the same work gives the same frames."""
    used = asdict(settings)
    del used["encode"]["overwrite"]
    return {
        "source": {"size": tape.size_bytes, "sha256": file_sha256(tape.path)},
        "settings": used,
        "software": {
            "tapemend": __version__,
            "torch": torch.__version__,
            "device": str(restorer.device),
            "precision": str(restorer.precision).removeprefix("torch."),
            "restorer": restorer.name,
            "scorer": judging.name,
        },
    }


def _analyse(reader: Reader, tape: Tape, judging: Scorer, journal: Journal, told: Progress) -> Analysis:
    """Score every frame, once; the finished analysis lies in the journal and is not done again."""
    folder = journal.folder / "analysis"

    def survey() -> dict[str, Any]:
        analysis = look_through(reader, tape, judging, folder, told)
        save_index(reader.index, folder / "index.npz")
        return {"scorer": analysis.scorer, "absolute": analysis.absolute}

    files = [folder / name for name in (*ANALYSIS_FILES, "index.npz")]
    found = journal.fact("analysis", survey, files)
    reader.with_index(load_index(folder / "index.npz"))
    return load(folder, found["scorer"], found["absolute"])


def look_through(
    reader: Reader,
    tape: Tape,
    judging: Scorer,
    folder: Path,
    told: Progress,
    watch: Callable[[av.VideoFrame], None] | None = None,
) -> Analysis:
    """Read a tape once, score every frame, and have the reader's index; the analysis lies in ``folder``.

    ``watch`` is shown every picture as it is stored.
    """
    expected = tape.frame_count_from_header
    told.stage("looking for damage", expected and expected * (2 if reader.bobs else 1))
    return analyse(_counted(reader.survey(watch), told), tape.layout, judging, folder)


def judged(
    reader: Reader, analysis: Analysis, settings: ReferenceSettings
) -> tuple[Verdict, tuple[Shot, ...], ReferenceFinder]:
    """What is damaged, where shots begin, and who answers which frames can lend."""
    shots = find_shots(analysis.signature)
    verdict = judge_in_shots(analysis, shots)
    whole = (reader.index.state == list(FrameState).index(FrameState.DECODED)) & ~verdict.lost
    return verdict, shots, ReferenceFinder(analysis, verdict, shots, settings, whole)


def delay_of_chroma(reader: Reader, analysis: Analysis, layout: PixelLayout) -> ChromaDelay:
    """Where colour stands beside luma, by the least damaged frames of as many parts of the tape."""
    parts = np.array_split(np.arange(len(analysis)), min(MEASURED, len(analysis)))
    chosen = [int(part[analysis.frame_score[part].argmin()]) for part in parts]
    return measured((to_ycbcr(reader.fetch(index).planes, layout) for index in chosen), layout)


def _plan(reader: Reader, tape: Tape, analysis: Analysis, settings: Settings) -> Plan:
    """Everything that is settled before the first frame is restored."""
    verdict, shots, finder = judged(reader, analysis, settings.references)
    return Plan(
        layout=tape.layout,
        analysis=analysis,
        verdict=verdict,
        shots=shots,
        find_references=finder.find,
        fetch=reader.fetch,
        scan=tape.scan.used,
    )


def _restore_segments(
    reader: Reader,
    restorer: TapeRestorer,
    output: tuple[Tape, PictureForm, Settings],
    journal: Journal,
    told: Progress,
) -> list[SegmentNote]:
    """Restore what the journal does not hold yet, segment after segment."""
    tape, form, settings = output
    total = len(reader.index)
    starts = range(0, total, SEGMENT_FRAMES)
    told.stage("restoring", total, min(total, journal.finished(range(len(starts))) * SEGMENT_FRAMES))

    def segment(start: int, path: Path) -> SegmentNote:
        stop = min(start + SEGMENT_FRAMES, total)
        done: list[tuple[int, Repair]] = []

        def frames() -> Iterator[Any]:
            for restored in restorer.restore(start, stop, reader.frames(*restorer.needed(start, stop))):
                done.append((restored.frame.index, restored.repair))
                yield restored.frame
                told.advance(1)

        written = write_segment(arrange(frames(), tape, settings.encode), form, path)
        return SegmentNote(
            segment=written,
            changed=tuple(repair.changed for _, repair in done),
            moved=tuple(repair.moved for _, repair in done),
            chroma_gains=tuple(repair.chroma_gain for _, repair in done),
            hues=tuple(repair.hue for _, repair in done),
            recoloured=tuple(repair.recoloured for _, repair in done),
            detail_gains=tuple(repair.detail_gain for _, repair in done),
            windows=tuple(_windows((index, repair.references) for index, repair in done)),
        )

    return [journal.segment(number, partial(segment, start)) for number, start in enumerate(starts)]


def _windows(done: Iterable[tuple[int, References | None]]) -> Iterator[WindowNote]:
    """Runs of frames that were restored with the same references."""
    for references, run in groupby(done, key=lambda entry: entry[1]):
        indices = [index for index, _ in run]
        if references is not None:
            yield WindowNote(start=indices[0], stop=indices[-1] + 1, references=references)


def _comparisons(reader: Reader, plan: Plan, notes: list[SegmentNote], layout: PixelLayout) -> Iterator[Comparison]:
    """The most damaged restored frame of each fifth of the tape, before and after."""
    changed = np.array([share for note in notes for share in note.changed], np.float32)
    worth = np.where(changed > 0, plan.analysis.frame_score - plan.analysis.frame_score.min() + 1e-6, 0)
    for part in np.array_split(np.arange(len(worth)), min(COMPARISONS, len(worth))):
        index = int(part[worth[part].argmax()])
        if worth[index] > 0:
            number, position = divmod(index, SEGMENT_FRAMES)
            segment = notes[number].segment
            position = position * segment.frame_count // len(notes[number].changed)
            yield Comparison(
                index=index,
                caption=f"damage {plan.analysis.frame_score[index]:.2f}, {changed[index]:.0%} of the samples changed",
                before=as_rgb(reader.fetch(index).planes, layout),
                after=as_rgb(planes_at(segment, position), layout),
            )


def as_rgb(planes: tuple[Plane, ...], layout: PixelLayout) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """(H, W, 3) R'G'B' of a frame, to look at."""
    return rgb_codes(to_ycbcr(planes, layout))


def _counted(frames: Iterator[Any], told: Progress) -> Iterator[Any]:
    for frame in frames:
        yield frame
        told.advance(1)
