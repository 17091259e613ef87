"""The command line: what it answers, what it says, and what a killed run leaves to the next."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from clips import Clip
from tapes import Weights, damaged_tape, samples_of

from tapemend import __version__, pipeline
from tapemend.cli import main
from tapemend.frames import Tape
from tapemend.settings import ProbeSettings

DAMAGED = (1, 2, 5)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return Weights(tmp_path_factory.mktemp("weights"))


def said_in_one_line(capsys: pytest.CaptureFixture[str]) -> str:
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("tapemend: ")
    return line.removeprefix("tapemend: ")


def python(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    path = str(Path(__file__).parent)
    program = f"import sys; sys.path.insert(0, {path!r})\n{program}"
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)


def test_a_tape_is_restored_beside_itself_and_it_is_said_where(
    tmp_path: Path, weights: Weights, capsys: pytest.CaptureFixture[str]
) -> None:
    source = damaged_tape(tmp_path / "tape.avi", DAMAGED, 6)
    before = hashlib.sha256(source.read_bytes()).digest()
    assert main(["restore", str(source), *weights.flags()]) == 0
    said = capsys.readouterr()
    assert f"{tmp_path / 'tape.restored.mkv'}: 3 of 6 frames damaged, 3 changed\n" in said.err
    assert f"{tmp_path / 'tape.restored.report.html'}: what was found and done\n" in said.err
    assert hashlib.sha256(source.read_bytes()).digest() == before
    assert len(samples_of(tmp_path / "tape.restored.mkv")) == 6


def test_names_with_spaces_and_letters_of_any_language_and_relative_paths_work(
    tmp_path: Path, weights: Weights, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "Hochzeit '89 – Tante Zoë"
    folder.mkdir()
    damaged_tape(folder / "teil 1 ビデオ.mkv", DAMAGED, 6)
    monkeypatch.chdir(folder)
    assert main(["restore", "teil 1 ビデオ.mkv", "-o", "../fertig ✓.mkv", *weights.flags()]) == 0
    assert "../fertig ✓.mkv: 3 of 6 frames damaged" in capsys.readouterr().err
    assert (tmp_path / "fertig ✓.mkv").is_file()
    assert [path.name for path in folder.iterdir()] == ["teil 1 ビデオ.mkv"]


def test_the_settings_on_the_command_line_are_those_that_are_used(
    tmp_path: Path, weights: Weights, capsys: pytest.CaptureFixture[str]
) -> None:
    source = damaged_tape(tmp_path / "tape.mkv", DAMAGED, 6)
    flags = ["--strength", "0", "--references", "1", "--tile", "64", "--scan", "keep", "--field-order", "progressive"]
    flags += ["--chroma-delay", "-0.0", "0"]
    assert main(["restore", str(source), "-o", str(tmp_path / "same.mkv"), *weights.flags(), *flags]) == 0
    assert "3 of 6 frames damaged, 0 changed" in capsys.readouterr().err
    assert samples_of(tmp_path / "same.mkv") == samples_of(source)
    used = json.loads((tmp_path / "same.report.json").read_text())["settings"]
    assert used["restore"] | {"strength": 0.0, "window": 4, "tile": 64} == used["restore"]
    assert (used["references"]["references"], used["encode"]["scan"]) == (1, "keep")
    assert used["probe"]["field_order"] == "progressive"


def test_an_existing_target_is_refused_and_replaced_on_request(
    tmp_path: Path, weights: Weights, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = damaged_tape(tmp_path / "tape.mkv", DAMAGED, 6), tmp_path / "restored.mkv"
    target.write_text("mine")
    command = ["restore", str(source), "-o", str(target), *weights.flags()]
    assert main(command) == 1
    assert "restored.mkv: exists already" in said_in_one_line(capsys)
    assert target.read_text() == "mine"
    assert main([*command, "--overwrite"]) == 0
    assert len(samples_of(target)) == 6


@pytest.mark.parametrize("target", ["tape.mkv", "./tape.mkv", "link.mkv"])
def test_the_source_is_never_the_target(
    tmp_path: Path, weights: Weights, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    source = damaged_tape(tmp_path / "tape.mkv", DAMAGED, 6)
    before = source.read_bytes()
    (tmp_path / "link.mkv").symlink_to(source)
    assert main(["restore", str(source), "-o", str(tmp_path / target), "--overwrite", *weights.flags()]) == 1
    assert "this is the source, which is never written to" in said_in_one_line(capsys)
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nosuch.avi"], "there is no file nosuch.avi; check the name"),
        (["no/such.avi"], "there is no file no/such.avi; check the name"),
        (["."], ". is a folder"),
        (["/"], "/ is a folder"),
        (["text.mkv"], "text.mkv is not a video that can be read"),
        (["empty.mkv"], "empty.mkv is empty"),
        (["tape.mkv", "-o", "missing/restored.mkv"], "missing: no such folder; make it first"),
        (["tape.mkv", "--weights", "best"], "no checkpoint 'best'"),
        (["tape.mkv", "--scorer-weights", "text.mkv"], "text.mkv: not a readable checkpoint"),
        (["tape.mkv", "--device", "tpu"], "--device tpu: must be auto, cpu or cuda"),
        (["tape.mkv", "--strength", "1.5"], "--strength 1.5: must be 0 to 1"),
        (["tape.mkv", "--strength", "nan"], "--strength nan: must be 0 to 1"),
        (["tape.mkv", "--window", "0"], "--window 0: must be 1 to 32 frames"),
        (["tape.mkv", "--tile", "100"], "--tile 100: must be a multiple of 64"),
        (["tape.mkv", "--references", "9"], "--references 9: must be 0 to 8"),
        (["tape.mkv", "--measured-frames", "1"], "--measured-frames 1: must be at least 2"),
        (["tape.mkv", "--chroma-delay", "3", "-40"], "--chroma-delay 3 -40: must be 32 at most, or -32"),
        (["tape.mkv", "--chroma-delay", "nan", "0"], "--chroma-delay nan 0: must be 32 at most, or -32"),
        (["tape.mkv", "--cache-frames", "0"], "--cache-frames 0: must be at least 1"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_1(
    tmp_path: Path,
    weights: Weights,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    Clip(frame_count=3).write(tmp_path / "tape.mkv")
    (tmp_path / "text.mkv").write_text("no video\n" * 100)
    (tmp_path / "empty.mkv").touch()
    names = set(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    known = dict(zip(weights.flags()[::2], weights.flags()[1::2], strict=True))
    flags = [part for flag, value in known.items() if flag not in arguments for part in (flag, value)]
    assert main(["restore", *arguments, *flags]) == 1
    assert said in said_in_one_line(capsys)
    assert set(tmp_path.iterdir()) == names


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["restore"], "SOURCE requires an argument; tapemend --help"),
        (["restore", "tape.mkv", "--sharpness", "3"], "Unknown option: --sharpness"),
        (["restore", "tape.mkv", "--strength", "full"], 'unable to convert "full" into float'),
        (["restore", "tape.mkv", "--chroma-delay", "3"], "--chroma-delay"),
        (["restore", "tape.mkv", "--scan", "weave"], 'Invalid value "weave" for --scan'),
        (["restore", "tape.mkv", "out.mkv", "more.mkv"], "more.mkv"),
        (["repair", "tape.mkv"], 'Unknown command "repair"'),
        (["probe"], "SOURCE requires an argument"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(arguments) == 2
    assert said in said_in_one_line(capsys)


def test_ctrl_c_is_one_line_and_exit_code_130(
    tmp_path: Path, weights: Weights, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(source: Path, settings: ProbeSettings) -> Tape:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "probe", pressed)
    source = damaged_tape(tmp_path / "tape.mkv", DAMAGED, 6)
    assert main(["restore", str(source), *weights.flags()]) == 130
    assert said_in_one_line(capsys) == "stopped; the same command goes on where it was"


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, weights: Weights, tmp_path: Path) -> None:
    def bug(source: Path, settings: ProbeSettings) -> Tape:
        raise ZeroDivisionError

    monkeypatch.setattr(pipeline, "probe", bug)
    source = damaged_tape(tmp_path / "tape.mkv", DAMAGED, 6)
    with pytest.raises(ZeroDivisionError):
        main(["restore", str(source), *weights.flags()])


def test_a_probe_is_printed_for_people_and_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = Clip(frame_count=3).write(tmp_path / "tape.mkv")
    assert main(["probe", str(source)]) == 0
    assert "codec                      ffv1\n" in capsys.readouterr().out
    assert main(["probe", str(source), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["codec"] == "ffv1"


def test_help_and_version_need_no_torch() -> None:
    program = """
