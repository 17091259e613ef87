"""What is compared: every method takes a tape and leaves a tape of as many frames."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tapemend import pipeline
from tapemend.colour import add_change, to_ycbcr
from tapemend.evaluate import ffmpeg
from tapemend.evaluate.protocol import opened, write_tape
from tapemend.frames import Frame, PixelLayout
from tapemend.lines import move_lines
from tapemend.settings import Settings

CLASSICAL = "bwdif=deint=interlaced,atadenoise,hqdn3d"
"""FFmpeg's chain that gained most on training clips (``benchmarks/classical.py``, ``docs/experiments.md``)."""
NEIGHBOURS = 2
"""Frames before and after a frame that its median is taken over."""
REACH = 16
"""Pixels to each side in which a line looks for its place in a neighbour."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Output:
    """What a method makes of a tape."""

    path: Path
    scores: NDArray[np.float64] | None = None
    """(N,) how damaged it took each frame to be, if it says so."""


class Method(Protocol):
    """A way from a damaged tape to a better one."""

    @property
    def name(self) -> str:
        """What it is called in the results."""
        ...

    def restore(self, tape: Path, folder: Path) -> Output:
        """Restore a progressive tape; what is written lies in ``folder``, which is empty before."""
        ...


class Input:
    """The tape as it is."""

    name = "input"

    def restore(self, tape: Path, folder: Path) -> Output:
        """Nothing is written."""
        return Output(path=tape)


class Tapemend:
    """``tapemend restore`` with these settings."""

    def __init__(self, settings: Settings) -> None:
        self.name = f"tapemend:{Path(settings.restore.weights).name.removesuffix('.safetensors')}"
        self._settings = settings

    def restore(self, tape: Path, folder: Path) -> Output:
        """As a user would."""
        outcome = pipeline.restore(tape, folder / "restored.mkv", self._settings)
        said = json.loads(outcome.report_json.read_text(encoding="utf-8"))
        return Output(path=outcome.written.path, scores=np.array(said["frames"]["score"], np.float64))


class Classical:
    """FFmpeg's filters, by the ffmpeg program: PyAV's build has no hqdn3d. bwdif lets progressive frames pass."""

    name = "classical"

    def __init__(self, chain: str = CLASSICAL) -> None:
        """Raise ModelMissing where the program lacks one of the filters."""
        ffmpeg.refuse_without(ffmpeg.filter_names(chain))
        self._chain = chain

    def restore(self, tape: Path, folder: Path) -> Output:
        """Frame by frame through the chain."""
        target = folder / "filtered.mkv"
        ffmpeg.filtered(tape, target, self._chain)
        return Output(path=target)


class AlignedMedian:
    """The median of five frames whose lines were moved sideways to where they fit best, see ``aligned_median``."""

    name = "median"

    def restore(self, tape: Path, folder: Path) -> Output:
        """Five frames are in memory at a time."""
        probed, frames = opened(tape)
        target = folder / "median.nut"
        write_tape(_medians(frames, probed.layout), probed, target)
        return Output(path=target)


def aligned_median(pictures: Tensor, middle: int) -> Tensor:
    """The frame ``middle`` of (T, 3, H, W) Y'CbCr as its neighbours have it: (3, H, W).

    Each line of each frame is found in the middle one's, up to REACH pixels to either side. The line's true place is
    taken to be the median of the frames' places, so that a line out of place in fewer than half of them is put back and
    one that moves steadily stays; there it gets the median of the lines' samples.
    """
    places = line_places(pictures[:, 0], pictures[middle, 0])
    target = places.median(0).values
    return move_lines(pictures, target - places).median(0).values


def line_places(luma: Tensor, wanted: Tensor) -> Tensor:
    """(T, H, W) and (H, W) luma to (T, H): pixels by which each line lies to the right of the wanted line.

    Least mean absolute difference, to a fraction of a pixel by the parabola through the least and its neighbours; a
    line that fits nowhere better than where it is has 0.
    """
    width = luma.shape[-1]
    reach = min(REACH, width // 4)
    inner = slice(reach, width - reach)
    shifts = range(-reach, reach + 1)
    costs = [
        (luma[..., reach + shift : width - reach + shift] - wanted[:, inner]).abs().mean(-1) + 1e-5 * abs(shift)
        for shift in shifts
    ]
    cost = torch.stack(costs, -1)
    best = cost.argmin(-1).clamp(1, 2 * reach - 1)
    left, centre, right = (cost.gather(-1, (best + step)[..., None])[..., 0] for step in (-1, 0, 1))
    curve = (left - 2 * centre + right).clamp(min=1e-12)
    fraction = ((left - right) / (2 * curve)).clamp(-0.5, 0.5)
    exact = centre <= 2e-5 * reach
    return best - reach + torch.where(exact, 0.0, fraction)


def _medians(frames: Iterator[Frame], layout: PixelLayout) -> Iterator[Frame]:
    """Every frame's median with its neighbours; at the ends of the tape with those that it has, as many in all."""
    window: deque[tuple[Frame, Tensor]] = deque(maxlen=2 * NEIGHBOURS + 1)
    for frame in frames:
        window.append((frame, to_ycbcr(frame.planes, layout)))
        if len(window) == window.maxlen:
            if frame.index == 2 * NEIGHBOURS:
                yield from (_median(window, place, layout) for place in range(NEIGHBOURS))
            yield _median(window, NEIGHBOURS, layout)
    rest = range(NEIGHBOURS + 1, len(window)) if len(window) == window.maxlen else range(len(window))
    yield from (_median(window, place, layout) for place in rest)


def _median(window: deque[tuple[Frame, Tensor]], place: int, layout: PixelLayout) -> Frame:
    frame, picture = window[place]
    stack = torch.stack([other for _, other in window])
    change = aligned_median(stack, place) - picture
    return replace(frame, planes=add_change(frame.planes, change, layout))
