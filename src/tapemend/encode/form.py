"""What the written pictures have in common, and the two ways fields become pictures."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

from tapemend.frames import Frame, FrameState, PictureForm, Plane, ScanType, Tape
from tapemend.settings import EncodeSettings, ScanOutput


def output_form(tape: Tape, frame_rate: Fraction, time_base: Fraction, settings: EncodeSettings) -> PictureForm:
    """Return the form of the pictures that will be written.

    ``frame_rate`` (frames a second) and ``time_base`` (seconds per tick) are those of the reader's frames: field rate
    and half the source's time base where an interlaced tape was bobbed. With ``--scan keep`` an interlaced tape gets
    back its own rate, time base and field order, for woven frames. A tape that was not bobbed keeps its flag, unless
    its pictures were found progressive.
    """
    scan = tape.scan.used
    if scan.interlaced and settings.scan is ScanOutput.KEEP:
        frame_rate, time_base = tape.frame_rate, tape.time_base
    elif scan.interlaced:
        scan = ScanType.PROGRESSIVE
    elif scan is not ScanType.PROGRESSIVE:
        scan = tape.scan.flagged
    return PictureForm(
        width=tape.width,
        height=tape.height,
        layout=tape.layout,
        sample_aspect_ratio=tape.sample_aspect_ratio,
        colour=tape.colour,
        frame_rate=frame_rate,
        time_base=time_base,
        scan=scan,
    )


def arrange(frames: Iterable[Frame], tape: Tape, settings: EncodeSettings) -> Iterable[Frame]:
    """The frames to write: fields woven again where an interlaced tape's scan is kept, else the frames as they are."""
    keeps_fields = tape.scan.used.interlaced and settings.scan is ScanOutput.KEEP
    return weave(frames, tape.scan.used) if keeps_fields else frames


def weave(frames: Iterable[Frame], scan: ScanType) -> Iterator[Frame]:
    """Yield one interlaced frame for each two bobbed ones, of index 2k and 2k + 1.

    The lines of the first field come from the first frame, those of the second from the second, in every plane. Time
    goes back to the source's: index and pts are halved. The worse state of the two is kept. ``scan`` is TOP_FIRST or
    BOTTOM_FIRST. Raises ValueError when the last frame has no partner, which bobbing cannot produce.
    """
    if not scan.interlaced:
        raise ValueError(f"only interlaced pictures are woven from fields, not {scan} ones")
    second_row = 1 if scan is ScanType.TOP_FIRST else 0
    first: Frame | None = None
    for frame in frames:
        if first is None:
            first = frame
            continue
        yield Frame(
            index=first.index // 2,
            pts=first.pts // 2,
            planes=tuple(_woven(*planes, second_row) for planes in zip(first.planes, frame.planes, strict=True)),
            state=max(first.state, frame.state, key=_BY_HARM.index),
        )
        first = None
    if first is not None:
        raise ValueError(f"the field of bobbed frame {first.index} has no partner")


_BY_HARM = (FrameState.DECODED, FrameState.CORRUPT, FrameState.FILLED)


def _woven(first: Plane, second: Plane, second_row: int) -> Plane:
    """Return ``first`` with every other row, from ``second_row`` on, taken from ``second``."""
    woven = first.copy()
    woven[second_row::2] = second[second_row::2]
    return woven
