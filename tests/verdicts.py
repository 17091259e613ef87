"""What tests say of tapes without looking at them."""

import numpy as np
from numpy.typing import NDArray

from tapemend.frames import Analysis, Verdict


def verdict_on(
    damaged: NDArray[np.bool_], *, threshold: float = 0.5, confidence: float = 1.0, reason: str = "Said so."
) -> Verdict:
    """damaged: (N,) frames; none is lost, has faded, flickers or hops."""
    return Verdict(
        threshold=threshold,
        cell_threshold=128,
        separable=True,
        confidence=confidence,
        reason=reason,
        damaged=damaged,
        lost=np.zeros(len(damaged), np.bool_),
        fading=np.ones(len(damaged), np.float32),
        levels=np.ones((len(damaged), 2), np.float32),
        hops=np.zeros(len(damaged), np.float32),
    )


def unscored(signature: NDArray[np.uint8]) -> Analysis:
    """(N, 12, 16, 3): frames that no scorer takes for damaged."""
    cells = np.zeros((len(signature), 3, 4), np.uint8)
    return Analysis(
        frame_score=np.zeros(len(signature), np.float32),
        cell_score=cells,
        torn_score=cells,
        kind_score=np.zeros((len(signature), 5), np.uint8),
        signature=signature,
        scorer="test 1",
        absolute=True,
    )
