"""What is laid over clean clips, for it is filmed or drawn and no damage: fine texture, graphics, borders.

Clean clips lost much of their texture to their coding, few of them show titles, signs or drawn pictures, and none the
blanking around them. A network that never saw grass, or a level area with hard edges, takes them for damage.
"""

from math import floor

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

Corners = list[tuple[float, float]]
"""Pixels along and down."""
GRAINS = (1, 3, 3, 5, 9)
"""Pixels of a grain of texture, along lines and across them."""
FASTEST = 6.0
"""Pixels a frame, either way, that textures and graphics move."""
SHAPES = 8
"""Of a graphic, at most."""
DRAWN = 0.25
"""Share of graphics between whose shapes nothing is left of what was filmed."""
STILL = 0.7
"""Of what a shape moves by, down and along: share that is none at all."""
SHADED = 0.4
"""Share of shapes that go from one colour to another."""
CORNERS = 5
"""Of a polygon."""
SMALLEST, LARGEST, LEAST_LEGIBLE = 2, 32, 6
"""Pixels of a stripe or chequer; of letters that much more."""
LINES, LETTERS = 3, 20
"""Of a text."""
COLOURLESS, STRENGTHS = torch.tensor([0.0, 0.5, 0.5]), torch.tensor([1.0, 0.6, 0.6])
"""Y'CbCr drawn between 0 and 1 that is black, and the span of each."""
WIDEST, HIGHEST = 16, 6
"""Columns and lines of a border."""
BLACKEST, LIGHTEST = -0.02, 0.06
"""Luma of a border."""
FINE = 2
"""Pixels a side that are drawn for one, for the sake of soft edges."""


def textured(
    picture: Tensor, frames: list[int], cameras: list[tuple[float, float]], adrift: bool, draw: torch.Generator
) -> Tensor:
    """(N, 3, H, W) Y'CbCr with noise of some grain and direction over parts of it: grass, leaves, gravel.

    It goes with what is filmed, or moves on its own. cameras: where they look, rows and columns from the first.
    """
    height, width = picture.shape[-2:]
    down, along = (GRAINS[number] for number in torch.randint(len(GRAINS), (2,), generator=draw).tolist())
    grain = avg_pool2d(torch.randn(1, height + down - 1, width + along - 1, generator=draw), (down, along), stride=1)
    contrast, *speed = torch.rand(3, generator=draw).tolist()
    places = interpolate(torch.randn(1, 1, 4, 5, generator=draw), (height, width), mode="bilinear").mul(4).sigmoid()
    drift = [2 * FASTEST * (each - 0.5) * adrift for each in speed]
    moved = [
        _rolled(grain, [frame * each - place for each, place in zip(drift, camera, strict=True)])
        for frame, camera in zip(frames, cameras, strict=True)
    ]
    change = (0.01 + 0.09 * contrast) * places * torch.stack(moved) / grain.std()
    over: Tensor = picture + change * torch.tensor([1.0, 0.1, 0.1])[:, None, None]
    return over


def with_graphics(picture: Tensor, frames: list[int], draw: torch.Generator) -> Tensor:
    """(N, 3, H, W) Y'CbCr with titles, signs, stripes and the like over it, or of nothing else; some of them move."""
    height, width = picture.shape[-2:]
    alone, number = torch.rand(2, generator=draw).tolist()
    drawn = _shaded(height, width, draw).expand_as(picture) if alone < DRAWN else picture
    for _ in range(1 + int(SHAPES * number)):
        opaque, *moves = torch.rand(5, generator=draw).tolist()
        drift = [2 * FASTEST * (speed - 0.5) * (goes >= STILL) for speed, goes in (moves[:2], moves[2:])]
        shape, colour = _shape(height, width, draw), _shaded(height, width, draw)
        cover = torch.stack([_rolled(shape, [frame * each for each in drift]) for frame in frames])
        drawn = torch.lerp(drawn, colour, cover * min(1.0, 0.5 + opaque))
    return drawn


def with_borders(picture: Tensor, margin: int, draw: torch.Generator) -> Tensor:
    """(N, 3, H, W) Y'CbCr with blanking on some of its sides, the same in all frames, as captures show it.

    margin: columns beyond each side of what is shown. The last of the black lines is fainter, or as long as half a
    line; at the top that is where a field begins (BT.470).
    """
    *_, height, width = picture.shape
    there, size, length, dark = torch.rand(4, 4, generator=draw)
    there = there < 0.5
    cover = torch.zeros(height, width)
    for side, lines in ((2, torch.arange(height)), (3, torch.arange(height).flip(0))):
        whole = int(HIGHEST * size[side])
        if there[side]:
            cover[lines[:whole]] = 1.0
            cover[lines[whole], : int(2 * length[side] * width)] = (2 * dark[side]).clamp(max=1.0)
    left, right = (there[:2] * (margin + 1 + WIDEST * size[:2])).int().tolist()
    cover[:, :left] = cover[:, width - right :] = 1.0
    black = torch.tensor([BLACKEST + (LIGHTEST - BLACKEST) * length[0], 0.0, 0.0])[:, None, None]
    return torch.lerp(picture, black, cover)


