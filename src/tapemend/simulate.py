"""The way of a clean clip into a damaged tape: probe, decode, degrade, encode; with the truth beside it."""

import json
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tapemend import __version__
from tapemend.colour import add_change, to_ycbcr
from tapemend.decode import Reader
from tapemend.degrade import VISIBLE, Damaged, Kind, Preset, degrade, preset
from tapemend.degrade.chainfile import chain_text, read_chain
from tapemend.encode import assemble, check_target, output_form, write_segment
from tapemend.encode.target import disk_errors, flush_to_disk, frame_md5_path, refuse_existing
from tapemend.errors import SourceError
from tapemend.frames import ColourTags, Frame, PictureForm, PixelLayout, Plane, ScanType, Segment, Tape, Written
from tapemend.pictures import FULL_RANGE, layout_of
from tapemend.probe import probe
from tapemend.progress import Progress, Silent
from tapemend.settings import DecodeSettings, EncodeSettings, Fields, ProbeSettings, SimulateSettings

DEFAULT_PRESET = "first-2026-11"
SEGMENT_FRAMES = 16
"""Frames of a segment; of tape, mask and clean video they are in memory until it is written."""
BATCH_FRAMES = 8
"""Pictures damaged together; the result does not depend on it."""
CADENCE: Mapping[Fields, tuple[int, ...]] = {Fields.PSF: (2,), Fields.INTERLACED: (1,), Fields.TELECINE: (2, 3)}
"""Fields that each frame of the clip gives, in turn."""
MASK_COLOUR = ColourTags(primaries=2, transfer=2, matrix=2, range=FULL_RANGE)
"""Numbers and no colours (H.273: 2 is unspecified)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What a simulation leaves."""

    written: Written
    truth: Path
    """NumPy archive; ``Truth`` says what is in it."""
    mask: Path
    """Gray video of the tape's frames: bit k, of value 2**k, is set where Kind number k changed a pixel visibly."""
    clean: Path
    """What a perfect restoration gives, in the tape's frames: a video beside the tape, or the clip where it is that."""
    frame_count: int
    """Pictures that were damaged: frames, or fields."""
    damaged_frames: int
    notes: tuple[str, ...]
    """Everything that was not as expected while reading the clip."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """A picture of the tape, a frame or a field, and the same picture of each video beside it."""

    tape: Frame
    clean: Frame
    mask: Frame


class Truth:
    """What was done to each picture, collected on disk as the tape goes by and packed into one archive at its end.

    A picture is a frame, or a field where the tape has fields: 2n and 2n + 1 are the first and the second of frame n.
    The archive holds ``severity`` (N,) float32: root of the mean square change of the picture by damage, 0 where there
    is none; ``shift`` (N, H) float16: pixels by which each line was moved to the right; ``change`` (N, K) float32: mean
    change of the picture by each of ``kinds`` (K,); and ``about``, JSON: the chain as TOML, seed, fields and version.
    """

    def __init__(self, folder: Path, height: int) -> None:
        self._columns: Mapping[str, tuple[Path, tuple[int, ...], type]] = {
            "severity": (folder / "severity.raw", (), np.float32),
            "shift": (folder / "shift.raw", (height,), np.float16),
            "change": (folder / "change.raw", (len(Kind),), np.float32),
        }
        self.frame_count = self.damaged_frames = 0

    def add(self, damaged: Damaged) -> None:
        """Take the truth about T pictures."""
        severity = (damaged.picture - damaged.clean).square().mean((1, 2, 3)).sqrt()
        rows = {"severity": severity, "shift": damaged.shift, "change": damaged.change.mean((2, 3))}
        for name, (path, _, kind) in self._columns.items():
            with disk_errors(path), path.open("ab") as file:
                file.write(rows[name].numpy().astype(kind).tobytes())
        self.frame_count += len(severity)
        self.damaged_frames += int((severity > 0).sum())

    def pack(self, path: Path, about: Mapping[str, str | int | None]) -> None:
        """Write the archive; memory does not grow with the tape."""
        with disk_errors(path), path.open("wb") as file:
            np.savez_compressed(
                file,
                severity=self._stored("severity"),
                shift=self._stored("shift"),
                change=self._stored("change"),
                kinds=np.array(list(Kind)),
                about=np.array(json.dumps(about)),
            )
        with disk_errors(path):
            flush_to_disk(path)

    def _stored(self, name: str) -> NDArray[Any]:
        path, shape, kind = self._columns[name]
        return np.memmap(path, kind, "r", shape=(self.frame_count, *shape))


def simulate(
    clip: Path,
    target: Path,
    settings: SimulateSettings = SimulateSettings(),
    *,
    probe_settings: ProbeSettings = ProbeSettings(),
    progress: Progress | None = None,
) -> Simulated:
    """Damage a clean progressive clip into ``target``, lossless Matroska of the clip's format, with its sound.

    The truth lies beside it (``truth_path``, ``mask_path``, and ``clean_path`` where the clip itself is not what the
    tape's frames would be without damage). Frames that are not damaged keep their samples, bit for bit, unless the
    chain has recording steps. Raises SourceError for an interlaced clip, and a TapemendError of another kind where the
    clip cannot be read or the target not be written; nothing is left behind then.
    """
    chosen = read_chain(settings.chain) if settings.chain else preset(settings.preset or DEFAULT_PRESET)
    encode = EncodeSettings(overwrite=settings.overwrite)
    changes_clean = bool(chosen.recording) or settings.fields in (Fields.INTERLACED, Fields.TELECINE)
    videos = {"tape": target, "mask": mask_path(target)} | ({"clean": clean_path(target)} if changes_clean else {})
    for path in (*videos.values(), truth_path(target)):
        check_target(clip, path, encode)
    tape = probe(clip, probe_settings)
    _refuse_unless_divisible(tape, settings.fields)
    told = progress or Silent()
    with disk_errors(target):
        scratch = tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent)
    with scratch as name, Reader(tape, DecodeSettings()) as reader:
        folder = Path(name)
        fields = settings.fields is not Fields.PROGRESSIVE
        truth = Truth(folder, tape.height // 2 if fields else tape.height)
        form = _form(tape, output_form(tape, reader.frame_rate, reader.time_base, encode), settings.fields)
        forms = {"tape": form, "clean": form, "mask": _mask_form(form)}
        told.stage("damaging", tape.frame_count_from_header)
        pictures = _pictures(_told(reader.survey(), told), tape, settings.fields)
        shown = _damaged(pictures, tape.layout, (chosen, settings.seed), truth)
        segments = _segments(_woven(shown) if fields else shown, {kind: forms[kind] for kind in videos}, folder)
        told.stage("writing and verifying", None)
        made = {
            kind: assemble(tape, segments[kind], forms[kind], folder / path.name, encode)
            for kind, path in videos.items()
        }
        about = {"preset": settings.preset, "chain": chain_text(chosen), "seed": settings.seed}
        truth.pack(folder / truth_path(target).name, about | {"fields": settings.fields, "tapemend": __version__})
        for path in (truth_path(target), *reversed(videos.values())):
            refuse_existing(path, encode)
        with disk_errors(target):
            for path in reversed(videos.values()):
                (folder / frame_md5_path(path).name).replace(frame_md5_path(path))
                (folder / path.name).replace(path)
            (folder / truth_path(target).name).replace(truth_path(target))
            flush_to_disk(target.parent)
        return Simulated(
            written=replace(made["tape"], path=target, framemd5_path=frame_md5_path(target)),
            truth=truth_path(target),
            mask=mask_path(target),
            clean=clean_path(target) if changes_clean else clip,
            frame_count=truth.frame_count,
            damaged_frames=truth.damaged_frames,
            notes=reader.index.notes,
        )


def truth_path(target: Path) -> Path:
    """Where the numbers about a damaged tape lie."""
    return _beside(target, "truth.npz")


def mask_path(target: Path) -> Path:
    """Where its masks lie."""
    return _beside(target, "mask.mkv")


def clean_path(target: Path) -> Path:
    """Where the undamaged tape lies, if it is another video than the clip."""
    return _beside(target, "clean.mkv")


def _beside(target: Path, ending: str) -> Path:
    """TAPE.ending for TAPE.mkv; another suffix stays, as there may be a tape of the same name without it."""
    return target.with_name(f"{target.name.removesuffix('.mkv')}.{ending}")


def _refuse_unless_divisible(tape: Tape, fields: Fields) -> None:
    """Raise SourceError unless the clip's frames are whole pictures, and make fields where those are wanted."""
    if tape.scan.used.interlaced or (tape.scan.used is ScanType.TELECINE and fields is not Fields.PROGRESSIVE):
        raise SourceError(
            f"{tape.path}: is interlaced ({tape.scan.used}) and the simulator damages whole frames; deinterlace it "
            "first, or say --field-order progressive if it is not"
        )
    rows = 2 << tape.layout.chroma_height_shift
    if fields is not Fields.PROGRESSIVE and tape.height % rows:
        raise SourceError(
            f"{tape.path}: {tape.height} rows of {tape.layout.name} do not make two fields; "
            f"crop it to a multiple of {rows}, or leave --fields progressive"
        )


def _form(tape: Tape, form: PictureForm, fields: Fields) -> PictureForm:
    """The form of the tape: the clip's, at the rate and with the flag of its fields."""
    if fields is Fields.PROGRESSIVE:
        return form
    step = _frame_step(fields)
    return replace(
        form,
        scan=ScanType.TOP_FIRST,
        frame_rate=tape.frame_rate / step,
        time_base=tape.time_base / step.denominator,
    )


def _mask_form(form: PictureForm) -> PictureForm:
    return replace(form, layout=layout_of("gray", FULL_RANGE), colour=MASK_COLOUR)


def _frame_step(fields: Fields) -> Fraction:
    """Frames of the clip to a frame of the tape."""
    cadence = CADENCE[fields]
    return Fraction(2 * len(cadence), sum(cadence))


def _told(frames: Iterator[Frame], told: Progress) -> Iterator[Frame]:
    for frame in frames:
        yield frame
        told.advance(1)


def _pictures(frames: Iterator[Frame], tape: Tape, fields: Fields) -> Iterator[Frame]:
    """The tape's pictures in the order of time: the clip's frames, or every other line of them, top field first.

    Both fields of a frame of the tape have its time. Where the last one lacks a field, the clip's last frame gives it.
    """
    if fields is Fields.PROGRESSIVE:
        yield from frames
        return
    cadence, step = CADENCE[fields], _frame_step(fields)
    duration = int(1 / (tape.frame_rate * tape.time_base))
    field: Frame | None = None
    for number, frame in enumerate(frames):
        for _ in range(cadence[number % len(cadence)]):
            index = field.index + 1 if field else 0
            if field is None or index % 2 == 0:
                late = int((index // 2 * step - number) * step.denominator) * duration
                field = replace(frame, index=index, pts=frame.pts * step.denominator + late)
            else:
                field = replace(frame, index=index, pts=field.pts)
            yield _field(field)
    if field is not None and field.index % 2 == 0:
        yield _field(replace(field, index=field.index + 1))


def _field(frame: Frame) -> Frame:
    """Its even lines, or its odd ones where its index is odd."""
    return replace(frame, planes=tuple(plane[frame.index % 2 :: 2] for plane in frame.planes))


def _damaged(
    pictures: Iterator[Frame], layout: PixelLayout, damage: tuple[Preset, int], truth: Truth
) -> Iterator[Shown]:
    """Every picture after its damage, a (preset, seed); the truth is noted."""
    memory = damage[0].memory
    before: deque[tuple[int, Tensor]] = deque(maxlen=memory)
    while batch := list(islice(pictures, BATCH_FRAMES)):
        source = [(picture.index, to_ycbcr(picture.planes, layout)) for picture in batch]
        indices, given = zip(*before, *source, strict=True)
        damaged = degrade(torch.stack(given), indices, *damage, lead=len(before))
        before.extend(source)
        truth.add(damaged)
        masks = _masks(damaged.change)
        for number, (picture, (_, was)) in enumerate(zip(batch, source, strict=True)):
            yield Shown(
                tape=_changed(picture, damaged.picture[number] - was, layout),
                clean=_changed(picture, damaged.clean[number] - was, layout),
                mask=replace(picture, planes=(masks[number],)),
            )


def _changed(picture: Frame, change: Tensor, layout: PixelLayout) -> Frame:
    return replace(picture, planes=add_change(picture.planes, change, layout)) if change.any() else picture


def _masks(change: Tensor) -> NDArray[np.uint8]:
    """(T, K, H, W) changes to (T, H, W): bit k where kind k is visible."""
    bits = torch.tensor([1 << number for number in range(len(Kind))], dtype=torch.uint8)[:, None, None]
    masks: NDArray[np.uint8] = ((change > VISIBLE) * bits).sum(1, dtype=torch.uint8).numpy()
    return masks


def _woven(fields: Iterator[Shown]) -> Iterator[Shown]:
    """A frame for each two fields, the first's lines on top."""
    for first, second in zip(fields, fields, strict=True):
        yield Shown(
            tape=_pair(first.tape, second.tape),
            clean=_pair(first.clean, second.clean),
            mask=_pair(first.mask, second.mask),
        )


def _pair(first: Frame, second: Frame) -> Frame:
    planes = zip(first.planes, second.planes, strict=True)
    return replace(first, index=first.index // 2, planes=tuple(_interleaved(*pair) for pair in planes))


def _interleaved(top: Plane, bottom: Plane) -> Plane:
    woven: Plane = np.empty((2 * len(top), top.shape[1]), top.dtype)
    woven[::2], woven[1::2] = top, bottom
    return woven


def _segments(
    shown: Iterable[Shown], forms: Mapping[str, PictureForm], folder: Path
) -> Mapping[str, Sequence[Segment]]:
    """The frames of each video of ``forms`` in verified lossless files, SEGMENT_FRAMES each."""
    segments: dict[str, list[Segment]] = {kind: [] for kind in forms}
    frames = iter(shown)
    while part := list(islice(frames, SEGMENT_FRAMES)):
        for kind, form in forms.items():
            path = folder / f"{len(segments[kind]):06}.{kind}.nut"
            segments[kind].append(write_segment((getattr(each, kind) for each in part), form, path))
    return segments
