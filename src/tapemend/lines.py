"""What is done to lines wherever they are: moving them, and summing over those that are near each other."""

import math

import torch
from torch import Tensor


def move_lines(picture: Tensor, shift: Tensor) -> Tensor:
    """Every line of (T, C, H, W) moved right by shift (T, H) pixels; linear between pixels, borders replicated."""
    width = picture.shape[-1]
    source = (torch.arange(width, device=picture.device) - shift[..., None]).clamp(0, width - 1)
    left = source.floor().long()
    right = (left + 1).clamp(max=width - 1)
    weight = (source - left)[:, None]
    shape = picture.shape
    return torch.lerp(
        picture.gather(-1, left[:, None].expand(shape)), picture.gather(-1, right[:, None].expand(shape)), weight
    )


def means_of_lines(lines: Tensor, deviation: float) -> Tensor:
    """(N, H) means down the picture, weighed by a Gaussian; beyond the picture nothing counts."""
    return sums_of_lines(lines, deviation) / sums_of_lines(torch.ones_like(lines), deviation)


def sums_of_lines(lines: Tensor, deviation: float) -> Tensor:
    """(N, H) sums down the picture, weighed by a Gaussian of 1 in its middle; beyond the picture is nothing."""
    reach = math.ceil(3 * deviation)
    away = torch.arange(-reach, reach + 1, device=lines.device) / deviation
    kernel = torch.exp(-0.5 * away.square())
    return torch.conv1d(lines[:, None], kernel[None, None], padding=reach)[:, 0]
