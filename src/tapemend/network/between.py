"""A picture that is lost, made up of those before and after it along the motion between them.

Nothing here is learned.
"""

import torch
from torch import Tensor

from tapemend.network.motion import brought, motion


def between(before: Tensor, after: Tensor, share: float) -> Tensor:
    """The picture, (3, H, W), at a share of the time from one to the other, 0 to 1.

    Both (3, H, W) float32 Y'CbCr, H and W multiples of 16. Content moves steadily, and where it meets has moved as what
    was there before.
    """
    pictures, others = torch.stack([before, after]), torch.stack([after, before])
    away = torch.tensor([share, 1 - share], device=before.device)
    vectors = motion(pictures, others[:, None])
    fetched = brought(pictures[:, None], -away[:, None, None, None, None] * vectors)[:, 0]
    return torch.lerp(fetched[0], fetched[1], share)
