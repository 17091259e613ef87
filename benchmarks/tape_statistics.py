"""Would a simulated tape stand out among real ones? FFmpeg's signalstats of presets beside those of real captures.

    python benchmarks/tape_statistics.py CLIPS CAPTURES --json tape-statistics.json

CLIPS is a folder of clean clips, which the simulator damages as fields, as a tape has them: PIECE frames each, from
places all over the tape. For each preset there are two rows: the tape, and what its best stretches show (recorded).
CAPTURES is a folder of real captures. The measures are those of QCTools: TOUT (samples that stand out from the lines
around them, white speckle), VREP (lines that repeat those above), YDIF (mean change of luma from frame to frame),
SATAVG (mean saturation), YAVG, and the PSNR of a frame's upper against its lower field (a clogged head shows there).
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import av
import numpy as np
import torch
from tapes import raster, video_frames
from torch import Tensor

from tapemend.colour import from_codes
from tapemend.degrade import PRESETS, Damaged, Preset, degrade
from tapemend.measures import SignalStats

MEASURES = ("TOUT", "VREP", "YDIF", "SATAVG", "YAVG")
PIECE = 8
"""Frames of a clip that follow each other; its first is not measured, as it would be compared with another place's."""
APART = 500
"""Fields of the tape between the pieces: damage there has nothing to do with damage here."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("captures", type=Path)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--presets", nargs="*", default=list(PRESETS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    clips, captures = (
        sorted(path for path in folder.iterdir() if path.is_file()) for folder in (options.clips, options.captures)
    )
    rows: dict[str, dict[str, list[float]]] = {}
    rows["clean clips"] = quartiles(values for clip in clips for values in measured(raster(clip, options.frames)))
    for name in options.presets:
        tape, recorded = on_tapes(clips, PRESETS[name], options.seed, options.frames)
        rows |= {name: quartiles(tape), f"{name}, recorded": quartiles(recorded)}
    for capture in captures:
        rows[capture.stem] = quartiles(measured(raster(capture, options.frames)))
    names = (*MEASURES, "fields")
    print(f"{'median (quartiles)':38}" + "".join(f"{name:>24}" for name in names))
    for row, values in rows.items():
        cells = (f"{middle:.3f} ({low:.3f}, {high:.3f})" for low, middle, high in (values[name] for name in names))
        print(f"{row[-37:]:38}" + "".join(f"{cell:>24}" for cell in cells), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2))


def on_tapes(
    clips: Iterable[Path], preset: Preset, seed: int, count: int
) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """The measures of each frame of the tape, and of the same frames undamaged."""
    tape: list[dict[str, float]] = []
    recorded: list[dict[str, float]] = []
    for number, clip in enumerate(clips):
        frames = list(raster(clip, count))
        for place in range(len(frames) // PIECE):
            truth = damaged(frames[PIECE * place : PIECE * (place + 1)], preset, seed + number, place * APART)
            tape += measured(video_frames(frames_of(truth.picture)))[1:]
            recorded += measured(video_frames(frames_of(truth.clean)))[1:]
    return tape, recorded


def damaged(frames: Sequence[av.VideoFrame], preset: Preset, seed: int, first: int) -> Damaged:
    """Frames on the tape from its field ``first`` on, as fields."""
    picture = torch.stack([from_codes(torch.from_numpy(frame.to_ndarray())) for frame in frames])
    fields = torch.stack([picture[..., 0::2, :], picture[..., 1::2, :]], 1).flatten(0, 1)
    return degrade(fields, range(first, first + len(fields)), preset, seed)


def frames_of(fields: Tensor) -> Tensor:
    """(2T, 3, H, W) to (T, 3, 2H, W)."""
    count, planes, height, width = fields.shape
    pairs = fields.view(count // 2, 2, planes, height, width)
    return pairs.permute(0, 2, 3, 1, 4).reshape(count // 2, planes, 2 * height, width)


def measured(frames: Iterator[av.VideoFrame]) -> list[dict[str, float]]:
    """The measures of each frame."""
    stats, fields = SignalStats(), []
    for frame in frames:
        stats.push(frame)
        fields.append(field_psnr(frame))
    values = stats.values()
    return [
        {name: float(values[name][number]) for name in MEASURES} | {"fields": between}
        for number, between in enumerate(fields)
    ]


def field_psnr(frame: av.VideoFrame) -> float:
    """dB between the luma of the upper and the lower field."""
    luma = frame.to_ndarray()[0].astype(np.float32)
    error = np.square(luma[0::2] - luma[1::2]).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-3)))


def quartiles(values: Iterable[dict[str, float]]) -> dict[str, list[float]]:
    """Lower quartile, median and upper quartile of each measure."""
    rows = list(values)
    return {name: np.quantile([row[name] for row in rows], (0.25, 0.5, 0.75)).tolist() for name in rows[0]}


if __name__ == "__main__":
    main()
