"""The embedded scorer: a small network trained on the simulator's exact truth."""

import torch
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d, interpolate, pad

from tapemend.checkpoint import Checkpoint
from tapemend.detect.score import CELL_COLUMNS, CELL_ROWS
from tapemend.network import damage

LOCAL_KINDS = 4
"""The kinds before the last, levels: a washed-out picture cannot be told from a pale scene, region by region."""
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
    def score(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 3, H, W) Y'CbCr to frame scores (B,), region scores (B, 18, 24) and kinds (B, 5), all 0 to 1."""
        height, width = pictures.shape[-2:]
        whole = pad(pictures, (0, -width % damage.CELL_COLUMNS, 0, -height % damage.CELL_ROWS), mode="replicate")
        kinds = self.network(whole.to(self.device, memory_format=torch.channels_last)).sigmoid()
        local = interpolate(kinds[:, :LOCAL_KINDS].amax(1, keepdim=True), size=whole.shape[-2:], mode="nearest")
        cells = adaptive_max_pool2d(local[..., :height, :width], (CELL_ROWS, CELL_COLUMNS))[:, 0]
        worst = cells.flatten(1).topk(WORST_CELLS).values.mean(1)
        return worst, cells, kinds.mean((2, 3))
