"""Weights on disk: what is written comes back, what is damaged is told."""

import json
from pathlib import Path

import pytest
import torch
from networks import SMALL, random_restoration, write_restorer, write_scorer
from safetensors.torch import save_file

from tapemend import checkpoint
from tapemend.errors import WeightsError
from tapemend.files import file_sha256
from tapemend.network.damage import DamageConfig
from tapemend.network.restoration import RestorationConfig, RestorationNetwork


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_restorer(tmp_path / "random.safetensors")


def refusal(path: Path, kind: str = "restorer") -> str:
    with pytest.raises(WeightsError) as caught:
        checkpoint.read(str(path), kind)
    (line,) = str(caught.value).splitlines()
    return line


def rewritten(path: Path, header: dict[str, str]) -> Path:
    """The same tensors under another header."""
    tensors = checkpoint.read(str(path), "restorer").tensors
    save_file(tensors, path, header)
    return path


def test_what_is_written_comes_back(path: Path) -> None:
    read = checkpoint.read(str(path), "restorer")
    assert read.name == str(path)
    assert read.settings(RestorationConfig) == SMALL
    assert read.provenance == {"licence": "none"}
    assert read.sha256 == file_sha256(path)
    network, wanted = RestorationNetwork(SMALL), random_restoration().state_dict()
    read.load_into(network)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, wanted[name])


def test_weights_in_half_precision_are_loaded_as_float32(tmp_path: Path) -> None:
    halves = {name: tensor.half() for name, tensor in random_restoration().state_dict().items()}
    checkpoint.write(tmp_path / "half.safetensors", "restorer", SMALL, halves, {})
    network = RestorationNetwork(SMALL)
    checkpoint.read(str(tmp_path / "half.safetensors"), "restorer").load_into(network)
    assert {tensor.dtype for tensor in network.state_dict().values()} == {torch.float32}


def test_writing_leaves_nothing_beside_the_checkpoint(path: Path) -> None:
    assert list(path.parent.iterdir()) == [path]


def test_every_checkpoint_that_ships_can_be_read() -> None:
    for name, entry in checkpoint.shipped().items():
        assert checkpoint.read(name, entry["kind"]).sha256 == entry["sha256"]


def test_a_shipped_checkpoint_that_was_damaged_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"file": path.name, "kind": "restorer", "sha256": file_sha256(path)}
    (path.parent / "index.json").write_text(json.dumps({"shipped": entry}))
    monkeypatch.setattr(checkpoint, "files", lambda package: path.parent)
    assert checkpoint.read("shipped", "restorer").name == "shipped"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"random.safetensors: the shipped checkpoint 'shipped' is damaged .*reinst"):
        checkpoint.read("shipped", "restorer")


def test_an_unknown_checkpoint_is_told(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nothing").startswith(f"no checkpoint '{tmp_path / 'nothing'}': neither a file nor one")


def test_a_folder_is_no_checkpoint(tmp_path: Path) -> None:
    assert "no checkpoint" in refusal(tmp_path)


@pytest.mark.parametrize("length", [0, 4, 8, 500, -1])
def test_a_truncated_checkpoint_is_told(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])
    assert refusal(path).startswith(f"{path}: not a readable checkpoint")


def test_what_is_no_safetensors_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"PK\x03\x04" + bytes(range(256)) * 40)
    assert "not a readable checkpoint" in refusal(tmp_path / "model.pt")


def test_a_single_flipped_bit_is_told_wherever_it_is(path: Path) -> None:
    whole = path.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    for place in (*range(0, start, 999), *range(start, len(whole), 29_999), len(whole) - 1):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        assert str(path) in refusal(path)


def test_weights_that_are_no_numbers_are_told(tmp_path: Path) -> None:
    tensors = dict(random_restoration().state_dict())
    tensors["stem.bias"] = torch.full_like(tensors["stem.bias"], torch.nan)
    checkpoint.write(tmp_path / "nan.safetensors", "restorer", SMALL, tensors, {})
    assert "stem.bias has values that are no numbers" in refusal(tmp_path / "nan.safetensors")


def test_a_safetensors_file_of_someone_else_is_told(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    assert "but not tapemend's restorer weights" in refusal(tmp_path / "other.safetensors")


def test_weights_of_the_other_kind_are_told(path: Path, tmp_path: Path) -> None:
    assert "but not tapemend's scorer weights" in refusal(path, "scorer")
    assert "but not tapemend's restorer weights" in refusal(write_scorer(tmp_path / "scorer.safetensors", 0.5))


@pytest.mark.parametrize("missing", ["config", "provenance"])
def test_a_header_that_lacks_something_is_told(path: Path, missing: str) -> None:
    header = {"format": checkpoint.FORMAT, "kind": "restorer", "config": "{}", "provenance": "{}"}
    del header[missing]
    assert "checkpoint" in refusal(rewritten(path, header))


def test_weights_from_before_there_was_a_digest_are_taken(path: Path) -> None:
    header = {"format": checkpoint.FORMAT, "kind": "restorer", "config": "{}", "provenance": "{}"}
    assert checkpoint.read(str(rewritten(path, header)), "restorer").config == {}


def test_settings_of_another_network_are_told(path: Path) -> None:
    with pytest.raises(WeightsError, match=r"weights of another restorer .*name another checkpoint"):
        checkpoint.read(str(path), "restorer").settings(DamageConfig)


def test_tensors_of_another_network_are_told(path: Path) -> None:
    with pytest.raises(WeightsError, match=r"weights of another restorer .* tensors do not fit, first "):
        checkpoint.read(str(path), "restorer").load_into(RestorationNetwork(RestorationConfig()))
