"""``tapemend degrade``: a clean clip goes in, a damaged tape and the truth about it come out."""

import hashlib
import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from clips import AudioTrack, Clip
from numpy.typing import NDArray

from tapemend import simulate as simulation
from tapemend.cli import main
from tapemend.colour import add_change, to_ycbcr
from tapemend.decode import Reader
from tapemend.degrade import PRESETS, VISIBLE, Kind, degrade
from tapemend.degrade.chainfile import chain_text, read_chain
from tapemend.errors import NotAVideo, SettingsError, SourceError, TargetExists, TargetNotWritable
from tapemend.frames import Frame, ScanType, Tape
from tapemend.probe import probe
from tapemend.settings import DecodeSettings, FieldOrder, Fields, ProbeSettings, SimulateSettings
from tapemend.simulate import clean_path, mask_path, simulate, truth_path

SEED = 4
"""With it, of the first sixty frames of a tape some are clean and some are damaged."""


def frames_of(path: Path) -> tuple[Tape, list[Frame]]:
    tape = probe(path, ProbeSettings())
    with Reader(tape, DecodeSettings()) as reader:
        return tape, list(reader.survey())


def truth_of(target: Path) -> dict[str, NDArray]:
    with np.load(truth_path(target), allow_pickle=False) as stored:
        return dict(stored.items())


def chain_file(folder: Path, steps: str) -> Path:
    """A chain of these steps that acts all the time."""
    path = folder / "chain.toml"
    path.write_text("damaged_share = 1.0\n" + steps)
    return path


PALE = "[[damage]]\npass = 'undersaturation'\n"
LINES = "[[damage]]\npass = 'edge_wave'\n"
BLENDED = "[[damage]]\npass = 'dongle_deinterlacing'\n"


def woven_frames_of(path: Path) -> tuple[Tape, list[Frame]]:
    """Frames as they lie in the file, and the tape as it is flagged."""
    tape = probe(path, ProbeSettings(field_order=FieldOrder.PROGRESSIVE))
    with Reader(tape, DecodeSettings()) as reader:
        return tape, list(reader.survey())


def packets_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clean.mkv"
    return Clip(frame_count=60, sample_aspect_ratio=Fraction(16, 15), audio=(AudioTrack(),)).write(path)


@pytest.fixture(scope="module")
def tape(clip: Path) -> Path:
    target = clip.with_name("tape.mkv")
    simulate(clip, target, SimulateSettings(seed=SEED))
    return target


def test_the_tape_holds_the_simulators_frames(clip: Path, tape: Path) -> None:
    (source, clean), (_, damaged) = frames_of(clip), frames_of(tape)
    assert len(damaged) == len(clean) == 60
    for before, after in zip(clean, damaged, strict=True):
        picture = to_ycbcr(before.planes, source.layout)
        truth = degrade(picture[None], [before.index], PRESETS["first-2026-11"], SEED)
        expected = add_change(before.planes, truth.picture[0] - picture, source.layout)
        assert all(np.array_equal(*pair) for pair in zip(after.planes, expected, strict=True)), before.index


def test_frames_without_damage_keep_their_samples_and_the_truth_knows_them(clip: Path, tape: Path) -> None:
    (_, clean), (_, damaged), truth = frames_of(clip), frames_of(tape), truth_of(tape)
    same = [
        all(np.array_equal(*pair) for pair in zip(before.planes, after.planes, strict=True))
        for before, after in zip(clean, damaged, strict=True)
    ]
    assert same == (truth["severity"] == 0).tolist()
    assert 5 < sum(same) < 55


