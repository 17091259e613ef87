"""How damage of another make is restored: of a simulator that shares nothing with the one that made the training data.

    python benchmarks/plain_damage.py CLIPS --json plain.json

Sixteen kinds of damage as anyone might write them down in an afternoon, in a few lines of numpy each: dropouts, noise
and lines that jitter each for itself (streaks); a mistracked band that wanders, and the change of heads at the bottom
(band); colour late, soft, weak, noisy and gone in places (colour); a way through composite with swaying lines
(composite); the look of a home cassette as video effects have it (cassette); white noise (noise); white tails and
nothing else (comets); in noise: too much colour, colour of another hue, soft luma, luma with too much detail, a picture
seen twice (vivid, turned, worn, peaked, doubled); no colour, in whole frames and halves of them (grey); single frames
of snow (lost); brightness that jumps (flicker); pictures that stand higher or lower (hops). Of each clip's first
frames, three in eight stay as they are, unless all are asked for. Says by how much damaged frames gain, how much the
worst of them does, how an undamaged one fares at least, and the area under ROC of the frames' scores; both are left out
where every frame is damaged.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d, uniform_filter1d

from tapemend.allocator import keep_memory
from tapemend.colour import add_change, to_ycbcr
from tapemend.evaluate.baselines import Input, Tapemend
from tapemend.evaluate.compare import compare
from tapemend.evaluate.metrics import IDENTICAL_DB, area_under_curve
from tapemend.evaluate.protocol import PROGRESSIVE, DamagedTape, clean_tape, opened, write_tape
from tapemend.frames import Frame
from tapemend.settings import MetricName, Settings

Picture = NDArray[np.float64]
"""(3, H, W) Y'CbCr, luma 0 to 1, chroma -0.5 to 0.5."""
ROWS = 480
BAD = (0, 0, 1, 1, 1, 0, 1, 1)
"""Which eighths of a tape are damaged."""


def moved(picture: Picture, right: NDArray[np.float64]) -> Picture:
    """Every line moved right by (H,) pixels; what leaves comes back on the other side."""
    columns = np.arange(picture.shape[-1]) - right[:, None]
    left = np.floor(columns).astype(int)
    share = columns - left
    one, other = (
        np.take_along_axis(picture, np.broadcast_to(place % picture.shape[-1], picture.shape), -1)
        for place in (left, left + 1)
    )
    between: Picture = one * (1 - share) + other * share
    return between


def streaks(picture: Picture, draw: Generator, number: int) -> Picture:
    """White, black and grey dropouts, noise, jitter of a pixel."""
    height, width = picture.shape[1:]
    picture = moved(picture, draw.normal(size=(height,)))
    picture[0] += 0.06 * gaussian_filter1d(draw.normal(size=(height, width)), 1, axis=1)
    for _ in range(draw.integers(5, 25)):
        top, left, length = draw.integers(height), draw.integers(width), draw.integers(20, 300)
        level, rows = draw.choice([0.0, 0.5, 1.0]), draw.integers(1, 3)
        there = slice(left, min(width, left + length))
        lost = np.exp(-np.arange(there.stop - left) / length * draw.uniform(0, 3))
        picture[:, top : top + rows, there] *= 1 - lost
        picture[0, top : top + rows, there] += lost * (level + draw.normal(0, 0.1, len(lost)))
    return picture


