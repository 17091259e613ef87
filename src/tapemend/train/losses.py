"""What training minimises."""

import torch
from torch import Tensor

from tapemend.colour import YCBCR_TO_RGB


def charbonnier(restored: Tensor, clean: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Mean of sqrt(error^2 + epsilon^2) in R'G'B' (Charbonnier et al., ICIP 1994); (..., 3, H, W) Y'CbCr."""
    return (_error(restored, clean).square() + epsilon**2).sqrt().mean()


def log_error(restored: Tensor, clean: Tensor, epsilon: float = 1e-5) -> Tensor:
    """Mean over pictures of ln(mean square error + epsilon) in R'G'B': a decibel counts the same in every frame.

    The loss of NAFNet (Chen et al., ECCV 2022), with an epsilon at 50 dB, below which nothing is seen any more.
    """
    return (_error(restored, clean).square().mean((-3, -2, -1)) + epsilon).log().mean()


def _error(restored: Tensor, clean: Tensor) -> Tensor:
    return torch.einsum("rc,...chw->...rhw", YCBCR_TO_RGB.to(restored), restored - clean)