def test_the_truth_says_what_was_done_to_each_frame(clip: Path, tape: Path) -> None:
    source, clean = frames_of(clip)
    truth = truth_of(tape)
    pictures = torch.stack([to_ycbcr(frame.planes, source.layout) for frame in clean])
    expected = degrade(pictures, range(60), PRESETS["first-2026-11"], SEED)
    assert truth["kinds"].tolist() == [str(kind) for kind in Kind]
    assert np.allclose(truth["shift"], expected.shift, atol=0.02)
    assert np.array_equal(truth["change"], expected.change.mean((2, 3)).numpy())
    severity = (expected.picture - expected.clean).square().mean((1, 2, 3)).sqrt()
    assert np.allclose(truth["severity"], severity)
    about = json.loads(str(truth["about"]))
    assert (about["seed"], about["fields"]) == (SEED, "progressive")
    chain = clip.with_name("told.toml")
    chain.write_text(about["chain"], encoding="utf-8")
    assert read_chain(chain) == PRESETS["first-2026-11"]


def test_the_mask_has_a_bit_for_each_kind_that_shows(clip: Path, tape: Path) -> None:
    source, clean = frames_of(clip)
    shown, masks = frames_of(mask_path(tape))
    pictures = torch.stack([to_ycbcr(frame.planes, source.layout) for frame in clean])
    change = degrade(pictures, range(60), PRESETS["first-2026-11"], SEED).change.numpy()
    assert (shown.layout.name, shown.frame_rate, shown.codec) == ("gray", source.frame_rate, "ffv1")
    assert [frame.pts for frame in masks] == [frame.pts for frame in clean]
    for number in range(len(Kind)):
        bits = np.stack([frame.planes[0] >> number & 1 for frame in masks])
        assert np.array_equal(bits, change[:, number] > VISIBLE), number
    assert len(np.unique(np.stack([frame.planes[0] for frame in masks]))) > 4


def test_the_clip_is_the_clean_one_unless_the_recording_shows(tmp_path: Path) -> None:
    clip = Clip(frame_count=5, audio=(AudioTrack(),)).write(tmp_path / "clip.mkv")
    plain = simulate(clip, tmp_path / "plain.mkv", SimulateSettings(chain=chain_file(tmp_path, PALE)))
    assert plain.clean == clip
    steps = PALE.replace("damage", "recording") + LINES
    done = simulate(clip, tmp_path / "tape.mkv", SimulateSettings(chain=chain_file(tmp_path, steps)))
    (source, frames), (shown, clean) = frames_of(clip), frames_of(done.clean)
    assert done.clean == clean_path(tmp_path / "tape.mkv")
    assert (shown.layout, [frame.pts for frame in clean]) == (source.layout, [frame.pts for frame in frames])
    assert packets_of(clip) == packets_of(done.clean)
    pictures = torch.stack([to_ycbcr(frame.planes, source.layout) for frame in frames])
    truth = degrade(pictures, range(5), read_chain(tmp_path / "chain.toml"), 1)
    for number, (before, after) in enumerate(zip(frames, clean, strict=True)):
        expected = add_change(before.planes, truth.clean[number] - pictures[number], source.layout)
        assert all(np.array_equal(*pair) for pair in zip(after.planes, expected, strict=True))
        assert not np.array_equal(before.planes[1], after.planes[1])
    severity = (truth.picture - truth.clean).square().mean((1, 2, 3)).sqrt()
    assert np.allclose(truth_of(tmp_path / "tape.mkv")["severity"], severity)


def test_passes_that_look_back_see_the_same_pictures_in_any_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = Clip(frame_count=9).write(tmp_path / "clip.mkv")
    chain = chain_file(tmp_path, BLENDED + "[[damage]]\npass = 'fields_out_of_step'\n")
    assert read_chain(chain).memory == 2
    sums = set()
    for size in (1, 2, 9):
        monkeypatch.setattr(simulation, "BATCH_FRAMES", size)
        done = simulate(clip, tmp_path / f"{size}.mkv", SimulateSettings(chain=chain))
        sums.add(done.written.framemd5_path.read_text())
        assert done.damaged_frames == 9
    assert len(sums) == 1


def field_planes(frame: Frame, parity: int) -> list[NDArray]:
    return [plane[parity::2] for plane in frame.planes]


