"""The embedded scorer: a small network trained on the simulator's exact truth, and what is measured beside it: what
blanking tells of lines, and streaks."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad, softplus

from tapemend.checkpoint import Checkpoint
from tapemend.detect.score import CELL_COLUMNS, CELL_ROWS, Scores
from tapemend.device import arithmetic, choose_precision
from tapemend.network import damage
from tapemend.network.blanking import lines_aside
from tapemend.network.streaks import streaks
from tapemend.settings import Precision

LOCAL_KINDS = 4
"""The kinds before the last, levels: a washed-out picture cannot be told from a pale scene, region by region."""
GEOMETRY, LINES = 0, 1
"""The kinds that are lines out of place, and lines lost."""
TORN_KINDS = 2
"""The first kinds, lines out of place and lines lost: what is seen there does not say how the scene moves."""
BENT = 1.5
"""Pixels aside that begin to be seen."""
STREAK = 0.06
"""How much brighter or darker than all around a streak is, up to which glitter is too, in clips that hurry."""
SEEN = 0.015
"""How much brighter or darker begins to be seen: VISIBLE of the simulator, by which the network was trained."""
WORST_SHARE = 0.05
"""The frame's score is the mean of so many of its worst regions: a band or a burst of dropouts is enough."""


class DamageScorer:
    """Scores pictures with the damage network."""

    absolute = True

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        self.name = f"embedded {checkpoint.sha256[:12]}"
        self.device, self.precision = device, choose_precision(Precision.AUTO, device)
        network = damage.DamageNetwork(checkpoint.settings(damage.DamageConfig))
        checkpoint.load_into(network)
        self.network = network.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def score(self, pictures: Tensor) -> Scores:
        """See :class:`tapemend.detect.score.Scorer`."""
        height, width = pictures.shape[-2:]
        whole = pad(pictures, (0, -width % damage.CELL_COLUMNS, 0, -height % damage.CELL_ROWS), mode="replicate")
        with arithmetic(self.device, self.precision):
            logits = self.network(whole.to(self.device)[None])[0]
        energies = energy(logits.float())
        for kind, measured in ((GEOMETRY, bent(whole[1:-1, 0])), (LINES, lost(whole[:, 0]))):
            energies[:, kind] = energies[:, kind].maximum(measured.to(self.device))
        changed = torch.stack([energies[:, :kinds].amax(1) for kinds in (LOCAL_KINDS, TORN_KINDS)], 1)
        rows, columns = (
            shares(*division).to(changed)
            for division in ((height, damage.CELL_ROWS, CELL_ROWS), (width, damage.CELL_COLUMNS, CELL_COLUMNS))
        )
        cells, torn = visible(rows @ changed @ columns.T).unbind(1)
        return Scores(frames=worst(cells), cells=cells, torn=torn, kinds=visible(energies).mean((2, 3)))


def bent(luma: Tensor) -> Tensor:
    """(B, H, W) to (B, H/8, 1) energy of lines that blanking tells to lie aside, BENT pixels being 1.

    A top that hangs aside alike in all frames looks to the network like what is filmed.
    """
    places, _, _ = lines_aside(luma)
    lines: Tensor = torch.unflatten((places / BENT).square(), 1, (-1, damage.CELL_ROWS)).mean(2)
    return lines[..., None]


def lost(luma: Tensor) -> Tensor:
    """(B + 2, H, W) to (B, H/8, W/16) energy of streaks, all but the first and the last: a few pixels among grass or
    stones drown for the network."""
    found = streaks(damage.halved(luma))
    return avg_pool2d(((found - STREAK).clamp(min=0) / SEEN).square(), (damage.CELL_ROWS, damage.CELL_COLUMNS // 2))


def shares(length: int, step: int, parts: int) -> Tensor:
    """(parts, cells) how much of each part of a side, ``length`` pixels, lies in each cell of ``step`` pixels of it.

    Parts are those of adaptive pooling: of a side that they do not divide, they overlap by a pixel.
    """
    edge = torch.arange(parts + 1) * length
    first, last = edge[:-1] // parts, (edge[1:] + parts - 1) // parts
    start = torch.arange(0, length, step)
    shared = last[:, None].minimum(start + step) - first[:, None].maximum(start)
    return shared.clamp(min=0) / (last - first)[:, None]


def worst(cells: Tensor) -> Tensor:
    """(B, rows, columns) scores of regions to (B,) scores of frames."""
    scores = cells.flatten(1)
    return scores.topk(max(1, round(WORST_SHARE * scores.shape[1]))).values.mean(1)


def energy(logits: Tensor) -> Tensor:
    """How much is changed, as the mean square, 1 where it begins to be seen: the network was trained on visible(it).

    Unlike what is visible, energies of parts have a mean that is the whole's.
    """
    return softplus(logits)


def visible(energy: Tensor) -> Tensor:
    """0 to 1, the score."""
    return 1 - torch.exp(-energy)
