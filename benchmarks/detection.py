"""How well damage is found: simulated tapes, scored and judged as a restoration does it, beside the simulator's truth.

    python benchmarks/detection.py CLIPS --json docs/detection-2026-11.json

CLIPS is a folder of clean clips that were not trained on; each is damaged by every preset. Beside the embedded scorer:
CLIP with the paper's prompts, where its weights are at hand (--clip-model), and plain measures of FFmpeg's signalstats
under the same Otsu. Of each preset, all tapes together:

frames   area under the ROC curve of the frame scores
visible  the same without the damaged frames in which no region is visibly changed
alone    the first of each tape by itself, mean over tapes: a restoration judges a tape by its own scores
found    of the damaged frames, those judged damaged
false    of the clean frames, those judged damaged
regions  average precision of the region scores (18 x 24 regions a frame), for all kinds of damage but wrong levels
"""

import argparse
import json
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tape_statistics import measured
from tapes import on_tape, raster, video_frames
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from tapemend.allocator import keep_memory
from tapemend.degrade import PRESETS, VISIBLE, Preset
from tapemend.detect import Scorer, analyse, judge_in_shots, scorer
from tapemend.detect.damage import LOCAL_KINDS
from tapemend.detect.score import CELL_COLUMNS, CELL_ROWS
from tapemend.errors import ModelMissing
from tapemend.evaluate.metrics import area_under_curve, mean_square_error
from tapemend.frames import Analysis, Frame, FrameState, Shot
from tapemend.pictures import layout_of
from tapemend.settings import DetectSettings, ScorerName

