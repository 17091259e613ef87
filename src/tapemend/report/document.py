"""The report for machines: everything of the account in JSON."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tapemend.files import plain
from tapemend.frames import Account, Survey, WindowNote
from tapemend.report.deviations import Deviation
from tapemend.report.summary import KindOfDamage, Summary, window_changes
from tapemend.report.wording import clock, timecode

SCHEMA_VERSION = 1
"""Rises when a key changes its meaning or goes away; new keys may come at any time."""
SCORE_DECIMALS = 4
LONG = frozenset({"damage_by_region", "shots", "windows", "frames", "stored_frames"})
"""Keys whose values are long: their numbers are written without line breaks between them."""


def document(account: Account, summary: Summary, deviations: Iterable[Deviation]) -> dict[str, Any]:
    """Return the whole account in JSON's terms: fractions as "numerator/denominator", frames counted from 0."""
    return {
        "schema_version": SCHEMA_VERSION,
        "not_as_expected": [deviation_entry(account, each) for each in deviations],
        "tape": plain(asdict(account.tape)),
        "source_sha256": account.source_sha256,
        "found": found_entry(account, summary.kinds, summary.where),
        "done": _done(account, summary),
        "written": plain(asdict(account.written)),
        "settings": plain(account.settings),
        "software": plain(account.software),
        "damage_by_region": np.round(summary.where, SCORE_DECIMALS).tolist(),
        "shots": [[shot.start, shot.stop] for shot in account.shots],
        "windows": [_window(*pair) for pair in zip(account.windows, window_changes(account).tolist(), strict=True)],
        "frames": {
            "score": np.round(account.analysis.frame_score.astype(np.float64), SCORE_DECIMALS).tolist(),
            "damaged": runs(account.verdict.damaged),
            "lost": runs(account.verdict.lost),
            "flicker": runs(account.verdict.flickering),
            "hops": runs(account.verdict.hopping),
            "changed": [_share(value) for value in account.changed.tolist()],
            "lines_put_back_pixels": np.round(account.moved.astype(np.float64), 2).tolist(),
            "chroma_gain": np.round(account.chroma_gains.astype(np.float64), 3).tolist(),
            "hue_turned_degrees": np.round(account.hues.astype(np.float64), 1).tolist(),
            "detail_gain": np.round(account.detail_gains.astype(np.float64), 3).tolist(),
            "lines_with_colour_lent": np.round(account.recoloured.astype(np.float64), 3).tolist(),
        },
    }


def to_text(content: dict[str, Any]) -> str:
    """Return JSON that people can read too: what is long stands on few lines, the rest is indented."""
    lines = [f"{json.dumps(key)}: {_long(value) if key in LONG else _short(value)}" for key, value in content.items()]
    return "{\n  " + ",\n  ".join(lines) + "\n}\n"


def runs(marked: NDArray[np.bool_]) -> list[list[int]]:
    """Return where marks (N,) are set, as [start, stop) pairs in order."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], marked.astype(np.int8), [0]))))
    pairs: list[list[int]] = edges.reshape(-1, 2).tolist()
    return pairs


def found_entry(survey: Survey, kinds: Iterable[KindOfDamage], where: NDArray[np.float64]) -> dict[str, Any]:
    """Return how damage was told from none, and which kinds there are where."""
    analysis, verdict = survey.analysis, survey.verdict
    return {
        "scorer": analysis.scorer,
        "absolute": analysis.absolute,
        "threshold": verdict.threshold,
        "cell_threshold": verdict.cell_threshold,
        "separable": verdict.separable,
        "confidence": round(verdict.confidence, SCORE_DECIMALS),
        "reason": verdict.reason,
        "damaged_frames": int(verdict.damaged.sum()),
        "damage_by_kind": {
            kind.name: {"mean": round(kind.mean, SCORE_DECIMALS), "strongest_in_frames": kind.strongest_in}
            for kind in kinds
        },
        "damage_by_region": np.round(where, SCORE_DECIMALS).tolist(),
        "shot_count": len(survey.shots),
        "chroma_delay": {
            "right_pixels": _place(survey.chroma_delay.right),
            "down_lines": _place(survey.chroma_delay.down),
            "frames": survey.chroma_delay.frames,
        },
    }


def _done(account: Account, summary: Summary) -> dict[str, Any]:
    return {
        "frame_count": summary.frame_count,
        "frame_rate": plain(account.frame_rate),
        "duration": clock(summary.duration),
        "damaged_frames_repaired": summary.repaired,
        "other_frames_with_repaired_regions": summary.repaired_in_regions,
        "identical_frames": summary.identical,
        "filled_frames": summary.filled,
        "mean_share_changed": _share(summary.mean_changed),
        "frames_with_lines_put_back": summary.steadied,
        "farthest_line_pixels": round(summary.farthest, 2),
        "frames_with_colour_strengthened": summary.strengthened,
        "strongest_chroma_gain": round(summary.strongest_gain, 3),
        "frames_with_colour_weakened": summary.weakened,
        "weakest_chroma_gain": round(summary.weakest_gain, 3),
        "frames_with_hue_turned": summary.turned,
        "farthest_turn_degrees": round(summary.farthest_turn, 1),
        "frames_with_colour_lent": summary.recoloured,
        "frames_with_luma_evened": summary.evened,
        "weakest_detail_gain": round(summary.weakest_detail_gain, 3),
        "strongest_detail_gain": round(summary.strongest_detail_gain, 3),
        "frames_levelled": summary.levelled,
        "frames_held": summary.held,
        "frames_made_up": summary.made_up,
        "window_count": len(account.windows),
    }


def _window(window: WindowNote, changed: float) -> dict[str, Any]:
    return {
        "start": window.start,
        "stop": window.stop,
        "changed": _share(changed),
        "references": list(window.references.indices),
        "similarity": [round(value, SCORE_DECIMALS) for value in window.references.similarity],
    }


def deviation_entry(survey: Survey, deviation: Deviation) -> dict[str, Any]:
    """Return a deviation with the times of its frames."""
    frames = [{"index": frame, "time": timecode(survey.index, frame)} for frame in deviation.frames]
    return {"what": deviation.what, "frames": frames}


def _share(value: float) -> float:
    """Return a share to four digits that count, so that a single changed sample is never rounded to none."""
    return float(f"{value:.4g}")


def _place(told: float | None) -> float | None:
    """Return where something stands to two decimals, if that can be told."""
    return None if told is None else round(told, 2)


def _short(value: object) -> str:
    return json.dumps(value, indent=2).replace("\n", "\n  ")


def _long(value: object) -> str:
    """Return a list of objects or an object of lists, one entry to a line."""
    if isinstance(value, dict):
        lines = [f"{json.dumps(key)}: {json.dumps(item, separators=(',', ':'))}" for key, item in value.items()]
        return "{\n    " + ",\n    ".join(lines) + "\n  }"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n    " + ",\n    ".join(json.dumps(item, separators=(",", ":")) for item in value) + "\n  ]"
    return json.dumps(value, separators=(",", ":"))
