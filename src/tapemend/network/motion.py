"""Where a frame's content is in another frame of the same scene, found though lines of either are out of place.

Coarse to fine: an exhaustive search over the whole picture at a sixteenth of its size, then Lucas-Kanade steps (IJCAI
1981) in overlapping blocks, as in DIS (Kroeger et al., ECCV 2016), down to half its size. Blocks are taller than a line
and count large differences for little, so that what single lines do weighs nothing. Where whole regions are torn their
content says how they are torn, not how the scene moves: motion there is taken from around them. Nothing here is
learned.
"""

from functools import reduce

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
LEAST_TRUST = 0.005
"""In the vectors of what is wholly torn, beside 1 in those of what is not at all."""
LENDS = 0.999
"""Share of a fetched pixel that must come from where its picture may lend."""


def motion(
    frames: Tensor, others: Tensor, finest: int = STEPS[-1][0], torn: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """Motion of frames (N, 3, H, W) Y'CbCr against L others each, (N, L, 3, H, W): (N, L, 2, H/8, W/8) float32.

    How many columns and rows away from its place in the frame the content of each block is in the other. H and W are
    multiples of 16. finest: pixels to a sample of the last steps, at most STRIDE; fewer take longer and are more exact.
    torn: how surely lines are torn or lost, 0 to 1, in regions of the frames (N, rows, columns) and of the others
    (N, L, rows, columns).
    """
    shape = others.shape[:2]
    frames_at, others_at = (_halves(pictures) for pictures in (frames, others.flatten(0, 1)))
    sound = None if torn is None else _sound(*torn)
    vectors: Tensor | None = None
    for size, steps in (step for step in STEPS if step[0] >= finest):
        components = 3 if size >= STRIDE else 1
        near, far = (each[size][:, :components] for each in (frames_at, others_at))
        near = near.repeat_interleave(shape[1], 0)
        vectors = _settled(_search(near, far), sound, 1) if vectors is None else 2 * vectors
        if size >= STRIDE:
            vectors = _widened(vectors, near.shape[-2:])
        stride = max(1, STRIDE // size)
        for _ in range(steps):
            vectors = _settled(_refined(near, far, vectors, stride), sound, stride)
    assert vectors is not None
    return torch.unflatten(vectors * size, 0, shape)


def brought(pictures: Tensor, vectors: Tensor) -> Tensor:
    """(N, L, C, H, W) fetched along ``motion`` (N, L, 2, h, w): others' content at its place in the frames."""
    flat = pictures.flatten(0, 1)
    return _moved(flat, _widened(vectors.flatten(0, 1), flat.shape[-2:])).reshape(pictures.shape)


def _sound(frames: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """How far regions are to be trusted, (N * L, 1, rows, columns) each."""
    near = frames.repeat_interleave(others.shape[1], 0)
    return trusted(near[:, None]), trusted(others.flatten(0, 1)[:, None])


def trusted(torn: Tensor) -> Tensor:
    """How far to believe what regions show that are torn by so much, LEAST_TRUST to 1."""
    return (1 - torn).square().clamp(LEAST_TRUST, 1)


def _settled(vectors: Tensor, sound: tuple[Tensor, Tensor] | None, stride: int) -> Tensor:
    """(N, 2, h, w) vectors, one every ``stride`` samples, those of torn regions taken from around them.

    What counts is how much a region is torn beside the rest: a picture torn everywhere has its own motion only.
    """
    if sound is None:
        return vectors
    near, far = (_widened(each, vectors.shape[-2:]) for each in sound)
    trust = (near * _moved(far, vectors / stride)).clamp(min=LEAST_TRUST)
    trust = trust / trust.mean((1, 2, 3), keepdim=True)
    return filled(vectors, trust.clamp(LEAST_TRUST, 1))


def filled(values: Tensor, trust: Tensor) -> Tensor:
    """(N, C, h, w) values, each as far as it is trusted, (N, 1, h, w), and for the rest what is around it.

    Push and pull over a pyramid (Gortler et al., The Lumigraph, SIGGRAPH 1996).
    """
    height, width = values.shape[-2:]
    if min(height, width) < 2:
        return values
    even = (0, width % 2, 0, height % 2)
    weights, sums = (avg_pool2d(pad(each, even, mode="replicate"), 2) for each in (trust, trust * values))
    coarse = filled(sums / weights, (4 * weights).clamp(max=1))
    around = interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    return torch.lerp(around, values, trust)


def _halves(pictures: Tensor) -> dict[int, Tensor]:
    """(N, C, H, W) at a half of its size, a quarter and so on, by pixels a side of what became one: means of blocks."""
    sizes = {1: pictures}
    while max(sizes) < COARSEST:
        last = sizes[max(sizes)]
        rows = last[..., ::2, :] + last[..., 1::2, :]
        sizes[2 * max(sizes)] = (rows[..., ::2] + rows[..., 1::2]) / 4
    return sizes


def _widened(vectors: Tensor, size: torch.Size) -> Tensor:
    return vectors if vectors.shape[-2:] == size else interpolate(vectors, size, mode="bilinear", align_corners=False)


def _moved(pictures: Tensor, vectors: Tensor) -> Tensor:
    """(N, C, h, w), each pixel fetched from (N, 2, h, w) columns and rows away; linear, borders replicated."""
    height, width = pictures.shape[-2:]
    columns, rows = (torch.linspace(-1, 1, size, device=pictures.device) for size in (width, height))
    across, down = vectors.unbind(1)
    places = torch.stack(
        [
            torch.add(columns, across, alpha=2 / max(1, width - 1)),
            torch.add(rows[:, None], down, alpha=2 / max(1, height - 1)),
        ],
        1,
    ).permute(0, 2, 3, 1)
    return grid_sample(pictures, places.to(pictures.dtype), padding_mode="border", align_corners=True)


def _search(near: Tensor, far: Tensor) -> Tensor:
    """(N, 2, h, w) whole samples: the least mean absolute difference over blocks of 5 x 5 samples."""
    side = range(-REACH, REACH + 1)
    steps = [(right, down) for down in side for right in side]
    around = pad(far, (REACH,) * 4, mode="replicate").unfold(2, len(side), 1).unfold(3, len(side), 1)
    apart = (
        there.sub(here[..., None, None]).abs_() for here, there in zip(near.unbind(1), around.unbind(1), strict=True)
    )
    costs = reduce(Tensor.add_, apart).flatten(3).movedim(3, 1)
    offsets = torch.tensor(steps).to(near)
    distance = offsets.square().sum(1).sqrt()
    best = (block_means(costs, 5) + FAR * distance[:, None, None]).min(1).indices
    return offsets[best].permute(0, 3, 1, 2).contiguous()


def _refined(near: Tensor, far: Tensor, vectors: Tensor, stride: int) -> Tensor:
    """One step, of a sample at most, for blocks every ``stride`` samples, each then averaged with those around it."""
    fetched = _moved(far, _widened(vectors, near.shape[-2:]))
    difference = fetched - near
    wide = pad(fetched + near, (1, 1, 1, 1), mode="replicate")
    along = (wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2]) / 4
    down = (wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1]) / 4
    weight = OUTLIER / (difference.abs() + OUTLIER)
    weighed_along, weighed_down = weight * along, weight * down
    pairs = (
        (weighed_along, along),
        (weighed_along, down),
        (weighed_down, down),
        (weighed_along, difference),
        (weighed_down, difference),
    )
    sums = _in_blocks(torch.stack([(one * other).sum(1) for one, other in pairs], 1), stride)
    xx, xy, yy, xt, yt = sums.unbind(1)
    xx, yy = xx + DAMPING, yy + DAMPING
    step = torch.stack([xy * yt - yy * xt, xy * xt - xx * yt], 1) / (xx * yy - xy * xy)[:, None]
    return block_means(vectors + step.clamp(-1, 1), 3)


def _in_blocks(values: Tensor, stride: int) -> Tensor:
    """Means over overlapping blocks centred on those of ``stride`` samples: 5, 6 or 8 samples a side."""
    return block_means(values, {1: 5, 2: 6}.get(stride, 2 * stride), stride)


def block_means(values: Tensor, side: int, stride: int = 1) -> Tensor:
    """Means over blocks of ``side`` samples a side every ``stride`` samples, of what of them is in the picture.

    What avg_pool2d does with count_include_pad=False, in a fifth of its time.
    """
    beyond = (side - stride) // 2
    inside = values.new_ones(1, 1, *values.shape[-2:])
    sums, counts = (
        _block_sums(_block_sums(pad(each, (beyond,) * 4), side, stride).mT, side, stride).mT
        for each in (values, inside)
    )
    return sums / counts


def _block_sums(values: Tensor, side: int, stride: int) -> Tensor:
    """(..., H, W) sums down the picture, of ``side`` rows from every ``stride``th on."""
    last = (values.shape[-2] - side) // stride * stride + 1
    return reduce(torch.add, (values[..., first : first + last : stride, :] for first in range(side)))
