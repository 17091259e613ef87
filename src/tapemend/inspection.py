"""What a tape is and what is wrong with it, without restoring it: for whoever has a thousand tapes to choose from."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tapemend import __version__
from tapemend.decode import Reader
from tapemend.detect import scorer
from tapemend.device import choose_device
from tapemend.files import file_sha256
from tapemend.frames import Analysis, Inspection, Moment, Shot, Verdict
from tapemend.measures import SignalStats
from tapemend.pipeline import as_rgb, delay_of_chroma, judged, look_through
from tapemend.probe import probe
from tapemend.progress import Progress, Silent
from tapemend.references import ReferenceFinder
from tapemend.restore.windows import windows
from tapemend.settings import (
    DecodeSettings,
    DetectSettings,
    InspectSettings,
    ProbeSettings,
    ReferenceSettings,
    RestoreSettings,
)

APART = 24
"""Worst moments lie further apart than this part of the tape."""


def inspect(
    source: Path,
    scratch: Path,
    settings: InspectSettings = InspectSettings(),
    *,
    look: ProbeSettings = ProbeSettings(),
    detect: DetectSettings = DetectSettings(),
    pictures: bool = False,
    progress: Progress | None = None,
) -> Inspection:
    """Read the tape at ``source`` once and judge it; it is only read.

    Args:
        source: The capture.
        scratch: A folder for what is measured of every frame, some 500 bytes each; the answer's arrays are mapped
            from it, so it must outlive the answer.
        settings: What is looked at.
        look: How the source is probed.
        detect: How damage is found.
        pictures: Whether the worst moments come with their pictures.
        progress: Told how far it is.

    Raises:
        TapemendError: The source cannot be read, or the scorer's weights.
    """
    told = progress or Silent()
    tape = probe(source, look)
    device = choose_device(settings.device)
    judging = scorer(detect, device)
    stats = SignalStats()
    with Reader(tape, DecodeSettings()) as reader:
        analysis = look_through(reader, tape, judging, scratch, told, stats.push if settings.measures else None)
        verdict, shots, finder = judged(reader, analysis, ReferenceSettings())
        return Inspection(
            tape=tape,
            source_sha256=file_sha256(tape.path),
            index=reader.index,
            frame_rate=reader.frame_rate,
            analysis=analysis,
            verdict=verdict,
            shots=shots,
            chroma_delay=delay_of_chroma(reader, analysis, tape.layout),
            helped=_helped(finder, verdict, shots),
            moments=tuple(
                Moment(index=index, picture=as_rgb(reader.fetch(index).planes, tape.layout) if pictures else None)
                for index in worst(analysis, verdict, settings.moments)
            ),
            measures=stats.values() if settings.measures else {},
            settings={"inspect": asdict(settings), "probe": asdict(look), "detect": asdict(detect)},
            software={
                "tapemend": __version__,
                "torch": torch.__version__,
                "device": str(device),
                "scorer": judging.name,
            },
        )


def worst(analysis: Analysis, verdict: Verdict, count: int) -> list[int]:
    """The frames judged damaged with the highest scores, apart from each other, at most ``count``, in order of time."""
    apart = len(analysis) // APART
    candidates = np.flatnonzero(verdict.damaged)
    ranked = candidates[np.argsort(-analysis.frame_score[candidates], kind="stable")]
    chosen: list[int] = []
    free = np.ones(len(analysis), np.bool_)
    while len(chosen) < count and len(ranked := ranked[free[ranked]]):
        chosen.append(int(ranked[0]))
        free[max(0, chosen[-1] - apart) : chosen[-1] + apart + 1] = False
    return sorted(chosen)


def _helped(finder: ReferenceFinder, verdict: Verdict, shots: tuple[Shot, ...]) -> int:
    """Damaged frames to which something can lend, in the windows that a restoration would take."""
    return sum(hurt for hurt, start, stop in _hurt_windows(verdict.damaged, shots) if finder.find(start, stop).indices)


def _hurt_windows(damaged: NDArray[np.bool_], shots: tuple[Shot, ...]) -> Iterator[tuple[int, int, int]]:
    """Windows with a damaged frame: how many, first, last plus one."""
    for window in windows(shots, RestoreSettings().window):
        if hurt := int(damaged[window.start : window.stop].sum()):
            yield hurt, window.start, window.stop