def band(picture: Picture, draw: Generator, number: int) -> Picture:
    """A band of torn, noisy, nearly colourless lines that wanders down, and ten torn lines at the bottom."""
    height, width = picture.shape[1:]
    rows = 30 + int(20 * np.sin(0.7 * number))
    top = (17 * number + draw.integers(9)) % (height - 60)
    depth, right = np.zeros(height), np.zeros(height)
    depth[top : top + rows] = np.sin(np.linspace(0, np.pi, rows))
    right[top : top + rows] = gaussian_filter1d(draw.normal(0, 12, rows), 2) + 18
    right *= depth
    right[-10:] += np.linspace(0, 60, 10) + draw.normal(0, 3, 10)
    picture = moved(picture, right)
    depth = depth[:, None]
    snow = depth * np.clip(8 * gaussian_filter1d(1.0 * (draw.random((height, width)) > 0.985), 4, axis=1), 0, 1)
    picture[0] = picture[0] * (1 - snow) + snow * draw.uniform(0.6, 1)
    picture[0] += 0.15 * depth * gaussian_filter1d(draw.normal(size=(height, width)), 1, axis=1)
    picture[1:] *= 1 - 0.8 * depth
    return picture


def colour(picture: Picture, draw: Generator, number: int) -> Picture:
    """Half the colour, five pixels late, soft, in noise, gone from some lines; a little noise in the luma."""
    chroma = 0.5 * np.roll(gaussian_filter(picture[1:], (0, 1.5, 5)), 5, 2)
    chroma += 0.25 * gaussian_filter(draw.normal(size=chroma.shape), (0, 0.8, 8))
    for _ in range(draw.integers(2, 8)):
        top = draw.integers(picture.shape[1])
        chroma[:, top : top + draw.integers(1, 8)] = 0
    luma = picture[:1] + 0.02 * draw.normal(size=picture[:1].shape)
    return np.concatenate([luma, chroma])


def composite(picture: Picture, draw: Generator, number: int) -> Picture:
    """Lines that sway by 1.6 pixels, coded to a subcarrier in noise and decoded at a wrong phase, sharpened."""
    height, width = picture.shape[1:]
    sway = gaussian_filter1d(draw.normal(size=height), 6)
    picture = moved(picture, 1.6 * sway / sway.std())
    phase = np.pi * ((np.arange(height) + number) % 2)[:, None] + np.arange(width) * np.pi / 2
    blue, red = gaussian_filter1d(picture[1:], 3, axis=2)
    signal = picture[0] + blue * np.cos(phase) + red * np.sin(phase)
    signal += 0.05 * gaussian_filter1d(draw.normal(size=signal.shape), 0.7, axis=1)
    phase = phase + 0.5 * gaussian_filter1d(draw.normal(size=height), 1)[:, None]
    chroma = [gaussian_filter1d(2 * signal * carrier, 4, axis=1) for carrier in (np.cos(phase), np.sin(phase))]
    luma = gaussian_filter1d(signal, 1.2, axis=1)
    luma += 0.8 * (luma - gaussian_filter1d(luma, 2, axis=1))
    return np.stack([luma, *chroma])


def cassette(picture: Picture, draw: Generator, number: int) -> Picture:
    """Composite in noise, split by means over a cycle of its subcarrier; luma soft and sharpened, chroma softer, late
    by four pixels, unsteady in phase and gone from a few lines; lines that wave by half a pixel; sparkles; eight lines
    torn at the bottom."""
    height, width = picture.shape[1:]
    cycle = np.arange(width) + 2 * np.arange(height)[:, None] + 2 * (number % 2)
    carriers = np.cos(cycle * np.pi / 2), np.sin(cycle * np.pi / 2)
    chroma = gaussian_filter1d(picture[1:], 4, axis=2)
    signal = picture[0] + chroma[0] * carriers[0] + chroma[1] * carriers[1]
    signal += 0.03 * gaussian_filter1d(draw.normal(size=signal.shape), 0.8, axis=1)
    luma = uniform_filter1d(signal, 4, axis=1)
    phase = 0.15 * gaussian_filter1d(draw.normal(size=height), 2)[:, None]
    colour = uniform_filter1d(2 * (signal - luma) * (carriers[0] + 1j * carriers[1]) * np.exp(1j * phase), 4, axis=1)
    colour = np.roll(gaussian_filter1d(colour, 6, axis=1), 4, 1) + 0.02 * draw.normal(size=(height, 1))
    colour[draw.random(height) < 0.01] = 0
    luma = gaussian_filter1d(luma, 1.1, axis=1)
    luma += 0.6 * (luma - gaussian_filter1d(luma, 2, axis=1))
    luma = np.maximum(luma, gaussian_filter1d(6.0 * (draw.random((height, width)) > 0.9998), 2, axis=1))
    right = 3.0 * gaussian_filter1d(draw.normal(size=height), 10)
    right[-8:] += np.geomspace(60, 5, 8)
    return moved(np.stack([luma, colour.real, colour.imag]), right)


