"""What training minimises."""

import torch
from torch import Tensor

TO_RGB = torch.tensor([[1.0, 0.0, 1.402], [1.0, -0.344136, -0.714136], [1.0, 1.772, 0.0]])
"""Y'CbCr to R'G'B' (BT.601)."""


def charbonnier(restored: Tensor, clean: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Mean of sqrt(error^2 + epsilon^2) in R'G'B' (Charbonnier et al., ICIP 1994); (..., 3, H, W) Y'CbCr."""
    error = torch.einsum("rc,...chw->...rhw", TO_RGB.to(restored), restored - clean)
    return (error.square() + epsilon**2).sqrt().mean()