from tapemend.cli import main
codes = [main(arguments) for arguments in (["--help"], ["restore", "--help"], ["probe", "--help"], ["--version"])]
heavy = {"torch", "av", "numpy", "skimage"} & set(sys.modules)
print(codes, heavy)
"""
    result = python(program)
    assert result.stdout.splitlines()[-1] == "[0, 0, 0, 0] set()", result.stderr
    assert __version__ in result.stdout
    assert "How much of the change is applied" in result.stdout
    assert "Restore a digitised tape into a new file" in result.stdout


CHILDREN = """
import os, signal
from pathlib import Path
from tapemend import pipeline
from tapemend.cli import main
pipeline.SEGMENT_FRAMES = 2
folder, source, flags = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it

def run(target, moment=0, sent=signal.SIGKILL):
    # One run in a process of its own, which sends itself a signal when it is about to rename its moment-th file.
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    renamed = []
    def watch(event, arguments):
        if event == "os.rename":
            renamed.append(arguments[1])
            if len(renamed) == moment:
                signal.raise_signal(sent)
    sys.addaudithook(watch)
    os._exit(main(["restore", source, "-o", str(folder / target), *flags]))

def left():
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.name.startswith("whole"))
"""


def test_a_run_that_is_killed_at_any_moment_ends_as_if_it_never_had_been(tmp_path: Path, weights: Weights) -> None:
    source, folder = damaged_tape(tmp_path / "tape.mkv", DAMAGED, 6), tmp_path / "results"
    folder.mkdir()
    program = f"""{CHILDREN}