def noisy(picture: Picture, draw: Generator, luma: float, chroma: float) -> Picture:
    """White noise of these standard deviations."""
    white: Picture = draw.normal(size=picture.shape) * np.array([luma, chroma, chroma])[:, None, None]
    return picture + white


def noise(picture: Picture, draw: Generator, number: int) -> Picture:
    """White noise in luma and chroma."""
    return noisy(picture, draw, 0.05, 0.025)


def comets(picture: Picture, draw: Generator, number: int) -> Picture:
    """Sixty white tails of ten to sixty pixels, a line high."""
    height, width = picture.shape[1:]
    for _ in range(60):
        row, left, length = draw.integers(height), draw.integers(width), draw.integers(10, 60)
        tail = picture[0, row, left : left + length]
        np.maximum(tail, np.linspace(1, 0, length)[: len(tail)], out=tail)
    return picture


def vivid(picture: Picture, draw: Generator, number: int) -> Picture:
    """Colour two and a half times as strong, as where a filter lifts the subcarrier; noise."""
    picture[1:] *= 2.5
    return noisy(picture, draw, 0.03, 0.02)


def turned(picture: Picture, draw: Generator, number: int) -> Picture:
    """Hue turned by 25 degrees, as where the burst was misread; noise."""
    other = (picture[1] + 1j * picture[2]) * np.exp(1j * np.radians(25))
    return noisy(np.stack([picture[0], other.real, other.imag]), draw, 0.03, 0.02)


def worn(picture: Picture, draw: Generator, number: int) -> Picture:
    """Luma soft along the lines, as of a head that wears; noise."""
    picture[0] = gaussian_filter1d(picture[0], 2.0, axis=1)
    return noisy(picture, draw, 0.03, 0.02)


def peaked(picture: Picture, draw: Generator, number: int) -> Picture:
    """Detail of luma along the lines twice as strong, as with pre-emphasis that nothing takes back; noise."""
    picture[0] += picture[0] - gaussian_filter1d(picture[0], 5.0, axis=1)
    return noisy(picture, draw, 0.03, 0.02)


def doubled(picture: Picture, draw: Generator, number: int) -> Picture:
    """A fifth of the luma is of the picture fourteen pixels to the left, as of a signal that came twice; noise."""
    picture[0] += 0.2 * (np.roll(picture[0], 14, 1) - picture[0])
    return noisy(picture, draw, 0.03, 0.02)


def grey(picture: Picture, draw: Generator, number: int) -> Picture:
    """Colour gone from the whole picture, or its lower half, but for a little noise."""
    first = picture.shape[1] // 2 * (number // 3 % 2)
    picture[1:, first:] = draw.normal(0, 0.01, picture[1:, first:].shape)
    return picture


def lost(picture: Picture, draw: Generator, number: int) -> Picture:
    """Every fourth picture is snow."""
    if number % 4 == 2:
        picture[0] = 0.5 + 0.3 * gaussian_filter1d(draw.normal(size=picture.shape[1:]), 1, axis=1)
        picture[1:] = 0
    return picture


def flicker(picture: Picture, draw: Generator, number: int) -> Picture:
    """Brighter and darker by a tenth or so, every fifth picture darker by a third."""
    return picture * (0.67 if number % 5 == 2 else draw.normal(1, 0.08))


