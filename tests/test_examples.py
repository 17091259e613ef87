"""The examples run as they are and say what they made."""

import contextlib
import io
import runpy
import sys
from pathlib import Path

import av
import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


def run(example: int, *arguments: str, folder: Path) -> str:
    """What an example prints when it is called in ``folder``."""
    said, script = io.StringIO(), str(EXAMPLES[example - 1])
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder), contextlib.redirect_stdout(said):
        patch.setattr(sys, "argv", [script, *arguments])
        runpy.run_path(script, run_name="__main__")
    return said.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the first example has been called."""
    folder = tmp_path_factory.mktemp("examples")
    assert run(1, folder=folder) == "demo/tape.mkv: 48 of 100 frames damaged\n"
    return folder


def test_the_first_example_makes_a_tape_with_sound(folder: Path) -> None:
    with av.open(str(folder / "demo" / "tape.mkv")) as tape:
        assert sum(1 for _ in tape.decode(video=0)) == 100
        assert [stream.type for stream in tape.streams] == ["video", "audio"]


def test_the_first_example_can_be_called_again(folder: Path) -> None:
    before = (folder / "demo" / "tape.mkv.framemd5").read_bytes()
    run(1, folder=folder)
    assert (folder / "demo" / "tape.mkv.framemd5").read_bytes() == before


def test_the_second_example_restores_that_tape(folder: Path) -> None:
    said = run(2, folder=folder)
    assert "demo/from-python.mkv: " in said
    assert "of 100 frames changed" in said
    assert "demo/from-python.report.html tells what was found and done" in said
    with av.open(str(folder / "demo" / "from-python.mkv")) as restored:
        assert sum(1 for _ in restored.decode(video=0)) == 100


def test_the_second_example_says_in_a_line_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="there is no file"):
        run(2, "gone.mkv", folder=tmp_path)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_fits_a_screen(example: Path) -> None:
    assert len(example.read_text().splitlines()) < 60
