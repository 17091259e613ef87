"""Weights on disk: safetensors with everything needed to use them in the header; loaded strictly, checked by hash."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tapemend.errors import WeightsError
from tapemend.files import file_sha256

FORMAT = "tapemend-1"
DESCRIPTION = ("format", "kind", "config", "provenance")
"""What every header says."""

NetworkSettings = TypeVar("NetworkSettings")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """A network's weights and where they come from."""

    name: str
    """For people: the shipped name or the file's."""
    kind: str
    """``restorer`` or ``scorer``."""
    config: dict[str, Any]
    """The fields of the network's settings; lists in the header are tuples here."""
    tensors: dict[str, Tensor]
    provenance: dict[str, str]
    """Training commit, steps, seed, data, licence."""
    sha256: str
    """Of the file."""

    def settings(self, kind: type[NetworkSettings]) -> NetworkSettings:
        """The network's settings; WeightsError where they are another network's."""
        try:
            return kind(**self.config)
        except TypeError as error:
            raise WeightsError(f"{self.name}: {self._misfit()} ({error})") from error

    def fits(self, kind: type) -> bool:
        """Whether the settings are of that kind."""
        return self.config.keys() <= {field.name for field in fields(kind)}

    def load_into(self, network: nn.Module) -> None:
        """Fill the network; every name and shape must match."""
        wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
        given = {name: tensor.shape for name, tensor in self.tensors.items()}
        if wanted != given:
            odd = sorted(name for name in wanted.keys() | given.keys() if wanted.get(name) != given.get(name))
            raise WeightsError(f"{self.name}: {self._misfit()} ({len(odd)} tensors do not fit, first {odd[0]})")
        network.load_state_dict({name: tensor.float() for name, tensor in self.tensors.items()}, strict=True)

    def _misfit(self) -> str:
        return f"weights of another {self.kind} than this version of tapemend has; name another checkpoint"


def shipped() -> dict[str, dict[str, str]]:
    """The checkpoints in the package: name to ``file``, ``kind`` and ``sha256``."""
    index: dict[str, dict[str, str]] = json.loads(files("tapemend.weights").joinpath("index.json").read_text())
    return index


def read(name: str, kind: str) -> Checkpoint:
    """The shipped checkpoint of that name, or the one in that file; WeightsError says what is wrong with it."""
    entry = shipped().get(name)
    path = Path(name) if entry is None else Path(str(files("tapemend.weights").joinpath(entry["file"])))
    if not path.is_file():
        names = [known for known, other in shipped().items() if other["kind"] == kind]
        raise WeightsError(
            f"no checkpoint {name!r}: neither a file nor one that ships with tapemend ({', '.join(names)})"
        )
    try:
        digest = file_sha256(path)
        if entry is not None and digest != entry["sha256"]:
            raise WeightsError(
                f"{path}: the shipped checkpoint {name!r} is damaged (sha256 {digest[:12]}…); reinstall tapemend"
            )
        with safe_open(path, framework="pt") as opened:
            header = opened.metadata() or {}
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: not a readable checkpoint ({error}); fetch it again") from error
    if header.get("format") != FORMAT or header.get("kind") != kind or not header.keys() >= set(DESCRIPTION):
        raise WeightsError(f"{path}: a safetensors file, but not tapemend's {kind} weights; name another checkpoint")
    _refuse_damaged(path, header, tensors)
    config: dict[str, Any] = json.loads(header["config"])
    return Checkpoint(
        name=name,
        kind=kind,
        config={name: tuple(value) if isinstance(value, list) else value for name, value in config.items()},
        tensors=tensors,
        provenance=json.loads(header["provenance"]),
        sha256=digest,
    )


def _refuse_damaged(path: Path, header: dict[str, str], tensors: dict[str, Tensor]) -> None:
    """Raise WeightsError unless the weights are those that were written, all of them numbers.

    Files from before the contents' digest was written with them have none to hold them against.
    """
    if header.get("contents", contents := _contents(header, tensors)) != contents:
        raise WeightsError(f"{path}: the checkpoint is damaged (its contents changed since written); fetch it again")
    odd = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
    if odd:
        raise WeightsError(
            f"{path}: the checkpoint is damaged ({odd[0]} has values that are no numbers); fetch it again"
        )


def _contents(header: dict[str, str], tensors: dict[str, Tensor]) -> str:
    """Hex digest of settings, provenance and tensors; unlike the file's own it can be written into the file."""
    digest = hashlib.sha256(repr([header.get(name) for name in DESCRIPTION]).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def write(path: Path, kind: str, config: Any, tensors: dict[str, Tensor], provenance: dict[str, str]) -> None:
    """Write a checkpoint aside and rename it, so that a killed process leaves the old one or the new one.

    config: a dataclass; tensors: stored in their own precision.
    """
    header = {
        "format": FORMAT,
        "kind": kind,
        "config": json.dumps(asdict(config)),
        "provenance": json.dumps(provenance),
    }
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    aside = path.with_name(path.name + ".part")
    save_file(plain, aside, header | {"contents": _contents(header, plain)})
    aside.replace(path)
