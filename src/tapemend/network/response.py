"""How luma answers along the lines of a frame as a whole, told by clean frames of its scene, and what evens it.

What filters the signal of a stretch of tape (a head that wears, a deck's peaking, pre-emphasis that nothing takes back,
a gain control) scales each frequency along the line alike in the whole picture. Clean frames are brought to the frame's
place along motion and pieces of lines of both are held against each other. That the frame has more of a frequency is
told by regression on the clean one, that it has less by the other regression: what moves otherwise makes both slopes
too small, and so does noise of the second one, so what they tell is there. How much less is told by the ratio of
strengths, which noise of the frame can only bring nearer to 1. Nothing here is learned.
"""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool1d, pad

from tapemend.network.motion import LENDS, brought, motion

PIECE, STEP = 64, 32
"""Pixels of a line that are held against each other, and from the start of a piece to that of the next."""
EACH = 5
"""Of so many lines one is looked at; odd, so that of fields that became frames as many were interpolated as not."""
FREQUENCIES = PIECE // 2 + 1
"""From 0, how bright pieces are, to half the sampling rate."""
COARSE = slice(1, 9)
"""Frequencies that tell whether two pieces show the same."""
ALIKE = 0.7
"""Correlation of pieces there, from which on they do."""
ENOUGH = 48
"""Pieces that must."""
COHERENT = 0.2
"""Square of the correlation at a frequency below which nothing is told of it."""
LEAST, MOST = 1.08, 3.0
"""Gain, up or down, below which a frequency is left as it is, and to which others are held."""
SUSPECT = 1.15, slice(0, 13)
"""Ratio of strengths, and the frequencies at which it makes a closer look worthwhile."""
TOGETHER = 3
"""Frequencies in a row that must be stronger, or weaker: what filters a signal does not do so to a single one."""
EPSILON = 1e-9
"""Added where there may be nothing."""


class Equaliser(NamedTuple):
    """What evens a frame's luma."""

    gains: Tensor
    """(FREQUENCIES,) on the CPU, by what to multiply each; 1 where nothing is to be done."""
    own: float
    """How bright the frame is where it shows what clean frames show, 0 to 1."""
    wanted: float
    """How bright those are there."""


UNTOLD = Equaliser(torch.ones(FREQUENCIES), 0.0, 0.0)
"""Leaves a frame as it is."""


def equaliser(frame: Tensor, sides: Sequence[tuple[Tensor, Tensor]]) -> Equaliser:
    """What gives a frame's luma the response that clean frames before and after it have.

    frame: (3, H, W) float32 Y'CbCr, H and W multiples of 16, W at least PIECE; sides: a clean frame before it, (3, H,
    W), and one after it, or one of both, or none, each with its regions that are clean, (rows, columns) bool. Both must
    say the same, for a camera, or a fade, changes contrast from one side to the other; one alone is believed where it
    says that contrast is the same.
    """
    own = _pieces(frame[0])
    if not any(_suspect(own, _pieces(other[0])) for other, _ in sides):
        return UNTOLD
    told = [_told(frame, own, *side) for side in sides]
    levels = (statistics.mean(each) for each in zip(*(each[1:] for each in told), strict=True))
    return Equaliser(_agreed([each.gains for each in told]), *levels)


