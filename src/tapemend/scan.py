"""How a picture's lines were taken in time: what the file flags, what idet finds, and which of the two is believed."""

from fractions import Fraction
from itertools import pairwise

import av
import av.filter

from tapemend.filters import pull_all
from tapemend.frames import Scan, ScanType
from tapemend.settings import FieldOrder

TOP_FIELD_ORDERS = {2, 5}
"""FFmpeg's AVFieldOrder: top field shown first (TT, BT)."""
BOTTOM_FIELD_ORDERS = {3, 4}
"""Bottom field shown first (BB, TB)."""
PROGRESSIVE_FIELD_ORDER = 1

DETERMINED_SHARE = Fraction(1, 10)
"""Of the frames that must show motion for anything to be measured."""
INTERLACED_SHARE = Fraction(1, 5)
"""Of the determined frames that make a tape interlaced: woven fields taken for a whole picture are the greater harm."""
MAJORITY = Fraction(1, 2)
"""Below this share of interlaced frames the tape must be flagged interlaced too."""
AGREEMENT = Fraction(9, 10)
"""Of the interlaced frames that must have one field order for it to be measured."""
WEAK_SHARE = Fraction(1, 20)
"""Below this share of frames judged one by one, a finding that contradicts the flag is not believed."""
TELECINE_SHARES = (Fraction(1, 4), Fraction(11, 20))
"""Least and greatest share of frames that repeat a field in telecined film; 2:3 pulldown makes it 2 in 5."""

NAMES = {
    ScanType.PROGRESSIVE: "progressive",
    ScanType.TOP_FIRST: "interlaced, top field first",
    ScanType.BOTTOM_FIRST: "interlaced, bottom field first",
    ScanType.TELECINE: "telecined film",
    ScanType.UNKNOWN: "unknown",
}


class Flags:
    """What frames are flagged as, counted: FFmpeg's ``select`` lets those through that are top field first."""

    def __init__(self) -> None:
        self.frames = 0
        self._interlaced = 0
        self._top_first = 0
        self._graph: av.filter.Graph | None = None

    def add(self, frame: av.VideoFrame) -> None:
        """Count the flags of ``frame``; all frames must have one size and pixel format."""
        self.frames += 1
        if not frame.interlaced_frame:
            return
        self._interlaced += 1
        if self._graph is None:
            self._graph = _graph(frame, "select", r"eq(interlace_type\,1)")
        self._graph.push(frame)
        self._top_first += len(pull_all(self._graph))

    def scan(self, stated_field_order: int) -> ScanType:
        """Return what most frames are flagged as; where none is, what ``stated_field_order`` of the container says."""
        if 2 * self._interlaced >= self.frames and self.frames:
            return ScanType.TOP_FIRST if 2 * self._top_first >= self._interlaced else ScanType.BOTTOM_FIRST
        if self._interlaced == 0 and stated_field_order in TOP_FIELD_ORDERS:
            return ScanType.TOP_FIRST
        if self._interlaced == 0 and stated_field_order in BOTTOM_FIELD_ORDERS:
            return ScanType.BOTTOM_FIRST
        progressive = self._interlaced > 0 or stated_field_order == PROGRESSIVE_FIELD_ORDER
        return ScanType.PROGRESSIVE if progressive else ScanType.UNKNOWN


