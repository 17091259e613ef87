"""Stage 3: which frames and regions are damaged, and where shots begin."""

from collections.abc import Sequence

import torch

from tapemend import checkpoint
from tapemend.detect.clip import ClipScorer
from tapemend.detect.damage import DamageScorer
from tapemend.detect.faded import with_faded
from tapemend.detect.flicker import with_flicker
from tapemend.detect.hops import with_hops
from tapemend.detect.lost import with_lost
from tapemend.detect.otsu import judge
from tapemend.detect.score import ANALYSIS_FILES, Scorer, analyse, load
from tapemend.detect.shots import find_shots
from tapemend.frames import Analysis, Shot, Verdict
from tapemend.settings import DetectSettings, ScorerName

__all__ = ["ANALYSIS_FILES", "Scorer", "analyse", "find_shots", "judge", "judge_in_shots", "load", "scorer"]


def scorer(settings: DetectSettings, device: torch.device) -> Scorer:
    """The scorer that the settings name, ready on the device. Raises ModelMissing, WeightsError."""
    if settings.scorer is ScorerName.CLIP:
        return ClipScorer(settings.clip_model, device, settings.clip_prompts)
    return DamageScorer(checkpoint.read(settings.scorer_weights, "scorer"), device)


def judge_in_shots(analysis: Analysis, shots: Sequence[Shot]) -> Verdict:
    """The verdict by scores, and by what frames are beside others of their shot."""
    verdict = judge(analysis)
    for beside in (with_flicker, with_faded, with_hops, with_lost):
        verdict = beside(verdict, analysis, shots)
    return verdict