def equalised(luma: Tensor, even: Equaliser) -> Tensor:
    """(H, W) luma with each frequency of its lines multiplied by its gain, borders replicated."""
    pivot = even.own if even.gains[0] != 1 else luma.mean()
    kernel = torch.fft.irfft(even.gains, PIECE).roll(PIECE // 2) * torch.hann_window(PIECE)
    kernel = kernel * even.gains[0] / kernel.sum()
    wide = pad((luma - pivot)[:, None], (PIECE // 2, PIECE // 2 - 1), mode="replicate")
    lines = torch.conv1d(wide, kernel.to(luma)[None, None])[:, 0]
    return lines + (even.wanted if even.gains[0] != 1 else pivot)


def _suspect(one: Tensor, other: Tensor) -> bool:
    """Whether frequencies are stronger or weaker in the pieces of one of two pictures, wherever what is in them."""
    own, theirs = (_power(_centred(pieces, torch.ones_like(pieces[..., 0].real))[0]) for pieces in (one, other))
    apart = (own.mean((0, 1)) + EPSILON).log() - (theirs.mean((0, 1)) + EPSILON).log()
    ratio, frequencies = SUSPECT
    return bool(apart[frequencies].abs().max() > 2 * math.log(ratio))


def _told(frame: Tensor, own: Tensor, other: Tensor, clean: Tensor) -> Equaliser:
    """What one clean frame tells of a frame, (3, H, W), and its pieces."""
    there = interpolate(clean[None, None].to(other), other.shape[-2:])[0]
    vectors = motion(frame[None], other[None, None])
    fetched = brought(torch.cat([other[:1], there])[None, None], vectors)[0, 0]
    theirs = _pieces(fetched[0])
    may = fetched[1, ::EACH].unfold(-1, PIECE, STEP).amin(-1) >= LENDS
    weight = (may & (_correlation(own, theirs) > ALIKE)).to(frame)
    if weight.sum() < ENOUGH:
        return UNTOLD
    kept = _kept(theirs, _pieces(other[0]))
    (own, level), (theirs, wanted) = (_centred(pieces, weight) for pieces in (own, theirs))
    squares, others = ((weight[..., None] * _power(each)).sum((0, 1)) + EPSILON for each in (own, theirs))
    products = (weight[..., None] * own * theirs.conj()).sum((0, 1)).abs()
    more, less, missing = products / others * kept, products / squares / kept, (others / squares).sqrt() / kept
    gains = torch.where(more > LEAST, 1 / more, torch.where(less > LEAST, missing, 1.0))
    gains[0] = missing[0] if abs(math.log(missing[0])) > math.log(LEAST) else 1.0
    gains = gains.clamp(1 / MOST, MOST)
    coherent = products.square() > COHERENT * squares * others
    return Equaliser(torch.where(coherent, gains, 1.0).cpu(), level, wanted)


def _kept(fetched: Tensor, pieces: Tensor) -> Tensor:
    """(FREQUENCIES,) what is left of each when pieces are fetched from between pixels; of how bright they are, all."""
    after, before = (_power(each)[..., 1:].mean((0, 1)) + EPSILON for each in (fetched, pieces))
    return pad((after / before).sqrt().clamp(max=1), (1, 0), value=1.0)


def _agreed(sides: Sequence[Tensor]) -> Tensor:
    """(FREQUENCIES,) gains of which both sides say as much at least; those of one where it leaves contrast alone."""
    least, most = torch.stack(list(sides)).aminmax(dim=0)
    if len(sides) == 1 and least[0] != 1:
        return torch.ones_like(least)
    stronger, weaker = (_in_a_row(each) for each in (least > 1, most < 1))
    return torch.where(stronger, least, torch.where(weaker, most, 1.0))


def _in_a_row(told: Tensor) -> Tensor:
    """(FREQUENCIES,) bool, those told of which TOGETHER in a row are (an opening); how bright pieces are is told
    alone."""
    wide = pad(told[None, 1:].float(), (TOGETHER - 1, TOGETHER - 1), mode="replicate")
    begun = -max_pool1d(-wide, TOGETHER, stride=1)
    return torch.cat([told[:1], max_pool1d(begun, TOGETHER, stride=1)[0] > 0])


def _pieces(luma: Tensor) -> Tensor:
    """(H, W) to (H/EACH, pieces, FREQUENCIES) complex: the spectra of pieces of lines, how bright they are first."""
    pieces = luma[::EACH].unfold(-1, PIECE, STEP)
    level = pieces.mean(-1, keepdim=True)
    spectra = torch.fft.rfft((pieces - level) * torch.hann_window(PIECE).to(luma))
    return torch.cat([level.to(spectra), spectra[..., 1:]], -1)


def _centred(pieces: Tensor, weight: Tensor) -> tuple[Tensor, float]:
    """Spectra of pieces about their mean brightness, weighed, and that."""
    level = (weight * pieces[..., 0].real).sum() / (weight.sum() + EPSILON)
    return torch.cat([pieces[..., :1] - level, pieces[..., 1:]], -1), level.item()


def _power(pieces: Tensor) -> Tensor:
    return pieces.real.square() + pieces.imag.square()


def _correlation(one: Tensor, other: Tensor) -> Tensor:
    """Of pieces, at the frequencies that are COARSE."""
    one, other = one[..., COARSE], other[..., COARSE]
    both = (one * other.conj()).real.sum(-1)
    return both / ((_power(one).sum(-1) * _power(other).sum(-1)).sqrt() + EPSILON)
