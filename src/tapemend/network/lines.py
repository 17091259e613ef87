"""How far each line of a frame is out of place, from where its neighbours in time show the same content.

Damage moves whole lines sideways; what the camera saw moves smoothly down the picture. So of the motion against another
frame, the median along each line, less a straight line down the picture, is how far lines lie apart in the two. A small
network weighs what several frames say, line by line, and how sure it is.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, leaky_relu, pad

HEIGHTS = (9, 5, 3, 1)
"""Lines that are moved together, step after step."""
FURTHEST = 40.0
"""Pixels; what is said to be further is taken for this far."""
OUTLIER = 0.03
"""Difference that counts half of what it would by its square."""
DAMPING = 2e-3
"""Sum of squared gradients along a line below which it says nothing."""
SAID = 4
"""What is said of each line by each other frame: how far apart, texture, spread of the motion, what is left over."""
USUAL = torch.tensor([4.0, 3.0, 4.0, 0.05])
"""Usual sizes of these, by which they are divided."""
GROUPS = 4
"""Of channels, each with its own weights of the other frames."""


def unmoved(pictures: Tensor, shift: Tensor) -> Tensor:
    """(N, C, H, W) with every line moved left by shift (N, H) pixels: cubic (Catmull-Rom), borders replicated."""
    width = pictures.shape[-1]
    source = torch.arange(width, device=pictures.device) + shift[..., None]
    whole = source.floor()
    part = (source - whole)[:, None]
    taps = [
        pictures.gather(-1, (whole.long() + tap).clamp(0, width - 1)[:, None].expand(pictures.shape))
        for tap in (-1, 0, 1, 2)
    ]
    square, cube = part * part, part * part * part
    weights = (2 * square - part - cube, 2 - 5 * square + 3 * cube, part + 4 * square - 3 * cube, cube - square)
    moved: Tensor = sum(weight * tap for weight, tap in zip(weights, taps, strict=True)) / 2  # type: ignore[assignment]
    return moved


def apart(frames: Tensor, near: Tensor, vectors: Tensor) -> Tensor:
    """What each other frame says of each line.

    frames: (N, 3, H, W) Y'CbCr; near: (N, L, 3, H, W) others, brought to the frames' place along the motion found,
    vectors (N, L, 2, h, w). Returns (N, L, 4, H): see SAID.
    """
    shape, height = near.shape[:2], frames.shape[-2]
    own = frames[:, 0].repeat_interleave(shape[1], 0)
    other = near.flatten(0, 1)[:, 0]
    along = vectors[:, :, 0].flatten(0, 1)
    middle = along.median(-1).values
    spread = (along - middle[..., None]).abs().median(-1).values
    step, fetched, texture = torch.zeros_like(own[..., 0]), other, torch.zeros_like(own[..., 0])
    for lines in HEIGHTS:
        further, texture = _step(own, fetched, lines)
        step = step + further.clamp(-1.5, 1.5)
        fetched = unmoved(other[:, None], step)[:, 0]
    left = (fetched - own).abs().mean(-1)
    level = _straightened(_lines(middle, height) + step, texture)
    said = [level.clamp(-FURTHEST, FURTHEST), texture.clamp(min=1e-4).log(), _lines(spread, height), left]
    return torch.unflatten(torch.stack(said, 1), 0, shape)


class LineRegistration(nn.Module):
    """Weighs what other frames say of each line, and looks at the lines around it."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv1d(SAID + 1, channels, 9, padding=4),
            nn.LeakyReLU(0.1),
            nn.Conv1d(channels, channels, 5, padding=2),
            nn.LeakyReLU(0.1),
        )
        self.weigh = nn.Conv1d(channels, GROUPS, 1)
        self.value = nn.Conv1d(channels, channels, 1)
        self.around = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(channels, channels, 7, padding=3 * step, dilation=step),
                nn.LeakyReLU(0.1),
                nn.Conv1d(channels, channels, 1),
            )
            for step in (1, 2, 4, 8, 16)
        )
        self.answer = nn.Conv1d(channels, 2, 1)
        nn.init.zeros_(self.answer.weight)
        nn.init.zeros_(self.answer.bias)  # type: ignore[arg-type]

    def forward(self, said: Tensor, distance: Tensor) -> tuple[Tensor, Tensor]:
        """How far right each line lies, and how doubtful that is.

        said: (N, L, 4, H) of :func:`apart`; distance: (L,) frames to the others. Returns the shift (N, H) in pixels and
        the natural logarithm of its expected absolute error (N, H). The order of the other frames has no meaning.
        """
        shape, lines = said.shape[:2], said.shape[-1]
        far = distance.to(said).abs()[None, :, None, None].expand(*shape, 1, lines)
        seen = torch.cat([said / USUAL.to(said)[:, None], far], 2)
        looked = self.look(seen.flatten(0, 1))
        weights = torch.unflatten(self.weigh(looked), 0, shape).softmax(1)
        values = torch.unflatten(torch.unflatten(self.value(looked), 1, (GROUPS, -1)), 0, shape)
        current = (weights[:, :, :, None] * values).sum(1).flatten(1, 2)
        for block in self.around:
            current = current + block(current)
        shift, doubt = self.answer(leaky_relu(current, 0.1)).unbind(1)
        return USUAL[0].item() * shift, doubt.clamp(-4, 4)


def _step(own: Tensor, other: Tensor, lines: int) -> tuple[Tensor, Tensor]:
    """How far to fetch the other's lines (N, H, W) from to fit the own, in groups; (N, H) each, and their texture."""
    difference = other - own
    wide = pad((own + other)[:, None], (1, 1, 0, 0), mode="replicate")[:, 0]
    gradient = (wide[..., 2:] - wide[..., :-2]) / 4
    weight = OUTLIER / (difference.abs() + OUTLIER)
    fits, texture = (_summed((weight * gradient * each).sum(-1), lines) for each in (difference, gradient))
    return -fits / (texture + DAMPING), texture


def _summed(values: Tensor, lines: int) -> Tensor:
    """(N, H) sums over so many lines, an odd number."""
    tall = pad(values[:, None, :, None], (0, 0, lines // 2, lines // 2), mode="replicate")
    return lines * avg_pool2d(tall, (lines, 1), 1)[:, 0, :, 0]


def _lines(values: Tensor, height: int) -> Tensor:
    """(N, h) to (N, H), linear between."""
    return interpolate(values[:, None], height, mode="linear", align_corners=False)[:, 0]


def _straightened(level: Tensor, texture: Tensor) -> Tensor:
    """(N, H) less the straight line that fits most lines: what a pan, a zoom or a turn of the camera leaves.

    Least squares, each line weighed by its texture and, in six rounds, by the inverse of its error.
    """
    height = level.shape[-1]
    down = torch.linspace(-math.sqrt(3), math.sqrt(3), height, device=level.device, dtype=level.dtype)
    base = texture.clamp(min=1e-4)
    weight = base
    for _ in range(6):
        total = weight.sum(-1, keepdim=True)
        place, mean = ((weight * each).sum(-1, keepdim=True) / total for each in (down, level))
        slope = (weight * (down - place) * (level - mean)).sum(-1, keepdim=True) / (
            weight * (down - place).square()
        ).sum(-1, keepdim=True).clamp(min=1e-6)
        straight = mean + slope * (down - place)
        weight = base / ((level - straight).abs() + 0.3)
    return level - straight
