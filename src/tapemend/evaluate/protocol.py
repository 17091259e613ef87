"""A clean clip through everything: damaged by the simulator, restored as a user would, compared with what it was."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import torch
from torch import Tensor

from tapemend import pipeline
from tapemend.colour import to_ycbcr
from tapemend.decode import Reader
from tapemend.evaluate.metrics import mean_square_error
from tapemend.probe import probe
from tapemend.settings import DecodeSettings, FieldOrder, ProbeSettings, Settings, SimulateSettings
from tapemend.simulate import simulate

ROWS = 576
"""Clips are scaled to this height, by area."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """Mean square errors of a tape's frames against the truth, (N,) on the 0 to 255 scale."""

    before: Tensor
    """Of the damaged tape."""
    after: Tensor
    """Of the restored one."""
    report: Path
    """The restoration's own report, JSON."""
    truth: Path
    """The simulator's truth."""


def clean_tape(clip: Path, target: Path, frames: int) -> None:
    """Write the first frames of a clip as a standard-definition tape: FFV1, 4:2:2, 8 bit, 25 frames a second."""
    with av.open(str(clip)) as source, av.open(str(target), "w") as container:
        output = container.add_stream("ffv1", rate=25)
        for number, frame in enumerate(source.decode(video=0)):
            if number == frames:
                break
            columns = round(frame.width * ROWS / frame.height / 2) * 2
            scaled = frame.reformat(columns, ROWS, "yuv422p", dst_color_range=1, interpolation="AREA")
            if number == 0:
                output.width, output.height, output.pix_fmt = columns, ROWS, "yuv422p"
            scaled.pts, scaled.time_base = number, Fraction(1, 25)
            container.mux(output.encode(scaled))
        container.mux(output.encode(None))


def restore_damaged(clean: Path, folder: Path, damage: SimulateSettings, settings: Settings) -> Trial:
    """Damage a clean tape, restore it, and compare both with what it was before the damage.

    That is the clean tape as the preset records it. The files stay in ``folder``.
    """
    done = simulate(clean, folder / "damaged.mkv", damage)
    return _restored(done.written.path, done.clean, folder / "restored.mkv", settings, done.truth)


def restore_clean(clean: Path, folder: Path, settings: Settings) -> Trial:
    """Restore a clean tape and compare it with itself."""
    return _restored(clean, clean, folder / "untouched.mkv", settings, clean)


def _restored(source: Path, clean: Path, target: Path, settings: Settings, truth: Path) -> Trial:
    outcome = pipeline.restore(source, target, settings)
    before, after = (_errors(tape, clean) for tape in (source, target))
    return Trial(before=before, after=after, report=outcome.report_json, truth=truth)


def _errors(tape: Path, clean: Path) -> Tensor:
    pairs = zip(_pictures(tape), _pictures(clean), strict=True)
    return torch.cat([mean_square_error(picture[None], truth[None]) for picture, truth in pairs])


def _pictures(path: Path) -> Iterator[Tensor]:
    """(3, H, W) Y'CbCr of every frame."""
    tape = probe(path, ProbeSettings(field_order=FieldOrder.PROGRESSIVE))
    with Reader(tape, DecodeSettings()) as reader:
        for frame in reader.survey():
            yield to_ycbcr(frame.planes, tape.layout)
