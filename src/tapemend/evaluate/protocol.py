"""The tapes of an evaluation: clean clips made standard-definition tapes, damaged by the simulator, with the truth."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tapemend.colour import CHROMA_ZERO, LUMA_BLACK, to_ycbcr
from tapemend.decode import Reader
from tapemend.degrade import Kind
from tapemend.encode import output_form, write_segment
from tapemend.errors import NotAVideo, SettingsError
from tapemend.frames import Frame, Plane, Tape
from tapemend.pictures import frame_of, planes_of
from tapemend.probe import probe
from tapemend.settings import DecodeSettings, EncodeSettings, FieldOrder, ProbeSettings, SimulateSettings
from tapemend.simulate import simulate

CLEAN = "clean"
"""The preset of a tape that nothing happened to."""
PROGRESSIVE = ProbeSettings(field_order=FieldOrder.PROGRESSIVE)
"""What the tapes are, whatever damaged lines look like to a measurement."""
CENTRE = 512
"""Rows and columns that the paper's protocol keeps."""
BLACK = LUMA_BLACK, CHROMA_ZERO, CHROMA_ZERO
"""Codes of blanking."""
AREAS = ("damaged", *Kind)
"""Parts of the picture that are also measured alone: what is visibly damaged, and where each kind is the strongest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedTape:
    """A tape and the truth about it."""

    path: Path
    clean: Path
    """The same tape as it was recorded, without the damage."""
    mask: Path | None
    """The simulator's masks; None where nothing is damaged."""
    truth: Path | None
    """The simulator's numbers."""


def clean_tape(clip: Path, target: Path, frames: int, rows: int, blanking: int = 0) -> None:
    """Write the first frames of a clip as a tape: FFV1, 4:2:2, 8 bit, 25 frames a second, scaled to ``rows`` by area.

    blanking: black columns added on either side, an even number. Raises NotAVideo where the clip cannot be read.
    """
    try:
        with av.open(str(clip)) as source, av.open(str(target), "w") as container:
            output = container.add_stream("ffv1", rate=25)
            for number, frame in enumerate(source.decode(video=0)):
                if number == frames:
                    break
                columns = round(frame.width * rows / frame.height / 2) * 2
                scaled = frame.reformat(columns, rows, "yuv422p", dst_color_range=1, interpolation="AREA")
                scaled = _with_blanking(scaled, blanking) if blanking else scaled
                if number == 0:
                    output.width, output.height, output.pix_fmt = scaled.width, rows, "yuv422p"
                scaled.pts, scaled.time_base = number, Fraction(1, 25)
                container.mux(output.encode(scaled))
            container.mux(output.encode(None))
    except (av.FFmpegError, IndexError) as error:
        raise NotAVideo(f"{clip}: is not a video that can be read ({error}); take it out of the clips") from error