@pytest.mark.parametrize(
    ("fields", "rate", "shown", "pts"),
    [
        ("psf", 25, [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)], [0, 40, 80, 120, 160]),
        ("interlaced", Fraction(25, 2), [(0, 1), (2, 3), (4, 4)], [0, 80, 160]),
        ("telecine", Fraction(125, 4), [(0, 0), (1, 1), (1, 2), (2, 3), (3, 3), (4, 4)], [0, 32, 64, 96, 128, 160]),
    ],
)
def test_fields_are_damaged_each_for_itself_and_woven(
    tmp_path: Path, fields: str, rate: Fraction, shown: list[tuple[int, int]], pts: list[int]
) -> None:
    clip = Clip(frame_count=5).write(tmp_path / "clip.mkv")
    settings = SimulateSettings(seed=SEED, fields=Fields(fields), chain=chain_file(tmp_path, LINES + PALE))
    done = simulate(clip, tmp_path / "tape.mkv", settings)
    (source, frames), (tape, damaged) = frames_of(clip), woven_frames_of(done.written.path)
    assert (tape.frame_rate, tape.scan.flagged) == (rate, ScanType.TOP_FIRST)
    assert [frame.pts for frame in damaged] == pts
    assert done.clean == (clip if fields == "psf" else clean_path(tmp_path / "tape.mkv"))
    given = [field_planes(frames[pair[parity]], parity) for pair in shown for parity in (0, 1)]
    pictures = torch.stack([to_ycbcr(planes, source.layout) for planes in given])
    truth = degrade(pictures, range(len(given)), read_chain(tmp_path / "chain.toml"), SEED)
    (_, clean), (_, masks) = woven_frames_of(done.clean), woven_frames_of(done.mask)
    for index, planes in enumerate(given):
        frame, parity = divmod(index, 2)
        expected = add_change(planes, truth.picture[index] - pictures[index], source.layout)
        assert all(map(np.array_equal, field_planes(damaged[frame], parity), expected)), index
        assert all(map(np.array_equal, field_planes(clean[frame], parity), planes)), index
        bits = (truth.change[index] > VISIBLE).numpy() << np.arange(len(Kind))[:, None, None]
        assert np.array_equal(field_planes(masks[frame], parity)[0], bits.sum(0)), index
    assert np.allclose(truth_of(done.written.path)["shift"], truth.shift, atol=0.02)
    assert len(damaged) == len(masks) == len(clean) == len(shown)


def test_frames_that_do_not_make_two_fields_are_refused(tmp_path: Path) -> None:
    clip = Clip(height=50).write(tmp_path / "clip.mkv")
    with pytest.raises(SourceError, match="50 rows of yuv420p do not make two fields; crop it to a multiple of 4"):
        simulate(clip, tmp_path / "tape.mkv", SimulateSettings(fields=Fields.PSF))
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mkv"]


def test_tapes_of_one_name_and_two_suffixes_have_two_truths(tmp_path: Path) -> None:
    paths = [truth_path(tmp_path / name) for name in ("tape.mkv", "tape.nut", "tape", "tape.1")]
    names = ["tape.truth.npz", "tape.nut.truth.npz", "tape.truth.npz", "tape.1.truth.npz"]
    assert [path.name for path in paths] == names


def test_what_lies_beside_the_tape_never_replaces_the_clip(tmp_path: Path) -> None:
    clip = Clip(frame_count=3).write(tmp_path / "tape.clean.mkv")
    before = clip.read_bytes()
    recorded = chain_file(tmp_path, PALE.replace("damage", "recording"))
    with pytest.raises(TargetNotWritable, match="this is the source"):
        simulate(clip, tmp_path / "tape.mkv", SimulateSettings(chain=recorded, overwrite=True))
    assert clip.read_bytes() == before


