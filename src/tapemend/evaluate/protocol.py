"""One clip through everything: damaged by the simulator, restored as a user would, compared with what it was."""

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
from tapemend.settings import DecodeSettings, FieldOrder, ProbeSettings, Settings

ROWS = 576
"""Clips are scaled to this height, by area."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Mean square errors of a tape's frames against the truth, on the 0 to 255 scale."""

    before: Tensor
    """(N,) of the damaged tape."""
    after: Tensor
    """(N,) of the restored one."""

    @property
    def damaged(self) -> Tensor:
        """(N,) frames that the simulator changed visibly at all: more than rounding does."""
        return self.before > 0.5


def clean_tape(clip: Path, target: Path, frames: int) -> None:
    """The first frames of a clip as a standard-definition FFV1 tape, 4:2:2, 8 bit, at most 25 frames a second."""
    with av.open(str(clip)) as source, av.open(str(target), "w") as container:
        stream = source.streams.video[0]
        output = container.add_stream("ffv1", rate=Fraction(stream.average_rate or 25))
        assert isinstance(output, av.VideoStream)
        for number, frame in enumerate(source.decode(stream)):
            if number == frames:
                break
            columns = round(frame.width * ROWS / frame.height / 2) * 2
            scaled = frame.reformat(columns, ROWS, "yuv422p", dst_color_range=1, interpolation="AREA")
            output.width, output.height, output.pix_fmt = columns, ROWS, "yuv422p"
            scaled.pts, scaled.time_base = number, 1 / Fraction(output.codec_context.framerate)
            container.mux(output.encode(scaled))
        container.mux(output.encode(None))


def compare(damaged: Path, clean: Path, restored: Path, settings: Settings) -> Comparison:
    """Restore the damaged tape into ``restored`` and compare both with the clean one, frame by frame."""
    pipeline.restore(damaged, restored, settings)
    errors = [
        torch.cat(
            [mean_square_error(picture[None], truth[None]) for picture, truth in zip(_frames(tape), _frames(clean))]
        )
        for tape in (damaged, restored)
    ]
    return Comparison(before=errors[0], after=errors[1])


def _frames(path: Path) -> Iterator[Tensor]:
    """(3, H, W) Y'CbCr of every frame."""
    tape = probe(path, ProbeSettings(field_order=FieldOrder.PROGRESSIVE))
    with Reader(tape, DecodeSettings()) as reader:
        for frame in reader.survey():
            yield to_ycbcr(frame.planes, tape.layout)