class Measurement:
    """idet over the luma of consecutive frames."""

    def __init__(self) -> None:
        self.frames = 0
        self.evidence = dict.fromkeys(("tff", "bff", "progressive", "undetermined", "repeated"), 0)
        """Multiple-frame counts, which look at a frame's neighbours; and fields that repeat the frame before's."""
        self.single = dict.fromkeys(("tff", "bff", "progressive", "undetermined"), 0)
        """Counts of frames judged each by itself."""
        self._repeats: list[tuple[int, str]] = []
        self._counted = 0
        self._graph: av.filter.Graph | None = None

    def add(self, luma: av.VideoFrame) -> None:
        """Measure one more frame, gray; all must have one size and pixel format."""
        if self._graph is None:
            self._graph = _graph(luma, "idet", "half_life=0")
        luma.pts, luma.time_base = self.frames, Fraction(1)
        self.frames += 1
        self._graph.push(luma)
        self._count(pull_all(self._graph))

    def finish(self) -> None:
        """Measure what idet still holds; to be called once, after the last frame."""
        if self._graph is not None:
            self._graph.push(None)
            self._count(pull_all(self._graph))

    def scan(self, flagged: ScanType) -> ScanType:
        """Return what the pictures show: UNKNOWN where they move too little or contradict each other.

        Few frames that idet can judge by themselves are believed only where they agree with ``flagged``; and where
        the fields surely differ but not which is first, ``flagged`` says which.
        """
        tff, bff, progressive = (self.evidence[name] for name in ("tff", "bff", "progressive"))
        determined = tff + bff + progressive
        if self._is_telecine():
            return ScanType.TELECINE
        if determined == 0 or determined < DETERMINED_SHARE * self.frames:
            return ScanType.UNKNOWN
        share = Fraction(tff + bff, determined)
        if share < INTERLACED_SHARE:
            found, support = ScanType.PROGRESSIVE, self.single["progressive"]
        elif max(tff, bff) >= AGREEMENT * (tff + bff):
            found = ScanType.TOP_FIRST if tff > bff else ScanType.BOTTOM_FIRST
            support = self.single["tff" if tff > bff else "bff"]
        else:
            certain = self.single["tff"] + self.single["bff"] > max(2 * self.single["progressive"], self.frames // 4)
            return flagged if certain and flagged.interlaced else ScanType.UNKNOWN
        if found.interlaced and share < MAJORITY and not flagged.interlaced:
            return ScanType.UNKNOWN
        return ScanType.UNKNOWN if support < WEAK_SHARE * self.frames and found is not flagged else found

    def _is_telecine(self) -> bool:
        """Whether fields repeat as in 2:3 pulldown: in two frames of five, top and bottom in turn.

        The repeats, two or three frames apart, tell it better than combing, which motion makes of the whole frames too.
        """
        pairs = list(pairwise(self._repeats))
        regular = sum(after - before in (2, 3) and kind != other for (before, kind), (after, other) in pairs)
        enough = self.frames >= 10 and TELECINE_SHARES[0] * self.frames <= len(self._repeats)
        return enough and len(self._repeats) <= TELECINE_SHARES[1] * self.frames and 4 * regular >= 3 * len(pairs)

    def _count(self, judged: list[av.VideoFrame]) -> None:
        for frame in judged:
            found = frame.metadata
            self.evidence[found["lavfi.idet.multiple.current_frame"]] += 1
            self.single[found["lavfi.idet.single.current_frame"]] += 1
            repeated = found["lavfi.idet.repeated.current_frame"]
            if repeated != "neither":
                self.evidence["repeated"] += 1
                self._repeats.append((self._counted, repeated))
            self._counted += 1


def decide_scan(
    flagged: ScanType, measurement: Measurement, wanted: FieldOrder, codec: str
) -> tuple[Scan, tuple[str, ...]]:
    """Return what later stages go by, and notes: ``wanted`` unless it is auto, else the measurement, else the flag."""
    measured = measurement.scan(flagged)
    notes = []
    if wanted is not FieldOrder.AUTO:
        used = ScanType(wanted.value)
        if measured not in (used, ScanType.UNKNOWN):
            notes.append(f"--field-order says {NAMES[used]}; the pictures look {NAMES[measured]}.")
    elif measured is not ScanType.UNKNOWN:
        used = measured
        if flagged not in (measured, ScanType.UNKNOWN) and measured is not ScanType.TELECINE:
            notes.append(
                f"The file is flagged {NAMES[flagged]}, its pictures are {NAMES[measured]}; the pictures are believed "
                "(--field-order overrides)."
            )
    elif flagged is not ScanType.UNKNOWN:
        used = flagged
        notes.append(
            f"The pictures do not show the scan type; the flag is believed: {NAMES[flagged]} (--field-order overrides)."
        )
    elif codec == "dvvideo":
        used = ScanType.BOTTOM_FIRST
        notes.append(f"Neither flag nor pictures tell the scan type; DV is {NAMES[used]} (--field-order overrides).")
    else:
        used = ScanType.PROGRESSIVE
        notes.append("Neither flag nor pictures tell the scan type; progressive is assumed (--field-order overrides).")
    if used is ScanType.TELECINE:
        notes.append(
            "The tape is telecined film (repeated fields); its frames are restored as they are, not separated."
        )
    return Scan(flagged=flagged, measured=measured, used=used, evidence=dict(measurement.evidence)), tuple(notes)


def _graph(frame: av.VideoFrame, name: str, arguments: str) -> av.filter.Graph:
    graph = av.filter.Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1))
    graph.link_nodes(source, graph.add(name, arguments), graph.add("buffersink")).configure()
    return graph
