"""Which of FFmpeg's classical chains gains most, for the baseline of `tapemend evaluate`; to be run on training clips.

    python benchmarks/classical.py CLIPS --every 6

Every so manieth clip of the folder, on every kind of tape; mean PSNR over the input on the damaged frames, dB.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from tapemend.allocator import keep_memory
from tapemend.degrade import PRESETS
from tapemend.evaluate.baselines import Classical
from tapemend.evaluate.metrics import mean_square_error, psnr
from tapemend.evaluate.protocol import clean_tape, damaged_tape, pictures
from tapemend.evaluate.run import find_clips

CHAINS = (
    "bwdif=deint=interlaced,hqdn3d=2",
    "bwdif=deint=interlaced,hqdn3d=4",
    "bwdif=deint=interlaced,hqdn3d=8",
    "bwdif=deint=interlaced,nlmeans=s=2",
    "bwdif=deint=interlaced,nlmeans=s=4",
    "bwdif=deint=interlaced,atadenoise",
    "bwdif=deint=interlaced,atadenoise=0a=0.06:1a=0.06:2a=0.06:0b=0.12:1b=0.12:2b=0.12",
    "bwdif=deint=interlaced,atadenoise,hqdn3d=2",
    "bwdif=deint=interlaced,atadenoise,hqdn3d",
    "bwdif=deint=interlaced,atadenoise,deflicker=size=5",
    "bwdif=deint=interlaced,removegrain=m0=1:m1=1:m2=1",
)
TOUCHED = 0.5
"""Mean square error from which a frame counts as damaged."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--every", type=int, default=6)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--rows", type=int, default=576)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    keep_memory()
    torch.set_grad_enabled(False)
    gains: dict[str, list[float]] = {chain: [] for chain in CHAINS}
    for number, clip in enumerate(find_clips(options.clips)[:: options.every]):
        for preset in PRESETS:
            with TemporaryDirectory() as folder:
                for chain, gain in on_one_tape(clip, Path(folder), preset, options.seed + number, options):
                    gains[chain].append(gain)
    for chain, values in sorted(gains.items(), key=lambda pair: -np.mean(pair[1])):
        print(f"{np.mean(values):7.2f} dB  {chain}")


def on_one_tape(
    clip: Path, folder: Path, preset: str, seed: int, options: argparse.Namespace
) -> list[tuple[str, float]]:
    """What each chain gains there; nothing where no frame is damaged."""
    clean_tape(clip, folder / "clean.mkv", options.frames, options.rows)
    tape = damaged_tape(folder / "clean.mkv", folder, preset, seed)
    truth, before = stacked(tape.clean), stacked(tape.path)
    error = mean_square_error(before, truth)
    damaged = error > TOUCHED
    if not damaged.any():
        return []
    gains = []
    for chain in CHAINS:
        after = mean_square_error(stacked(Classical(chain).restore(tape.path, folder).path), truth)
        gains.append((chain, float((psnr(after) - psnr(error))[damaged].mean())))
    return gains


def stacked(path: Path) -> torch.Tensor:
    return torch.stack(list(pictures(path)))


if __name__ == "__main__":
    main()
