"""A stretch of tape, frame after frame: what is clean passes, what is damaged is restored with its window."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from tapemend.colour import add_change
from tapemend.frames import Frame, References, Repair, Restored
from tapemend.lines import move_lines
from tapemend.network.consensus import consensus
from tapemend.network.saturation import with_colour
from tapemend.restore.colours import Colours
from tapemend.restore.plan import Plan, of_the_worst
from tapemend.restore.response import evened
from tapemend.restore.restorer import Restorer, for_motion, region_weight
from tapemend.restore.shown import Shown
from tapemend.restore.sides import Sides
from tapemend.restore.timebase import Anchor, TimeBase
from tapemend.restore.torn import TornLines, find_torn_lines
from tapemend.restore.windows import CONTEXT, Window, overlapping

REGION_ROWS, REGION_COLUMNS = 18, 24
"""Regions by which changes are measured."""
HEAVY = 0.04
"""Root of their mean square change of Y'CbCr from which on a frame is looked at twice: less gained nothing."""


class TapeRestorer:
    """Restores stretches of a planned tape; a frame comes out the same wherever a stretch begins and ends."""

    def __init__(self, restorer: Restorer, plan: Plan) -> None:
        self.restorer, self.plan = restorer, plan
        self.length, self.strength = restorer.settings.window, restorer.settings.strength
        self.time_base = TimeBase(restorer.device, 2 if plan.scan.interlaced else 1)
        self.shown = Shown(plan, restorer.settings, restorer.device)

    def needed(self, start: int, stop: int) -> tuple[int, int]:
        """The frames that restoring [start, stop) reads in order."""
        near = list(overlapping(self.plan.shots, self.length, start, stop))
        return near[0].first, near[-1].last

    def restore(self, start: int, stop: int, frames: Iterable[Frame]) -> Iterator[Restored]:
        """Restore [start, stop); ``frames`` gives those of ``needed`` in order."""
        stream, held = iter(frames), dict[int, Frame]()
        for window in overlapping(self.plan.shots, self.length, start, stop):
            while max(held, default=-1) < window.last - 1:
                frame = next(stream)
                held[frame.index] = frame
            yield from self._window(window, start, stop, held)
            held = {index: frame for index, frame in held.items() if index >= window.stop - CONTEXT}

    def _window(self, window: Window, start: int, stop: int, held: dict[int, Frame]) -> Iterator[Restored]:
        """The window's frames of [start, stop). All its damaged frames go through the network, so that arithmetic is
        the same down to the last bit wherever the stretch begins and ends."""
        inside = range(max(window.start, start), min(window.stop, stop))
        damaged = [i for i in range(window.start, window.stop) if self.strength > 0 and self.plan.hurt(i)]
        if not set(inside).intersection(damaged):
            yield from (_untouched(held[index]) for index in inside)
            return
        references = self.plan.find_references(window.start, window.stop)
        changes = dict(zip(damaged, self._changes(window, damaged, references, held), strict=True))
        for index in inside:
            if index in changes:
                yield self._changed(held[index], *changes[index])
            else:
                yield _untouched(held[index])

    def _changes(
        self, window: Window, damaged: list[int], references: References, held: dict[int, Frame]
    ) -> Iterator[tuple[Tensor, Repair]]:
        """Of each damaged frame (3, H, W) what to add to it, and how it is repaired, but for the share that changes."""
        indices = range(window.first, window.last)
        given = self.shown.given(held[index] for index in indices)
        shown = self.shown.mended(given, indices)
        places = [index - window.first for index in damaged]
        height, width = given.shape[-2:]
        weights = torch.stack([region_weight(self.plan.doubtful(index), height, width) for index in damaged])[:, None]
        lent = self.shown.fetched(references.indices) if references.indices else given[:0]
        may = ~self.plan.cells(np.array(references.indices, np.intp))
        colours = self._colours(window, lent, may)
        aside, told = self._aside(window, shown, references, lent)
        aside[places] *= torch.stack([self._lines(index, height) for index in damaged])
        coloured, lost = colours.lent(shown) if colours else (shown, torch.zeros_like(aside))
        steadied = move_lines(coloured, -aside) if aside.any() else coloured
        torn = self.plan.torn(window.first, window.last)
        torn_lines = self._torn_lines(window, steadied, lent, torn)
        put_back = torn_lines.put_back(coloured, aside) if torn_lines.places.any() else steadied
        gains = colours.gains(put_back) if colours else torch.ones(len(put_back), dtype=torch.complex128)
        own = 1 + (gains[:, None] - 1) * (1 - lost)
        recoloured = with_colour(put_back, own) if (gains != 1).any() else put_back
        sides = Sides(self.plan, window, shown, references, lent, torch.from_numpy(may), self.restorer.device)
        seen, evening = self._evened(window, recoloured, sides)
        known = torn_lines.left(torn, told), self.plan.marred(window.first, window.last)
        whole = seen[places] - given[places] + self._looked_at(seen, places, weights, lent, may, known)
        whole += self._agreed(given[places] + whole, coloured[places], damaged, sides) * weights
        moved = (aside + torn_lines.places)[places].abs().amax(1)
        said = moved, gains[places].abs(), gains[places].angle().rad2deg(), lost[places].mean(1), evening[places]
        done = (
            Repair(moved=pixels, chroma_gain=gain, hue=hue, recoloured=share, detail_gain=detail, references=references)
            for pixels, gain, hue, share, detail in zip(*(each.tolist() for each in said), strict=True)
        )
        return zip(whole * self.strength, done, strict=True)

    def _looked_at(
        self,
        seen: Tensor,
        places: list[int],
        weights: Tensor,
        references: Tensor,
        lendable: NDArray[np.bool_],
        known: tuple[Tensor, Tensor],
    ) -> Tensor:
        """(N, 3, H, W) the network's change of the frames at some places of those seen, weighed by (N, 1, H, W).

        known: (T, rows, columns) each, what of them is torn, and otherwise marred.

        What changed much is looked at once more when all are restored: its neighbours have more to lend then, and
        nothing in them is torn any more.
        """
        change = self.restorer.change(seen, places, references, lendable, *known) * weights
        again = [number for number, each in enumerate(change) if heavy(each)]
        if again and self.restorer.looks_twice:
            restored = seen.clone()
            restored[places] += change
            looked_at = [places[number] for number in again]
            change[again] += self.restorer.change(restored, looked_at, references, lendable) * weights[again]
        return change

    def _colours(self, window: Window, references: Tensor, lendable: NDArray[np.bool_]) -> Colours | None:
        """Who tells which colour a window's frames should have, if that is asked for."""
        if not self.restorer.settings.chroma_gain:
            return None
        device = self.restorer.device
        lent, may = for_motion(references, device), torch.from_numpy(lendable).to(device)
        return Colours(plan=self.plan, window=window, references=lent, lendable=may)

    def _evened(self, window: Window, pictures: Tensor, sides: Sides) -> tuple[Tensor, Tensor]:
        """The pictures that a window sees with luma evened, and how much, if that is asked for."""
        if not self.restorer.settings.response:
            return pictures, torch.ones(len(pictures))
        return evened(self.plan, window, pictures, sides, self.restorer.device)

    def _agreed(self, restored: Tensor, before: Tensor, indices: list[int], sides: Sides) -> Tensor:
        """(N, 3, H, W) what to add to restored frames where clean ones on both sides agree; before: those without what
        may be doubted, but where they should stand, as bright as they should be, and with the colour that was lent."""
        more, device = torch.zeros_like(restored), self.restorer.device
        height, width = restored.shape[-2:]
        for number, index in enumerate(indices):
            lenders = sides.of(index) if self.restorer.settings.consensus else []
            if len(lenders) == 2 and not self.plan.verdict.lost[index]:
                pictures, clean = map(torch.stack, zip(*lenders, strict=True))
                frame, doubtless = for_motion(torch.stack([restored[number], before[number]]), device)
                more[number] = consensus(frame, frame - doubtless, pictures, clean)[:, :height, :width].cpu()
        return more

    def _anchors(self, indices: Iterable[int], pictures: Iterable[Tensor]) -> list[Anchor]:
        """Frames to hold lines against."""
        return [
            Anchor(index=index, picture=picture, sound=self._lines(index, picture.shape[-2]) == 0)
            for index, picture in zip(indices, pictures, strict=True)
        ]

    def _aside(self, window: Window, pictures: Tensor, references: References, lent: Tensor) -> tuple[Tensor, Tensor]:
        """(T, H) pixels by which lines of the pictures that a window sees lie to the right of where they belong, and
        (T, H) bool, lines of which blanking tells it: of their place nothing is left to be guessed."""
        if not self.restorer.settings.steady:
            nothing = torch.zeros(pictures.shape[0], pictures.shape[2])
            return nothing, nothing > 0
        damaged = torch.tensor([self.plan.damaged(index) for index in range(window.first, window.last)])
        straight = [index for index in range(window.first, window.last) if self.plan.in_place(index)]
        near = self._anchors(straight, (pictures[index - window.first] for index in straight))
        far = self._anchors(references.indices, lent)
        return self.time_base.displacements(window, pictures, damaged, [*near, *far])

    def _torn_lines(self, window: Window, pictures: Tensor, references: Tensor, torn: Tensor) -> TornLines:
        """Lines torn each for itself, of the window's damaged frames and of those beside them."""
        indices, height = range(window.first, window.last), pictures.shape[2]
        lines = torch.zeros(len(indices), height)
        for index in indices[max(0, window.start - 1 - window.first) : window.stop + 1 - window.first]:
            if self.restorer.settings.steady and self.plan.hurt(index):
                lines[index - window.first] = self._lines(index, height)
        own = [self.plan.own_lines(index) for index in indices]
        return find_torn_lines(pictures, references, torn, lines, own, self.restorer.device)

    def _lines(self, index: int, height: int) -> Tensor:
        """(H,) weights of a frame's lines: all of a damaged frame, those with damaged regions of another."""
        if self.plan.verdict.damaged[index]:
            return torch.full((height,), self.plan.damaged(index))
        cells = self.plan.cells(index)
        return region_weight(cells, height, cells.shape[1]).amax(1)

    def _changed(self, frame: Frame, change: Tensor, done: Repair) -> Restored:
        planes = add_change(frame.planes, change, self.plan.layout)
        share = float(np.mean([np.mean(new != old) for new, old in zip(planes, frame.planes, strict=True)]))
        restored = Frame(index=frame.index, pts=frame.pts, planes=planes, state=frame.state)
        return Restored(frame=restored, repair=replace(done, changed=share))


def heavy(change: Tensor) -> bool:
    """Whether a frame's change (3, H, W) is HEAVY where it is the greatest."""
    height, width = change.shape[-2:]
    squares = adaptive_avg_pool2d(change.square().sum(0)[None], (min(REGION_ROWS, height), min(REGION_COLUMNS, width)))
    return bool(of_the_worst(squares).sqrt().mean() > HEAVY)


def _untouched(frame: Frame) -> Restored:
    return Restored(frame=frame, repair=Repair())