assert run("whole.mkv") == 0
wanted = (folder / "whole.mkv.framemd5").read_text()
for moment in (1, 4, 8, 11, 12, 14):
    assert run("tape.mkv", moment) == -signal.SIGKILL
    print(moment, left())
    assert run("tape.mkv") == 0, moment
    assert (folder / "tape.mkv.framemd5").read_text() == wanted
    names = ["tape.mkv", "tape.mkv.framemd5", "tape.report.html", "tape.report.json"]
    assert left() == names, (moment, left())
    for name in names:
        (folder / name).unlink()
print("ended well")
"""
    result = python(program, str(folder), str(source), *weights.flags())
    *moments, end = result.stdout.splitlines()
    assert end == "ended well", result.stderr
    assert "tape.mkv.journal/000001.json" in moments[2]
    assert "'tape.mkv'" in moments[-1]


def test_ctrl_c_leaves_the_finished_work_to_the_next_run(tmp_path: Path, weights: Weights) -> None:
    source, folder = damaged_tape(tmp_path / "tape.mkv", DAMAGED, 6), tmp_path / "results"
    folder.mkdir()
    program = f"""{CHILDREN}
assert run("whole.mkv") == 0
for moment in (2, 6):
    assert run("tape.mkv", moment, signal.SIGINT) == 130
    print(moment, left())
assert run("tape.mkv") == 0
assert (folder / "tape.mkv.framemd5").read_text() == (folder / "whole.mkv.framemd5").read_text()
"""
    result = python(program, str(folder), str(source), *weights.flags())
    assert result.stdout.count("\n") == 2, result.stderr
    early, late = result.stdout.splitlines()
    assert early == "2 []", result.stderr
    assert "tape.mkv.journal/000000.json" in late
    assert ".part" not in late
    assert result.stderr.splitlines().count("tapemend: stopped; the same command goes on where it was") == 2


def test_a_full_disk_is_one_line_and_the_same_command_goes_on_when_there_is_room(
    tmp_path: Path, weights: Weights
) -> None:
    source, folder = damaged_tape(tmp_path / "tape.mkv", DAMAGED, 6), tmp_path / "results"
    folder.mkdir()
    program = f"""{CHILDREN}
import resource
for limit in (100, 2_000, 5_000, 20_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    code = run("tape.mkv")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(limit, code, left())
print(run("tape.mkv"))
"""
    before = source.read_bytes()
    result = python(program, str(folder), str(source), *weights.flags())
    *tries, end = result.stdout.splitlines()
    assert end == "0", result.stderr
    assert source.read_bytes() == before
    assert [line.split()[1] for line in tries] == ["1"] * 4
    assert ".part" not in result.stdout
    errors = result.stderr.splitlines()[:4]
    assert "Traceback" not in result.stderr, result.stderr
    assert all(line.startswith(f"tapemend: {folder}") and "cannot be written" in line for line in errors), errors
    for line, name in zip(errors, ("journal/work.json", "tape.mkv.journal", "000000.nut", "tape.mkv"), strict=True):
        assert f"{name}: " in line