def _shape(height: int, width: int, draw: torch.Generator) -> Tensor:
    """(1, H, W) how much of each pixel a shape covers."""
    image = Image.new("L", (FINE * width, FINE * height))
    across, down = (1.4 * torch.rand(2, CORNERS, generator=draw) - 0.2) * FINE * torch.tensor([[width], [height]])
    corners = list(zip(across.tolist(), down.tolist(), strict=True))
    size = FINE * (SMALLEST + (LARGEST - SMALLEST) * torch.rand(1, generator=draw).item() ** 2)
    DRAWINGS[int(torch.randint(len(DRAWINGS), (), generator=draw))](ImageDraw.Draw(image), corners, size, draw)
    return torch.from_numpy(np.array(image.reduce(FINE)))[None] / 255


def _box(corners: Corners) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a box between the first two corners."""
    (left, right), (top, bottom) = (sorted(each) for each in zip(*corners[:2], strict=True))
    return left, top, right, bottom


def _rectangle(pen: ImageDraw.ImageDraw, corners: Corners, size: float, draw: torch.Generator) -> None:
    pen.rectangle(_box(corners), fill=255)


def _ellipse(pen: ImageDraw.ImageDraw, corners: Corners, size: float, draw: torch.Generator) -> None:
    pen.ellipse(_box(corners), fill=255)


def _polygon(pen: ImageDraw.ImageDraw, corners: Corners, size: float, draw: torch.Generator) -> None:
    pen.polygon(corners, fill=255)


def _strokes(pen: ImageDraw.ImageDraw, corners: Corners, size: float, draw: torch.Generator) -> None:
    pen.line(corners, fill=255, width=max(1, int(size / 4)))


def _stripes(pen: ImageDraw.ImageDraw, corners: Corners, size: float, draw: torch.Generator) -> None:
    left, top, right, bottom = _box(corners)
    if torch.rand(1, generator=draw).item() < 0.5:
        for start in np.arange(left, right, 2 * size):
            pen.rectangle((start, top, start + size, bottom), fill=255)
    else:
        for start in np.arange(top, bottom, 2 * size):
            pen.rectangle((left, start, right, start + size), fill=255)


def _chequers(pen: ImageDraw.ImageDraw, corners: Corners, size: float, draw: torch.Generator) -> None:
    left, top, right, bottom = _box(corners)
    for row, above in enumerate(np.arange(top, bottom, size)):
        for start in np.arange(left + row % 2 * size, right, 2 * size):
            pen.rectangle((start, above, start + size, above + size), fill=255)


def _text(pen: ImageDraw.ImageDraw, corners: Corners, size: float, draw: torch.Generator) -> None:
    letters = torch.randint(ord("A"), ord("z"), (LINES, LETTERS), generator=draw).tolist()
    text = "\n".join("".join(map(chr, line)) for line in letters)
    pen.multiline_text(corners[0], text, fill=255, font=ImageFont.load_default(LEAST_LEGIBLE * FINE + size))


DRAWINGS = (_rectangle, _ellipse, _polygon, _strokes, _stripes, _chequers, _text, _text)
"""Text is drawn more often than anything else."""


def _shaded(height: int, width: int, draw: torch.Generator) -> Tensor:
    """(3, H, W) Y'CbCr, one colour or from one to another."""
    first, other = ((torch.rand(2, 3, generator=draw) - COLOURLESS) * STRENGTHS)[..., None, None]
    level, angle = torch.rand(2, generator=draw).tolist()
    down, along = (torch.linspace(0, 1, side) for side in (height, width))
    share = (angle * down[:, None] + (1 - angle) * along) * (level < SHADED)
    shaded: Tensor = first + share * (other - first)
    return shaded


def _rolled(picture: Tensor, by: list[float]) -> Tensor:
    """A picture moved down and right by so many pixels, linearly interpolated; what leaves comes back."""
    for axis, distance in zip((-2, -1), by, strict=True):
        whole = floor(distance)
        picture = torch.lerp(picture.roll(whole, axis), picture.roll(whole + 1, axis), distance - whole)
    return picture
