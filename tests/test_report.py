"""What the report says, that it says it whatever the tape, and that the page needs nothing but itself."""

import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from verdicts import verdict_on

from tapemend.errors import TargetNotWritable
from tapemend.frames import (
    Account,
    Analysis,
    ChromaDelay,
    ColourTags,
    Comparison,
    Components,
    FrameIndex,
    PixelLayout,
    References,
    Scan,
    ScanType,
    Shot,
    StreamNote,
    Tape,
    WindowNote,
    Written,
)
from tapemend.report import write_report
from tapemend.report.picture import png_data_uri
from tapemend.report.plot import COLUMNS, change_plot, peaks, score_plot, time_ticks
from tapemend.report.wording import clock, percent, timecode

ODD_NAME = "Oma & Opa <1987> \"Köln\" 'Ω'.mkv"
EVERYTHING = {"levels": True, "hold": True, "make_up": True}
VOID = {"meta", "link", "img", "br", "hr", "input"}


def tape(path: Path = Path("tape.avi"), **changes: Any) -> Tape:
    whole = Tape(
        path=path,
        size_bytes=1_234_567,
        container="avi",
        video_stream=0,
        codec="ffv1",
        width=720,
        height=576,
        layout=PixelLayout(
            name="yuv422p10le",
            components=Components.YCBCR,
            bit_depth=10,
            chroma_width_shift=1,
            chroma_height_shift=0,
            full_range=False,
        ),
        stored_pixel_format="yuv422p10le",
        sample_aspect_ratio=Fraction(16, 15),
        colour=ColourTags(primaries=5, transfer=6, matrix=5, range=1),
        time_base=Fraction(1, 25),
        frame_rate=Fraction(25),
        start_pts=0,
        frame_count_from_header=None,
        scan=Scan(flagged=ScanType.PROGRESSIVE, measured=ScanType.PROGRESSIVE, used=ScanType.PROGRESSIVE, evidence={}),
        streams=(StreamNote(index=1, kind="audio", codec="pcm_s16le", detail="48000 Hz", start=Fraction(0)),),
        chapter_count=0,
        tags={"title": "Holiday"},
        notes=(),
    )
    return replace(whole, **changes)


def account(damaged: NDArray[np.bool_], **changes: Any) -> Account:
    """An account of a tape whose damaged frames were all repaired, each window of four with two references."""
    count = len(damaged)
    kinds = np.zeros((count, 5), np.uint8)
    kinds[damaged] = (100, 0, 20, 0, 0)
    cells = np.zeros((count, 18, 24), np.uint8)
    cells[damaged, 17] = 255
    pairs = References(indices=(0, 1), similarity=(0.98765, 0.9))
    starts = range(0, count, 4)
    windows = (WindowNote(start=at, stop=min(count, at + 4), references=pairs) for at in starts)
    whole = Account(
        tape=tape(),
        source_sha256="5" * 64,
        index=FrameIndex(
            pts=np.arange(count) + 7,
            time_base=Fraction(1, 25),
            checksum=np.zeros(count, np.uint32),
            state=np.zeros(count, np.uint8),
            notes=(),
        ),
        frame_rate=Fraction(25),
        analysis=Analysis(
            frame_score=np.where(damaged, 0.912345, 0.1).astype(np.float32),
            cell_score=cells,
            torn_score=np.zeros_like(cells),
            kind_score=kinds,
            signature=np.zeros((count, 12, 16, 3), np.uint8),
            scorer="embedded 1",
            absolute=True,
        ),
        verdict=verdict_on(damaged, confidence=0.9, reason="The scores form two groups."),
        shots=(Shot(start=0, stop=count),),
        chroma_delay=ChromaDelay(right=0.4, down=None, frames=count),
        changed=np.where(damaged, 0.25, 0.0).astype(np.float32),
        moved=np.where(damaged, 1.25, 0.0).astype(np.float32),
        chroma_gains=np.where(damaged, 1.5, 1.0).astype(np.float32),
        hues=np.where(damaged, -20.0, 0.0).astype(np.float32),
        recoloured=np.where(damaged, 0.25, 0.0).astype(np.float32),
        detail_gains=np.where(damaged, 1.6, 1.0).astype(np.float32),
        windows=tuple(window for window in windows if damaged[window.start : window.stop].any()),
        comparisons=(),
        written=Written(
            path=Path("tape.restored.mkv"),
            frame_count=count,
            sha256="7" * 64,
            framemd5_path=Path("tape.restored.mkv.framemd5"),
            carried=("audio stream 1 (pcm_s16le): copied, 12 packets",),
            left_out=(),
        ),
        settings={"restore": {"strength": 1.0, **EVERYTHING, "weights": "default"}, "encode": {"access": False}},
        software={"tapemend": "0.1", "weights": "default, sha256 abc"},
    )
    return replace(whole, **changes)


