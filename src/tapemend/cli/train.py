"""``tapemend train``."""

import logging
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tapemend.settings import TrainSettings


def train(
    clips: Path,
    /,
    *,
    recipe: str = "restorer",
    run: Path = Path("runs/restorer"),
    cache: Path = Path("runs/cache"),
    swin: str | None = None,
    settings: Annotated[TrainSettings, Parameter(name="*")] = TrainSettings(),
) -> None:
    """Train a network on clean clips, damaged by the simulator; goes on where the run's folder stopped.

    Parameters
    ----------
    clips
        A folder of clean videos and photographs, nothing else in it (a camera wanders over the photographs); or a
        training set that tapemend dataset built.
    recipe
        What to train: restorer, scorer, or the TAPE paper's network: paper-base, paper-small, paper-tiny, or
        paper-2022, which has no references. restorer-temporal and restorer-perceptual minimise flicker, or what the
        scorer sees, besides.
    run
        Where the state, the curve, pictures of the last batch and the checkpoint are kept.
    cache
        Where the clips are packed once, about 1.5 GB for 1,000 frames.
    swin
        For the paper's network: a folder with a pretrained Swin-T, or the hub name of one that is on this machine.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    from tapemend.allocator import keep_memory

    keep_memory()
    from tapemend.train.data import pack
    from tapemend.train.dataset import Dataset, is_dataset
    from tapemend.train.loop import Run
    from tapemend.train.recipes import recipe as named

    Run(named(recipe, swin), settings, run).train(Dataset(clips) if is_dataset(clips) else pack(clips, cache))
