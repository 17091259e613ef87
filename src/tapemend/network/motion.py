"""Where a frame's content is in another frame of the same scene, found though lines of either are out of place.

Coarse to fine: an exhaustive search over the whole picture at a sixteenth of its size, then Lucas-Kanade steps (IJCAI
1981) in overlapping blocks, as in DIS (Kroeger et al., ECCV 2016), down to half its size. Blocks are taller than a line
and count large differences for little, so that what single lines do weighs nothing. Nothing here is learned.
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, pad

COARSEST = 16
"""Pixels a side of what the search compares; heights and widths are multiples of it."""
REACH = 6
"""Of the search, in such steps, to each side: 96 pixels."""
STEPS = ((16, 1), (8, 2), (4, 2), (2, 1))
"""Pixels to a sample, and Lucas-Kanade steps at that size, in their order."""
STRIDE = 8
"""Pixels between vectors, in both directions."""
FAR = 0.002
"""What a step of the search must gain for each sample it goes further."""
OUTLIER = 0.03
"""Difference that counts half of what it would by its square."""
DAMPING = 2e-4
"""Mean square gradient below which a block says nothing of its motion."""


def motion(frames: Tensor, others: Tensor) -> Tensor:
    """Motion of frames (N, 3, H, W) Y'CbCr against L others each, (N, L, 3, H, W): (N, L, 2, H/8, W/8) float32.

    How many columns and rows away from its place in the frame the content of each block is in the other. H and W are
    multiples of 16.
    """
    shape = others.shape[:2]
    sizes = {size: (avg_pool2d(frames, size), avg_pool2d(others.flatten(0, 1), size)) for size, _ in STEPS}
    sizes = {size: (near.repeat_interleave(shape[1], 0), far) for size, (near, far) in sizes.items()}
    vectors = _search(*sizes[COARSEST])
    for size, steps in STEPS:
        near, far = sizes[size]
        vectors = vectors * (1 if size == COARSEST else 2)
        if size >= STRIDE:
            vectors = _widened(vectors, near.shape[-2:])
        else:
            near, far = near[:, :1], far[:, :1]
        for _ in range(steps):
            vectors = _refined(near, far, vectors, max(1, STRIDE // size))
    return torch.unflatten(vectors * STEPS[-1][0], 0, shape)


def brought(pictures: Tensor, vectors: Tensor) -> Tensor:
    """(N, L, C, H, W) fetched along ``motion`` (N, L, 2, h, w): others' content at its place in the frames."""
    flat = pictures.flatten(0, 1)
    return _moved(flat, _widened(vectors.flatten(0, 1), flat.shape[-2:])).reshape(pictures.shape)


def _widened(vectors: Tensor, size: torch.Size) -> Tensor:
    return vectors if vectors.shape[-2:] == size else interpolate(vectors, size, mode="bilinear", align_corners=False)


def _moved(pictures: Tensor, vectors: Tensor) -> Tensor:
    """(N, C, h, w), each pixel fetched from (N, 2, h, w) columns and rows away; linear, borders replicated."""
    height, width = pictures.shape[-2:]
    columns = torch.arange(width, device=pictures.device) + vectors[:, 0]
    rows = torch.arange(height, device=pictures.device)[:, None] + vectors[:, 1]
    places = torch.stack([columns * (2 / max(1, width - 1)) - 1, rows * (2 / max(1, height - 1)) - 1], -1)
    return grid_sample(pictures, places.to(pictures.dtype), padding_mode="border", align_corners=True)


def _search(near: Tensor, far: Tensor) -> Tensor:
    """(N, 2, h, w) whole samples: the least mean absolute difference over blocks of 5 x 5 samples."""
    height, width = near.shape[-2:]
    wide = pad(far, (REACH,) * 4, mode="replicate")
    side = range(-REACH, REACH + 1)
    steps = [(right, down) for down in side for right in side]
    costs = torch.stack(
        [
            (wide[..., REACH + down :, REACH + right :][..., :height, :width] - near).abs().sum(1)
            for right, down in steps
        ],
        1,
    )
    offsets = torch.tensor(steps).to(near)
    distance = offsets.square().sum(1).sqrt()
    best = (avg_pool2d(costs, 5, 1, 2, count_include_pad=False) + FAR * distance[:, None, None]).argmin(1)
    return offsets[best].permute(0, 3, 1, 2)


def _refined(near: Tensor, far: Tensor, vectors: Tensor, stride: int) -> Tensor:
    """One step, of a sample at most, for blocks every ``stride`` samples, each then averaged with those around it."""
    fetched = _moved(far, _widened(vectors, near.shape[-2:]))
    difference = fetched - near
    wide = pad(fetched + near, (1, 1, 1, 1), mode="replicate")
    along = (wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2]) / 4
    down = (wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1]) / 4
    weight = OUTLIER / (difference.abs() + OUTLIER)
    products = (along * along, along * down, down * down, along * difference, down * difference)
    sums = _in_blocks(torch.stack([(weight * product).sum(1) for product in products], 1), stride)
    xx, xy, yy, xt, yt = sums.unbind(1)
    xx, yy = xx + DAMPING, yy + DAMPING
    step = torch.stack([xy * yt - yy * xt, xy * xt - xx * yt], 1) / (xx * yy - xy * xy)[:, None]
    return avg_pool2d(vectors + step.clamp(-1, 1), 3, 1, 1, count_include_pad=False)


def _in_blocks(values: Tensor, stride: int) -> Tensor:
    """Means over overlapping blocks centred on those of ``stride`` samples: 5, 6 or 8 samples a side."""
    side = {1: 5, 2: 6}.get(stride, 2 * stride)
    return avg_pool2d(values, side, stride, (side - stride) // 2, count_include_pad=False)
