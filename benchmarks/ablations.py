"""What each part of what the default network sees is worth: the same damaged frames, restored with a part left out.

    python benchmarks/ablations.py CLIPS --json docs/ablations-2026-11.json

CLIPS is a folder of clean clips that were not trained on. Of each clip nine frames are damaged by each preset, all of
them, so that a stretch is damaged for longer than neighbours reach; their lines are put back, their colour is
strengthened, and the middle one is restored, beside its neighbour on either side. References are recorded, undamaged
frames of the clip from before and after. Weights are the same everywhere: what is left out is not learned around. Gains
over the input in dB, mean over clips: of the whole picture, and of the pixels that damage changed visibly. With --still
each clip is one frame of it, over which a camera wanders slowly: scenes that stand still, as clips of sports hardly do.
"""

import argparse
import copy
import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from tapes import COLUMNS, ROWS, raster
from torch import Tensor

from tapemend import checkpoint
from tapemend.allocator import keep_memory
from tapemend.colour import from_codes
from tapemend.degrade import PRESETS, VISIBLE, degrade
from tapemend.detect import Scorer, scorer
from tapemend.evaluate.metrics import psnr, square_error, to_codes
from tapemend.lines import move_lines
from tapemend.network.blocks import start_at_zero
from tapemend.network.damage import with_ends
from tapemend.network.lending import HEADS
from tapemend.network.restoration import RestorationNetwork
from tapemend.network.saturation import chroma_gain, with_colour
from tapemend.restore import Restorer
from tapemend.restore.timebase import Anchor, TimeBase
from tapemend.restore.torn import find_torn_lines
from tapemend.restore.windows import Window
from tapemend.settings import DetectSettings, Precision, RestoreSettings
from tapemend.train.photographs import filmed

FRAMES = 9
MIDDLE = 4
AWAY = (-6, 10, -12, 16, -18)
"""Frames from the damaged ones to their references."""
USED = 3
"""References where nothing else is said: as many as the program takes."""
FIRST = 18
SEEN_COLUMNS = slice(8, 712)
"""Of the raster's: a multiple of the network's grid."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--presets", nargs="*", default=list(PRESETS))
    parser.add_argument("--weights", default="restorer-default")
    parser.add_argument("--still", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    keep_memory()
    torch.set_grad_enabled(False)
    network = Restorer(
        checkpoint.read(options.weights, "restorer"), RestoreSettings(device="cpu", precision=Precision.FLOAT32)
    ).network
    assert isinstance(network, RestorationNetwork), "the paper's network sees other things"
    clips = [clean_frames(path, options.still) for path in sorted(options.clips.iterdir())]
    judging = scorer(DetectSettings(), torch.device("cpu"))
    gains = {preset: table(network, judging, clips, preset) for preset in options.presets}
    print_all(gains)
    if options.json:
        options.json.write_text(json.dumps(gains, indent=1))


def clean_frames(path: Path, still: bool) -> Tensor:
    """(T, 3, H, W) the clip's first frames, or as many views of the very first one."""
    count = FIRST + FRAMES + max(AWAY) + 1
    frames = [frame.reformat(COLUMNS, ROWS, interpolation="AREA") for frame in raster(path, 1 if still else count)]
    views = filmed(frames[0], path.name, count, (ROWS, COLUMNS)) if still else (frame.to_ndarray() for frame in frames)
    return from_codes(torch.from_numpy(np.stack(list(islice(views, count)))))


def table(
    network: RestorationNetwork, judging: Scorer, clips: list[Tensor], preset: str
) -> dict[str, tuple[float, float]]:
    """Mean gains of each variant over the clips."""
    recorded = [references(clip, preset, number) for number, clip in enumerate(clips)]
    found: dict[str, list[tuple[float, float]]] = {}
    pooled, unmixed = without_weights(network), without_mixing(network)
    for number, clip in enumerate(clips):
        tape = replace(PRESETS[preset], damaged_share=1.0)
        truth = degrade(clip[FIRST : FIRST + FRAMES], range(FIRST, FIRST + FRAMES), tape, seed=2026 + number)
        window, clean, change = (
            part[..., SEEN_COLUMNS] for part in (truth.picture, truth.clean[MIDDLE], truth.change[MIDDLE])
        )
        other = recorded[(number + 1) % len(clips)]
        visible = change.square().sum(0).sqrt() > VISIBLE
        torn = judging.score(with_ends(window[None])[0]).torn
        tried = variants(network, pooled, unmixed, window, torn, recorded[number], other)
        for name, (chosen, frames, known, lent) in tried.items():
            answer = restored(chosen, frames, known, lent, beside=0)[0]
            errors = [square_error(to_codes(picture), to_codes(clean)) for picture in (window[MIDDLE], answer)]
            whole, damaged = (gain(*(error[area].mean() for error in errors)) for area in (..., visible))
            found.setdefault(name, []).append((whole, damaged))
    return {name: tuple(np.nanmean(values, axis=0).round(3).tolist()) for name, values in found.items()}


def references(clip: Tensor, preset: str, number: int) -> Tensor:
    """(D, 3, H, W) frames of the clip as the tape has them where it is good."""
    places = [FIRST + MIDDLE + away for away in AWAY]
    recorded = degrade(clip[places], range(len(places)), replace(PRESETS[preset], damage=()), seed=2026 + number)
    return recorded.picture[..., SEEN_COLUMNS]


