"""``tapemend adapt``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tapemend.cli.progress import Bar
from tapemend.settings import AdaptSettings, DetectSettings, ProbeSettings

if TYPE_CHECKING:
    from tapemend.train.adapt import Adaptation

WRITTEN, NOT_WRITTEN = 0, 3
"""Exit codes."""
Flat = Parameter(name="*")


def adapt(
    source: Path,
    /,
    target: Annotated[Path | None, Parameter(name=["--target", "-o"])] = None,
    *,
    settings: Annotated[AdaptSettings, Flat] = AdaptSettings(),
    probe: Annotated[ProbeSettings, Flat] = ProbeSettings(),
    detect: Annotated[DetectSettings, Flat] = DetectSettings(),
) -> int:
    """Adapt the weights to a tape: they learn from its own clean frames, and are kept only if they win.

    The clean frames are damaged the way the tape is. Weights are written if they restore clean frames that were held
    out better than those before, and leave undamaged ones as well alone.

    Exit code: 0 weights were written, 3 they do not win and nothing was written.

    Parameters
    ----------
    source
        The capture; it is only read.
    target
        The adapted weights, for tapemend restore --weights; SOURCE.adapted.safetensors beside the source if not given.
    """
    from tapemend.allocator import keep_memory

    keep_memory()
    from tapemend.train.adapt import adapt as adapted

    try:
        with Bar() as bar:
            done = adapted(source, target or default_target(source), settings, look=probe, detect=detect, progress=bar)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; nothing was written, and the same command begins anew") from None
    _say(source, done, settings, bar)
    return WRITTEN if done.written else NOT_WRITTEN


def default_target(source: Path) -> Path:
    """Where the weights go when nobody says."""
    return source.with_name(f"{source.stem}.adapted.safetensors")


def _say(source: Path, done: "Adaptation", settings: AdaptSettings, bar: Bar) -> None:
    learned, held_out = (sum(map(len, part)) for part in (done.stretches.learned, done.stretches.held_out))
    nearest = ", ".join(f"{name} {distance:.2f}" for name, distance in done.distances.items())
    bar.say(
        f"{source}: {done.stretches.clean_frames:,} clean frames; {done.steps:,} steps on {learned} of them, "
        f"{held_out} held out"
    )
    bar.say(f"damaged most like {' and '.join(dict.fromkeys(done.presets))}; distances: {nearest}")
    bar.say(
        f"held-out frames, damaged anew: {settings.weights} gains {done.before.gain_db:+.2f} dB, "
        f"adapted {done.after.gain_db:+.2f} dB"
    )
    bar.say(f"held-out frames as they are: {done.before.clean_db:.1f} dB, adapted {done.after.clean_db:.1f} dB")
    if done.written:
        bar.say(f"{done.written}: adapted weights; tapemend restore --weights takes them")
    else:
        from tapemend.train.adapt import MARGIN_DB

        bar.say(
            f"{source}: the adapted weights do not win by {MARGIN_DB} dB, or harm clean frames; nothing was written"
        )