def test_format_timing_shape_and_sound_of_the_clip_are_kept(clip: Path, tape: Path) -> None:
    (before, clean), (after, damaged) = frames_of(clip), frames_of(tape)
    for name in ("width", "height", "layout", "sample_aspect_ratio", "colour", "frame_rate"):
        assert getattr(before, name) == getattr(after, name), name
    assert after.codec == "ffv1"
    assert [frame.pts for frame in clean] == [frame.pts for frame in damaged]
    assert packets_of(clip) == packets_of(tape)


@pytest.mark.parametrize("pixel_format", ["yuv422p10le", "yuv411p", "gray", "bgr0"])
def test_other_formats_stay_what_they_are(tmp_path: Path, pixel_format: str) -> None:
    clip = Clip(pixel_format=pixel_format, frame_count=30, width=49, height=33).write(tmp_path / "clean.mkv")
    done = simulate(clip, tmp_path / "tape.mkv", SimulateSettings(seed=5))
    (before, clean), (after, damaged) = frames_of(clip), frames_of(done.written.path)
    assert before.layout == after.layout
    severity = truth_of(done.written.path)["severity"]
    assert done.damaged_frames == (severity > 0).sum() > 0
    for was, now, much in zip(clean, damaged, severity, strict=True):
        if much == 0:
            assert all(np.array_equal(*pair) for pair in zip(was.planes, now.planes, strict=True))


def test_segments_and_batches_leave_no_mark(clip: Path, tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "SEGMENT_FRAMES", 7)
    monkeypatch.setattr(simulation, "BATCH_FRAMES", 3)
    target = clip.with_name("cut.mkv")
    simulate(clip, target, SimulateSettings(seed=SEED))
    assert target.with_name("cut.mkv.framemd5").read_text() == tape.with_name("tape.mkv.framemd5").read_text()
    one, other = truth_of(tape), truth_of(target)
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_the_clip_is_untouched_and_nothing_else_is_left(tmp_path: Path) -> None:
    clip = Clip().write(tmp_path / "clean.mkv")
    digest = hashlib.sha256(clip.read_bytes()).digest()
    simulate(clip, tmp_path / "tape.mkv")
    assert hashlib.sha256(clip.read_bytes()).digest() == digest
    names = {path.name for path in tmp_path.iterdir()}
    videos = {"tape.mkv", "tape.mkv.framemd5", "tape.mask.mkv", "tape.mask.mkv.framemd5"}
    assert names == {"clean.mkv", "tape.truth.npz"} | videos


def test_an_interlaced_clip_is_refused_unless_it_is_said_to_be_progressive(tmp_path: Path) -> None:
    clip = Clip(scan=ScanType.TOP_FIRST).write(tmp_path / "clean.mkv")
    with pytest.raises(SourceError, match=r"interlaced \(tff\).*--field-order progressive"):
        simulate(clip, tmp_path / "tape.mkv")
    assert [path.name for path in tmp_path.iterdir()] == ["clean.mkv"]
    assert main(["degrade", str(clip), "--field-order", "progressive"]) == 0
    assert probe(tmp_path / "clean.tape.mkv", ProbeSettings()).frame_rate == 25


@pytest.mark.parametrize("existing", ["tape.mkv", "tape.truth.npz", "tape.mask.mkv"])
def test_what_is_there_is_replaced_only_when_asked(tmp_path: Path, existing: str) -> None:
    clip = Clip().write(tmp_path / "clean.mkv")
    (tmp_path / existing).write_text("mine")
    with pytest.raises(TargetExists, match=existing):
        simulate(clip, tmp_path / "tape.mkv")
    assert (tmp_path / existing).read_text() == "mine"
    simulate(clip, tmp_path / "tape.mkv", SimulateSettings(overwrite=True))
    assert len(truth_of(tmp_path / "tape.mkv")["severity"]) == 12