TOUCHED = 0.5
"""Mean square error (0 to 255 scale) from which a frame counts as damaged: above what rounding alone does."""
SIGNALSTATS = ("TOUT", "VREP", "YDIF")
COLUMNS = {
    "frames": "auc",
    "visible": "auc_visible",
    "alone": "auc_alone",
    "found": "found",
    "false": "false",
    "regions": "average_precision",
}
"""What is printed, and what it is in the JSON."""
LAYOUT = layout_of("yuv444p", 1)
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """What a scorer says of a tape, beside the truth."""

    score: NDArray[np.float32]
    """(N,)"""
    judged: NDArray[np.bool_]
    """(N,) judged damaged."""
    cells: NDArray[np.uint8]
    """(N, rows, columns) region scores."""
    damaged: NDArray[np.bool_]
    """(N,) the truth."""
    damaged_cells: NDArray[np.bool_]
    """(N, rows, columns) the truth."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--seed", type=int, default=2026, help="of the first clip's damage; one more for each next")
    parser.add_argument("--presets", nargs="*", default=list(PRESETS))
    parser.add_argument("--scorer-weights", default="scorer-default")
    parser.add_argument("--clip-model", default=DetectSettings().clip_model)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    keep_memory()
    torch.set_grad_enabled(False)
    clips = sorted(path for path in options.clips.iterdir() if path.is_file())
    scorers = ready(options.scorer_weights, options.clip_model)
    print(f"{'preset':30} {'scorer':10} {'damaged':>12} " + " ".join(f"{name:>8}" for name in COLUMNS))
    rows = []
    for preset in options.presets:
        tapes: dict[str, list[Found]] = {}
        for number, clip in enumerate(clips):
            for name, found in compared(clip, PRESETS[preset], options.seed + number, options.frames, scorers):
                tapes.setdefault(name, []).append(found)
        for name, founds in tapes.items():
            row = summary(founds)
            rows.append({"preset": preset, "scorer": name} | row)
            damaged = f"{row['damaged']} of {row['frames']}"
            print(
                f"{preset:30} {name:10} {damaged:>12} " + " ".join(f"{row[key]:8.3f}" for key in COLUMNS.values()),
                flush=True,
            )
    if options.json:
        known = [{key: None if value != value else value for key, value in row.items()} for row in rows]
        options.json.write_text(json.dumps(known, indent=1))


def ready(weights: str, clip_model: str) -> dict[str, Scorer]:
    """The scorers there are, by name."""
    scorers = {"embedded": scorer(DetectSettings(scorer_weights=weights), CPU)}
    try:
        scorers["CLIP"] = scorer(DetectSettings(scorer=ScorerName.CLIP, clip_model=clip_model), CPU)
    except ModelMissing as error:
        print(f"without CLIP: {error}")
    return scorers


def compared(
    clip: Path, preset: Preset, seed: int, count: int, scorers: dict[str, Scorer]
) -> Iterator[tuple[str, Found]]:
    """What each scorer, and each measure of signalstats, finds on a tape."""
    pictures, damaged, cells = [], [], []
    for truth in on_tape(raster(clip, count), preset, seed):
        pictures += list(video_frames(truth.picture))
        damaged.append(mean_square_error(truth.picture, truth.clean) > TOUCHED)
        cells.append(in_regions(truth.change) > VISIBLE)
    truths = {"damaged": torch.cat(damaged).numpy(), "damaged_cells": torch.cat(cells).numpy()}
    frames = [
        Frame(index=number, pts=number, planes=tuple(picture.to_ndarray()), state=FrameState.DECODED)
        for number, picture in enumerate(pictures)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        for name, judging in scorers.items():
            analysis = analyse(frames, LAYOUT, judging, Path(scratch) / name)
            yield name, found_by(analysis, truths)
    measures = measured(iter(pictures))
    nowhere = np.zeros_like(analysis.cell_score)
    for name in SIGNALSTATS:
        score = np.array([measure[name] for measure in measures], np.float32)
        yield name, found_by(replace(analysis, frame_score=score, cell_score=nowhere, absolute=False), truths)


def in_regions(change: Tensor) -> Tensor:
    """(T, K, H, W) changes to (T, rows, columns): root of the mean square in each region, over the local kinds."""
    return adaptive_avg_pool2d(change[:, :LOCAL_KINDS].square().sum(1), (CELL_ROWS, CELL_COLUMNS)).sqrt()


def found_by(analysis: Analysis, truths: dict[str, NDArray[np.bool_]]) -> Found:
    verdict = judge_in_shots(analysis, (Shot(start=0, stop=len(analysis)),))
    return Found(score=analysis.frame_score, judged=verdict.damaged, cells=np.array(analysis.cell_score), **truths)


def summary(tapes: list[Found]) -> dict[str, float | int]:
    """The numbers of a preset, NaN where there is no frame to say it of."""
    score, judged, damaged = (
        np.concatenate([getattr(tape, name) for tape in tapes]) for name in ("score", "judged", "damaged")
    )
    alone = [found for tape in tapes if (found := area_under_curve(tape.score, tape.damaged)) is not None]
    visible = np.concatenate([~tape.damaged | tape.damaged_cells.any((1, 2)) for tape in tapes])
    cells = np.concatenate([tape.cells.ravel() for tape in tapes])
    truth = np.concatenate([tape.damaged_cells.ravel() for tape in tapes])
    return {
        "frames": len(score),
        "damaged": int(damaged.sum()),
        "auc": area(score, damaged),
        "auc_visible": area(score[visible], damaged[visible]),
        "auc_alone": float(np.mean(alone)) if alone else math.nan,
        "found": share(judged[damaged]),
        "false": share(judged[~damaged]),
        "regions_damaged": float(truth.mean()),
        "average_precision": average_precision(cells, truth),
    }


def area(score: NDArray[np.float32], damaged: NDArray[np.bool_]) -> float:
    """Under the ROC curve; NaN where one of both kinds is missing."""
    found = area_under_curve(score, damaged)
    return math.nan if found is None else found


def share(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else math.nan


def average_precision(score: NDArray[np.uint8], truth: NDArray[np.bool_]) -> float:
    """Mean over the true regions of the precision at their score; of equal scores together."""
    true = np.bincount(score[truth], minlength=256)[::-1]
    taken = np.bincount(score, minlength=256)[::-1].cumsum()
    return float((true * true.cumsum() / np.maximum(taken, 1)).sum() / max(1, true.sum()))


if __name__ == "__main__":
    main()
