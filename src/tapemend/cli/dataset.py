"""``tapemend dataset``."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tapemend.cli.progress import Bar


def dataset(
    clips: Path,
    /,
    target: Annotated[Path, Parameter(name=["--target", "-o"])],
    *,
    recipe: str = "restorer",
    preset: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    windows: int = 4096,
    shard: int = 256,
    seed: int = 1,
    cache: Path = Path("runs/cache"),
) -> None:
    """Build a training set from a folder of clean clips, in shards that are mapped into memory, and say what is in it.

    Goes on where it was stopped. The same clips, settings and version give the same bytes.

    Parameters
    ----------
    clips
        A folder of clean videos and photographs, nothing else in it.
    target
        The folder of the training set.
    recipe
        The training that it is for, as tapemend train names it: it says how windows are cut.
    preset
        Kinds of tape, as tapemend degrade --list says them, instead of all that the recipe has; may be given several
        times.
    windows
        Windows in all; about a megabyte each for the restorer.
    shard
        Windows of a file.
    seed
        Of every window.
    cache
        Where the clips are packed once, about 1.5 GB for 1,000 frames.
    """
    from tapemend.allocator import keep_memory

    keep_memory()
    from tapemend.train.data import pack
    from tapemend.train.dataset import DatasetSettings, build
    from tapemend.train.recipes import recipe as named

    samples = named(recipe).samples
    if preset:
        samples = replace(samples, presets=preset, varied_share=0.0, spared_share=0.0)
    with Bar() as bar:
        bar.stage("packing clips", None)
        store = pack(clips, cache)
        bar.stage("damaging", windows)
        made = build(
            store, target, DatasetSettings(samples=samples, windows=windows, shard=shard, seed=seed), bar.advance
        )
    bar.say(f"{target}: {len(made)} windows")
    for name, value in made.statistics().items():
        bar.say(f"{name:18} {value:.3f}")
