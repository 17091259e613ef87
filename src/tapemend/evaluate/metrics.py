"""Measures of a picture against the true one, in R'G'B' rounded to 8 bits, 0 to 255.

The measures that know where in the picture they are bad give a map (H, W), not-a-number where they say nothing.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.metrics import structural_similarity
from torch import Tensor
from torch.nn.functional import pad

from tapemend.colour import to_rgb
from tapemend.errors import ModelMissing, SettingsError

PEAK = 255.0
IDENTICAL_DB = 100.0
"""PSNR that identical pictures count as where a mean is taken."""
TAPS, SIGMA = 11, 1.5
"""Window of SSIM: Gaussian (Wang et al., "Image quality assessment: from error visibility to structural similarity",
IEEE Transactions on Image Processing 13, 2004)."""
LEAST_SIDE = (TAPS - 1) * 16 + 1
"""Rows and columns that MS-SSIM needs: more than a window less one at the coarsest of its five scales."""


def to_codes(picture: Tensor) -> Tensor:
    """(..., 3, H, W) Y'CbCr to R'G'B' of 8 bits, whole numbers 0 to 255, float32."""
    return (to_rgb(picture) * PEAK).round()


def mean_square_error(picture: Tensor, truth: Tensor) -> Tensor:
    """(T, 3, H, W) pairs of Y'CbCr to (T,) mean square errors of their codes."""
    return (to_codes(picture) - to_codes(truth)).square().mean((1, 2, 3))


def square_error(codes: Tensor, truth: Tensor) -> Tensor:
    """(3, H, W) pairs of codes to (H, W): mean over the three colours."""
    return (codes - truth).square().mean(0)


def psnr(error: Tensor) -> Tensor:
    """Mean square errors on the 0 to 255 scale to dB; infinite where there is none."""
    return 10 * torch.log10(PEAK**2 / error)


def ssim_map(codes: Tensor, truth: Tensor) -> Tensor:
    """(3, H, W) pairs of codes to SSIM (H, W), the mean of the colours; nothing where the window leaves the picture.

    SettingsError where the picture is smaller than the window.
    """
    _refuse_smaller(codes, TAPS, "SSIM")
    similarity = structural_similarity(  # type: ignore[no-untyped-call]
        codes.numpy(),
        truth.numpy(),
        data_range=PEAK,
        channel_axis=0,
        gaussian_weights=True,
        sigma=SIGMA,
        use_sample_covariance=False,
        full=True,
    )[1]
    edge = TAPS // 2
    inner = torch.from_numpy(similarity).float().mean(0)[edge:-edge, edge:-edge]
    return pad(inner, (edge,) * 4, value=torch.nan)


def ms_ssim(codes: Tensor, truth: Tensor) -> float:
    """MS-SSIM of (3, H, W) pairs of codes, the mean of the colours; structure that is inverted counts as none.

    Wang, Simoncelli, Bovik, "Multiscale structural similarity for image quality assessment", Asilomar Conference on
    Signals, Systems and Computers, 2003. SettingsError where the picture has fewer than LEAST_SIDE rows or columns,
    ModelMissing where pytorch-msssim is not installed.
    """
    _refuse_smaller(codes, LEAST_SIDE, "MS-SSIM")
    try:
        from pytorch_msssim import ms_ssim as measure
    except ImportError as error:
        raise ModelMissing(
            "MS-SSIM needs pytorch-msssim: pip install 'tapemend[evaluate]', or leave it out of --metrics"
        ) from error
    return float(measure(codes[None], truth[None], data_range=PEAK))


def area_under_curve(scores: NDArray[np.floating], damaged: NDArray[np.bool_]) -> float | None:
    """How well scores (N,) tell damaged from clean frames: area under the ROC curve; None where all are of one kind."""
    if damaged.all() or not damaged.any():
        return None
    pairs = scores[damaged][:, None] - scores[~damaged][None]
    return float((pairs > 0).mean() + 0.5 * (pairs == 0).mean())


def _refuse_smaller(codes: Tensor, least: int, metric: str) -> None:
    rows, columns = codes.shape[-2:]
    if min(rows, columns) < least:
        raise SettingsError(
            f"a picture of {columns} x {rows} pixels is too small for {metric}, which needs {least} x {least}; "
            "scale clips to more --rows, or leave it out of --metrics"
        )
