"""Would a simulated tape stand out among real ones? FFmpeg's signalstats of presets beside those of real captures.

    python benchmarks/tape_statistics.py CLIPS CAPTURES --json tape-statistics.json

CLIPS is a folder of clean clips, which the simulator damages; CAPTURES a folder of real captures. The measures are
those of QCTools: TOUT (samples that stand out from the lines around them, white speckle), VREP (lines that repeat those
above), YDIF (mean change of luma from frame to frame), SATAVG (mean saturation), YAVG, and the PSNR of a frame's upper
against its lower field (a clogged head shows there).
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np
import torch
from tapes import on_tape, raster, video_frames

from tapemend.degrade import PRESETS, Preset
from tapemend.measures import SignalStats

MEASURES = ("TOUT", "VREP", "YDIF", "SATAVG", "YAVG")


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
        tapes = (
            damaged(clip, PRESETS[name], options.seed + number, options.frames) for number, clip in enumerate(clips)
        )
        rows[name] = quartiles(values for tape in tapes for values in measured(tape))
    for capture in captures:
        rows[capture.stem] = quartiles(measured(raster(capture, options.frames)))
    names = (*MEASURES, "fields")
    print(f"{'median (quartiles)':38}" + "".join(f"{name:>24}" for name in names))
    for row, values in rows.items():
        cells = (f"{middle:.3f} ({low:.3f}, {high:.3f})" for low, middle, high in (values[name] for name in names))
        print(f"{row[-37:]:38}" + "".join(f"{cell:>24}" for cell in cells), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2))


def damaged(clip: Path, preset: Preset, seed: int, count: int) -> Iterator[av.VideoFrame]:
    """The first frames of a clip, on tape."""
    for truth in on_tape(raster(clip, count), preset, seed):
        yield from video_frames(truth.picture)


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
