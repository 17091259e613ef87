"""What is finished stays finished; what is not as it was is done again; what is not ours is left alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tapemend.errors import JournalMismatch, TargetNotWritable
from tapemend.files import file_sha256
from tapemend.frames import References, Segment, SegmentNote, WindowNote
from tapemend.journal import Journal, is_own_result, journal_folder, open_journal

WORK = {"source": {"size": 7}, "settings": {"restore": {"strength": 1.0, "window": 8}}}


class Calls:
    """Restores segments, and says which."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def segment(self, journal: Journal, number: int) -> SegmentNote:
        return journal.segment(number, lambda path: self._restore(number, path))

    def _restore(self, number: int, path: Path) -> SegmentNote:
        self.numbers.append(number)
        path.write_bytes(b"frames of %d" % number)
        references = References(indices=(3, 9), similarity=(0.98, 0.7))
        return SegmentNote(
            segment=Segment(path=path, frame_count=2, sha256=file_sha256(path), frame_md5=("ab", "cd")),
            changed=(0.1, 1 / 3),
            moved=(0.0, 1.5),
            chroma_gains=(1.0, 1.25),
            hues=(0.0, -12.5),
            recoloured=(0.0, 0.5),
            detail_gains=(1.0, 0.6),
            windows=(WindowNote(start=1, stop=2, references=references),),
        )


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "tape ä.mkv"


def refusal(error: type[Exception], call: Callable[[], Any]) -> str:
    with pytest.raises(error) as caught:
        call()
    (line,) = str(caught.value).splitlines()
    return line


def test_a_finished_segment_is_not_restored_again(target: Path) -> None:
    calls = Calls()
    first = calls.segment(open_journal(target, WORK, True), 0)
    again = calls.segment(open_journal(target, WORK, True), 0)
    assert calls.numbers == [0]
    assert again == first


def test_finished_segments_are_counted(target: Path) -> None:
    journal, calls = open_journal(target, WORK, True), Calls()
    for number in (0, 2):
        calls.segment(journal, number)
    assert journal.finished(range(4)) == 2


@pytest.mark.parametrize("harm", ["changed", "gone", "half noted", "not noted"])
def test_a_damaged_segment_is_restored_again(target: Path, harm: str, caplog: pytest.LogCaptureFixture) -> None:
    journal, calls = open_journal(target, WORK, True), Calls()
    first = calls.segment(journal, 0)
    beside = first.segment.path.with_suffix(".json")
    if harm == "changed":
        first.segment.path.write_bytes(b"frames of 1")
    elif harm == "gone":
        first.segment.path.unlink()
    elif harm == "half noted":
        beside.write_text(beside.read_text()[:20])
    else:
        beside.unlink()
    assert calls.segment(journal, 0) == first
    assert calls.segment(journal, 0) == first
    assert calls.numbers == [0, 0]
    assert ("is not what the journal says it is; restored again" in caplog.text) == (harm in ("changed", "gone"))


def test_a_segment_that_breaks_off_is_not_noted(target: Path) -> None:
    journal, calls = open_journal(target, WORK, True), Calls()

    def broken(path: Path) -> SegmentNote:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        journal.segment(0, broken)
    assert journal.finished([0]) == 0
    calls.segment(journal, 0)
    assert calls.numbers == [0]


def test_a_fact_is_found_out_once(target: Path) -> None:
    journal = open_journal(target, WORK, True)
    facts = iter([{"scorer": "one"}, {"scorer": "two"}])
    assert journal.fact("analysis", lambda: next(facts)) == {"scorer": "one"}
    assert journal.fact("analysis", lambda: next(facts)) == {"scorer": "one"}


@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(b"other"), Path.unlink])
def test_a_fact_whose_files_are_damaged_is_found_out_again(target: Path, harm: Callable[[Path], Any]) -> None:
    journal, times = open_journal(target, WORK, True), []
    file = journal.folder / "analysis" / "frames.f32"

    def find_out() -> dict[str, Any]:
        times.append(len(times))
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"scores")
        return {"time": times[-1]}

    assert journal.fact("analysis", find_out, [file]) == {"time": 0}
    harm(file)
    assert journal.fact("analysis", find_out, [file]) == {"time": 1}
    assert journal.fact("analysis", find_out, [file]) == {"time": 1}


