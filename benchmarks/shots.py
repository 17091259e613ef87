"""How well cuts are found on damaged tapes, beside PySceneDetect (pip install scenedetect opencv-python-headless).

    python benchmarks/shots.py CLIPS --json docs/shots-2026-11.json

CLIPS is a folder of clean clips of one take each, not trained on. Pieces of them, each of another clip than the one
before, are joined to a tape by hard cuts, for every preset one, which then damages it; and one stays clean. A cut is
found if it is named within a frame of where it is, once. PySceneDetect's detectors see the same frames at half size, as
by default, and may name shots as short as ours; each is given with its own threshold and with others, the best of which
flatters it.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scenedetect import FrameTimecode
from scenedetect.detector import SceneDetector
from scenedetect.detectors import AdaptiveDetector, ContentDetector, HashDetector, HistogramDetector
from tapes import joined, on_tape
from torch import Tensor

from tapemend.allocator import keep_memory
from tapemend.colour import to_rgb
from tapemend.degrade import PRESETS, Preset
from tapemend.detect import find_shots
from tapemend.detect.score import signature
from tapemend.detect.shots import SHORTEST_SHOT

TOLERANCE = 1
RATE = 25.0
CLEAN = Preset(description="No damage at all", damage=())
DETECTORS: dict[str, tuple[Callable[[float], SceneDetector], tuple[float, ...]]] = {
    "content": (lambda value: ContentDetector(threshold=value, min_scene_len=SHORTEST_SHOT), (27.0, 15.0, 40.0, 60.0)),
    "adaptive": (lambda value: AdaptiveDetector(value, min_scene_len=SHORTEST_SHOT), (3.0, 2.0, 5.0, 8.0)),
    "histogram": (lambda value: HistogramDetector(value, min_scene_len=SHORTEST_SHOT), (0.2, 0.1, 0.3, 0.5)),
    "hash": (lambda value: HashDetector(value, min_scene_len=SHORTEST_SHOT), (0.35, 0.25, 0.45, 0.55)),
}
"""PySceneDetect's, with thresholds, their own first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Cuts."""

    right: int = 0
    named: int = 0
    there: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(right=self.right + other.right, named=self.named + other.named, there=self.there + other.there)

    @property
    def scores(self) -> dict[str, float]:
        """Precision, recall and F1."""
        precision, recall = self.right / max(1, self.named), self.right / max(1, self.there)
        return {"precision": precision, "recall": recall, "f1": 2 * self.right / max(1, self.named + self.there)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--pieces", type=int, default=24, help="of each tape")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    keep_memory()
    torch.set_grad_enabled(False)
    clips = sorted(path for path in options.clips.iterdir() if path.is_file())
    counts: dict[str, dict[str, Count]] = {}
    for number, (name, preset) in enumerate({"none": CLEAN, **PRESETS}.items()):
        counts[name] = on_one_tape(clips, preset, options.seed + number, options.pieces)
        said = "  ".join(f"{who} {count.scores['f1']:.3f}" for who, count in shown(counts[name]))
        print(f"{name:30} {counts[name]['tapemend'].there} cuts, F1: {said}", flush=True)
    whole = {who: sum((each[who] for each in counts.values()), Count()) for who in counts["none"]}
    for who, count in sorted(whole.items(), key=lambda pair: -pair[1].scores["f1"]):
        print(f"all tapes, {who:18} " + "  ".join(f"{name} {value:.3f}" for name, value in count.scores.items()))
    if options.json:
        everything = counts | {"all": whole}
        rows = {name: {who: count.scores for who, count in each.items()} for name, each in everything.items()}
        options.json.write_text(json.dumps(rows, indent=1))


def shown(counts: dict[str, Count]) -> Iterator[tuple[str, Count]]:
    """Ours, and each detector with its own threshold."""
    names = ["tapemend", *(f"{name} {thresholds[0]:g}" for name, (_, thresholds) in DETECTORS.items())]
    return ((name, counts[name]) for name in names)


def on_one_tape(clips: list[Path], preset: Preset, seed: int, pieces: int) -> dict[str, Count]:
    """What everybody finds on a tape that is made on the spot."""
    frames, scenes = joined(clips, seed, pieces)
    cuts = [place for place in range(1, len(scenes)) if scenes[place] != scenes[place - 1]]
    detectors = {f"{name} {value:g}": make(value) for name, (make, values) in DETECTORS.items() for value in values}
    named: dict[str, list[int]] = {name: [] for name in detectors}
    signatures: list[NDArray[np.uint8]] = []
    for truth in on_tape(iter(frames), preset, seed):
        signatures.append((signature(truth.picture) * 255).round().to(torch.uint8).numpy())
        for picture in as_bgr(truth.picture):
            here = FrameTimecode(sum(map(len, signatures)) - len(truth.picture) + picture[0], RATE)
            for name, detector in detectors.items():
                named[name] += [int(cut.frame_num) for cut in detector.process_frame(here, picture[1])]
    ours = [shot.start for shot in find_shots(np.concatenate(signatures))[1:]]
    return {name: matched(found, cuts) for name, found in {"tapemend": ours, **named}.items()}


def as_bgr(pictures: Tensor) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Number and (H/2, W/2, 3) picture of each of (T, 3, H, W) Y'CbCr."""
    for number, picture in enumerate(to_rgb(pictures)):
        codes = (picture.clamp(0, 1) * 255).round().to(torch.uint8).flip(0).permute(1, 2, 0).contiguous().numpy()
        yield number, cv2.resize(codes, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def matched(found: list[int], cuts: list[int]) -> Count:
    """Each cut is found once at most, by the first that is near enough."""
    left = list(cuts)
    for cut in found:
        near = [other for other in left if abs(other - cut) <= TOLERANCE]
        if near:
            left.remove(near[0])
    return Count(right=len(cuts) - len(left), named=len(found), there=len(cuts))


if __name__ == "__main__":
    main()
