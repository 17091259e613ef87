"""The networks that restore, whichever a checkpoint holds, behind one face."""

from collections.abc import Sequence
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from tapemend.checkpoint import Checkpoint
from tapemend.network.restoration import RestorationConfig, RestorationNetwork
from tapemend.network.swin_unet import PaperConfig, PaperNetwork


class Seen(Protocol):
    """What a network needs of the whole picture to change some frames of it."""

    def part(self, rows: slice, columns: slice, precision: torch.dtype) -> "Seen":
        """A piece of the picture in the network's precision."""
        ...


class RestoringNetwork(Protocol):
    """What the restorer asks of a network."""

    @property
    def alone(self) -> bool:
        """Whether a frame's change does not depend on which others are asked for with it."""
        ...

    @property
    def grid(self) -> tuple[int, int]:
        """Heights and widths that it takes are multiples of these."""
        ...

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns, in whole grids, beyond which nothing in what is seen changes a pixel."""
        ...

    def see(
        self,
        window: Tensor,
        numbers: Sequence[int],
        references: Tensor,
        lendable: Tensor,
        torn: Tensor | None = None,
        marred: Tensor | None = None,
    ) -> Seen:
        """What it needs of the whole picture.

        window: (1, T, 3, H, W); references: (1, D, 3, H, W); lendable: (1, D, H, W) bool; numbers: positions in the
        window of the N frames to be changed; torn, marred: (1, T, H, W) how surely lines are torn or lost there, and
        how surely something else is damaged, 0 to 1.
        """
        ...

    def change(self, seen: Seen) -> Tensor:
        """What to add to the frames, (N, 3, h, w), of what is seen or of a part of it."""
        ...


def build(weights: Checkpoint) -> nn.Module:
    """The network whose settings a checkpoint has, unfilled; WeightsError where it is none of ours."""
    if weights.fits(PaperConfig) and not weights.fits(RestorationConfig):
        return PaperNetwork(weights.settings(PaperConfig))
    return RestorationNetwork(weights.settings(RestorationConfig))


def restoring(weights: Checkpoint, device: torch.device, precision: torch.dtype) -> RestoringNetwork:
    """The network of a checkpoint, filled, on its device. WeightsError where they do not fit."""
    network = build(weights)
    weights.load_into(network)
    network = network.eval().to(device, precision)
    return cast(RestoringNetwork, network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
