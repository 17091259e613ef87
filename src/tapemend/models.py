"""What there is to work with: the weights that ship, the CLIPs on this machine, and what each costs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import torch
from torch.utils.flop_counter import FlopCounterMode

from tapemend import checkpoint
from tapemend.checkpoint import Checkpoint
from tapemend.detect.clip import LEAST_CROP_COLUMNS, LEAST_CROP_ROWS, crop_starts
from tapemend.errors import ModelMissing
from tapemend.network.damage import DamageConfig, DamageNetwork
from tapemend.restore.networks import RestoringNetwork, build
from tapemend.restore.windows import CONTEXT
from tapemend.settings import ReferenceSettings, RestoreSettings

ROWS, COLUMNS = 576, 720
"""Of the frame that costs are stated for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Some weights that can be used."""

    name: str
    """What ``--weights``, ``--scorer-weights`` or ``--clip-model`` takes."""
    use: str
    """``restorer``, ``scorer`` or ``clip``."""
    path: Path
    size_bytes: int
    parameters: int
    gflop_per_frame: float
    """Floating point operations for a 720x576 frame, 10^9; a multiplication and an addition are two."""
    sha256: str | None
    """Of the file; None where it is not ours to vouch for."""
    note: str
    """Where it comes from."""


def shipped() -> Iterator[Model]:
    """The weights in the package. Raises WeightsError for one that is damaged."""
    for name, entry in checkpoint.shipped().items():
        weights = checkpoint.read(name, entry["kind"])
        path = Path(str(files("tapemend.weights").joinpath(entry["file"])))
        yield Model(
            name=name,
            use=weights.kind,
            path=path,
            size_bytes=path.stat().st_size,
            parameters=sum(tensor.numel() for tensor in weights.tensors.values()),
            gflop_per_frame=COSTS[weights.kind](weights),
            sha256=weights.sha256,
            note=", ".join(f"{key} {value}" for key, value in weights.provenance.items()),
        )


def clips(folder: Path | None = None) -> Iterator[Model]:
    """The CLIPs in the Hugging Face cache of this machine, and the one in ``folder``; the net is not asked.

    Raises ModelMissing where transformers, which runs them, is not installed, or the folder holds no CLIP.
    """
    try:
        transformers: Any = import_module("transformers")
        hub: Any = import_module("huggingface_hub")
    except ImportError as error:
        raise ModelMissing("CLIP needs transformers: pip install 'tapemend[clip]'") from error
    if folder is not None:
        found = _clip(transformers, str(folder), folder, f"the folder {folder}")
        if found is None:
            raise ModelMissing(f"{folder}: no CLIP (no config.json of one, or no model.safetensors)")
        yield found
    try:
        repositories = hub.scan_cache_dir().repos
    except hub.errors.CacheNotFound:
        return
    for repository in sorted(repositories, key=lambda each: str(each.repo_id)):
        for revision in sorted(repository.revisions, key=lambda each: -each.last_modified)[:1]:
            found = _clip(transformers, repository.repo_id, revision.snapshot_path, "the Hugging Face cache")
            if found is not None:
                yield found


def _clip(transformers: Any, name: str, folder: Path, note: str) -> Model | None:
    """The CLIP in a folder of Hugging Face's layout; None where it is something else, or without safetensors."""
    weights = folder / "model.safetensors"
    if not (folder / "config.json").is_file() or not weights.is_file():
        return None
    if json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type") != "clip":
        return None
    config = transformers.CLIPConfig.from_pretrained(folder, local_files_only=True)
    side = config.vision_config.image_size
    looks = 1 + len(crop_starts(ROWS, side, LEAST_CROP_ROWS)) * len(crop_starts(COLUMNS, side, LEAST_CROP_COLUMNS))
    with torch.device("meta"):
        network = transformers.CLIPModel(config).eval()
        one = _gflop(lambda: network.vision_model(pixel_values=torch.empty(1, 3, side, side)))
    return Model(
        name=name,
        use="clip",
        path=folder,
        size_bytes=weights.stat().st_size,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        gflop_per_frame=looks * one,
        sha256=None,
        note=note,
    )


def _scorer_cost(weights: Checkpoint) -> float:
    with torch.device("meta"):
        network = DamageNetwork(weights.settings(DamageConfig))
        return _gflop(lambda: network(torch.empty(1, 3, 3, ROWS, COLUMNS)))


def _restorer_cost(weights: Checkpoint) -> float:
    """Of a frame of a whole window with as many references as the default allows; finding motion does not count."""
    kept, lenders = RestoreSettings().window, ReferenceSettings().references
    with torch.device("meta"):
        network = cast(RestoringNetwork, build(weights).eval())
        height, width = (length + -length % step for length, step in zip((ROWS, COLUMNS), network.grid, strict=True))
        window = torch.empty(1, kept + 2 * CONTEXT, 3, height, width)
        lendable = torch.ones(1, lenders, height, width, dtype=torch.bool)
        numbers = list(range(CONTEXT, CONTEXT + kept))
        return _gflop(lambda: network.change(network.see(window, numbers, window[:, :lenders], lendable))) / kept


COSTS: dict[str, Callable[[Checkpoint], float]] = {"restorer": _restorer_cost, "scorer": _scorer_cost}


def _gflop(work: Callable[[], object]) -> float:
    """10^9 floating point operations of some work on shapes without data."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops()) / 1e9
