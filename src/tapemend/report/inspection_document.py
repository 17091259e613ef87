"""What an inspection has to say in JSON: a line for a thousand tapes, and everything for one."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tapemend.files import plain
from tapemend.frames import Inspection
from tapemend.report.deviations import deviations_found
from tapemend.report.document import SCHEMA_VERSION, SCORE_DECIMALS, deviation_entry, found_entry, runs
from tapemend.report.summary import KINDS, damage_found, duration
from tapemend.report.wording import clock, timecode

QUANTILES = {"lowest": 0.0, "p5": 0.05, "median": 0.5, "p95": 0.95, "highest": 1.0}
MEASURE_DECIMALS = 4


def inspection_line(inspection: Inspection) -> dict[str, Any]:
    """Return an inspection in JSON's terms, without what is said of every single frame."""
    kinds, where = damage_found(inspection)
    damaged, total = int(inspection.verdict.damaged.sum()), len(inspection.index)
    return {
        "schema_version": SCHEMA_VERSION,
        "path": plain(inspection.tape.path),
        "source_sha256": inspection.source_sha256,
        "duration": clock(duration(inspection)),
        "frame_count": total,
        "frame_rate": plain(inspection.frame_rate),
        "damaged_frames": damaged,
        "damaged_share": round(damaged / total, SCORE_DECIMALS),
        "helped_frames": inspection.helped,
        "found": found_entry(inspection, kinds, where),
        "worst_moments": [_moment(inspection, moment.index) for moment in inspection.moments],
        "measures": {name: _spread(values) for name, values in inspection.measures.items()},
        "not_as_expected": [deviation_entry(inspection, each) for each in deviations_found(inspection)],
        "software": plain(inspection.software),
    }


def inspection_document(inspection: Inspection) -> dict[str, Any]:
    """Return all of an inspection in JSON's terms."""
    kinds = inspection.analysis.kind_score.astype(np.float64) / 255
    frames = {
        "score": np.round(inspection.analysis.frame_score.astype(np.float64), SCORE_DECIMALS).tolist(),
        "damaged": runs(inspection.verdict.damaged),
        **{f"kind_{name}": np.round(kinds[:, place], 3).tolist() for place, name in enumerate(KINDS)},
    }
    measures = {
        name: np.round(values.astype(np.float64), MEASURE_DECIMALS).tolist()
        for name, values in inspection.measures.items()
    }
    return inspection_line(inspection) | {
        "tape": plain(asdict(inspection.tape)),
        "settings": plain(inspection.settings),
        "shots": [[shot.start, shot.stop] for shot in inspection.shots],
        "frames": frames,
        "stored_frames": measures,
    }


def _moment(inspection: Inspection, frame: int) -> dict[str, Any]:
    kinds = inspection.analysis.kind_score[frame] / 255
    return {
        "index": frame,
        "time": timecode(inspection.index, frame),
        "score": round(float(inspection.analysis.frame_score[frame]), SCORE_DECIMALS),
        "kinds": {name: round(float(kinds[place]), 3) for place, name in enumerate(KINDS)},
    }


def _spread(values: NDArray[np.float32]) -> dict[str, float]:
    """Mean and quantiles of a measure (N,)."""
    numbers = values.astype(np.float64)
    spread = dict(zip(QUANTILES, np.quantile(numbers, tuple(QUANTILES.values())).tolist(), strict=True))
    return {name: round(value, MEASURE_DECIMALS) for name, value in {"mean": float(numbers.mean()), **spread}.items()}
