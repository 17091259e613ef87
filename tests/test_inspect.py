"""A tape looked at without restoring it: what is found, what is said, and with which exit code."""

import json
from pathlib import Path

import av
import av.filter
import numpy as np
import pytest
from tapes import Weights, damaged_tape

from tapemend.cli import main
from tapemend.decode import Reader
from tapemend.filters import pull_all
from tapemend.frames import Inspection, ScanType
from tapemend.inspection import inspect
from tapemend.measures import MEASURES, SignalStats
from tapemend.settings import DecodeSettings, DetectSettings, FieldOrder, InspectSettings, ProbeSettings

HURT = (4, 5, 6, 14)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return Weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def flags(weights: Weights) -> list[str]:
    return ["--scorer-weights", str(weights.brightness), "--device", "cpu"]


def inspected(weights: Weights, tape: Path, scratch: Path, **settings: object) -> Inspection:
    detect = DetectSettings(scorer_weights=str(weights.brightness))
    return inspect(tape, scratch, InspectSettings(device="cpu", **settings), detect=detect, pictures=True)  # type: ignore[arg-type]


def test_a_clean_tape_exits_with_0_a_damaged_one_with_3_and_an_unreadable_one_with_1(
    tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    clean, hurt = damaged_tape(tmp_path / "clean.mkv", ()), damaged_tape(tmp_path / "hurt.mkv", HURT, 20)
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(b"no video")
    assert main(["inspect", str(clean), *flags]) == 0
    assert "No damage was found in 12 frames." in capsys.readouterr().out
    assert main(["inspect", str(clean), str(hurt), *flags]) == 3
    assert "4 of 20 frames (20 %) damaged; for 100 % of them" in capsys.readouterr().out
    assert main(["inspect", str(broken), str(hurt), *flags]) == 1
    said = capsys.readouterr()
    assert f"tapemend: {broken}" in said.err
    assert "4 of 20 frames" in said.out
    assert main(["inspect", *flags]) == 2


def test_json_is_one_line_per_tape_also_for_one_that_cannot_be_read(
    tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    hurt = damaged_tape(tmp_path / "hurt.mkv", HURT, 20)
    assert main(["inspect", "--json", str(tmp_path / "none.mkv"), str(hurt), *flags]) == 1
    none, found = map(json.loads, capsys.readouterr().out.splitlines())
    assert none == {"path": str(tmp_path / "none.mkv"), "error": none["error"]}
    assert "there is no file" in none["error"]
    assert (found["damaged_frames"], found["helped_frames"], found["frame_count"]) == (4, 4, 20)
    assert [moment["index"] for moment in found["worst_moments"]] == list(HURT)
    assert set(found["measures"]) == set(MEASURES)


def test_a_folder_stands_for_the_files_in_it_and_a_broken_one_is_named_and_passed(
    tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "tapes"
    (folder / "more").mkdir(parents=True)
    (folder / "a.mkv").write_bytes(b"no video")
    (folder / ".hidden").write_bytes(b"no video")
    damaged_tape(folder / "b.mkv", HURT, 20)
    assert main(["inspect", "--json", str(folder), *flags]) == 1
    said = capsys.readouterr()
    assert [Path(json.loads(line)["path"]).name for line in said.out.splitlines()] == ["a.mkv", "b.mkv"]
    assert str(folder / "a.mkv") in said.err
    assert main(["inspect", str(folder / "more"), *flags]) == 1


def test_a_tape_without_a_clean_frame_has_nothing_to_lend(tmp_path: Path, weights: Weights) -> None:
    found = inspected(weights, damaged_tape(tmp_path / "hurt.mkv", range(12)), tmp_path / "scratch")
    assert found.verdict.damaged.all()
    assert found.helped == 0


def test_one_frame_is_a_tape(tmp_path: Path, weights: Weights) -> None:
    found = inspected(weights, damaged_tape(tmp_path / "one.mkv", (), 1), tmp_path / "scratch")
    assert len(found.index) == 1
    assert found.moments == ()
    assert found.measures["YDIF"].tolist() == [0.0]


def test_the_worst_moments_come_with_their_pictures_at_most_as_many_as_asked_for(
    tmp_path: Path, weights: Weights
) -> None:
    tape = damaged_tape(tmp_path / "hurt.mkv", HURT, 20)
    (moment,) = inspected(weights, tape, tmp_path / "scratch", moments=1).moments
    assert moment.index in HURT
    assert moment.picture is not None
    assert moment.picture.shape == (48, 64, 3)
    assert moment.picture[:20].mean() > 200 > moment.picture[30:].mean()


def test_the_report_of_a_tape_has_every_frame_and_replaces_itself(
    tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    hurt, folder = damaged_tape(tmp_path / "hurt & <worn>.mkv", HURT, 20), tmp_path / "reports" / "today"
    for _ in range(2):
        assert main(["inspect", str(hurt), "--report", str(folder), *flags]) == 3
    page, content = sorted(folder.iterdir())
    whole = json.loads(content.read_text())
    assert len(whole["frames"]["score"]) == len(whole["stored_frames"]["TOUT"]) == 20
    assert whole["frames"]["damaged"] == [[4, 7], [14, 15]]
    html = page.read_text()
    assert "hurt &amp; &lt;worn&gt;.mkv" in html
    assert "data:image/png" in html
    assert "BRNG" in html


def test_measures_are_left_out_on_request(tmp_path: Path, weights: Weights) -> None:
    tape = damaged_tape(tmp_path / "hurt.mkv", HURT, 20)
    assert inspected(weights, tape, tmp_path / "scratch", measures=False).measures == {}


def test_measures_are_of_the_stored_frames_though_fields_are_looked_at(tmp_path: Path, weights: Weights) -> None:
    tape = damaged_tape(tmp_path / "fields.mkv", (3,), 8, flagged=ScanType.TOP_FIRST)
    detect = DetectSettings(scorer_weights=str(weights.brightness))
    found = inspect(tape, tmp_path / "scratch", detect=detect, look=ProbeSettings(field_order=FieldOrder.TFF))
    assert len(found.index) == 16
    assert len(found.measures["YAVG"]) == 8
    assert found.measures["YAVG"].argmax() == 3


def test_measures_are_those_of_ffmpegs_own_filter(tmp_path: Path) -> None:
    tape = damaged_tape(tmp_path / "hurt.mkv", (2,), 5)
    stats, theirs = SignalStats(), []
    with av.open(str(tape)) as container:
        graph = av.filter.Graph()
        video = container.streams.video[0]
        stats_filter = graph.add("signalstats", "stat=tout+vrep+brng")
        graph.link_nodes(graph.add_buffer(template=video), stats_filter, graph.add("buffersink")).configure()
        for frame in container.decode(video):
            stats.push(frame)
            graph.push(frame)
            theirs += [float(each.metadata["lavfi.signalstats.YDIF"]) for each in pull_all(graph)]
    assert np.allclose(stats.values()["YDIF"], theirs)
    assert theirs[2] > 50


def test_watching_does_not_change_what_is_read(tmp_path: Path, weights: Weights) -> None:
    tape = inspected(weights, damaged_tape(tmp_path / "tape.mkv", HURT, 20), tmp_path / "scratch").tape
    with Reader(tape, DecodeSettings()) as plain, Reader(tape, DecodeSettings()) as watched:
        list(plain.survey())
        list(watched.survey(SignalStats().push))
        assert (plain.index.checksum == watched.index.checksum).all()
        assert (plain.index.pts == watched.index.pts).all()
