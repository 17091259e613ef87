"""Frames a second of each stage at 720x576, on damaged frames, in one run.

    python benchmarks/speed.py TAPE --json speed.json

TAPE is any capture; its first frames are scaled to 720x576. Absolute numbers depend on the machine: compare ratios.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor

from tapemend import checkpoint
from tapemend.allocator import keep_memory
from tapemend.detect import scorer
from tapemend.network.saturation import chroma_gain
from tapemend.restore import Restorer
from tapemend.restore.timebase import Anchor, TimeBase
from tapemend.restore.torn import TornLines, find_torn_lines
from tapemend.restore.windows import Window
from tapemend.settings import DetectSettings, RestoreSettings

ROWS, COLUMNS, CELLS = 576, 720, (18, 24)
SEEN = 12
WINDOW = Window(start=2, stop=10, first=0, last=SEEN)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tape", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    keep_memory()
    pictures = read(options.tape, SEEN)
    restorer = Restorer(checkpoint.read("restorer-default", "restorer"), RestoreSettings(device=options.device))
    judge = scorer(DetectSettings(), restorer.device)
    lendable = np.ones((3, *CELLS), dtype=np.bool_)
    keep = list(range(WINDOW.start, WINDOW.stop))
    rates = {
        "score": rate(lambda: judge.score(pictures[:6]), 4, options.repeats),
        "measure lines": rate(lambda: measured(restorer.device, pictures), SEEN - 2, options.repeats),
        "measure lines, held": rate(lambda: measured(restorer.device, pictures, held=True), SEEN - 2, options.repeats),
        "find torn lines": rate(lambda: all_torn(restorer.device, pictures), SEEN, options.repeats),
        "measure colour": rate(
            lambda: [chroma_gain(each, pictures[:3], torch.from_numpy(lendable)) for each in pictures[3:6]],
            3,
            options.repeats,
        ),
        "restore, no references": rate(
            lambda: restorer.change(pictures, keep, pictures[:0], lendable[:0]), len(keep), options.repeats
        ),
        "restore, 3 references": rate(
            lambda: restorer.change(pictures, keep, pictures[:3], lendable), len(keep), options.repeats
        ),
    }
    about = f"{restorer.device}, {str(restorer.precision).removeprefix('torch.')}, {torch.get_num_threads()} threads"
    print(about)
    for name, value in rates.items():
        print(f"{name:24} {value:8.2f} frames a second")
    if options.json:
        options.json.write_text(json.dumps({"about": about, "frames_per_second": rates}, indent=2))


def measured(device: torch.device, pictures: Tensor, *, held: bool = False) -> Tensor:
    """Lines of a window measured against their neighbours, and if wanted between two clean frames too."""
    anchors = [Anchor(index=index, picture=pictures[0], sound=torch.ones(ROWS) > 0) for index in (-1, SEEN) if held]
    return TimeBase(device).displacements(WINDOW, pictures, torch.ones(SEEN), anchors)[0]


def all_torn(device: torch.device, pictures: Tensor) -> TornLines:
    """What is found of a window in which every line may be torn, beside its neighbours and three references."""
    surely, own = torch.full((SEEN, *CELLS), 0.8), [slice(None)] * SEEN
    return find_torn_lines(pictures, pictures[:3], surely, torch.ones(SEEN, ROWS), own, device)


def rate(work: Callable[[], object], frames: int, repeats: int) -> float:
    """Frames a second, the median of some runs after one that is not counted."""
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return frames / float(np.median(seconds[1:]))


def read(tape: Path, count: int) -> Tensor:
    """(count, 3, 576, 720) Y'CbCr of the first frames, the last repeated where the tape is shorter."""
    kept = []
    with av.open(str(tape)) as container:
        for frame in container.decode(video=0):
            kept.append(frame.reformat(COLUMNS, ROWS, "yuv444p", dst_color_range=2).to_ndarray())
            if len(kept) == count:
                break
    codes = torch.from_numpy(np.stack((kept + kept[-1:] * count)[:count])).float() / 255
    return codes - torch.tensor([0.0, 0.5, 0.5])[:, None, None]


if __name__ == "__main__":
    main()
