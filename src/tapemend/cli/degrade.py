"""``tapemend degrade``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tapemend.cli.progress import Bar
from tapemend.errors import SettingsError
from tapemend.settings import ProbeSettings, SimulateSettings

Flat = Parameter(name="*")


def degrade(
    clip: Path | None = None,
    /,
    target: Annotated[Path | None, Parameter(name=["--target", "-o"])] = None,
    *,
    list_presets: Annotated[bool, Parameter(name="--list", negative="")] = False,
    settings: Annotated[SimulateSettings, Flat] = SimulateSettings(),
    probe: Annotated[ProbeSettings, Flat] = ProbeSettings(),
) -> None:
    """Damage a clean progressive clip as tape does, with the truth about the damage beside it.

    Parameters
    ----------
    clip
        The clean clip; it is only read.
    target
        The damaged tape; CLIP.tape.mkv beside the clip if not given. The truth goes to its name with .truth.npz.
    list_presets
        Say which presets there are, and do nothing else.
    """
    if list_presets:
        _print_presets()
        return
    if clip is None:
        raise SettingsError("name a clip to damage, or say --list to see the presets")
    from tapemend.allocator import keep_memory

    keep_memory()
    from tapemend.simulate import simulate

    with Bar() as bar:
        done = simulate(clip, target or default_target(clip), settings, probe_settings=probe, progress=bar)
    for note in done.notes:
        bar.say(f"{clip}: {note}")
    bar.say(f"{done.written.path}: {done.damaged_frames} of {done.frame_count} frames damaged")
    bar.say(f"{done.truth}: what was done to each")


def default_target(clip: Path) -> Path:
    """Where the tape goes when nobody says."""
    return clip.with_name(f"{clip.stem}.tape.mkv")


def _print_presets() -> None:
    from tapemend.degrade import PRESETS

    for name, preset in PRESETS.items():
        print(f"{name:20} {preset.description}")
