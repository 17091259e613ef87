"""The picture of the gallery, drawn here: sky, skin, text, stripes, saturated and dark parts, and a ball that flies."""

import math
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from tapemend import colour
from tapemend.colour import RGB_TO_YCBCR

HEIGHT, WIDTH = 288, 480
"""A PAL field, its lines as they are."""
FINER = 3
"""Drawn so many times larger and reduced, for smooth edges."""


def scene(count: int) -> Tensor:
    """(T, 3, H, W) Y'CbCr of the scene's first pictures."""
    pictures = np.stack([np.asarray(_drawn(index)) for index in range(count)])
    rgb = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    return torch.einsum("cr,trhw->tchw", RGB_TO_YCBCR, 0.05 + 0.87 * rgb)


def to_rgb(picture: Tensor) -> np.ndarray:
    """(3, H, W) Y'CbCr to (H, W, 3) uint8."""
    rgb = colour.to_rgb(picture).permute(1, 2, 0)
    return (rgb * 255).round().to(torch.uint8).numpy()


@lru_cache(maxsize=64)
def _drawn(index: int) -> Image.Image:
    height, width = HEIGHT * FINER, WIDTH * FINER
    image = Image.fromarray(_sky(height, width))
    draw = ImageDraw.Draw(image)

    def place(x: float, y: float) -> tuple[float, float]:
        return x * width, y * height

    def ellipse(x: float, y: float, across: float, down: float, colour: tuple[int, int, int]) -> None:
        draw.ellipse([*place(x - across, y - down), *place(x + across, y + down)], fill=colour)

    ellipse(0.82, 0.16, 0.05, 0.083, (255, 240, 190))
    hills = [place(step / 60, 0.58 - 0.05 * math.sin(step / 6) - 0.03 * math.sin(step / 2.3)) for step in range(61)]
    draw.polygon([*hills, place(1, 1), place(0, 1)], fill=(52, 96, 48))
    draw.polygon([place(0, 0.86), place(1, 0.78), place(1, 1), place(0, 1)], fill=(70, 66, 62))
    draw.rectangle([*place(0.08, 0.42), *place(0.3, 0.8)], fill=(214, 204, 186))
    for stripe in range(22):
        draw.rectangle([*place(0.085 + stripe * 0.0097, 0.47), *place(0.09 + stripe * 0.0097, 0.6)], fill=(60, 60, 70))
    draw.polygon([place(0.06, 0.43), place(0.19, 0.27), place(0.32, 0.43)], fill=(176, 40, 32))
    draw.rectangle([*place(0.13, 0.64), *place(0.18, 0.8)], fill=(20, 18, 24))
    draw.rectangle([*place(0.36, 0.7), *place(0.52, 0.82)], fill=(24, 60, 200))
    ellipse(0.395, 0.83, 0.02, 0.035, (12, 12, 12))
    ellipse(0.485, 0.83, 0.02, 0.035, (12, 12, 12))
    draw.rectangle([*place(0.61, 0.66), *place(0.85, 1.0)], fill=(196, 28, 60))
    ellipse(0.73, 0.5, 0.075, 0.17, (58, 36, 22))
    ellipse(0.73, 0.52, 0.06, 0.14, (226, 176, 148))
    for eye in (0.705, 0.755):
        ellipse(eye, 0.49, 0.011, 0.013, (250, 250, 250))
        ellipse(eye, 0.49, 0.005, 0.009, (30, 50, 70))
    draw.arc([*place(0.7, 0.52), *place(0.76, 0.61)], 20, 160, fill=(150, 40, 50), width=2 * FINER)
    ellipse(0.06 + 0.022 * index, 0.2 + 0.0006 * (index - 9) ** 2, 0.022, 0.037, (250, 250, 250))
    caption = ImageFont.load_default(size=15 * FINER)
    draw.text(place(0.05, 0.885), "MARIA & TOM  14-06-1991", font=caption, fill=(245, 245, 245))
    return image.resize((WIDTH, HEIGHT), Image.Resampling.BOX)


def _sky(height: int, width: int) -> np.ndarray:
    """(H, W, 3) uint8: blue above, pale at the horizon, with clouds."""
    rows, columns = np.mgrid[0:height, 0:width] / height
    clouds = 0.5 + 0.5 * np.sin(5 * columns + 2 * np.sin(7 * rows)) * np.sin(9 * rows + np.sin(4 * columns))
    pale = np.clip(rows / 0.6, 0, 1)[..., None]
    sky = (1 - pale) * np.array([70, 120, 205]) + pale * np.array([190, 210, 235])
    return np.clip(sky + 30 * clouds[..., None] ** 3, 0, 255).astype(np.uint8)
