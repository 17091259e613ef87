"""``tapemend degrade``."""

from pathlib import Path
from typing import Annotated

from cyclopts import CycloptsError, Parameter

from tapemend.cli.progress import Bar
from tapemend.settings import Fields, ProbeSettings, SimulateSettings

Flat = Parameter(name="*")


def degrade(
    clip: Path | None = None,
    /,
    target: Annotated[Path | None, Parameter(name=["--target", "-o"])] = None,
    *,
    list_presets: Annotated[bool, Parameter(name="--list", negative="")] = False,
    describe: str | None = None,
    settings: Annotated[SimulateSettings, Flat] = SimulateSettings(),
    probe: Annotated[ProbeSettings, Flat] = ProbeSettings(),
) -> None:
    """Damage a clean progressive clip as tape does, with the truth about the damage beside it.

    Parameters
    ----------
    clip
        The clean clip; it is only read.
    target
        The damaged tape; CLIP.tape.mkv beside the clip if not given. The truth goes to its name with .truth.npz and
        .mask.mkv; what the tape would be without damage, where that is not the clip, to .clean.mkv.
    list_presets
        Say which presets there are, and do nothing else.
    describe
        Print this preset as TOML, to be changed and given back with --chain, and do nothing else.
    """
    if list_presets:
        _print_presets()
    elif describe is not None:
        _print_chain(describe)
    elif clip is None:
        raise CycloptsError(msg="name a clip to damage, or say --list to see the presets")
    else:
        try:
            _degrade(clip, target or default_target(clip), settings, probe)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("stopped; nothing was written, and the same command begins anew") from None


def default_target(clip: Path) -> Path:
    """Where the tape goes when nobody says."""
    return clip.with_name(f"{clip.stem}.tape.mkv")


def _degrade(clip: Path, target: Path, settings: SimulateSettings, probe: ProbeSettings) -> None:
    from tapemend.allocator import keep_memory

    keep_memory()
    from tapemend.simulate import simulate

    with Bar() as bar:
        done = simulate(clip, target, settings, probe_settings=probe, progress=bar)
    for note in done.notes:
        bar.say(f"{clip}: {note}")
    pictures = "frames" if settings.fields is Fields.PROGRESSIVE else "fields"
    bar.say(f"{done.written.path}: {done.damaged_frames} of {done.frame_count} {pictures} damaged")
    bar.say(f"{done.truth}: what was done to each")
    bar.say(f"{done.mask}: where it can be seen, a bit for each kind")
    bar.say(f"{done.clean}: without the damage")


def _print_presets() -> None:
    from tapemend.degrade import PRESETS

    for name, preset in PRESETS.items():
        print(f"{name:20} {preset.description}")


def _print_chain(name: str) -> None:
    from tapemend.degrade import preset
    from tapemend.degrade.chainfile import chain_text

    print(chain_text(preset(name)), end="")
