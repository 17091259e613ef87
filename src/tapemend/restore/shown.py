"""What frames of a tape show when whole frames are mended: put back up or down, as bright as those around them, made up
where nothing is left of them."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from tapemend.colour import to_ycbcr
from tapemend.frames import Frame
from tapemend.network.between import between
from tapemend.restore.hold import held
from tapemend.restore.plan import Plan
from tapemend.restore.restorer import for_motion
from tapemend.settings import RestoreSettings


class Shown:
    """Pictures, (N, 3, H, W) float32 Y'CbCr, of a planned tape's frames."""

    def __init__(self, plan: Plan, settings: RestoreSettings, device: torch.device) -> None:
        self.plan, self.settings, self.device = plan, settings, device

    def given(self, frames: Iterable[Frame]) -> Tensor:
        """Of frames, one at least, as the tape has them."""
        return torch.stack([to_ycbcr(frame.planes, self.plan.layout) for frame in frames])

    def fetched(self, indices: Sequence[int]) -> Tensor:
        """Of frames from anywhere on the tape, one at least, evened."""
        return self._evened(self.given(self.plan.fetch(index) for index in indices), indices)

    def mended(self, given: Tensor, indices: range) -> Tensor:
        """Of frames that are given, evened, and those that are lost made up of those on both sides of them."""
        pictures = self._evened(given, indices)
        lost = np.flatnonzero(self.plan.verdict.lost[indices.start : indices.stop]).tolist()
        if not (lost and self.settings.make_up):
            return pictures
        made_up = pictures.clone()
        height, width = pictures.shape[-2:]
        for place in lost:
            index = indices[place]
            before, after = self.plan.sides(index)
            one, other = for_motion(self.fetched((before, after)), self.device)
            made_up[place] = between(one, other, (index - before) / (after - before))[:, :height, :width].cpu()
        return made_up

    def _evened(self, pictures: Tensor, indices: Sequence[int]) -> Tensor:
        """Of some frames where those around them stand, and as bright."""
        return self._levelled(self._held(pictures, indices), indices)

    def _held(self, pictures: Tensor, indices: Sequence[int]) -> Tensor:
        """Of some frames, those that hop put back up or down."""
        lower = self.plan.verdict.hops[list(indices)]
        if not (self.settings.hold and lower.any()):
            return pictures
        back, step = pictures.clone(), 2 if self.plan.scan.interlaced else 1
        for place in np.flatnonzero(lower).tolist():
            before, after = self.fetched(self.plan.sides(indices[place]))
            back[place] = held(pictures[place], before, after, float(lower[place]), step)
        return back

    def _levelled(self, pictures: Tensor, indices: Sequence[int]) -> Tensor:
        """Of some frames, those that flicker with the brightness of those around."""
        levels = torch.from_numpy(self.plan.verdict.levels[list(indices)])
        if not self.settings.levels or (levels == 1).all():
            return pictures
        return pictures * levels[:, [0, 1, 1], None, None]
