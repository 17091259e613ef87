"""What training minimises."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from tapemend.colour import YCBCR_TO_RGB
from tapemend.network.damage import DamageNetwork, with_ends


def charbonnier(restored: Tensor, clean: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Mean of sqrt(error^2 + epsilon^2) in R'G'B' (Charbonnier et al., ICIP 1994); (..., 3, H, W) Y'CbCr."""
    return (_error(restored, clean).square() + epsilon**2).sqrt().mean()


def log_error(restored: Tensor, clean: Tensor, epsilon: float = 1e-5) -> Tensor:
    """Mean over pictures of ln(mean square error + epsilon) in R'G'B': a decibel counts the same in every frame.

    The loss of NAFNet (Chen et al., ECCV 2022), with an epsilon at 50 dB, below which nothing is seen any more.
    """
    return (_error(restored, clean).square().mean((-3, -2, -1)) + epsilon).log().mean()


def flicker(restored: Tensor, clean: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Charbonnier mean of how the error in R'G'B' changes from frame to frame; (B, T, 3, H, W) Y'CbCr, T at least 2."""
    error = _error(restored, clean)
    return ((error[:, 1:] - error[:, :-1]).square() + epsilon**2).sqrt().mean()


def feature_distance(network: DamageNetwork, restored: Tensor, clean: Tensor) -> Tensor:
    """Mean square distance of the scorer's features, each of unit length, as LPIPS has it (Zhang et al., CVPR 2018).

    The scorer is the backbone that is always at hand; it tells textures and lines, and what damage does to them.
    (B, T, 3, H, W) Y'CbCr, H a multiple of 8 and W of 16.
    """
    ours, theirs = (network.features(with_ends(pictures)) for pictures in (restored, clean))
    distances = [
        (normalize(one) - normalize(other)).square().sum(1).mean() for one, other in zip(ours, theirs, strict=True)
    ]
    return torch.stack(distances).mean()


def _error(restored: Tensor, clean: Tensor) -> Tensor:
    return torch.einsum("rc,...chw->...rhw", YCBCR_TO_RGB.to(restored), restored - clean)