def hops(picture: Picture, draw: Generator, number: int) -> Picture:
    """Every third picture rolled up or down by a twentieth to a fifth of its height."""
    lines = int(picture.shape[1] * draw.uniform(0.05, 0.2)) * draw.choice([-1, 1])
    return np.roll(picture, lines, 1) if number % 3 == 2 else picture


KINDS: dict[str, Callable[[Picture, Generator, int], Picture]] = {
    "streaks": streaks,
    "band": band,
    "colour": colour,
    "composite": composite,
    "cassette": cassette,
    "noise": noise,
    "comets": comets,
    "vivid": vivid,
    "turned": turned,
    "worn": worn,
    "peaked": peaked,
    "doubled": doubled,
    "grey": grey,
    "lost": lost,
    "flicker": flicker,
    "hops": hops,
}


def is_damaged(number: int, count: int) -> bool:
    """Whether the tape is damaged there."""
    return bool(BAD[number * len(BAD) // count])


def damaged(clean: Path, target: Path, kind: str, count: int, seed: int, everywhere: bool) -> None:
    """Write a clean tape with stretches of damage."""
    tape, frames = opened(clean)
    draw = np.random.default_rng(seed)

    def hurt() -> Iterator[Frame]:
        for frame in frames:
            if not (everywhere or is_damaged(frame.index, count)):
                yield frame
                continue
            picture = to_ycbcr(frame.planes, tape.layout)
            worse = KINDS[kind](picture.double().numpy(), draw, frame.index)
            change = torch.from_numpy(worse).float() - picture
            planes = add_change(frame.planes, change, tape.layout)
            yield Frame(index=frame.index, pts=frame.pts, planes=planes, state=frame.state)

    write_tape(hurt(), tape, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--everywhere", action="store_true", help="damage every frame")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    keep_memory()
    clips = sorted(path for path in options.clips.iterdir() if path.is_file())
    rows = []
    for kind in options.kinds:
        own = []
        for number, clip in enumerate(clips):
            with tempfile.TemporaryDirectory() as scratch:
                own.append(
                    restored(clip, Path(scratch), kind, options.frames, options.seed + number, options.everywhere)
                )
            rows.append({"kind": kind, "clip": clip.stem} | own[-1])
            print(f"{kind:10} {clip.stem:40} {said(own[-1])}", flush=True)
        means = {name: float(np.mean([row[name] for row in own])) for name in own[0]}
        print(f"{kind:10} {'mean':40} {said(means)}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def restored(clip: Path, folder: Path, kind: str, frames: int, seed: int, everywhere: bool) -> dict[str, float]:
    """What a restoration makes of one tape."""
    clean_tape(clip, folder / "clean.mkv", frames, ROWS)
    damaged(folder / "clean.mkv", folder / "tape.nut", kind, frames, seed, everywhere)
    tape = DamagedTape(path=folder / "tape.nut", clean=folder / "clean.mkv", mask=None, truth=None)
    settings = Settings(probe=PROGRESSIVE)
    outputs = [method.restore(tape.path, folder) for method in (Input(), Tapemend(settings))]
    measured = compare(tape, [output.path for output in outputs], [MetricName.PSNR], None).methods
    before, after = (np.array(each.frames[MetricName.PSNR], float) for each in measured)
    hurt = before < IDENTICAL_DB
    scores = outputs[1].scores
    assert scores is not None
    gain = (after - before)[hurt]
    row = {"input": float(before[hurt].mean()), "gain": float(gain.mean()), "worst": float(gain.min())}
    if hurt.all():
        return row
    return row | {"kept": float(after[~hurt].min()), "auc": area_under_curve(scores, hurt) or 0.0}


def said(row: dict[str, float]) -> str:
    words = f"{row['input']:6.2f} dB, gain {row['gain']:+.2f} (worst frame {row['worst']:+.2f})"
    if "kept" in row:
        words += f", undamaged frames at least {row['kept']:.1f} dB, scores {row['auc']:.3f}"
    return words


if __name__ == "__main__":
    main()
