"""Training sets on disk: windows that the simulator made once, in shards that are mapped into memory.

A folder holds ``manifest.json`` and shards ``000000.safetensors``, …; each tensor's first axis counts windows. Pictures
are uint8 limited-range Y'CbCr as captures have them.
"""

import json
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import accumulate, takewhile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from tapemend import __version__
from tapemend.colour import from_codes, to_codes
from tapemend.degrade import Kind
from tapemend.degrade.timeline import generator
from tapemend.encode.target import written_aside
from tapemend.errors import JournalMismatch, SettingsError
from tapemend.files import file_sha256, plain
from tapemend.train.data import Store
from tapemend.train.samples import Batch, SampleSettings, reference_count, visibility, window

FORMAT = "tapemend-dataset-1"
MANIFEST = "manifest.json"
PARTS = tuple(Batch.__dataclass_fields__)
MAPS = "cells", "torn"
PICTURES = ("damaged", "clean", "references")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSettings:
    """How a training set is built."""

    samples: SampleSettings
    windows: int = 4096
    """Windows in all."""
    shard: int = 256
    """Windows of a shard."""
    seed: int = 1
    """Of every window."""


class Dataset:
    """A training set that was built."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = _manifest(folder)
        self.starts: list[int] = list(accumulate((shard["windows"] for shard in self.manifest["shards"]), initial=0))

    def __len__(self) -> int:
        """Windows in all."""
        return self.starts[-1]

    def batch(self, settings: SampleSettings, seed: int, step: int) -> Batch:
        """The batch of one step: all windows come once, in an order that the seed gives, before any comes again.

        Raises SettingsError where the windows were cut otherwise than the settings ask.
        """
        made = SampleSettings(**{name: _tupled(value) for name, value in self.manifest["settings"]["samples"].items()})
        if (made.rows, made.columns, made.frames) != (settings.rows, settings.columns, settings.frames):
            raise SettingsError(
                f"{self.folder}: its windows are {made.frames} frames of {made.columns} x {made.rows}, the recipe "
                f"takes {settings.frames} of {settings.columns} x {settings.rows}; build a set for this recipe"
            )
        first = step * settings.windows
        rounds = (divmod(first + number, len(self)) for number in range(settings.windows))
        rows = [self._read(_order(seed, turn, len(self))[place]) for turn, place in rounds]
        depth = reference_count(settings, seed, step)
        for row in rows:
            row |= {name: row[name][:depth] for name in ("references", "lendable")}
        return Batch(**{name: torch.stack([row[name] for row in rows]) for name in rows[0]})

    def statistics(self) -> dict[str, float]:
        """Means over all windows: of what is said of each in ``_statistics``."""
        shards = self.manifest["shards"]
        names = shards[0]["statistics"]
        return {
            name: sum(shard["statistics"][name] * shard["windows"] for shard in shards) / len(self) for name in names
        }

    def _read(self, place: int) -> dict[str, Tensor]:
        shard = bisect_right(self.starts, place) - 1
        path = self.folder / self.manifest["shards"][shard]["file"]
        try:
            with safe_open(path, framework="pt") as opened:
                row = {name: opened.get_slice(name)[place - self.starts[shard]] for name in PARTS}
        except (SafetensorError, OSError) as error:
            raise SettingsError(f"{path}: cannot be read ({error}); build the training set again") from error
        return {name: from_codes(part) if name in PICTURES else part for name, part in row.items()} | {
            name: row[name].float() for name in MAPS
        }


def build(
    store: Store, folder: Path, settings: DatasetSettings, told: Callable[[int], None] = lambda _: None
) -> Dataset:
    """Make the windows that are not there yet; a set that was interrupted goes on with its first missing shard.

    The same clips, settings and version of the simulator give the same bytes. Raises JournalMismatch where the folder
    holds a set of other clips or settings. ``told`` hears how many windows are new.
    """
    folder.mkdir(parents=True, exist_ok=True)
    work = {
        "format": FORMAT,
        "tapemend": __version__,
        "settings": plain(asdict(settings)),
        "clips": [{"name": path.name, "sha256": file_sha256(path)} for path in store.paths],
    }
    shards = _made_before(folder, work)
    told(sum(shard["windows"] for shard in shards))
    for number in range(len(shards), -(-settings.windows // settings.shard)):
        first = number * settings.shard
        path = folder / f"{number:06}.safetensors"
        parts = _windows(store, settings, range(first, min(first + settings.shard, settings.windows)), told)
        with written_aside(path) as aside:
            save_file(parts, aside)
        shards.append(
            {
                "file": path.name,
                "windows": len(parts["damaged"]),
                "sha256": file_sha256(path),
                "statistics": _statistics(parts),
            }
        )
        with written_aside(folder / MANIFEST) as aside:
            aside.write_text(json.dumps(work | {"shards": shards}, indent=2))
    return Dataset(folder)


def is_dataset(folder: Path) -> bool:
    """Whether a training set lies there, rather than clips."""
    return (folder / MANIFEST).is_file()


def _windows(store: Store, settings: DatasetSettings, numbers: range, told: Callable[[int], None]) -> dict[str, Tensor]:
    """The parts of these windows, packed and stacked."""
    rows = []
    for number in numbers:
        row = dict(
            zip(
                PARTS,
                window(store, settings.samples, settings.samples.references, (settings.seed, number, 0)),
                strict=True,
            )
        )
        rows.append(
            {name: to_codes(part) if name in PICTURES else part for name, part in row.items()}
            | {name: row[name].half() for name in MAPS}
        )
        told(1)
    return {name: torch.stack([row[name] for row in rows]) for name in PARTS}


def _statistics(parts: dict[str, Tensor]) -> dict[str, float]:
    """Share of windows damaged; mean visibility of each kind over all regions; share of references that may lend."""
    cells = parts["cells"].float()
    visible = visibility(cells).mean((0, 1, 3, 4)).tolist()
    return {
        "damaged": cells.flatten(1).any(1).float().mean().item(),
        **{f"visible {kind}": share for kind, share in zip(Kind, visible, strict=True)},
        "lendable": parts["lendable"].float().mean().item() if parts["lendable"].numel() else 0.0,
    }


def _made_before(folder: Path, work: dict[str, Any]) -> list[dict[str, Any]]:
    """The shards that an earlier build finished, as long as they are whole."""
    if not is_dataset(folder):
        return []
    manifest = _manifest(folder)
    if {name: manifest[name] for name in work} != work:
        raise JournalMismatch(f"{folder}: holds a training set of other clips, settings or version; use another folder")
    shards: list[dict[str, Any]] = manifest["shards"]
    return list(takewhile(lambda one: _whole(folder / one["file"], one["sha256"]), shards))


def _whole(path: Path, sha256: str) -> bool:
    return path.is_file() and file_sha256(path) == sha256


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: is no manifest of a training set ({error})") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise SettingsError(f"{path}: is no manifest of a training set of this version ({FORMAT})")
    return manifest


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@lru_cache(maxsize=2)
def _order(seed: int, turn: int, count: int) -> list[int]:
    """The order of all windows in one turn through the set."""
    order: list[int] = torch.randperm(count, generator=generator(seed, "turn", turn)).tolist()
    return order
