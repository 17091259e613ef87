"""What the methods left of a tape, beside the truth: every frame of all of them in one pass, memory flat in length."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from tapemend.errors import VerificationFailed
from tapemend.evaluate import ffmpeg
from tapemend.evaluate.lpips import Lpips
from tapemend.evaluate.metrics import IDENTICAL_DB, ms_ssim, psnr, square_error, ssim_map, to_codes
from tapemend.evaluate.protocol import AREAS, DamagedTape, areas, pictures
from tapemend.evaluate.temporal import flicker_map, motion, repeated, warping_map
from tapemend.settings import MetricName


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moment:
    """A frame of the truth and what the metrics need to know of it."""

    truth: Tensor
    """(3, H, W) R'G'B' codes."""
    truth_before: Tensor | None
    """Of the frame before; None for the first."""
    flow: Tensor | None
    """(2, H, W), see ``temporal.motion``; None for the first frame, and where nobody asks for it."""
    seen: Tensor | None
    """(H, W), see ``temporal.repeated``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured of one method on one tape."""

    frames: Mapping[MetricName, tuple[float | None, ...]]
    """Every metric of every frame, whole picture; None where there is none: temporal ones of the first frame."""
    areas: Mapping[str, Mapping[MetricName, float]]
    """The metrics that have a map over the pixels of each of AREAS in all frames together; only areas that occur."""


MapMetric = Callable[[Tensor, Tensor | None, Moment], Tensor | None]


def _square_error(codes: Tensor, before: Tensor | None, moment: Moment) -> Tensor:
    return square_error(codes, moment.truth)


def _ssim(codes: Tensor, before: Tensor | None, moment: Moment) -> Tensor:
    return ssim_map(codes, moment.truth)


def _flicker(codes: Tensor, before: Tensor | None, moment: Moment) -> Tensor | None:
    if before is None or moment.truth_before is None:
        return None
    return flicker_map(codes, before, moment.truth, moment.truth_before)


def _warping(codes: Tensor, before: Tensor | None, moment: Moment) -> Tensor | None:
    if before is None or moment.flow is None or moment.seen is None:
        return None
    return warping_map(codes, before, moment.flow, moment.seen)


MAPPED: Mapping[MetricName, MapMetric] = MappingProxyType(
    {
        MetricName.PSNR: _square_error,
        MetricName.SSIM: _ssim,
        MetricName.FLICKER: _flicker,
        MetricName.WARPING: _warping,
    }
)
"""The metrics that say where; PSNR's map is the square error."""


