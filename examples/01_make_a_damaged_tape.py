"""Make a tiny clean clip from pictures drawn here, and damage it as tape does: demo/tape.mkv.

python examples/01_make_a_damaged_tape.py [FOLDER]
"""

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tapemend.settings import SimulateSettings
from tapemend.simulate import simulate

WIDTH, HEIGHT, RATE, FRAMES, CUT = 192, 144, 25, 100, 52
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH]
LETTERS = np.kron(np.random.default_rng(7).random((6, 40)) < 0.6, np.ones((9, 3)))


def draw(index: int) -> np.ndarray:
    """(H, W, 3) R'G'B' of a frame: a disc over a sky in the first shot, waves behind a sign in the second."""
    if index < CUT:
        picture = np.stack([60 + 0.6 * COLUMNS, 90 + 0.5 * ROWS, 200 - 0.5 * ROWS], -1)
        disc = np.hypot(ROWS - 60, COLUMNS - 30 - 1.5 * index) < 26
        picture[disc] = (225, 150, 40)
        picture[100:] = picture[100:] * 0.5 + 60 * (((COLUMNS[100:] + index) // 12) % 2)[..., None]
    else:
        wave = np.sin(COLUMNS / 11 + (index - CUT) / 9) * np.cos(ROWS / 17)
        picture = np.stack([120 + 60 * wave, 90 + 30 * wave, 110 - 50 * wave], -1)
        left = 150 - (index - CUT)
        sign = LETTERS[:, : max(0, WIDTH - left)]
        picture[40 : 40 + len(sign), left : left + sign.shape[1]] = 40 + 180 * sign[..., None]
    return picture.clip(16, 235).astype(np.uint8)


def make_clean_clip(path: Path) -> None:
    """Write the pictures and a tone as a lossless Matroska file."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=48000, layout="mono")
        wave = 6000 * np.sin(2 * np.pi * 440 * np.arange(48000 * FRAMES // RATE) / 48000)
        tone = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], format="s16", layout="mono")
        tone.rate, tone.time_base, tone.pts = 48000, Fraction(1, 48000), 0
        for index in range(FRAMES):
            container.mux(video.encode(av.VideoFrame.from_ndarray(draw(index), format="rgb24")))
        container.mux([*video.encode(None), *sound.encode(tone), *sound.encode(None)])


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    folder.mkdir(exist_ok=True)
    make_clean_clip(folder / "clean.mkv")
    done = simulate(folder / "clean.mkv", folder / "tape.mkv", SimulateSettings(seed=34, overwrite=True))
    print(f"{done.written.path}: {done.damaged_frames} of {done.frame_count} frames damaged")
