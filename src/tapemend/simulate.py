"""The way of a clean clip into a damaged tape: probe, decode, degrade, encode; with the truth beside it."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tapemend import __version__
from tapemend.colour import add_change, to_ycbcr
from tapemend.decode import Reader
from tapemend.degrade import Damaged, Kind, Preset, degrade, preset
from tapemend.encode import assemble, check_target, output_form, write_segment
from tapemend.encode.target import disk_errors, refuse_existing, written_aside
from tapemend.errors import SourceError
from tapemend.frames import Frame, PictureForm, Segment, Tape, Written
from tapemend.probe import probe
from tapemend.progress import Progress, Silent
from tapemend.settings import DecodeSettings, EncodeSettings, ProbeSettings, SimulateSettings

SEGMENT_FRAMES = 240
"""Frames of a segment."""
BATCH_FRAMES = 8
"""Frames damaged together; the result does not depend on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What a simulation leaves."""

    written: Written
    truth: Path
    """NumPy archive; ``Truth`` says what is in it."""
    frame_count: int
    damaged_frames: int
    notes: tuple[str, ...]
    """Everything that was not as expected while reading the clip."""


class Truth:
    """What was done to each frame, collected on disk as the tape goes by and packed into one archive at its end.

    The archive holds ``severity`` (N,) float32: root of the mean square change of the frame, 0 where it is as it was;
    ``shift`` (N, H) float16: pixels by which each line was moved to the right; ``change`` (N, K) float32: mean change
    of the frame by each of ``kinds`` (K,); and ``about``, JSON: preset, seed and version.
    """

    def __init__(self, folder: Path, height: int) -> None:
        self._columns: Mapping[str, tuple[Path, tuple[int, ...], type]] = {
            "severity": (folder / "severity.raw", (), np.float32),
            "shift": (folder / "shift.raw", (height,), np.float16),
            "change": (folder / "change.raw", (len(Kind),), np.float32),
        }
        self.frame_count = self.damaged_frames = 0

    def add(self, clean: Tensor, damaged: Damaged) -> None:
        """Take the truth about T frames; clean: (T, 3, H, W)."""
        severity = (damaged.picture - clean).square().mean((1, 2, 3)).sqrt()
        rows = {"severity": severity, "shift": damaged.shift, "change": damaged.change.mean((2, 3))}
        for name, (path, _, kind) in self._columns.items():
            with disk_errors(path), path.open("ab") as file:
                file.write(rows[name].numpy().astype(kind).tobytes())
        self.frame_count += len(severity)
        self.damaged_frames += int((severity > 0).sum())

    def pack(self, path: Path, about: Mapping[str, str | int]) -> None:
        """Write the archive; memory does not grow with the tape."""
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                severity=self._stored("severity"),
                shift=self._stored("shift"),
                change=self._stored("change"),
                kinds=np.array(list(Kind)),
                about=np.array(json.dumps(about)),
            )

    def _stored(self, name: str) -> NDArray[Any]:
        path, shape, kind = self._columns[name]
        return np.memmap(path, kind, "r", shape=(self.frame_count, *shape))


def simulate(
    clip: Path,
    target: Path,
    settings: SimulateSettings = SimulateSettings(),
    *,
    probe_settings: ProbeSettings = ProbeSettings(),
    progress: Progress | None = None,
) -> Simulated:
    """Damage a clean progressive clip into ``target``, lossless Matroska of the clip's format, with its sound.

    The truth lies beside it (``truth_path``). Frames that are not damaged keep their samples, bit for bit. Raises
    SourceError for an interlaced clip, and a TapemendError of another kind where the clip cannot be read or the target
    not be written; nothing is left behind then.
    """
    chosen, encode = preset(settings.preset), EncodeSettings(overwrite=settings.overwrite)
    check_target(clip, target, encode)
    refuse_existing(truth_path(target), encode)
    tape = probe(clip, probe_settings)
    if tape.scan.used.interlaced:
        raise SourceError(
            f"{clip}: is interlaced ({tape.scan.used}) and the simulator damages whole frames; deinterlace it first, "
            "or say --field-order progressive if it is not"
        )
    told = progress or Silent()
    with disk_errors(target):
        scratch = tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent)
    with scratch as folder, Reader(tape, DecodeSettings()) as reader:
        truth = Truth(Path(folder), tape.height)
        form = output_form(tape, reader.frame_rate, reader.time_base, encode)
        told.stage("damaging", tape.frame_count_from_header)
        frames = _damaged(reader, tape, (chosen, settings.seed), truth, told)
        segments = list(_segments(frames, form, Path(folder)))
        told.stage("writing and verifying", None)
        with written_aside(truth_path(target)) as part:
            with disk_errors(target):
                truth.pack(part, {"preset": settings.preset, "seed": settings.seed, "tapemend": __version__})
            written = assemble(tape, segments, form, target, encode)
        return Simulated(
            written=written,
            truth=truth_path(target),
            frame_count=truth.frame_count,
            damaged_frames=truth.damaged_frames,
            notes=reader.index.notes,
        )


def truth_path(target: Path) -> Path:
    """Where the truth about a damaged tape lies."""
    return target.with_name(f"{target.stem}.truth.npz")


def _damaged(reader: Reader, tape: Tape, damage: tuple[Preset, int], truth: Truth, told: Progress) -> Iterator[Frame]:
    """Every frame of the clip after its damage, a (preset, seed); the truth is noted."""
    frames = reader.survey()
    while batch := list(islice(frames, BATCH_FRAMES)):
        clean = torch.stack([to_ycbcr(frame.planes, tape.layout) for frame in batch])
        damaged = degrade(clean, [frame.index for frame in batch], *damage)
        truth.add(clean, damaged)
        for frame, change in zip(batch, damaged.picture - clean, strict=True):
            yield replace(frame, planes=add_change(frame.planes, change, tape.layout))
        told.advance(len(batch))


def _segments(frames: Iterator[Frame], form: PictureForm, folder: Path) -> Iterator[Segment]:
    """The frames in verified lossless files, SEGMENT_FRAMES each."""
    for number in count():
        first = next(frames, None)
        if first is None:
            return
        yield write_segment(chain([first], islice(frames, SEGMENT_FRAMES - 1)), form, folder / f"{number:06}.nut")
