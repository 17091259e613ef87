"""Measures of a picture against the true one."""

import torch
from torch import Tensor

from tapemend.colour import to_rgb


def mean_square_error(picture: Tensor, truth: Tensor) -> Tensor:
    """(T, 3, H, W) Y'CbCr pairs to (T,): over R'G'B' rounded to 8 bits, 0 to 255 squared (the paper's protocol)."""
    codes, true_codes = ((to_rgb(side) * 255).round() for side in (picture, truth))
    return (codes - true_codes).square().mean((1, 2, 3))


def psnr(error: Tensor) -> Tensor:
    """Mean square errors on the 0 to 255 scale to dB; infinite where there is none."""
    return 10 * torch.log10(255**2 / error)