def _with_blanking(frame: av.VideoFrame, columns: int) -> av.VideoFrame:
    """A 4:2:2 frame with black columns on either side."""
    planes: list[Plane] = []
    for plane, beside, code in zip(planes_of(frame), (columns, columns // 2, columns // 2), BLACK, strict=True):
        wide = np.full((plane.shape[0], plane.shape[1] + 2 * beside), code, np.uint8)
        wide[:, beside:-beside] = plane
        planes.append(wide)
    return frame_of(tuple(planes), "yuv422p")


def damaged_tape(clean: Path, folder: Path, preset: str, seed: int) -> DamagedTape:
    """Damage a clean tape; the files lie in ``folder``."""
    if preset == CLEAN:
        return DamagedTape(path=clean, clean=clean, mask=None, truth=None)
    done = simulate(
        clean, folder / "damaged.mkv", SimulateSettings(preset=preset, seed=seed), probe_settings=PROGRESSIVE
    )
    return DamagedTape(path=done.written.path, clean=done.clean, mask=done.mask, truth=done.truth)


def centre_of(tape: DamagedTape, folder: Path) -> DamagedTape:
    """The centre 512 x 512 of a tape and of its truth, as the paper has it; the files lie in ``folder``."""
    cut = {path: _centre(path, folder / f"{path.stem}.centre.nut") for path in {tape.path, tape.clean}}
    mask = tape.mask and _centre(tape.mask, folder / f"{tape.mask.stem}.centre.nut")
    return replace(tape, path=cut[tape.path], clean=cut[tape.clean], mask=mask)


def opened(path: Path) -> tuple[Tape, Iterator[Frame]]:
    """A tape of an evaluation and all its frames, one after the other."""
    tape = probe(path, PROGRESSIVE)

    def frames() -> Iterator[Frame]:
        with Reader(tape, DecodeSettings()) as reader:
            yield from reader.survey()

    return tape, frames()


def pictures(path: Path) -> Iterator[Tensor]:
    """(3, H, W) Y'CbCr of every frame."""
    tape, frames = opened(path)
    return (to_ycbcr(frame.planes, tape.layout) for frame in frames)


def write_tape(frames: Iterator[Frame], tape: Tape, target: Path) -> None:
    """Write frames of a tape's kind, of whatever size they are; ``target`` is a .nut file."""
    first = next(frames)
    rows, columns = first.planes[0].shape
    form = replace(output_form(tape, tape.frame_rate, tape.time_base, EncodeSettings()), width=columns, height=rows)

    def all_frames() -> Iterator[Frame]:
        yield first
        yield from frames

    write_segment(all_frames(), form, target)


def areas(tape: DamagedTape) -> Iterator[Tensor]:
    """(A, H, W) bool of every frame, one map for each of AREAS; none at all, (0, H, W), where nothing is damaged.

    A pixel in which several kinds are visible belongs to the strongest of them: that which changes the pixels of this
    frame where it is visible most, by the simulator's means.
    """
    if tape.mask is None or tape.truth is None:
        for frame in opened(tape.clean)[1]:
            yield torch.zeros(0, *frame.planes[0].shape, dtype=torch.bool)
        return
    with np.load(tape.truth, allow_pickle=False) as stored:
        change = stored["change"]
    for frame, means in zip(opened(tape.mask)[1], change, strict=True):
        yield strongest(frame.planes[0], means)


def strongest(mask: NDArray[np.unsignedinteger], means: NDArray[np.float32]) -> Tensor:
    """A frame's mask (H, W) and its mean change by each kind (K,) to (1 + K, H, W) bool: any, then each kind."""
    bits = torch.from_numpy(mask.astype(np.int64))
    visible = torch.stack([(bits >> number) & 1 for number in range(len(Kind))]).bool()
    strength = torch.from_numpy(means) / visible.float().mean((1, 2)).clamp(min=1 / mask.size)
    winner = (visible * strength[:, None, None]).argmax(0)
    kinds = [visible[number] & (winner == number) for number in range(len(Kind))]
    return torch.stack([visible.any(0), *kinds])


def _centre(path: Path, target: Path) -> Path:
    tape, frames = opened(path)
    if min(tape.width, tape.height) < CENTRE:
        raise SettingsError(
            f"a tape of {tape.width} x {tape.height} pixels has no centre of {CENTRE} x {CENTRE}; "
            "leave the clip out, or do without --paper"
        )
    write_tape((_cut(frame, tape) for frame in frames), tape, target)
    return target


def _cut(frame: Frame, tape: Tape) -> Frame:
    """Its centre, begun at an even row and column so that colours stay where they are."""
    top, left = (tape.height - CENTRE) // 4 * 2, (tape.width - CENTRE) // 4 * 2
    planes: list[Plane] = []
    for number, plane in enumerate(frame.planes):
        shifts = (tape.layout.chroma_height_shift, tape.layout.chroma_width_shift) if number else (0, 0)
        rows, columns = (
            slice(start >> by, start + CENTRE >> by) for start, by in zip((top, left), shifts, strict=True)
        )
        part: Plane = plane[rows, columns].copy()
        planes.append(part)
    return replace(frame, planes=tuple(planes))
