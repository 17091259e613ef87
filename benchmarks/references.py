"""How good the chosen references are, on simulated tapes of many shots with the truth beside, and what they cost.

    python benchmarks/references.py CLIPS --json docs/references-2026-11.json

CLIPS is a folder of clean clips of one take each, not trained on. Pieces of them are joined to a tape for every preset,
so that scenes come back, and the tape is scored, judged and cut into shots as a restoration does it. Of each preset,
over the windows in which something is damaged:

chosen   references, of as many as were wanted
clean    of the chosen, those of which the simulator changed nothing to be seen in the regions asked for
content  of the chosen, those among the best quarter of all frames of the tape that are truly clean there, by the PSNR
         between the clean clips, on patches of the regions asked for, each aligned
scene    the same among the frames of the same clip alone
away     of the chosen, those from another shot, and of these the same clip

Then the index: a tape of --index-frames frames of made-up scores and signatures, indexed and every damaged window
answered; with a hundredth of it beside, as time per frame and memory are not to grow with the tape.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from detection import CPU, LAYOUT, in_regions
from numpy.typing import NDArray
from tapes import joined, on_tape, video_frames
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from tapemend.allocator import keep_memory
from tapemend.degrade import PRESETS, VISIBLE, Preset
from tapemend.detect import analyse, find_shots, judge, scorer
from tapemend.detect.score import CELL_COLUMNS, CELL_ROWS
from tapemend.frames import Analysis, Frame, FrameState, Shot, damaged_cells
from tapemend.references import ReferenceFinder
from tapemend.restore.windows import windows
from tapemend.settings import DetectSettings, ReferenceSettings, RestoreSettings

PATCH_ROWS, PATCH_COLUMNS, AWAY = 16, 15, 8
"""Of a region at half size, and how far its like is looked for."""
PATCHES = 6
"""Regions compared of each window, evenly over those asked for."""
COMPARED = 48
"""Frames of the tape that the chosen are ranked among, evenly over all that are clean there."""
FRAMES_OF_A_SHOT = 150


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """A tape, and the truth about it."""

    analysis: Analysis
    luma: Tensor
    """(N, 288, 360) of the clean clips."""
    damaged: NDArray[np.bool_]
    """(N, rows, columns)"""
    scenes: NDArray[np.intp]
    """(N,) the clip that each frame is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A chosen reference."""

    clean: bool
    away: bool
    same: bool
    """Whether it is of the same clip."""
    better: float
    """Share of the tape's clean frames that show the content better; NaN where too few are clean to say it of."""
    better_of_scene: float
    """The same among frames of the same clip."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--pieces", type=int, default=24, help="of each tape")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--presets", nargs="*", default=list(PRESETS))
    parser.add_argument("--index-frames", type=int, default=270_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    keep_memory()
    torch.set_grad_enabled(False)
    clips = sorted(path for path in options.clips.iterdir() if path.is_file())
    rows = {}
    everything: list[Choice] = []
    all_wanted = 0
    for number, name in enumerate(options.presets):
        choices, wanted = chosen_on(scored(clips, PRESETS[name], options.seed + number, options.pieces))
        everything, all_wanted = everything + choices, all_wanted + wanted
        rows[name] = told(name, choices, wanted)
    rows["all"] = told("all", everything, all_wanted)
    index = {frames: indexed(frames) for frames in (options.index_frames // 100, options.index_frames)}
    for frames, costs in index.items():
        print(f"{frames:,} frames: " + ", ".join(f"{name} {value:.3g}" for name, value in costs.items()))
    if options.json:
        known = {name: {k: None if v != v else v for k, v in row.items()} for name, row in rows.items()}
        options.json.write_text(json.dumps({"references": known, "index": index}, indent=1))


def told(name: str, choices: list[Choice], wanted: int) -> dict[str, float]:
    """The numbers of a preset, printed."""
    away = [choice for choice in choices if choice.away]
    row = {
        "references": len(choices),
        "chosen": len(choices) / max(1, wanted),
        "clean": share([choice.clean for choice in choices]),
        "content": share([choice.better <= 0.25 for choice in choices if choice.better == choice.better]),
        "scene": share(
            [choice.better_of_scene <= 0.25 for choice in choices if choice.better_of_scene == choice.better_of_scene]
        ),
        "away": len(away),
        "away_same": share([choice.same for choice in away]),
    }
    print(f"{name:30} " + "  ".join(f"{key} {value:.3f}" for key, value in row.items()), flush=True)
    return row


def share(answers: list[bool]) -> float:
    return float(np.mean(answers)) if answers else float("nan")


def scored(clips: list[Path], preset: Preset, seed: int, pieces: int) -> Truth:
    """A tape that is made on the spot, looked through."""
    frames, scenes = joined(clips, seed, pieces)
    luma = [torch.from_numpy(frame.to_ndarray()[0].astype(np.float32)) / 255 for frame in frames]
    damaged: list[Tensor] = []

    def pictures() -> Iterator[Frame]:
        for truth in on_tape(iter(frames), preset, seed):
            damaged.append(in_regions(truth.change) > VISIBLE)
            for picture in video_frames(truth.picture):
                yield Frame(index=0, pts=0, planes=tuple(picture.to_ndarray()), state=FrameState.DECODED)

    with tempfile.TemporaryDirectory() as scratch:
        analysis = analyse(pictures(), LAYOUT, scorer(DetectSettings(), CPU), Path(scratch))
    return Truth(
        analysis=analysis,
        luma=avg_pool2d(torch.stack(luma)[:, None], 2)[:, 0],
        damaged=torch.cat(damaged).numpy(),
        scenes=np.array(scenes),
    )


def chosen_on(truth: Truth) -> tuple[list[Choice], int]:
    """Every reference that a restoration would take, and how many it wanted."""
    verdict, shots = judge(truth.analysis), find_shots(truth.analysis.signature)
    settings = ReferenceSettings()
    finder = ReferenceFinder(truth.analysis, verdict, shots, settings)
    choices, wanted = [], 0
    for shot in shots:
        for window in windows((shot,), RestoreSettings().window):
            frames = np.arange(window.start, window.stop)
            hurt = frames[verdict.damaged[frames]] if verdict.damaged[frames].any() else frames
            cells = damaged_cells(truth.analysis, verdict, hurt)
            if cells.any():
                wanted += settings.references
                found = finder.find(window.start, window.stop).indices
                choices += compared(
                    truth, shot, int(hurt[len(hurt) // 2]), frames, np.asarray(cells.any(axis=0)), found
                )
    return choices, wanted


def compared(
    truth: Truth, shot: Shot, frame: int, window: NDArray[np.intp], asked: NDArray[np.bool_], found: tuple[int, ...]
) -> list[Choice]:
    """The references of one window, that a frame of it stands for, beside the truth."""
    clean = np.asarray(~(truth.damaged & asked).any(axis=(1, 2)))
    others = np.setdiff1d(np.flatnonzero(clean), window)
    some = [others, others[truth.scenes[others] == truth.scenes[frame]]]
    sampled = [pool[np.linspace(0, len(pool) - 1, min(COMPARED, len(pool))).astype(int)] for pool in some]
    looked_at = np.unique(np.concatenate((*sampled, found))).astype(int)
    error = dict(zip(looked_at.tolist(), aligned_error(truth.luma, frame, looked_at, asked), strict=True))
    return [
        Choice(
            clean=bool(clean[index]),
            away=not shot.start <= index < shot.stop,
            same=bool(truth.scenes[index] == truth.scenes[frame]),
            better=better_than(error[index], [error[int(other)] for other in sampled[0]]),
            better_of_scene=better_than(error[index], [error[int(other)] for other in sampled[1]]),
        )
        for index in found
    ]


def better_than(error: float, others: list[float]) -> float:
    return float(np.mean([other < error for other in others])) if len(others) >= 4 else float("nan")


def aligned_error(luma: Tensor, frame: int, others: NDArray[np.intp], asked: NDArray[np.bool_]) -> list[float]:
    """Mean square error of patches of a frame in each of the others, each patch at the place where it fits best."""
    places = np.argwhere(asked)
    places = places[np.linspace(0, len(places) - 1, min(PATCHES, len(places))).astype(int)]
    wide = pad(luma[others][:, None], (AWAY, AWAY, AWAY, AWAY), mode="replicate")[:, 0]
    total = torch.zeros(len(others))
    for row, column in places:
        top, left = int(row) * luma.shape[1] // CELL_ROWS, int(column) * luma.shape[2] // CELL_COLUMNS
        patch = luma[frame, top : top + PATCH_ROWS, left : left + PATCH_COLUMNS]
        area = wide[:, top : top + PATCH_ROWS + 2 * AWAY, left : left + PATCH_COLUMNS + 2 * AWAY]
        shifted = area.unfold(1, PATCH_ROWS, 1).unfold(2, PATCH_COLUMNS, 1)
        total += (shifted - patch).square().mean((3, 4)).flatten(1).amin(1)
    return (total / len(places)).tolist()


def indexed(count: int) -> dict[str, float]:
    """Seconds of processor time and megabytes of memory, besides mapped files, to index a tape and answer all of it."""
    with tempfile.TemporaryDirectory() as scratch:
        analysis, shots = made_up(count, Path(scratch))
        before, begun = anonymous_megabytes(), time.process_time()
        verdict = judge(analysis)
        finder = ReferenceFinder(analysis, verdict, shots, ReferenceSettings())
        ready, most, answered = time.process_time(), anonymous_megabytes(), 0
        for window in windows(shots, RestoreSettings().window):
            if verdict.damaged[window.start : window.stop].any():
                finder.find(window.start, window.stop)
                answered += 1
                most = max(most, anonymous_megabytes()) if answered % 100 == 0 else most
        done = time.process_time()
    return {"index_s": ready - begun, "answers_s": done - ready, "windows": answered, "memory_mb": most - before}


def made_up(count: int, folder: Path) -> tuple[Analysis, tuple[Shot, ...]]:
    """A tape of shots of a few scenes that come back; one window in two has damage, in a band."""
    draw = np.random.default_rng(count)
    scenes = draw.integers(0, 256, (64, 12, 16, 3))
    signature = np.memmap(folder / "signatures.u8", np.uint8, "w+", shape=(count, 12, 16, 3))
    cells = np.memmap(folder / "cells.u8", np.uint8, "w+", shape=(count, CELL_ROWS, CELL_COLUMNS))
    shots = tuple(
        Shot(start=start, stop=min(start + FRAMES_OF_A_SHOT, count)) for start in range(0, count, FRAMES_OF_A_SHOT)
    )
    damaged = draw.random(count) < 0.1
    for shot in shots:
        size = shot.stop - shot.start
        noise = draw.integers(-4, 5, (size, 12, 16, 3))
        signature[shot.start : shot.stop] = np.clip(scenes[draw.integers(len(scenes))] + noise, 0, 255)
        top = int(draw.integers(0, CELL_ROWS - 4))
        cells[shot.start : shot.stop, top : top + 4] = 220 * damaged[shot.start : shot.stop, None, None]
    analysis = Analysis(
        frame_score=np.where(damaged, 0.8, 0.1).astype(np.float32) + draw.uniform(0, 0.1, count).astype(np.float32),
        cell_score=cells,
        torn_score=np.zeros_like(cells),
        kind_score=np.zeros((count, 5), np.uint8),
        signature=signature,
        scorer="made up",
        absolute=True,
    )
    return analysis, shots


def anonymous_megabytes() -> float:
    """Resident memory of this process that no file stands behind (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


if __name__ == "__main__":
    main()