class Tally:
    """Adds up what is measured of one method, frame by frame."""

    def __init__(self, metrics: Sequence[MetricName], lpips: Lpips | None) -> None:
        self._metrics = metrics
        self._lpips = lpips
        self._before: Tensor | None = None
        self._frames: dict[MetricName, list[float | None]] = {
            metric: [] for metric in metrics if metric is not MetricName.VMAF
        }
        self._sums = {metric: torch.zeros(2, len(AREAS), dtype=torch.float64) for metric in metrics if metric in MAPPED}
        """Sum and number of pixels in each area."""

    def add(self, codes: Tensor, moment: Moment, where: Tensor) -> None:
        """Measure the next frame: (3, H, W) codes; where: (A, H, W) bool of AREAS, or (0, H, W)."""
        for metric in self._frames:
            if metric in MAPPED:
                value = self._mapped(metric, MAPPED[metric](codes, self._before, moment), where)
            elif metric is MetricName.MS_SSIM:
                value = ms_ssim(codes, moment.truth)
            else:
                assert self._lpips is not None
                value = float(self._lpips(codes, moment.truth))
            self._frames[metric].append(value)
        self._before = codes

    def _mapped(self, metric: MetricName, values: Tensor | None, where: Tensor) -> float | None:
        if values is None:
            return None
        known = ~values.isnan()
        if len(where):
            inside = where & known
            self._sums[metric] += torch.stack(
                [torch.stack([values[each].sum(dtype=torch.float64) for each in inside]), inside.sum((1, 2))]
            )
        mean = values[known].mean(dtype=torch.float64)
        return _in_db(mean) if metric is MetricName.PSNR else float(mean) if known.any() else None

    def measured(self, vmaf: Sequence[float] | None) -> Measured:
        """All of it, with the VMAF of every frame where it was asked for."""
        frames = {metric: tuple(values) for metric, values in self._frames.items()}
        if vmaf is not None:
            frames[MetricName.VMAF] = tuple(vmaf)
        there = {area: number for number, area in enumerate(AREAS) if self._sums[MetricName.PSNR][1, number]}
        return Measured(
            frames={metric: frames[metric] for metric in self._metrics},
            areas={
                area: {metric: self._area(metric, number) for metric in self._sums if self._sums[metric][1, number]}
                for area, number in there.items()
            },
        )

    def _area(self, metric: MetricName, number: int) -> float:
        total, count = self._sums[metric][:, number]
        mean = total / count
        return _in_db(mean) if metric is MetricName.PSNR else float(mean)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was measured on one tape."""

    methods: tuple[Measured, ...]
    """In the order of the videos."""
    truth_warping: float | None
    """Warping error of the truth itself, the mean of the frames: what is left even where nothing flickers."""
    shares: Mapping[str, float]
    """Share of the tape's pixels in each of AREAS; empty where nothing is damaged."""


def compare(
    tape: DamagedTape, videos: Sequence[Path], metrics: Sequence[MetricName], lpips: Lpips | None
) -> Comparison:
    """Measure videos of a tape's frames against its truth. VerificationFailed where one has more frames or fewer."""
    tallies = [Tally(metrics, lpips) for _ in videos]
    moments = _moments(tape.clean, MetricName.WARPING in metrics)
    own: list[float | None] = []
    shares = torch.zeros(len(AREAS), dtype=torch.float64)
    count = 0
    for moment, where, *shown in _in_step(tape, moments, areas(tape), *map(pictures, videos)):
        for tally, picture in zip(tallies, shown, strict=True):
            tally.add(to_codes(picture), moment, where)
        own.append(_own_warping(moment))
        shares = shares + (where.double().mean((1, 2)) if len(where) else 0)
        count += 1
    measured_by_program = MetricName.VMAF in metrics
    return Comparison(
        methods=tuple(
            tally.measured(ffmpeg.vmaf(video, tape.clean) if measured_by_program else None)
            for tally, video in zip(tallies, videos, strict=True)
        ),
        truth_warping=mean_of(own),
        shares={area: float(share) / count for area, share in zip(AREAS, shares, strict=True) if share},
    )


def mean_of(values: Sequence[float | None]) -> float | None:
    """The mean of those that are there, None where none is."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def _in_step(tape: DamagedTape, *parts: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    """One of each, frame by frame; VerificationFailed where one of them ends before another."""
    for number, together in enumerate(zip_longest(*parts)):
        if any(part is None for part in together):
            raise VerificationFailed(
                f"{tape.path}: a method left more frames or fewer than the tape has, {number} of it"
            )
        yield together


def _own_warping(moment: Moment) -> float | None:
    """Of the truth itself."""
    values = _warping(moment.truth, moment.truth_before, moment)
    return None if values is None or values.isnan().all() else float(values.nanmean())


def _moments(clean: Path, with_motion: bool) -> Iterator[Moment]:
    before: Tensor | None = None
    for picture in pictures(clean):
        truth = to_codes(picture)
        flow = motion(truth, before) if with_motion and before is not None else None
        seen = repeated(truth, before, flow) if flow is not None and before is not None else None
        yield Moment(truth=truth, truth_before=before, flow=flow, seen=seen)
        before = truth


def _in_db(error: Tensor) -> float:
    return float(psnr(error).clamp(max=IDENTICAL_DB))
