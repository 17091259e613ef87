"""Settings from a file: below the flags, above the defaults."""

import json
from pathlib import Path

import pytest
from clips import Clip

from tapemend.cli import main


def used_field_order(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["probe", "--json", *arguments]) == 0
    return str(json.loads(capsys.readouterr().out)["scan"]["used"])


def test_a_file_of_settings_wins_over_defaults_and_flags_win_over_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape, config = tmp_path / "tape.mkv", tmp_path / "settings.toml"
    Clip(frame_count=4).write(tape)
    config.write_text('[probe]\nfield_order = "bff"\n')
    assert used_field_order(capsys, str(tape)) == "progressive"
    assert used_field_order(capsys, str(tape), "--config", str(config)) == "bff"
    assert used_field_order(capsys, str(tape), "--config", str(config), "--field-order", "tff") == "tff"
    assert used_field_order(capsys, str(tape)) == "progressive"


@pytest.mark.parametrize(
    ("content", "code", "named"),
    [(None, 1, "cannot be read"), ("[probe\n", 1, "no TOML"), ("[probe]\nfield_odor = 1\n", 2, "field_odor")],
)
def test_a_file_of_settings_that_is_wrong_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, code: int, named: str
) -> None:
    config = tmp_path / "settings.toml"
    if content is not None:
        config.write_text(content)
    assert main(["probe", "any.mkv", "--config", str(config)]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert named in line
    assert "settings.toml" in line
