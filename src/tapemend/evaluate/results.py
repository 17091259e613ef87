"""What an evaluation comes to: numbers for JSON, and a table."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tapemend.evaluate.compare import mean_of
from tapemend.evaluate.run import Score, TapeResult
from tapemend.settings import MetricName

DECIMALS = 4
HEADINGS = {
    MetricName.PSNR: "PSNR",
    MetricName.SSIM: "SSIM",
    MetricName.MS_SSIM: "MS-SSIM",
    MetricName.FLICKER: "flicker",
    MetricName.WARPING: "warping",
    MetricName.VMAF: "VMAF",
    MetricName.LPIPS: "LPIPS",
}


def entry(result: TapeResult, score: Score) -> dict[str, Any]:
    """One method on one tape, JSON-ready. Means are over the frames that damage changed, on a clean tape over all."""
    among = result.damaged if result.damaged.any() else None
    gains = result.gains(score)
    auc = result.auc(score)
    return {
        "clip": result.clip,
        "preset": result.preset,
        "seed": result.seed,
        "method": score.method,
        "frames": len(result.damaged),
        "damaged_frames": int(result.damaged.sum()),
        "seconds": round(score.seconds, 2),
        "gain_db": _rounded(float(gains.mean())) if len(gains) else None,
        "worst_frame_gain_db": _rounded(float(gains.min())) if len(gains) else None,
        "auc": auc and _rounded(auc),
        "whole_picture": {metric: _rounded(score.mean(metric, among)) for metric in score.measured.frames},
        "undamaged_frames": {metric: _rounded(score.mean(metric, ~result.damaged)) for metric in score.measured.frames},
        "areas": {
            area: {metric: _rounded(value) for metric, value in values.items()}
            for area, values in score.measured.areas.items()
        },
        "area_shares": {area: _rounded(share) for area, share in result.shares.items()},
        "truth_warping": _rounded(result.truth_warping),
    }


def summary(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The mean over clips for each preset and method, in the order they came."""
    pairs = dict.fromkeys((each["preset"], each["method"]) for each in entries)
    return [
        _mean_entry(preset, method, [each for each in entries if (each["preset"], each["method"]) == (preset, method)])
        for preset, method in pairs
    ]


def table(means: Iterable[dict[str, Any]]) -> str:
    """The summary in columns, for a terminal."""
    rows = list(means)
    metrics = list(rows[0]["whole_picture"]) if rows else []
    heading = f"{'tape':28} {'method':30} {'gain':>7} {'worst':>7} {'area':>7}"
    lines = [heading + "".join(f" {HEADINGS[metric]:>8}" for metric in metrics)]
    for row in rows:
        shown = (row["gain_db"], row["worst_frame_gain_db"], row["area_gain_db"])
        numbers = "".join(f" {_text(value, 2):>7}" for value in shown)
        means_of = "".join(f" {_text(row['whole_picture'][metric], 3):>8}" for metric in metrics)
        lines.append(f"{row['preset']:28} {row['method'][-30:]:30}{numbers}{means_of}")
    return "\n".join(lines)


def with_area_gains(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to each method what it gained over the input in the damaged area alone, dB."""
    before = {
        (each["clip"], each["preset"]): each["areas"].get("damaged", {}).get(MetricName.PSNR)
        for each in entries
        if each["method"] == "input"
    }
    for each in entries:
        after = each["areas"].get("damaged", {}).get(MetricName.PSNR)
        start = before[each["clip"], each["preset"]]
        each["area_gain_db"] = None if after is None or start is None else _rounded(after - start)
    return entries


def _mean_entry(preset: str, method: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    metrics = entries[0]["whole_picture"]
    worst = [each["worst_frame_gain_db"] for each in entries if each["worst_frame_gain_db"] is not None]
    return {
        "preset": preset,
        "method": method,
        "clips": len(entries),
        "gain_db": _rounded(mean_of([each["gain_db"] for each in entries])),
        "worst_frame_gain_db": min(worst, default=None),
        "area_gain_db": _rounded(mean_of([each["area_gain_db"] for each in entries])),
        "auc": _rounded(mean_of([each["auc"] for each in entries])),
        "seconds_per_frame": _rounded(float(np.mean([each["seconds"] / each["frames"] for each in entries]))),
        "whole_picture": {
            metric: _rounded(mean_of([each["whole_picture"][metric] for each in entries])) for metric in metrics
        },
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, DECIMALS)


def _text(value: float | None, decimals: int) -> str:
    return "" if value is None else f"{value:.{decimals}f}"