def variants(
    network: RestorationNetwork,
    pooled: RestorationNetwork,
    unmixed: RestorationNetwork,
    window: Tensor,
    torn: Tensor,
    lenders: Tensor,
    others: Tensor,
) -> dict[str, tuple[RestorationNetwork, Tensor, Tensor, Tensor]]:
    """Which network sees which frames, the damaged one in their middle, what of them is torn, and which references; by
    name."""
    right, foreign, none = lenders[:USED], others[:USED], lenders[:0]
    unknown = torch.zeros_like(torn)
    seen, left = put_back(window, torn, right)
    again = seen.clone()
    again[MIDDLE - 1 : MIDDLE + 2] = restored(network, seen, left, right)

    def given(frames: Tensor, known: Tensor, lent: Tensor, beside: int = 1) -> tuple[Tensor, Tensor, Tensor]:
        numbers = slice(MIDDLE - beside, MIDDLE + beside + 1)
        return frames[numbers], known[numbers], lent

    return {
        "everything (T = 3, D = 3)": (network, *given(seen, left, right)),
        "and a second look": (network, *given(again, unknown, right)),
        "nothing known to be torn": (network, *given(*put_back(window, unknown, right), right)),
        "colour left as it is": (network, *given(*put_back(window, torn, right, colour=none), right)),
        "lines left where they are": (network, *given(coloured(window, right), torn, right)),
        "torn lines left where they are": (network, *given(coloured(steadied(window, right), right), torn, right)),
        "lines held against neighbours only": (network, *given(*put_back(window, torn, none, colour=right), right)),
        "no references (D = 0)": (network, *given(*put_back(window, torn, none), none)),
        "one reference (D = 1)": (network, *given(*put_back(window, torn, lenders[:1]), lenders[:1])),
        "five references (D = 5)": (network, *given(*put_back(window, torn, lenders), lenders)),
        "references of another scene": (network, *given(*put_back(window, torn, foreign), foreign)),
        "no neighbours (T = 1)": (network, *given(seen, left, right, beside=0)),
        "no neighbours, no references": (network, *given(*put_back(window, torn, none), none, beside=0)),
        "mean pooling": (pooled, *given(seen, left, right)),
        "nothing mixed in": (unmixed, *given(seen, left, right)),
    }


def put_back(window: Tensor, torn: Tensor, references: Tensor, colour: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """(T, 3, H, W) with lines put back and colour strengthened as the program does, by these references or others, and
    what is torn then."""
    aside, told = places(window, references)
    all_lines = [slice(None)] * len(window)
    steady = move_lines(window, -aside)
    found = find_torn_lines(steady, references, torn, torch.ones_like(aside), all_lines, window.device)
    back = found.put_back(window, aside)
    return coloured(back, references if colour is None else colour), found.left(torn, told)


def restored(network: RestorationNetwork, frames: Tensor, torn: Tensor, lent: Tensor, beside: int = 1) -> Tensor:
    """(2 beside + 1, 3, H, W) the frame in the middle of some, and so many beside it, restored."""
    middle = len(frames) // 2
    numbers = range(middle - beside, middle + beside + 1)
    lendable = torch.ones(1, *lent[:, 0].shape, dtype=torch.bool)
    seen = network.see(frames[None], numbers, lent[None], lendable, torn[None])
    return frames[numbers.start : numbers.stop] + network.change(seen)


def steadied(window: Tensor, references: Tensor) -> Tensor:
    """(T, 3, H, W) with the lines put back as the program does, but for those torn each for itself."""
    return move_lines(window, -places(window, references)[0])


def places(window: Tensor, references: Tensor) -> tuple[Tensor, Tensor]:
    """(T, H) pixels by which lines lie aside, as the program finds them, and whether blanking tells."""
    all_seen = Window(start=0, stop=len(window), first=0, last=len(window))
    sound = torch.ones(window.shape[-2]) > 0
    anchors = [
        Anchor(index=MIDDLE + away, picture=picture, sound=sound)
        for away, picture in zip(AWAY, references, strict=False)
    ]
    damaged = torch.ones(len(window))
    return TimeBase(window.device).displacements(all_seen, window, damaged, anchors)


def coloured(window: Tensor, references: Tensor) -> Tensor:
    """(T, 3, H, W) with faded or turned colour as the program restores it, as far as a second look sees."""
    gains, clean = [complex(1)] * len(window), torch.ones(len(references), 1, 1) > 0
    for number in range(MIDDLE - 2, MIDDLE + 3):
        gains[number] = chroma_gain(window[number], references, clean)
    return with_colour(window, torch.tensor(gains))


def without_weights(network: RestorationNetwork) -> RestorationNetwork:
    """The network with every lender weighed alike."""
    pooled = copy.deepcopy(network)
    for parameter in pooled.lending.offer.parameters():
        parameter[:HEADS] = 0
    return pooled


def without_mixing(network: RestorationNetwork) -> RestorationNetwork:
    """The network without what it mixes of other pixels."""
    unmixed = copy.deepcopy(network)
    start_at_zero(unmixed.mixing.weigh)
    return unmixed


def gain(before: Tensor, after: Tensor) -> float:
    """Of mean square errors, in dB; not a number where nothing is to be restored."""
    return float(psnr(after) - psnr(before)) if before > 0 else float("nan")


def print_all(gains: dict[str, dict[str, tuple[float, float]]]) -> None:
    """A row for each variant, a column for each preset and their mean."""
    print(f"{'':40}" + "".join(f"{preset.split('-20')[0][:15]:>17}" for preset in gains) + f"{'mean':>17}")
    for name in next(iter(gains.values())):
        cells = [column[name] for column in gains.values()]
        cells.append((float(np.mean([cell[0] for cell in cells])), float(np.mean([cell[1] for cell in cells]))))
        print(f"{name:40}" + "".join(f"{whole:+8.2f} {damaged:+8.2f}" for whole, damaged in cells))


if __name__ == "__main__":
    main()
