"""Frames a second of the simulator at 720x576, per preset, with the share of each step.

    python benchmarks/simulator.py --json simulator.json

The picture is drawn here. Absolute numbers depend on the machine: compare ratios of one run. Where other work shares
the machine, the processor's time for a frame says more than frames a second.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from tapemend.allocator import keep_memory
from tapemend.degrade import PRESETS, Preset, degrade

ROWS, COLUMNS, BATCH = 576, 720, 8
APART = 90
"""Pictures from batch to batch, so that few of them see much of the tape."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="*", default=list(PRESETS))
    parser.add_argument("--frames", type=int, default=160)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    keep_memory()
    torch.set_grad_enabled(False)
    picture = scene().to(options.device)
    results = {}
    for name in options.presets:
        whole, processor = seconds(picture, PRESETS[name], options.frames)
        shares = step_seconds(picture, PRESETS[name], options.frames)
        total = max(sum(shares.values()), 1e-9)
        rates = {
            "frames_per_second": options.frames / whole,
            "processor_milliseconds": 1000 * processor / options.frames,
            "shares": {step: own / total for step, own in shares.items()},
        }
        results[name] = rates
        print(
            f"{name:28} {rates['frames_per_second']:6.1f} frames a second, {torch.get_num_threads()} threads, "
            f"{rates['processor_milliseconds']:6.1f} ms of processor time a frame"
        )
        for step, share in sorted(rates["shares"].items(), key=lambda item: -item[1]):
            print(f"    {step:28} {share:6.1%}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


def scene() -> Tensor:
    """(8, 3, H, W) of moving waves with fine texture."""
    rows, columns = torch.linspace(0, 1, ROWS)[:, None], torch.linspace(0, 1, COLUMNS)
    time_ = torch.arange(BATCH)[:, None, None] / 8
    luma = 0.5 + 0.3 * torch.sin(20 * rows + 9 * columns + time_) + 0.1 * torch.sin(300 * columns)
    blue, red = (0.2 * torch.sin(turn * columns + 5 * rows + time_) for turn in (4, 7))
    return torch.stack([luma, blue, red], 1)


def seconds(picture: Tensor, preset: Preset, frames: int) -> tuple[float, float]:
    """Passed, and of the processor, for so many frames from all over the tape, after one batch that is not counted."""
    degrade(picture, range(BATCH), preset, 1)
    began, worked = time.perf_counter(), time.process_time()
    for first in range(0, frames // BATCH * APART, APART):
        degrade(picture, range(first, first + BATCH), preset, 1)
    if picture.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - began, time.process_time() - worked


def step_seconds(picture: Tensor, preset: Preset, frames: int) -> dict[str, float]:
    """What each step costs alone, beyond a tape that nothing happens to."""
    bare, _ = seconds(picture, replace(preset, recording=(), damage=()), frames)
    alone = {step.name: replace(preset, recording=(step,), damage=()) for step in preset.recording}
    alone |= {step.name: replace(preset, recording=(), damage=(step,)) for step in preset.damage}
    return {name: max(0.0, seconds(picture, one, frames)[0] - bare) for name, one in alone.items()}


if __name__ == "__main__":
    main()
