"""Tiny tapes for the whole way: dark pictures, in which the brightness scorer takes bright parts for damage."""

from collections.abc import Callable, Collection
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from clips import Clip, Picture, bit_depth, plane_shapes
from networks import write_brightness_scorer, write_restorer, write_scorer

from tapemend.pictures import planes_of, to_planar
from tapemend.settings import DetectSettings, EncodeSettings, Precision, RestoreSettings, Settings


def dark_with_bright(damaged: Collection[int], pixel_format: str = "yuv420p") -> Callable[[int], Picture]:
    """Gives the pictures of a clip of 64 x 48: a dark texture, the upper half white in the damaged frames."""
    depth = bit_depth(pixel_format)

    def picture(index: int) -> Picture:
        generator = np.random.default_rng(index)
        shapes = plane_shapes(pixel_format, 64, 48)
        luma = generator.integers(20, 50, shapes[0])
        if index in damaged:
            luma[: len(luma) // 2] = 230
        planes = [luma, *(generator.integers(110, 140, shape) for shape in shapes[1:])]
        return tuple((plane << depth - 8).astype(np.uint8 if depth == 8 else np.uint16) for plane in planes)

    return picture


def damaged_tape(path: Path, damaged: Collection[int], frame_count: int = 12, **more: object) -> Path:
    return Clip(picture=dark_with_bright(damaged), frame_count=frame_count, **more).write(path)


class Weights:
    """Checkpoints for the whole way, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.restorer = write_restorer(folder / "restorer.safetensors")
        self.other_restorer = write_restorer(folder / "other restorer.safetensors", seed=1)
        self.brightness = write_brightness_scorer(folder / "brightness.safetensors")
        self.clean = write_scorer(folder / "clean.safetensors", 0.0)
        self.damaged = write_scorer(folder / "damaged.safetensors", 1.0)

    def settings(
        self, scorer: Path | None = None, *, strength: float = 1.0, encode: EncodeSettings = EncodeSettings()
    ) -> Settings:
        return Settings(
            detect=DetectSettings(scorer_weights=str(scorer or self.brightness)),
            restore=RestoreSettings(
                weights=str(self.restorer), strength=strength, window=4, device="cpu", precision=Precision.FLOAT32
            ),
            encode=encode,
        )

    def flags(self) -> list[str]:
        """The same settings on the command line."""
        return [
            *("--weights", str(self.restorer), "--scorer-weights", str(self.brightness)),
            *("--window", "4", "--device", "cpu", "--precision", "float32"),
        ]


def pictures_of(path: Path) -> list[tuple[Fraction, bytes]]:
    """Time and samples of every frame, planar."""
    with av.open(str(path)) as container:
        return [
            (frame.pts * frame.time_base, b"".join(plane.tobytes() for plane in planes_of(to_planar(frame))))
            for frame in container.decode(container.streams.video[0])
        ]


def samples_of(path: Path) -> list[bytes]:
    """Samples of every frame, planar."""
    return [samples for _, samples in pictures_of(path)]
