"""How much a restoration gives back: clips are damaged by the simulator, restored, and compared with what they were.

    python benchmarks/quality.py CLIPS --json quality.json

CLIPS is a folder of clean clips that were not trained on. Prints a table; --json keeps every number.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tapemend.allocator import keep_memory
from tapemend.evaluate.metrics import psnr
from tapemend.evaluate.protocol import Trial, clean_tape, restore_clean, restore_damaged
from tapemend.settings import DetectSettings, ReferenceSettings, RestoreSettings, Settings, SimulateSettings

TOUCHED = 0.5
"""Mean square error (0 to 255 scale) from which a frame counts as damaged: above what rounding alone does."""


def main() -> None:
    options = arguments()
    keep_memory()
    settings = Settings(
        detect=DetectSettings(scorer_weights=options.scorer_weights),
        restore=RestoreSettings(weights=options.weights),
        references=ReferenceSettings(references=options.references),
    )
    rows = []
    print(f"{'clip':36} {'before':>7} {'after':>7} {'gain':>6} {'worst':>6} {'AUC':>6} {'clean':>7}  dB")
    for number, clip in enumerate(sorted(path for path in options.clips.iterdir() if path.is_file())):
        row = measure(clip, options, options.seed + number, settings)
        rows.append(row)
        print(
            f"{clip.stem[-36:]:36} {row['before_db']:7.2f} {row['after_db']:7.2f} {row['gain_db']:6.2f} "
            f"{row['worst_frame_gain_db']:6.2f} {row['auc']:6.3f} {row['clean_db']:7.2f}",
            flush=True,
        )
    mean = {name: float(np.mean([row[name] for row in rows])) for name in ("before_db", "after_db", "gain_db")}
    print(f"{'mean':36} {mean['before_db']:7.2f} {mean['after_db']:7.2f} {mean['gain_db']:6.2f}")
    if options.json:
        options.json.write_text(json.dumps({"about": about(), "mean": mean, "clips": rows}, indent=2))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--preset", default="first-2026-11")
    parser.add_argument("--seed", type=int, default=2026, help="of the first clip's damage; one more for each next")
    parser.add_argument("--weights", default="restorer-default")
    parser.add_argument("--scorer-weights", default="scorer-default")
    parser.add_argument("--references", type=int, default=3)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def measure(clip: Path, options: argparse.Namespace, seed: int, settings: Settings) -> dict[str, float | str | int]:
    """One clip: damaged and restored, and clean and put through."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        clean = folder / "clean.mkv"
        clean_tape(clip, clean, options.frames)
        started = time.monotonic()
        trial = restore_damaged(clean, folder, SimulateSettings(preset=options.preset, seed=seed), settings)
        seconds = time.monotonic() - started
        untouched = restore_clean(clean, folder, settings)
        damaged = trial.before > TOUCHED
        gains = psnr(trial.after[damaged]) - psnr(trial.before[damaged])
        return {
            "clip": clip.stem,
            "seed": seed,
            "frames": len(trial.before),
            "damaged_frames": int(damaged.sum()),
            "before_db": mean_db(trial.before[damaged]),
            "after_db": mean_db(trial.after[damaged]),
            "gain_db": float(gains.mean()),
            "worst_frame_gain_db": float(gains.min()),
            "clean_frames_of_the_damaged_tape_db": mean_db(trial.after[~damaged]),
            "auc": area_under_curve(trial),
            "clean_db": mean_db(untouched.after),
            "seconds": round(seconds, 1),
        }


def mean_db(error: Tensor) -> float:
    """Mean of the frames' PSNR; identical frames count as 100 dB, none at all gives not-a-number."""
    return float(psnr(error).clamp(max=100).mean())


def area_under_curve(trial: Trial) -> float:
    """How well the scores tell damaged from clean frames: the area under the ROC curve; 1 where all are of one kind."""
    scores = np.array(json.loads(trial.report.read_text())["frames"]["score"])
    damaged = (trial.before > TOUCHED).numpy()
    if damaged.all() or not damaged.any():
        return 1.0
    pairs = scores[damaged][:, None] - scores[~damaged][None]
    return float((pairs > 0).mean() + 0.5 * (pairs == 0).mean())


def about() -> dict[str, str]:
    """The command, the machine and the commit."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "command": " ".join(["python", *sys.argv]),
        "machine": f"{platform.processor() or platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
        "threads": str(torch.get_num_threads()),
        "torch": torch.__version__,
        "commit": commit.stdout.strip(),
    }


if __name__ == "__main__":
    main()
