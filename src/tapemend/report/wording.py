"""Numbers and times as people read them."""

from fractions import Fraction

from tapemend.frames import FrameIndex
from tapemend.wording import counted


def percent(part: float, whole: float = 1.0) -> str:
    """Return a share of something in percent; what is not nothing never reads 0 %, what is not all never 100 %."""
    share = 100 * part / whole
    if 0 < share < 0.05:
        return "under 0.1 %"
    if 99.95 <= share < 100:
        return "over 99.9 %"
    return f"{share:.1f}".removesuffix(".0") + " %"


def beside(right: float, down: float) -> str:
    """Return where something stands that is not in its place: ``3.8 pixels to the right of and 2.0 lines below``."""
    along = f"{abs(right):.1f} pixels to the {'right' if right > 0 else 'left'} of"
    across = f"{abs(down):.1f} lines {'below' if down > 0 else 'above'}"
    return " and ".join([along] * (right != 0) + [across] * (down != 0))


def clock(seconds: Fraction, decimals: int = 3) -> str:
    """Return a time as h:mm:ss with that many decimals, rounded once, exactly."""
    unit = 10**decimals
    whole, part = divmod(round(seconds * unit), unit)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    fraction = f".{part:0{decimals}d}" if decimals else ""
    return f"{hours}:{minute:02d}:{second:02d}{fraction}"


def timecode(index: FrameIndex, frame: int) -> str:
    """Return when a frame is shown, counted from the first frame of the tape: h:mm:ss.mmm."""
    return clock(int(index.pts[frame] - index.pts[0]) * index.time_base)


def size(byte_count: int) -> str:
    """Return a file size: exact, and where it helps in decimal units."""
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if byte_count >= unit:
            return f"{byte_count / unit:.1f} {name} ({counted(byte_count, 'byte')})"
    return counted(byte_count, "byte")


def decimal(ratio: Fraction) -> str:
    """Return a ratio with at most three decimals."""
    return f"{float(ratio):.3f}".rstrip("0").rstrip(".")
