"""How well the place of colour is measured, and what it is worth to put it back.

    python benchmarks/chroma_delay.py CLIPS --json docs/chroma-delay-2026-11.json

CLIPS is a folder of clean clips. Each is recorded and played in some formats by the simulator, which delays and softens
colour as their decks do, with grain; "none" is the clip as it is. FRAMES frames from all over its first STRETCH, scaled
to 720x576. Says how many clips are told where their colour stands, how far that is from what the decks did, in pixels
along lines and in lines (median, 90th percentile), and the PSNR of colour against that of the clean clip: as played,
put back by what is told (not at all where that is too little to be told to anybody), and by what the decks did.
"""

import argparse
import json
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from tapes import raster
from torch import Tensor

from tapemend.chroma_delay import measured, put_back
from tapemend.colour import from_codes, to_codes
from tapemend.degrade.formats import tape_format
from tapemend.degrade.grid import Grid, Standard
from tapemend.degrade.passes import Moments
from tapemend.degrade.passes.fm import LuminanceNoise
from tapemend.degrade.passes.recording import ColourUnder
from tapemend.pictures import layout_of
from tapemend.report.deviations import worth_putting_back

FORMATS = ("none", "vhs-sp", "vhs-ep", "video8-sp", "u-matic-low")
FRAMES, STRETCH = 12, 120
LAYOUT = layout_of("yuv444p", 1)
GRAIN = 0.012
BORDER = 32
"""Pixels at each side that are not compared."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    clips = sorted(path for path in options.clips.iterdir() if path.is_file())
    rows: dict[str, list[dict[str, float | None]]] = {name: [] for name in FORMATS}
    for number, clip in enumerate(clips):
        frames = islice(raster(clip, STRETCH), 0, None, STRETCH // FRAMES)
        clean = from_codes(torch.from_numpy(np.stack([frame.to_ndarray() for frame in frames])))
        for name in FORMATS:
            rows[name].append({"clip": number, **result(clean, name, options.seed + number)})
    print(f"{'':12} {'told':>7} {'right: off by':>16} {'down: off by':>16} {'played, dB':>11} {'told':>7} {'truth':>7}")
    for name, each in rows.items():
        print(f"{name:12} {summary(each)}")
    if options.json:
        options.json.write_text(json.dumps({"clips": [clip.name for clip in clips], "formats": rows}, indent=1))


def result(clean: Tensor, name: str, seed: int) -> dict[str, float | None]:
    """What is told of a clip (T, 3, H, W) in a format, what the deck did, and the PSNR of colour."""
    played, right, down = recorded(clean, name, seed)
    told = measured(played, LAYOUT)
    return {
        "right": right,
        "down": down,
        "right_told": told.right,
        "down_told": told.down,
        "played_db": psnr(played, clean),
        "told_db": psnr(moved(played, *worth_putting_back(told)), clean),
        "truth_db": psnr(moved(played, right, down), clean),
    }


def recorded(clean: Tensor, name: str, seed: int) -> tuple[Tensor, float, float]:
    """Pictures played in a format, in codes, and by how many pixels and lines their colour is late."""
    if name == "none":
        return clean, 0.0, 0.0
    count, _, height, width = clean.shape
    grid, form = Grid(standard=Standard.PAL, height=height, width=width), tape_format(name, Standard.PAL)
    step = Moments(seed=seed, name="step", indices=tuple(range(count)), intensities=(1.0,) * count)
    played = LuminanceNoise(sigma=GRAIN).apply(ColourUnder(format=name).apply(clean, grid, step), grid, step)
    return from_codes(to_codes(played)), grid.pixels(form.chroma_delay), grid.rows(form.comb_lines) / 2


def moved(pictures: Tensor, right: float, down: float) -> Tensor:
    """Pictures with the colour put back, as the program does it."""
    codes = [put_back(tuple(each), LAYOUT, right, down) for each in to_codes(pictures).numpy()]
    return from_codes(torch.from_numpy(np.stack(codes)))


def psnr(pictures: Tensor, clean: Tensor) -> float:
    """Mean of frames, of both colour differences, of a swing of 1."""
    inner = slice(BORDER, -BORDER)
    errors = (pictures - clean)[:, 1:, inner, inner].square().mean((1, 2, 3))
    return float(-10 * errors.clamp(min=1e-10).log10().mean())


def summary(rows: list[dict[str, float | None]]) -> str:
    """A line of the table."""
    parts = [f"{sum(row['right_told'] is not None for row in rows):3} of {len(rows):2}"]
    for name in ("right", "down"):
        pairs = ((row[f"{name}_told"], row[name]) for row in rows)
        off = [abs(told - done) for told, done in pairs if told is not None and done is not None]
        middle, far = np.quantile(off, (0.5, 0.9))
        parts.append(f"{middle:8.2f} {far:7.2f}")
    return " ".join(parts) + "".join(
        f" {np.mean([db for row in rows if (db := row[f'{name}_db']) is not None]):{width}.2f}"
        for name, width in (("played", 11), ("told", 7), ("truth", 7))
    )


if __name__ == "__main__":
    main()
