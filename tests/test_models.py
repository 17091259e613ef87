"""What there is to work with, and what it costs."""

import json
from pathlib import Path

import pytest

from tapemend import models
from tapemend.cli import main
from tapemend.files import file_sha256


def test_the_weights_that_ship_keep_to_their_budgets() -> None:
    found = {model.name: model for model in models.shipped()}
    scorer, restorer = found["scorer-default"], found["restorer-default"]
    assert scorer.parameters < 1e6
    assert 0.5 < scorer.gflop_per_frame < 4
    assert 10 < restorer.gflop_per_frame < 80
    assert sum(model.size_bytes for model in found.values()) < 25e6
    assert all(model.sha256 == file_sha256(model.path) for model in found.values())


def test_they_are_said_as_lines_and_as_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "none"))
    assert main(["models"]) == 0
    said = capsys.readouterr().out
    assert "restorer-default" in said
    assert "GFLOP a frame" in said
    assert main(["models", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [model["name"] for model in listed["models"][:2]] == ["scorer-default", "restorer-default"]


def test_a_folder_without_a_clip_is_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["models", "--clip-model", str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err