def test_bad_input_is_one_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    clip = Clip().write(tmp_path / "clean.mkv")
    text = tmp_path / "notes.txt"
    text.write_text("no video")
    target = tmp_path / "tape.mkv"
    with pytest.raises(NotAVideo):
        simulate(tmp_path / "gone.mkv", target)
    with pytest.raises(NotAVideo):
        simulate(text, target)
    with pytest.raises(SettingsError, match="no preset is called 'betamax'"):
        simulate(clip, target, SimulateSettings(preset="betamax"))
    with pytest.raises(TargetNotWritable):
        simulate(clip, tmp_path / "no folder" / "tape.mkv")
    with pytest.raises(TargetNotWritable, match="this is the source"):
        simulate(clip, clip, SimulateSettings(overwrite=True))
    assert {path.name for path in tmp_path.iterdir()} == {"clean.mkv", "notes.txt"}


def test_the_command_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = Clip(frame_count=40).write(tmp_path / "clean.mkv")
    assert main(["degrade", str(clip), "--seed", str(SEED), "-o", str(tmp_path / "tape.mkv")]) == 0
    said = capsys.readouterr().err
    assert f"tape.mkv: {(truth_of(tmp_path / 'tape.mkv')['severity'] > 0).sum()} of 40 frames damaged" in said
    assert "tape.truth.npz: what was done to each" in said
    assert f"tape.mask.mkv: where it can be seen, a bit for each kind\n{clip}: without" in said.replace(
        f"{tmp_path}/tape", "tape"
    )


def test_the_command_lists_the_presets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["degrade", "--list"]) == 0
    said = capsys.readouterr().out
    assert all(name in said and preset.description in said for name, preset in PRESETS.items())


def test_the_command_without_a_clip_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["degrade"]) == 2
    assert "name a clip to damage, or say --list" in capsys.readouterr().err


def test_a_preset_that_is_not_there_is_one_line_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = Clip().write(tmp_path / "clean.mkv")
    assert main(["degrade", str(clip), "--preset", "betamax"]) == 1
    said = capsys.readouterr().err
    assert said.strip() == f"tapemend: no preset is called 'betamax'; there are: {', '.join(PRESETS)}"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_described_as_the_chain_that_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main(["degrade", "--describe", name]) == 0
    said = capsys.readouterr().out
    assert said == chain_text(PRESETS[name])
    (tmp_path / "chain.toml").write_text(said, encoding="utf-8")
    assert read_chain(tmp_path / "chain.toml") == PRESETS[name]


def test_a_described_preset_makes_the_same_tape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = Clip().write(tmp_path / "clip.mkv")
    main(["degrade", "--describe", "first-2026-11"])
    (tmp_path / "own.toml").write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["degrade", str(clip), "-o", str(tmp_path / "one.mkv"), "--preset", "first-2026-11"]) == 0
    assert main(["degrade", str(clip), "-o", str(tmp_path / "two.mkv"), "--chain", str(tmp_path / "own.toml")]) == 0
    assert (tmp_path / "one.mkv.framemd5").read_text() == (tmp_path / "two.mkv.framemd5").read_text()


def test_a_preset_and_a_chain_contradict_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["degrade", "clip.mkv", "--preset", "first-2026-11", "--chain", "own.toml"]) == 1
    assert "--preset first-2026-11 and --chain own.toml contradict each other" in capsys.readouterr().err
    clip = Clip(frame_count=3).write(tmp_path / "clip.mkv")
    assert main(["degrade", str(clip), "--chain", str(tmp_path / "gone.toml")]) == 1
    assert "gone.toml: cannot be read (No such file or directory)" in capsys.readouterr().err


def test_ctrl_c_leaves_nothing_and_does_not_speak_of_going_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    clip = Clip().write(tmp_path / "clean.mkv")
    monkeypatch.setattr(simulation.Truth, "pack", pressed)
    assert main(["degrade", str(clip)]) == 130
    said = capsys.readouterr().err
    assert said == "tapemend: stopped; nothing was written, and the same command begins anew\n"
    assert [path.name for path in tmp_path.iterdir()] == ["clean.mkv"]
