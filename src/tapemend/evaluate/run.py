"""An evaluation: every clip on every kind of tape through every method, measured, one result after the other."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from tapemend import __version__
from tapemend.degrade import preset
from tapemend.errors import SettingsError
from tapemend.evaluate import ffmpeg
from tapemend.evaluate.baselines import AlignedMedian, Classical, Input, Method, Output, Tapemend
from tapemend.evaluate.compare import Comparison, Measured, compare, mean_of
from tapemend.evaluate.lpips import Lpips, load
from tapemend.evaluate.metrics import PEAK, area_under_curve
from tapemend.evaluate.protocol import CLEAN, PROGRESSIVE, DamagedTape, centre_of, clean_tape, damaged_tape
from tapemend.progress import Progress, Silent
from tapemend.settings import EvaluateSettings, MethodName, MetricName, Settings

TOUCHED_DB = 10 * math.log10(PEAK**2 / 0.5)
"""PSNR of the tape below which a frame counts as damaged: a mean square error of 0.5, more than rounding does."""
PAPER_FRAMES = PAPER_REFERENCES = 5
"""T and D of the paper's protocol."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Score:
    """How a method did on a tape."""

    method: str
    seconds: float
    """Wall time of the method alone."""
    measured: Measured
    scores: NDArray[np.float64] | None
    """(N,) how damaged it took each frame to be, if it says so."""

    def mean(self, metric: MetricName, among: NDArray[np.bool_] | None = None) -> float | None:
        """The mean of the frames, of those ``among`` (N,) if given; None where there is none."""
        values = self.measured.frames.get(metric, ())
        return mean_of([value for number, value in enumerate(values) if among is None or among[number]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TapeResult:
    """What came out for one clip on one kind of tape."""

    clip: str
    preset: str
    seed: int
    damaged: NDArray[np.bool_]
    """(N,) which frames damage changed, recorded otherwise the same."""
    shares: Mapping[str, float]
    """Share of the pixels in each of protocol.AREAS."""
    truth_warping: float | None
    """Warping error of the truth itself."""
    scores: tuple[Score, ...]
    """Of every method, the input first."""

    def gains(self, score: Score) -> NDArray[np.float64]:
        """PSNR that a method gave the damaged frames, dB; empty where there are none."""
        before, after = (
            np.array(each.measured.frames[MetricName.PSNR], np.float64) for each in (self.scores[0], score)
        )
        gained: NDArray[np.float64] = (after - before)[self.damaged]
        return gained

    def auc(self, score: Score) -> float | None:
        """How well the method's own scores tell damaged from clean frames."""
        return None if score.scores is None else area_under_curve(score.scores, self.damaged)


def software() -> dict[str, str]:
    """What computes, and on what: times mean nothing without it."""
    return {
        "tapemend": __version__,
        "torch": torch.__version__,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
    }


def find_clips(folder: Path) -> list[Path]:
    """The files of a folder by name, or the one file; SettingsError where there is none."""
    if folder.is_file():
        return [folder]
    clips = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    if not clips:
        raise SettingsError(f"{folder}: no clips there; name a clean video, or a folder with nothing else in it")
    return clips


def evaluate(
    clips: Sequence[Path],
    settings: EvaluateSettings,
    restoration: Settings,
    progress: Progress | None = None,
) -> Iterator[TapeResult]:
    """Yield the result of every clip on every kind of tape.

    restoration: how tapemend restores; its weights, device and scan are those of ``settings``. What is written lies in
    a temporary folder, and only for one clip at a time. Raises SettingsError for a preset that there is not,
    ModelMissing or WeightsError for what a metric or a method needs, before the first clip is read.
    """
    for name in settings.presets:
        if name != CLEAN:
            preset(name)
    if MetricName.VMAF in settings.metrics:
        ffmpeg.refuse_without({"libvmaf"})
    distance = load(settings.lpips_weights)[1] if settings.lpips_weights else None
    methods = list(_methods(settings, restoration))
    told = progress or Silent()
    told.stage("evaluating", len(clips) * len(settings.presets))
    for number, clip in enumerate(clips):
        with TemporaryDirectory(prefix="tapemend-evaluate-") as scratch:
            clean = Path(scratch) / "tape.mkv"
            clean_tape(clip, clean, settings.frames, settings.rows, settings.blanking)
            for name in settings.presets:
                folder = Path(scratch) / name
                folder.mkdir()
                seed = settings.seed + number
                tape = damaged_tape(clean, folder, name, seed)
                tape = centre_of(tape, folder) if settings.paper else tape
                scores, compared = _compared(tape, methods, folder, settings.measured, distance)
                before = np.array(scores[0].measured.frames[MetricName.PSNR], np.float64)
                yield TapeResult(
                    clip=clip.stem,
                    preset=name,
                    seed=seed,
                    damaged=before < TOUCHED_DB,
                    shares=compared.shares,
                    truth_warping=compared.truth_warping,
                    scores=scores,
                )
                told.advance(1)


def _methods(settings: EvaluateSettings, restoration: Settings) -> Iterator[Method]:
    """What is compared, the input first: the others are held against it."""
    yield Input()
    if MethodName.TAPEMEND in settings.methods:
        for weights in settings.weights:
            restore = replace(restoration.restore, weights=weights, device=settings.device)
            references = restoration.references
            if settings.paper:
                restore = replace(restore, window=PAPER_FRAMES)
                references = replace(references, references=PAPER_REFERENCES)
            yield Tapemend(replace(restoration, probe=PROGRESSIVE, restore=restore, references=references))
    if MethodName.CLASSICAL in settings.methods:
        yield Classical()
    if MethodName.MEDIAN in settings.methods:
        yield AlignedMedian()


def _compared(
    tape: DamagedTape, methods: Sequence[Method], folder: Path, metrics: Sequence[MetricName], distance: Lpips | None
) -> tuple[tuple[Score, ...], Comparison]:
    """Put a tape through all methods, then measure what they left."""
    outputs: list[Output] = []
    seconds: list[float] = []
    for number, method in enumerate(methods):
        own = folder / f"method {number}"
        own.mkdir()
        started = time.monotonic()
        outputs.append(method.restore(tape.path, own))
        seconds.append(time.monotonic() - started)
    compared = compare(tape, [output.path for output in outputs], metrics, distance)
    parts = zip(methods, outputs, seconds, compared.methods, strict=True)
    return tuple(
        Score(method=method.name, seconds=taken, measured=measured, scores=output.scores)
        for method, output, taken, measured in parts
    ), compared
