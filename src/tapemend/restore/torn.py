"""Lines of a window's frames that are torn each for itself, and where they belong."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool1d, interpolate, pad

from tapemend.lines import move_lines
from tapemend.network.motion import brought, motion
from tapemend.network.torn import TORN, places_of_torn
from tapemend.restore.restorer import for_motion

SURE = 2.0
"""How much surer than the scorer motion takes it that lines are torn: their own place is what is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TornLines:
    """What is found of T frames of H lines."""

    places: Tensor
    """(T, H) pixels by which torn lines lie to the right of where they belong, 0 for all others."""
    filled: Tensor
    """(T, H) bool, lines between those of a field that were made from torn ones."""

    def put_back(self, pictures: Tensor, aside: Tensor) -> Tensor:
        """(T, 3, H, W) pictures with these lines put back, and all by (T, H) pixels besides that they lie aside."""
        moved = move_lines(pictures, -(aside + self.places))
        if not self.filled.any():
            return moved
        tall = pad(moved, (0, 0, 1, 1), mode="reflect")
        between = (tall[:, :, :-2] + tall[:, :, 2:]) / 2
        return torch.where(self.filled[:, None, :, None], between, moved)

    def left(self, torn: Tensor, told: Tensor) -> Tensor:
        """(T, rows, columns) how surely regions are torn, less by the share of their lines that are put back: these,
        and those of which it is told where they belong, (T, H) bool."""
        back = (self.places != 0) | self.filled | told
        share = adaptive_avg_pool1d(back.to(torn.dtype), torn.shape[1])
        return torn * (1 - share[..., None])


@torch.no_grad()
def find_torn_lines(
    pictures: Tensor,
    references: Tensor,
    torn: Tensor,
    lines: Tensor,
    own: Sequence[slice],
    device: torch.device,
) -> TornLines:
    """Find the places of torn lines, each frame held against those beside it and the references.

    pictures: (T, 3, H, W) Y'CbCr, the frames in a row; references: (D, 3, H, W); torn: (T, rows, columns) how surely
    regions are torn, 0 to 1; lines: (T, H) how far each line may be touched, 0 to 1; own: of each frame the lines that
    the tape has, those of its field where fields became frames.
    """
    height = pictures.shape[2]
    whole = torn.amax(2, keepdim=True)
    surely = interpolate(whole.mT, height, mode="linear")[:, 0] * lines
    places, filled = torch.zeros_like(surely), torch.zeros_like(surely, dtype=torch.bool)
    wanted = [number for number, rows in enumerate(own) if (surely[number, rows] > TORN).any()]
    if not wanted or len(pictures) + len(references) < 2:
        return TornLines(places=places, filled=filled)
    frames, lent = (for_motion(each, device) for each in (pictures, references))
    known = (SURE * whole).clamp(max=1).to(device)
    for number in wanted:
        rows = own[number]
        reach = 1 if rows.step is None else 2
        near = range(max(0, number - reach), min(len(own), number + reach + 1))
        beside = [place for place in near if place != number]
        lenders = _lenders(frames, number, beside, lent, known)[:, :height][:, rows]
        found = places_of_torn(frames[number, 0, :height][rows], lenders, surely[number, rows].to(device))
        places[number, rows] = found.cpu()
        tall = pad(places[number][None], (1, 1))[0] != 0
        filled[number] = tall[:-2] | tall[2:]
        filled[number, rows] = False
    return TornLines(places=places, filled=filled)


def _lenders(frames: Tensor, number: int, beside: list[int], references: Tensor, torn: Tensor) -> Tensor:
    """(L, H, W) luma of some frames beside one, and of references, brought to its place."""
    others = torch.cat([frames[beside], references])[None]
    known = torch.cat([torn[beside], torn.new_zeros(len(references), *torn.shape[1:])])[None]
    vectors = motion(frames[number][None], others, torn=(torn[number][None], known))
    return brought(others[:, :, :1], vectors)[0, :, 0]
