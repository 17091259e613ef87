"""Names and values for the page's tables: what the tape is, what became of it, with which settings."""

from collections.abc import Iterator
from typing import Any

from tapemend.frames import Account, ColourTags, PixelLayout, ScanType, StreamNote, Survey, Tape
from tapemend.report.deviations import setting
from tapemend.report.summary import duration
from tapemend.report.wording import clock, decimal, size

PRIMARIES = {1: "BT.709", 4: "BT.470 M", 5: "BT.601, 625 lines", 6: "BT.601, 525 lines", 7: "SMPTE 240M", 9: "BT.2020"}
TRANSFERS = {1: "BT.709", 4: "gamma 2.2", 5: "gamma 2.8", 6: "BT.601", 7: "SMPTE 240M", 8: "linear", 13: "sRGB"}
MATRICES = {
    0: "RGB",
    1: "BT.709",
    4: "FCC",
    5: "BT.601, 625 lines",
    6: "BT.601, 525 lines",
    7: "SMPTE 240M",
    9: "BT.2020",
}
"""Names of ITU-T H.273's common code points (tables 2 to 4)."""
RANGES = {0: "range not stated", 1: "limited range", 2: "full range"}
SUBSAMPLINGS = {(0, 0): "4:4:4", (1, 0): "4:2:2", (1, 1): "4:2:0", (2, 0): "4:1:1", (0, 1): "4:4:0"}
SCANS = {
    ScanType.PROGRESSIVE: "progressive",
    ScanType.TOP_FIRST: "interlaced, top field first",
    ScanType.BOTTOM_FIRST: "interlaced, bottom field first",
    ScanType.TELECINE: "telecined film",
    ScanType.UNKNOWN: "not known",
}

Facts = Iterator[tuple[str, str | list[str]]]


def tape_facts(survey: Survey) -> Facts:
    """Yield what the source is."""
    tape, scan = survey.tape, survey.tape.scan
    yield "File", str(tape.path)
    yield "Size", size(tape.size_bytes)
    yield "SHA-256", survey.source_sha256
    yield "Container and codec", f"{tape.container}, {tape.codec}"
    yield "Picture", _picture(tape)
    yield "Samples", _samples(tape.layout, tape.stored_pixel_format)
    yield "Colour", _colour(tape.colour)
    yield "Scan", f"{SCANS[scan.used]} (flagged: {SCANS[scan.flagged]}; measured: {SCANS[scan.measured]})"
    yield "Rate", _rate(survey)
    fields = "" if survey.frame_rate == tape.frame_rate else " (one for each field)"
    yield "Frames", f"{len(survey.index):,} read{fields}; {_promise(tape.frame_count_from_header)}"
    yield "Duration", clock(duration(survey))
    yield "Shots", f"{len(survey.shots):,}"
    yield "Other streams", [_stream(stream) for stream in tape.streams]
    yield "Chapters", f"{tape.chapter_count:,}"
    if tape.tags:
        yield "Tags", [f"{name}: {value}" for name, value in tape.tags.items()]


def written_facts(account: Account) -> Facts:
    """Yield what was written, kept and not kept."""
    written = account.written
    yield "File", str(written.path)
    yield "SHA-256", written.sha256
    proof = "counted" if setting(account, "encode", "access") else "counted and compared"
    yield "Frames", f"{written.frame_count:,}, decoded again, {proof} before the file got its name"
    yield "Checksum of every frame", str(written.framemd5_path)
    yield "Kept besides the picture", list(written.carried)
    yield "Not kept, or not as it was", list(written.left_out)


def settings_facts(settings: dict[str, Any], prefix: str = "") -> Facts:
    """Yield every setting under its full name, such as ``restore.strength``."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from settings_facts(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)


def _picture(tape: Tape) -> str:
    pixels = f"{tape.width} × {tape.height} pixels"
    if tape.sample_aspect_ratio is None:
        return f"{pixels}; the shape of a pixel is not stated"
    if tape.sample_aspect_ratio == 1:
        return f"{pixels}, square"
    shape = tape.sample_aspect_ratio
    return (
        f"{pixels}, each {shape.numerator}:{shape.denominator}, so shown as {round(tape.width * shape)} × {tape.height}"
    )


def _samples(layout: PixelLayout, stored: str) -> str:
    chroma = SUBSAMPLINGS[layout.chroma_width_shift, layout.chroma_height_shift]
    kind = {"ycbcr": f"Y'CbCr {chroma}", "gray": "grey", "gbr": "RGB"}[layout.components]
    return f"{kind}, {layout.bit_depth} bits ({stored})"


def _colour(tags: ColourTags) -> str:
    def named(names: dict[int, str], code: int) -> str:
        return "not stated" if code == 2 else names.get(code, f"code {code}")

    return (
        f"primaries {named(PRIMARIES, tags.primaries)}; transfer {named(TRANSFERS, tags.transfer)}; "
        f"matrix {named(MATRICES, tags.matrix)}; {RANGES.get(tags.range, f'range {tags.range}')}"
    )


def _rate(survey: Survey) -> str:
    stated = f"{decimal(survey.tape.frame_rate)} frames a second"
    if survey.frame_rate == survey.tape.frame_rate:
        return stated
    return f"{stated}; worked on at {decimal(survey.frame_rate)}, one for each field"


def _promise(frame_count: int | None) -> str:
    return "the header does not say how many" if frame_count is None else f"the header says {frame_count:,}"


def _stream(stream: StreamNote) -> str:
    start = "" if stream.start is None else f", starts at {decimal(stream.start)} s"
    detail = f" ({stream.detail})" if stream.detail else ""
    return f"{stream.index}: {stream.kind}, {stream.codec}{detail}{start}"
