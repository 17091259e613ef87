"""The embedded scorer: a small network trained on the simulator's exact truth, and what blanking tells of lines."""

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, interpolate, pad, softplus

from tapemend.checkpoint import Checkpoint
from tapemend.detect.score import CELL_COLUMNS, CELL_ROWS, Scores
from tapemend.network import damage
from tapemend.network.blanking import lines_aside

LOCAL_KINDS = 4
"""The kinds before the last, levels: a washed-out picture cannot be told from a pale scene, region by region."""
GEOMETRY = 0
"""The kind that is lines out of place."""
TORN_KINDS = 2
"""The first kinds, lines out of place and lines lost: what is seen there does not say how the scene moves."""
BENT = 1.5
"""Pixels aside that begin to be seen."""
WORST_CELLS = 22
"""The frame's score is the mean of its worst regions, 5 % of them: a band or a burst of dropouts is enough."""


class DamageScorer:
    """Scores pictures with the damage network."""

    absolute = True

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        self.name = f"embedded {checkpoint.sha256[:12]}"
        self.device = device
        network = damage.DamageNetwork(checkpoint.settings(damage.DamageConfig))
        checkpoint.load_into(network)
        self.network = network.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def score(self, pictures: Tensor) -> Scores:
        """See :class:`tapemend.detect.score.Scorer`."""
        height, width = pictures.shape[-2:]
        whole = pad(pictures, (0, -width % damage.CELL_COLUMNS, 0, -height % damage.CELL_ROWS), mode="replicate")
        energies = energy(self.network(whole.to(self.device)[None])[0])
        energies[:, GEOMETRY] = energies[:, GEOMETRY].maximum(bent(whole[1:-1, 0]).to(self.device))
        changed = torch.stack([energies[:, :kinds].amax(1) for kinds in (LOCAL_KINDS, TORN_KINDS)], 1)
        changed = interpolate(changed, size=whole.shape[-2:])[..., :height, :width]
        cells, torn = visible(adaptive_avg_pool2d(changed, (CELL_ROWS, CELL_COLUMNS))).unbind(1)
        worst = cells.flatten(1).topk(WORST_CELLS).values.mean(1)
        return Scores(frames=worst, cells=cells, torn=torn, kinds=visible(energies).mean((2, 3)))


def bent(luma: Tensor) -> Tensor:
    """(B, H, W) to (B, H/8, 1) energy of lines that blanking tells to lie aside, BENT pixels being 1.

    A top that hangs aside alike in all frames looks to the network like what is filmed.
    """
    places, _ = lines_aside(luma)
    lines: Tensor = torch.unflatten((places / BENT).square(), 1, (-1, damage.CELL_ROWS)).mean(2)
    return lines[..., None]


def energy(logits: Tensor) -> Tensor:
    """How much is changed, as the mean square, 1 where it begins to be seen: the network was trained on visible(it).

    Unlike what is visible, energies of parts have a mean that is the whole's.
    """
    return softplus(logits)


def visible(energy: Tensor) -> Tensor:
    """0 to 1, the score."""
    return 1 - torch.exp(-energy)