def test_what_the_disk_refuses_while_a_fact_is_found_out_is_one_clear_line(target: Path) -> None:
    journal = open_journal(target, WORK, True)

    def full() -> dict[str, Any]:
        raise OSError("12 requested and 0 written")

    line = refusal(TargetNotWritable, lambda: journal.fact("analysis", full))
    assert line.startswith(f"{journal.folder}: cannot be written (12 requested and 0 written); free some space")


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (WORK | {"source": {"size": 8}}, "source.size (7 there, 8 now)"),
        (
            WORK | {"settings": {"restore": {"strength": 0.5, "window": 5}}},
            "settings.restore.strength (1.0 there, 0.5 now), settings.restore.window (8 there, 5 now)",
        ),
        (WORK | {"software": "2"}, "software (None there, 2 now)"),
    ],
)
def test_a_journal_of_other_work_is_refused_and_what_differs_is_named(
    target: Path, work: dict[str, Any], said: str
) -> None:
    Calls().segment(open_journal(target, WORK, True), 0)
    line = refusal(JournalMismatch, lambda: open_journal(target, work, True))
    assert line == (
        f"{journal_folder(target)}: holds unfinished work that differs in {said}; "
        "use the same settings, --no-resume to discard it, or another target"
    )
    assert open_journal(target, WORK, True).finished([0]) == 1


def test_without_resume_the_old_work_is_discarded(target: Path) -> None:
    Calls().segment(open_journal(target, WORK, True), 0)
    journal = open_journal(target, WORK | {"source": "another"}, False)
    assert journal.finished([0]) == 0
    assert json.loads((journal.folder / "work.json").read_text())["source"] == "another"


@pytest.mark.parametrize("resume", [True, False])
def test_a_folder_that_is_no_journal_is_never_touched(target: Path, resume: bool) -> None:
    folder = journal_folder(target)
    folder.mkdir()
    (folder / "letters.txt").write_text("dear")
    line = refusal(JournalMismatch, lambda: open_journal(target, WORK, resume))
    assert line == f"{folder}: is a folder but no journal of tapemend; move it away, or name another target"
    assert [path.name for path in folder.iterdir()] == ["letters.txt"]


@pytest.mark.parametrize("left", [[], ["work.json.part"]])
def test_a_journal_that_was_broken_off_while_it_was_made_is_taken_up(target: Path, left: list[str]) -> None:
    journal_folder(target).mkdir()
    for name in left:
        (journal_folder(target) / name).write_text("{")
    journal = open_journal(target, WORK, True)
    assert [path.name for path in journal.folder.iterdir()] == ["work.json"]


@pytest.mark.parametrize("resume", [True, False])
def test_a_file_where_the_journal_would_be_is_refused_and_kept(target: Path, resume: bool) -> None:
    journal_folder(target).write_text("mine")
    line = refusal(TargetNotWritable, lambda: open_journal(target, WORK, resume))
    assert line.startswith(f"{journal_folder(target)}: cannot be written (File exists)")
    assert journal_folder(target).read_text() == "mine"


def test_a_damaged_list_of_work_is_refused(target: Path) -> None:
    open_journal(target, WORK, True)
    (journal_folder(target) / "work.json").write_text("")
    assert "differs in everything" in refusal(JournalMismatch, lambda: open_journal(target, WORK, True))


def test_work_that_ends_well_removes_its_journal(target: Path) -> None:
    with open_journal(target, WORK, True) as journal:
        (journal.folder / "analysis").mkdir()
        Calls().segment(journal, 0)
    assert not journal.folder.exists()


def test_work_that_breaks_off_keeps_what_is_finished(target: Path) -> None:
    def break_off() -> None:
        with open_journal(target, WORK, True) as journal:
            Calls().segment(journal, 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert open_journal(target, WORK, True).finished([0]) == 1


def test_work_that_breaks_off_with_nothing_finished_leaves_nothing(target: Path) -> None:
    def break_off() -> None:
        with open_journal(target, WORK, True) as journal:
            (journal.folder / "analysis").mkdir()
            (journal.folder / "analysis" / "frames.f32").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert not journal_folder(target).exists()


def test_a_target_is_ones_own_while_it_is_as_it_was_written(target: Path) -> None:
    journal = open_journal(target, WORK, True)
    target.write_bytes(b"result")
    assert not is_own_result(target)
    journal.note_written(file_sha256(target))
    assert is_own_result(target)
    target.write_bytes(b"someone else's")
    assert not is_own_result(target)
    target.unlink()
    assert not is_own_result(target)