def marks(count: int, *damaged: int) -> NDArray[np.bool_]:
    marked = np.zeros(count, np.bool_)
    marked[list(damaged)] = True
    return marked


def bursts(count: int) -> NDArray[np.bool_]:
    return np.arange(count) % 50 < 10


def reports(of: Account, folder: Path) -> tuple[dict[str, Any], str]:
    json_path, html_path = write_report(of, folder / "tape.restored.mkv")
    return json.loads(json_path.read_text("utf-8")), html_path.read_text("utf-8")


class Text(HTMLParser):
    """The words of a page, and proof that its elements are closed in order and refer to nothing."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words = ""
        self.references: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        assert tag not in ("script", "link", "iframe", "object")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        return

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words += data


def said(page: str) -> str:
    return re.sub(r"\s+", " ", Text(page).words)


def whats(report: dict[str, Any]) -> str:
    return " ".join(each["what"] for each in report["not_as_expected"])


def test_the_reports_lie_beside_the_target_and_nothing_else_does(tmp_path: Path) -> None:
    paths = write_report(account(bursts(100)), tmp_path / "tape.restored.mkv")
    assert [path.name for path in paths] == ["tape.restored.report.json", "tape.restored.report.html"]
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_a_report_that_is_there_is_replaced(tmp_path: Path) -> None:
    first, _ = reports(account(marks(10, 3)), tmp_path)
    second, _ = reports(account(marks(10)), tmp_path)
    assert (first["found"]["damaged_frames"], second["found"]["damaged_frames"]) == (1, 0)


def test_the_numbers_of_the_json_are_those_of_the_account(tmp_path: Path) -> None:
    report, _ = reports(account(marks(12, 4, 5, 11)), tmp_path)
    assert report["source_sha256"] == "5" * 64
    assert report["tape"]["sample_aspect_ratio"] == "16/15"
    assert report["tape"]["path"] == "tape.avi"
    assert report["found"]["damaged_frames"] == 3
    assert report["found"]["damage_by_kind"]["geometry"] == {"mean": 0.3922, "strongest_in_frames": 3}
    assert list(report["found"]["damage_by_kind"]) == ["geometry", "lines", "chroma", "noise", "levels"]
    assert report["damage_by_region"][17] == [1.0] * 24
    assert report["done"]["damaged_frames_repaired"] == 3
    assert report["done"]["identical_frames"] == 9
    assert report["done"]["mean_share_changed"] == 0.25
    assert report["frames"]["score"][3:6] == [0.1, 0.9123, 0.9123]
    assert report["frames"]["damaged"] == [[4, 6], [11, 12]]
    assert report["frames"]["changed"][:5] == [0, 0, 0, 0, 0.25]
    assert report["shots"] == [[0, 12]]
    assert report["windows"][0] == {
        "start": 4,
        "stop": 8,
        "changed": 0.125,
        "references": [0, 1],
        "similarity": [0.9877, 0.9],
    }
    assert report["written"]["carried"] == ["audio stream 1 (pcm_s16le): copied, 12 packets"]
    assert report["settings"]["restore"]["strength"] == 1.0
    assert report["not_as_expected"] == []


def test_a_single_changed_sample_is_never_rounded_to_none(tmp_path: Path) -> None:
    one = np.float32(1 / (720 * 576 * 2))
    report, page = reports(account(marks(2, 1), changed=np.array([0, one], np.float32)), tmp_path)
    assert report["frames"]["changed"][1] > 0
    assert "under 0.1 % of its picture changed" in said(page)


def test_it_says_how_far_lines_were_put_back(tmp_path: Path) -> None:
    report, page = reports(account(marks(3, 1)), tmp_path)
    assert report["frames"]["lines_put_back_pixels"] == [0.0, 1.25, 0.0]
    assert report["done"]["frames_with_lines_put_back"] == 1
    assert "Lines that lay aside were put back in 1 frame, by up to 1.2 pixels." in said(page)
    _, page = reports(account(marks(3, 1), moved=np.zeros(3, np.float32)), tmp_path)
    assert "Lines that lay aside" not in said(page)


def test_it_says_how_much_colour_was_strengthened(tmp_path: Path) -> None:
    report, page = reports(account(marks(3, 1)), tmp_path)
    assert report["frames"]["chroma_gain"] == [1.0, 1.5, 1.0]
    assert (report["done"]["frames_with_colour_strengthened"], report["done"]["strongest_chroma_gain"]) == (1, 1.5)
    assert "Colour that had faded was strengthened in 1 frame, to up to 1.5 times what it was." in said(page)
    _, page = reports(account(marks(3, 1), chroma_gains=np.ones(3, np.float32)), tmp_path)
    assert "Colour that had faded" not in said(page)


def test_it_says_how_far_hue_was_turned(tmp_path: Path) -> None:
    report, page = reports(account(marks(3, 1), hues=np.array([12.5, -20.25, 0], np.float32)), tmp_path)
    assert report["frames"]["hue_turned_degrees"] == [12.5, -20.2, 0.0]
    assert (report["done"]["frames_with_hue_turned"], report["done"]["farthest_turn_degrees"]) == (2, 20.2)
    assert "Hue that differed from that of clean frames was turned back in 2 frames, by up to 20 degrees." in said(page)
    _, page = reports(account(marks(3, 1), hues=np.zeros(3, np.float32)), tmp_path)
    assert "Hue that" not in said(page)


def test_it_says_how_luma_was_evened(tmp_path: Path) -> None:
    report, page = reports(account(marks(3, 1), detail_gains=np.array([1, 0.55, 2.1], np.float32)), tmp_path)
    assert report["frames"]["detail_gain"] == [1.0, 0.55, 2.1]
    done = report["done"]
    assert done["frames_with_luma_evened"] == 2
    assert (done["weakest_detail_gain"], done["strongest_detail_gain"]) == (0.55, 2.1)
    assert "was evened in 2 frames, detail multiplied by 0.6 to 2.1." in said(page)
    _, page = reports(account(marks(3, 1), detail_gains=np.ones(3, np.float32)), tmp_path)
    assert "evened" not in said(page)


def test_it_says_how_much_colour_was_weakened(tmp_path: Path) -> None:
    report, page = reports(account(marks(3, 1), chroma_gains=np.array([1, 0.4, 0.7], np.float32)), tmp_path)
    assert (report["done"]["frames_with_colour_weakened"], report["done"]["weakest_chroma_gain"]) == (2, 0.4)
    assert "Colour that was too strong was weakened in 2 frames, to as little as 0.4 times what it was." in said(page)
    _, page = reports(account(marks(3, 1)), tmp_path)
    assert "too strong" not in said(page)


def test_it_says_which_frames_were_made_up(tmp_path: Path) -> None:
    verdict = replace(verdict_on(marks(4, 1, 2)), lost=marks(4, 2))
    report, page = reports(account(marks(4, 1, 2), verdict=verdict), tmp_path)
    assert report["frames"]["lost"] == [[2, 3]]
    assert report["done"]["frames_made_up"] == 1
    assert "1 frame that showed nothing of the shot was made up of those before and after." in said(page)
    left = {"restore": {**EVERYTHING, "make_up": False}}
    for others in account(marks(3, 1)), account(marks(4, 1, 2), verdict=verdict, settings=left):
        report, page = reports(others, tmp_path)
        assert report["done"]["frames_made_up"] == 0
        assert "made up" not in said(page)


def test_it_says_which_frames_flickered(tmp_path: Path) -> None:
    verdict = verdict_on(marks(4, 1, 2))
    verdict.levels[2] = 1.25, 1
    report, page = reports(account(marks(4, 1, 2), verdict=verdict), tmp_path)
    assert report["frames"]["flicker"] == [[2, 3]]
    assert report["done"]["frames_levelled"] == 1
    assert "1 frame that flickered got the brightness of those before and after." in said(page)
    left = {"restore": {**EVERYTHING, "levels": False}}
    for others in account(marks(3, 1)), account(marks(4, 1, 2), verdict=verdict, settings=left):
        report, page = reports(others, tmp_path)
        assert report["done"]["frames_levelled"] == 0
        assert "flickered" not in said(page)


def test_it_says_which_frames_hopped(tmp_path: Path) -> None:
    verdict = verdict_on(marks(4, 1, 2))
    verdict.hops[1:3] = 0.1, -0.2
    report, page = reports(account(marks(4, 1, 2), verdict=verdict), tmp_path)
    assert report["frames"]["hops"] == [[1, 3]]
    assert report["done"]["frames_held"] == 2
    assert "2 frames that stood higher or lower than those before and after were put back." in said(page)
    left = {"restore": {**EVERYTHING, "hold": False}}
    for others in account(marks(3, 1)), account(marks(4, 1, 2), verdict=verdict, settings=left):
        report, page = reports(others, tmp_path)
        assert report["done"]["frames_held"] == 0
        assert "stood higher" not in said(page)


def test_it_says_where_colour_was_lent(tmp_path: Path) -> None:
    report, page = reports(account(marks(3, 1)), tmp_path)
    assert report["frames"]["lines_with_colour_lent"] == [0.0, 0.25, 0.0]
    assert report["done"]["frames_with_colour_lent"] == 1
    assert "Lines without colour got that of other frames in 1 frame." in said(page)
    _, page = reports(account(marks(3, 1), recoloured=np.zeros(3, np.float32)), tmp_path)
    assert "Lines without colour" not in said(page)


def test_the_headline_says_what_happened_in_plain_words(tmp_path: Path) -> None:
    changed = np.where(marks(1500, *range(308)), 0.1, 0).astype(np.float32)
    _, page = reports(account(marks(1500, *range(312)), changed=changed), tmp_path)
    assert (
        "312 of 1,500 frames (20.8 %) were damaged; 308 were repaired; 1,192 are bit-identical to the source."
        in said(page)
    )


@pytest.mark.parametrize(
    ("of", "headline"),
    [
        (lambda: account(marks(1)), "No damage was found: the only frame is bit-identical to the source."),
        (lambda: account(marks(3)), "No damage was found: all 3 frames are bit-identical to the source."),
        (lambda: account(marks(1, 0)), "1 of 1 frame (100 %) was damaged; 1 was repaired; none is bit-identical"),
        (
            lambda: account(marks(4, 1), changed=np.zeros(4, np.float32)),
            "1 of 4 frames (25 %) was damaged; none was repaired; 4 are bit-identical",
        ),
        (
            lambda: account(marks(4), changed=np.array([0, 0, 0, 0.1], np.float32)),
            "None of 4 frames was damaged as a whole; 1 was repaired in places; 3 are bit-identical",
        ),
        (
            lambda: account(marks(4, 1), settings={"restore": EVERYTHING, "encode": {"access": True}}),
            "1 was repaired; 3 are left as in the source.",
        ),
    ],
)
def test_the_headline_fits_the_case(of: Callable[[], Account], headline: str, tmp_path: Path) -> None:
    assert headline in said(reports(of(), tmp_path)[1])


def test_a_one_frame_tape_has_a_whole_report(tmp_path: Path) -> None:
    report, page = reports(account(marks(1, 0), windows=()), tmp_path)
    assert report["done"]["duration"] == "0:00:00.040"
    assert "0:00:00.040" in said(page)


def test_a_clean_tape_has_nothing_that_was_not_as_expected(tmp_path: Path) -> None:
    report, page = reports(account(marks(100)), tmp_path)
    assert report["not_as_expected"] == []
    assert "Everything was as expected" in said(page)
    assert "Nothing was restored" in said(page)


def test_a_tape_without_clean_frames_says_that_nothing_could_lend(tmp_path: Path) -> None:
    nobody = References(indices=(), similarity=())
    windows = tuple(WindowNote(start=at, stop=at + 4, references=nobody) for at in (0, 4))
    report, page = reports(account(marks(8, *range(8)), windows=windows), tmp_path)
    assert "no clean frame to lend" in whats(report)
    assert (
        "2 windows of 2 had no reference frame and were restored from neighbouring frames only (each is named by its "
        "first frame)."
    ) in whats(report)
    assert [frame["index"] for frame in report["not_as_expected"][1]["frames"]] == [0, 4]
    assert "none; neighbouring frames only" in said(page)


def test_a_shot_without_clean_frames_is_named(tmp_path: Path) -> None:
    shots = (Shot(start=0, stop=4), Shot(start=4, stop=8))
    report, _ = reports(account(marks(8, 4, 5, 6, 7), shots=shots), tmp_path)
    assert "1 shot of 2 without a clean frame" in whats(report)
    assert report["not_as_expected"][0]["frames"] == [{"index": 4, "time": "0:00:00.160"}]


def test_everything_that_was_not_as_expected_is_in_both_reports(tmp_path: Path) -> None:
    odd = account(marks(300, 3, 4))
    state = np.zeros(300, np.uint8)
    state[10:250], state[5] = 1, 2
    odd = replace(
        odd,
        tape=replace(odd.tape, notes=("The flag lies.",)),
        index=replace(odd.index, notes=("A packet is gone.",), state=state),
        verdict=replace(odd.verdict, separable=False, reason="One group."),
        changed=np.where(marks(300, 4), 0.5, 0).astype(np.float32),
        written=replace(odd.written, left_out=("data stream 2 (bin_data): matroska cannot hold it",)),
    )
    report, page = reports(odd, tmp_path)
    for sentence in (
        "The flag lies.",
        "A packet is gone.",
        "240 frames came damaged out of the file",
        "1 frame could not be had from the file; a copy of a neighbour stands in.",
        "do not stand apart on this tape. One group.",
        "1 frame judged damaged came through without a change.",
        "Not kept as it was: data stream 2 (bin_data): matroska cannot hold it.",
    ):
        assert sentence in whats(report)
        assert sentence in said(page)
    assert len(report["not_as_expected"][2]["frames"]) == 100
    assert "Frame 5 (0:00:00.200)." in said(page)
    assert report["done"]["identical_frames"] == 298


@pytest.mark.parametrize(
    ("right", "down", "before", "stands", "flag"),
    [
        (3.84, 2.1, (0.0, 0.0), "about 3.8 pixels to the right of and 2.1 lines below luma", "3.8 2.1"),
        (-2.0, 1.4, (0.0, 0.0), "about 2.0 pixels to the left of luma", "-2.0 0.0"),
        (None, -1.6, (3.0, 0.5), "about 1.6 lines above luma", "3.0 -1.1"),
    ],
)
def test_colour_that_stands_aside_is_said_with_what_puts_it_back(
    tmp_path: Path, right: float | None, down: float, before: tuple[float, float], stands: str, flag: str
) -> None:
    late = account(marks(9), chroma_delay=ChromaDelay(right=right, down=down, frames=9))
    late = replace(late, settings=late.settings | {"decode": {"chroma_delay": before}})
    report, page = reports(late, tmp_path)
    assert whats(report) == (
        f"All over the tape colour stands {stands}, measured in 9 frames (Y/C delay): --chroma-delay {flag} "
        "puts it back."
    )
    assert report["found"]["chroma_delay"] == {"right_pixels": right, "down_lines": down, "frames": 9}
    assert whats(report) in said(page)


def test_colour_that_was_put_back_is_said(tmp_path: Path) -> None:
    moved = account(marks(9, 2))
    moved = replace(moved, settings=moved.settings | {"decode": {"chroma_delay": (-3.0, 0.5)}})
    report, page = reports(moved, tmp_path)
    assert report["not_as_expected"] == []
    assert "Colour that stood 3.0 pixels to the left of and 0.5 lines below luma was put back in every frame" in said(
        page
    )
    assert "8 are but for the place of colour bit-identical to the source" in said(page)
    assert "left but for the place of colour as they were" in said(page)


def test_strength_zero_is_said_instead_of_every_unchanged_frame(tmp_path: Path) -> None:
    settings = {"restore": {"strength": 0.0, **EVERYTHING}}
    idle = account(marks(9, 2), changed=np.zeros(9, np.float32), windows=(), settings=settings)
    report, _ = reports(idle, tmp_path)
    assert whats(report) == "The strength was set to 0, so no picture was changed."


def test_odd_names_and_tags_are_shown_as_they_are_and_run_nothing(tmp_path: Path) -> None:
    odd = tape(Path("/tapes") / ODD_NAME, tags={"<script>": "alert(1)</td>"}, notes=("<b>note</b> & more",))
    report, page = reports(account(marks(20, 3), tape=odd, software={"<i>": '"&"'}), tmp_path)
    assert report["tape"]["path"] == f"/tapes/{ODD_NAME}"
    for words in (f"Restoration report: {ODD_NAME}", "<script>: alert(1)</td>", "<b>note</b> & more", '<i>"&"'):
        assert words in said(page)
    assert "<script" not in page


def test_a_name_that_is_no_text_does_not_stop_the_report(tmp_path: Path) -> None:
    report, page = reports(account(marks(5), tape=tape(Path("b\udcffd.avi"))), tmp_path)
    assert report["tape"]["path"] == "b\udcffd.avi"
    assert "d.avi" in said(page)


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    picture = np.zeros((6, 8, 3), np.uint8)
    pair = Comparison(index=3, caption="", before=picture, after=picture)
    _, page = reports(account(bursts(200), comparisons=(pair,)), tmp_path)
    text = Text(page)
    assert len(text.references) == 2
    assert all(reference.startswith("data:image/png;base64,") for reference in text.references)
    assert not re.search(r"https?://|url\(|@import|<script|\son\w+=", page)


def test_before_and_after_have_the_shape_of_the_screen_and_say_which_frame(tmp_path: Path) -> None:
    picture = np.zeros((576, 720, 3), np.uint8)
    pair = Comparison(index=130, caption="The most changed <frame>.", before=picture, after=picture)
    _, page = reports(account(bursts(200), comparisons=(pair,)), tmp_path)
    assert "aspect-ratio:768/576" in page
    assert "Frame 130, 0:00:05.200 The most changed <frame>." in said(page)


def test_an_embedded_picture_decodes_to_the_same_samples() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (37, 51, 3), dtype=np.uint8)
    content = base64.b64decode(png_data_uri(picture).removeprefix("data:image/png;base64,"))
    with av.open(BytesIO(content)) as container:
        frame = next(container.decode(video=0))
    np.testing.assert_array_equal(frame.to_ndarray(format="rgb24"), picture)


def test_a_tape_of_an_hour_makes_a_small_page_soon(tmp_path: Path) -> None:
    count = 100_000
    shots = tuple(Shot(start=at, stop=at + 100) for at in range(0, count, 100))
    long = account(bursts(count), shots=shots)
    began = time.perf_counter()
    json_path, html_path = write_report(long, tmp_path / "long.mkv")
    assert time.perf_counter() - began < 5
    assert html_path.stat().st_size < 300_000
    assert json_path.stat().st_size < 4_000_000
    assert "1:06:40" in said(html_path.read_text("utf-8"))
    assert len(json.loads(json_path.read_text("utf-8"))["frames"]["score"]) == count


def test_the_page_lists_fifty_windows_with_the_most_change_and_the_json_all(tmp_path: Path) -> None:
    damaged = np.ones(400, np.bool_)
    changed = (np.arange(400) / 400).astype(np.float32)
    report, page = reports(account(damaged, changed=changed), tmp_path)
    assert len(report["windows"]) == 100
    assert "396 to 399" in said(page)
    assert "200 to 203" in said(page)
    assert "196 to 199" not in said(page)


def test_a_plot_shows_the_highest_of_each_column() -> None:
    values = np.zeros(100_000, np.float32)
    values[54_321] = 1
    highest = peaks(values, COLUMNS)
    assert len(highest) == COLUMNS
    assert np.flatnonzero(highest).tolist() == [54_321 * COLUMNS // 100_000]


def test_the_plot_marks_threshold_cuts_and_changed_stretches() -> None:
    shots = (Shot(start=0, stop=40), Shot(start=40, stop=100))
    drawn = score_plot(long := account(marks(100, *range(20, 30)), shots=shots), long.changed > 0)
    assert 'class="threshold" d="M0 50H100"' in drawn
    assert 'class="cut" d="M40 0v7"' in drawn
    assert 'class="shade" d="M20 0h10v100h-10z"' in drawn


def test_scores_that_only_rank_frames_are_plotted_on_their_own_scale() -> None:
    ranked = account(marks(10, *range(10)))
    score = np.linspace(0.2, 0.3, 10).astype(np.float32)
    ranked = replace(
        ranked,
        analysis=replace(ranked.analysis, frame_score=score, absolute=False),
        verdict=replace(ranked.verdict, threshold=-2.0, separable=False),
    )
    drawn = score_plot(ranked)
    assert "0.195" in drawn
    assert "0.305" in drawn
    assert "threshold" not in drawn
    close = replace(ranked, verdict=replace(ranked.verdict, threshold=0.25, separable=True))
    assert 'class="threshold" d="M0 50H10"' in score_plot(close)


def test_the_plot_of_changes_fits_its_scale_to_small_changes() -> None:
    drawn = change_plot(account(marks(10, 2), changed=np.where(marks(10, 2), 0.04, 0).astype(np.float32)))
    assert ">5 %<" in drawn
    assert "V20h1" in drawn


def test_times_below_a_plot_are_round_and_stand_at_their_frames() -> None:
    index = replace(account(marks(1)).index, pts=np.arange(2501) + 90)
    assert time_ticks(index)[:3] == [
        (0.0, "0:00:00"),
        (375 / 2501, "0:00:15"),
        (750 / 2501, "0:00:30"),
    ]
    gap = replace(index, pts=np.concatenate((np.arange(1000), 100_000 + np.arange(1000))))
    places = [place for place, _ in time_ticks(gap)]
    assert places == sorted(set(places))


def test_times_do_not_drift_on_a_long_tape() -> None:
    index = replace(account(marks(1)).index, pts=np.arange(323_677) * 1001, time_base=Fraction(1, 30_000))
    assert timecode(index, 323_676) == clock(Fraction(323_676 * 1001, 30_000))
    assert timecode(index, 323_676) == "2:59:59.989"


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.0001, "under 0.1 %"), (0.208, "20.8 %"), (0.9999, "over 99.9 %"), (1, "100 %")],
)
def test_a_share_reads_as_nothing_or_all_only_when_it_is(share: float, text: str) -> None:
    assert percent(share) == text


def test_a_disk_that_refuses_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(TargetNotWritable, match=r"tape\.report\.json: the report cannot be written \(.+\); free some"):
        write_report(account(marks(5)), tmp_path / "missing" / "tape.mkv")


def test_a_disk_that_refuses_half_way_leaves_no_half_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(TargetNotWritable, match="No space left on device"):
        write_report(account(marks(5)), tmp_path / "tape.mkv")
    assert not list(tmp_path.iterdir())


def test_memory_mapped_measurements_are_read_in_chunks(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "cells.u8", np.uint8, "w+", shape=(9000, 18, 24))
    mapped[8999, 3, 4] = 255
    whole = account(marks(9000, 8999))
    whole = replace(whole, analysis=replace(whole.analysis, cell_score=mapped))
    report, _ = reports(whole, tmp_path)
    assert report["damage_by_region"][3][4] == 1.0
    assert sum(map(sum, report["damage_by_region"])) == 1.0
