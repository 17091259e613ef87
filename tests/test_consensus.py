"""What clean frames before and after a damaged one agree on."""

import torch
from test_response import filmed
from torch import Tensor

from tapemend.network.consensus import consensus

ALL = torch.ones(2, 18, 24) > 0


def lenders(places: tuple[int, int] = (9, 15), seed: int = 1) -> Tensor:
    return torch.stack([filmed(place, seed) for place in places])


def error(frame: Tensor, other: Tensor) -> float:
    return (frame - other).square().mean().sqrt().item()


def noise(strength: float, luma: bool = True, chroma: bool = True) -> Tensor:
    white = torch.randn(filmed(0).shape, generator=torch.Generator().manual_seed(9))
    return strength * white * torch.tensor([luma, chroma, chroma])[:, None, None]


def test_what_is_left_of_noise_goes_where_both_sides_agree() -> None:
    frame, left = filmed(12), noise(0.03)
    more = consensus(frame + left, 3 * left, lenders(), ALL)
    assert error(frame + left + more, frame) < 0.5 * error(frame + left, frame)


def test_what_was_not_changed_stays() -> None:
    frame = filmed(12)
    assert torch.equal(consensus(frame, torch.zeros_like(frame), lenders(), ALL), torch.zeros_like(frame))
    colour = noise(0.03, luma=False)
    assert consensus(frame + colour, 3 * colour, lenders(), ALL)[0].abs().max() == 0


def test_what_only_the_frame_shows_stays() -> None:
    """A ball that flies through the picture, in noise."""
    frame, left = filmed(12), noise(0.03)
    frame[0, 60:100, 80:120] += 0.3
    more = consensus(frame + left, 3 * left, lenders(), ALL)
    assert more[0, 70:90, 90:110].abs().mean() < 0.003
    assert more[0, 70:90, 160:180].abs().mean() > 0.01


def test_what_may_not_lend_and_sides_that_disagree_say_nothing() -> None:
    frame, left = filmed(12), noise(0.03)
    assert not consensus(frame + left, 3 * left, lenders(), ~ALL).any()
    one_side = ALL.clone()
    one_side[1] = False
    assert not consensus(frame + left, 3 * left, lenders(), one_side).any()
    others = torch.stack([filmed(9), filmed(15, seed=7)])
    assert consensus(frame + left, 3 * left, others, ALL)[0].abs().mean() < 0.2 * left[0].abs().mean()
