"""The nouns that cross stage boundaries: what a tape is, what a frame is, what each stage says of it.

A frame is its ``index``, counted from 0 at the rate the stages work at (field rate where an interlaced tape is bobbed).
Its time is an integer ``pts`` in a ``Fraction`` time base. Floats are for people.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8] | NDArray[np.uint16]


class Components(StrEnum):
    """What the planes of a picture hold, in plane order."""

    YCBCR = "ycbcr"
    GRAY = "gray"
    GBR = "gbr"


class ScanType(StrEnum):
    """How a picture's lines were taken in time."""

    PROGRESSIVE = "progressive"
    TOP_FIRST = "tff"
    BOTTOM_FIRST = "bff"
    TELECINE = "telecine"
    UNKNOWN = "unknown"

    @property
    def interlaced(self) -> bool:
        """Whether a frame holds two fields of different times."""
        return self in (ScanType.TOP_FIRST, ScanType.BOTTOM_FIRST)


class FrameState(StrEnum):
    """How a frame came out of the file."""

    DECODED = "decoded"
    CORRUPT = "corrupt"
    FILLED = "filled"


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelLayout:
    """How the samples of a picture are stored; planar, native byte order."""

    name: str
    """FFmpeg's name of the planar pixel format that frames carry, such as ``yuv422p10le``."""
    components: Components
    """What the planes hold."""
    bit_depth: int
    """Bits per sample, 8 to 16; samples are uint8 for 8, uint16 above."""
    chroma_width_shift: int
    """log2 of luma columns per chroma column: 0 for 4:4:4, 1 for 4:2:2 and 4:2:0, 2 for 4:1:1."""
    chroma_height_shift: int
    """log2 of luma rows per chroma row: 1 for 4:2:0, else 0."""
    full_range: bool
    """Whether codes use the whole range (JPEG, RGB) and not 16 to 235/240 scaled to the depth (BT.601, section 2.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourTags:
    """The colour description of the stream, as code points of ITU-T H.273; 2 is unspecified."""

    primaries: int
    transfer: int
    matrix: int
    range: int
    """FFmpeg's AVColorRange: 0 unspecified, 1 limited, 2 full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Scan type and field order: what the file says, what its pictures show, what is used."""

    flagged: ScanType
    """As the stream and its first frames are flagged."""
    measured: ScanType
    """As FFmpeg's idet finds in the decoded pictures."""
    used: ScanType
    """What later stages go by: the override, else the measurement, else the flag."""
    evidence: dict[str, int]
    """idet's multiple-frame counts: ``tff``, ``bff``, ``progressive``, ``undetermined``; and ``repeated`` fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamNote:
    """A stream beside the picture: what it is, and whether it can be carried along."""

    index: int
    """Its index in the source."""
    kind: str
    """``audio``, ``subtitle``, ``data``, ``attachment`` or ``video`` (a second picture, a cover)."""
    codec: str
    """FFmpeg's codec name, or ``unknown``."""
    detail: str
    """For people: rate, channels, language, file name."""
    start: Fraction | None
    """Seconds of its first timestamp, None when it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """A source file, probed: everything that later stages need or must keep."""

    path: Path
    size_bytes: int
    container: str
    """FFmpeg's name of the container format."""
    video_stream: int
    """Index of the stream that is restored."""
    codec: str
    """FFmpeg's name of the video codec."""
    width: int
    height: int
    layout: PixelLayout
    """The planar layout frames are decoded to; the same samples as stored_pixel_format, unpacked at most."""
    stored_pixel_format: str
    """FFmpeg's name of the format in the file, such as ``yuyv422``."""
    sample_aspect_ratio: Fraction | None
    """Width over height of one pixel; None when the file does not say."""
    colour: ColourTags
    time_base: Fraction
    """Seconds per tick of the source's video timestamps."""
    frame_rate: Fraction
    """Nominal frames a second of the source."""
    start_pts: int
    """Timestamp of the first decoded frame, in time_base."""
    frame_count_from_header: int | None
    """Frames as the container claims; None when it does not say."""
    scan: Scan
    streams: tuple[StreamNote, ...]
    """Every other stream."""
    chapter_count: int
    tags: dict[str, str]
    """The container's own metadata."""
    notes: tuple[str, ...]
    """Everything that was not as expected, one sentence each, for the report."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One decoded picture."""

    index: int
    pts: int
    """In the reader's time base."""
    planes: tuple[Plane, ...]
    """In the layout's order, each (rows, columns), contiguous, uint8 or uint16; never written to."""
    state: FrameState
    """CORRUPT: the decoder concealed damage in the file. FILLED: the file could not give it; a neighbour's copy."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameIndex:
    """What one whole pass over a tape saw; the proof that a later read gives the same frames."""

    pts: NDArray[np.int64]
    """(N,) timestamps in time_base, strictly rising."""
    time_base: Fraction
    """Seconds per tick; half the source's where fields became frames."""
    checksum: NDArray[np.uint32]
    """(N,) CRC-32 over the planes' bytes."""
    state: NDArray[np.uint8]
    """(N,) 0 decoded, 1 corrupt, 2 filled."""
    notes: tuple[str, ...]
    """Everything that was not as expected while reading."""

    def __len__(self) -> int:
        return len(self.pts)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureForm:
    """What every frame of a written stream has in common."""

    width: int
    height: int
    layout: PixelLayout
    sample_aspect_ratio: Fraction | None
    colour: ColourTags
    frame_rate: Fraction
    """Frames a second, as stated in the file."""
    time_base: Fraction
    """Of the pts of the frames that are handed in."""
    scan: ScanType
    """Field order flag of the written frames."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis:
    """What the analysis pass measured on every frame; grows with the tape on disk only."""

    frame_score: NDArray[np.float32]
    """(N,) damage of the whole frame, 0 clean to 1; the scorer's own scale where it is CLIP."""
    cell_score: NDArray[np.uint8]
    """(N, rows, columns) damage of each region, 0 to 255, row-major over the picture; memory-mapped."""
    torn_score: NDArray[np.uint8]
    """(N, rows, columns) how surely lines are torn or lost in each region, 0 to 255; 0 where the scorer does not tell;
    memory-mapped."""
    kind_score: NDArray[np.uint8]
    """(N, 5) mean damage of the frame by kind (geometry, lines, chroma, noise, levels), 0 to 255; memory-mapped."""
    signature: NDArray[np.uint8]
    """(N, 12, 16, 3) mean Y'CbCr of a 16 x 12 grid over the picture, 0 to 255; memory-mapped."""
    scorer: str
    """Name and version of the scorer."""
    absolute: bool
    """Whether 0.5 means the same on every tape (the embedded scorer) or scores only rank frames (CLIP)."""

    def __len__(self) -> int:
        return len(self.frame_score)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdict:
    """Which frames and regions are damaged."""

    threshold: float
    """Frames with a higher score are damaged."""
    cell_threshold: int
    """Regions with a higher cell score are damaged."""
    separable: bool
    """Whether Otsu's threshold split the scores in two; if not, threshold is the scorer's absolute one."""
    confidence: float
    """Depth of the valley between the two groups of scores, 0 none to 1 empty; 0 where they do not separate."""
    reason: str
    """One sentence for people: how the threshold was found."""
    damaged: NDArray[np.bool_]
    """(N,) frames judged damaged: by their score, because their colour has faded or is gone, because their brightness
    jumps, because they hop, or because they are lost."""
    lost: NDArray[np.bool_]
    """(N,) frames that show nothing of their shot."""
    fading: NDArray[np.float32]
    """(N,) by how much the colour of others of the same shot is stronger: 1 if it is not, infinite if none is left."""
    levels: NDArray[np.float32]
    """(N, 2) by how much luma and chroma of the frames on both sides are stronger, 1 of frames that do not flicker."""
    hops: NDArray[np.float32]
    """(N,) by what share of the picture's height frames stand lower than those on both sides: negative if higher, 0 of
    those that do not hop."""

    @property
    def flickering(self) -> NDArray[np.bool_]:
        """(N,) frames whose brightness or colour jumps."""
        uneven: NDArray[np.bool_] = (self.levels != 1).any(axis=1)
        return uneven

    @property
    def hopping(self) -> NDArray[np.bool_]:
        """(N,) frames that stand higher or lower than those on both sides."""
        elsewhere: NDArray[np.bool_] = self.hops != 0
        return elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """Frames start to stop - 1 show one take."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The frames that may lend to a window, best first; empty when none is clean where it matters."""

    indices: tuple[int, ...]
    similarity: tuple[float, ...]
    """Of each to the window's signature, 1 identical to -1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What was done to a frame; to one that passed as it was, nothing."""

    changed: float = 0.0
    """Share of its samples that have another code than before, 0 to 1, mean over planes."""
    moved: float = 0.0
    """Pixels that a line was put back by at most, either way."""
    chroma_gain: float = 1.0
    """By what its colour was multiplied, 1 where it was not."""
    hue: float = 0.0
    """Degrees by which its colour was turned, from Cb towards Cr; 0 where it was not."""
    recoloured: float = 0.0
    """Share of its lines that had no colour and got that of others, 0 to 1."""
    detail_gain: float = 1.0
    """By what that frequency of its luma's lines was multiplied that was evened most, 1 where none was."""
    references: References | None = None
    """What lent to its window; None for a frame that passed as it was."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Restored:
    """A frame after restoration."""

    frame: Frame
    repair: Repair


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Some finished frames in a verified lossless file."""

    path: Path
    frame_count: int
    sha256: str
    """Of the file."""
    frame_md5: tuple[str, ...]
    """Of each frame: MD5 over the tightly packed planes as stored, as FFmpeg's framemd5 prints it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowNote:
    """A window in which something was restored."""

    start: int
    stop: int
    references: References
    """What lent; empty where nothing was clean enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentNote:
    """A finished segment and what was done in it."""

    segment: Segment
    changed: tuple[float, ...]
    """Per frame at the reader's rate, the share of samples that have another code than before."""
    moved: tuple[float, ...]
    """Per frame, pixels that a line was put back by at most."""
    chroma_gains: tuple[float, ...]
    """Per frame, by what its colour was multiplied."""
    hues: tuple[float, ...]
    """Per frame, degrees by which its colour was turned."""
    recoloured: tuple[float, ...]
    """Per frame, share of its lines that got the colour of others."""
    detail_gains: tuple[float, ...]
    """Per frame, by what that frequency of its luma's lines was multiplied that was evened most."""
    windows: tuple[WindowNote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The finished file: decoded again, counted and compared before it got its name."""

    path: Path
    frame_count: int
    sha256: str
    """Of the file."""
    framemd5_path: Path
    """Checksums of every frame, beside the file, as FFmpeg's framemd5 writes them."""
    carried: tuple[str, ...]
    """What came along from the source, one sentence each."""
    left_out: tuple[str, ...]
    """What could not come along, or not as it was, and why; one sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """One frame before and after, to look at."""

    index: int
    caption: str
    before: NDArray[np.uint8]
    """(H, W, 3) R'G'B'."""
    after: NDArray[np.uint8]
    """(H, W, 3) R'G'B'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChromaDelay:
    """Where colour stands beside luma all over a tape, as it was measured; None where that cannot be told."""

    right: float | None
    """Pixels of luma to its right; negative: to its left."""
    down: float | None
    """Lines below it; negative: above."""
    frames: int
    """In how many it was looked for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survey:
    """What a tape is and what one pass over it found."""

    tape: Tape
    source_sha256: str
    index: FrameIndex
    frame_rate: Fraction
    """Of the frames that were looked at: field rate where fields became frames."""
    analysis: Analysis
    verdict: Verdict
    shots: tuple[Shot, ...]
    chroma_delay: ChromaDelay
    settings: dict[str, Any]
    """Every setting that was used, JSON-ready, by stage."""
    software: dict[str, str]
    """Versions, device, precision, names and hashes of weights."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Account(Survey):
    """Everything there is to say about a finished restoration; what its report tells."""

    changed: NDArray[np.float32]
    """(N,) share of each frame's samples that have another code than before."""
    moved: NDArray[np.float32]
    """(N,) pixels that a line of each frame was put back by at most."""
    chroma_gains: NDArray[np.float32]
    """(N,) by what each frame's colour was multiplied, 1 where it was not."""
    hues: NDArray[np.float32]
    """(N,) degrees by which each frame's colour was turned, from Cb towards Cr; 0 where it was not."""
    recoloured: NDArray[np.float32]
    """(N,) share of each frame's lines that had no colour and got that of others."""
    detail_gains: NDArray[np.float32]
    """(N,) by what that frequency of each frame's luma was multiplied that was evened most, 1 where none was."""
    windows: tuple[WindowNote, ...]
    comparisons: tuple[Comparison, ...]
    written: Written


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moment:
    """A damaged frame that stands for the frames around it."""

    index: int
    picture: NDArray[np.uint8] | None
    """(H, W, 3) R'G'B', None where pictures were not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inspection(Survey):
    """What there is to say about a tape without restoring it."""

    helped: int
    """Damaged frames for which the tape has frames that are clean where it matters and can lend."""
    moments: tuple[Moment, ...]
    """The worst, in order of time, apart from each other."""
    measures: dict[str, NDArray[np.float32]]
    """Of signalstats by QCTools' names, each (stored frames,); empty where they were not asked for."""


def damaged_cells(analysis: Analysis, verdict: Verdict, frame_index: int | NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which regions of a frame are damaged.

    A frame judged damaged with no cell above the threshold is damaged in a place that is not known: everywhere.

    Args:
        analysis: Of the tape.
        verdict: On the same tape.
        frame_index: One index, or K of them.

    Returns:
        (rows, columns), or (K, rows, columns).
    """
    cells: NDArray[np.bool_] = analysis.cell_score[frame_index] > verdict.cell_threshold
    nowhere = verdict.damaged[frame_index] & ~cells.any(axis=(-2, -1))
    return cells | nowhere[..., None, None]
