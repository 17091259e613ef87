"""How near to the truth a method comes: the measures, the methods that are compared, and the command."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from clips import Clip
from networks import write_restorer
from safetensors.torch import save_file
from tapes import Weights
from torch import Tensor

from tapemend.cli import main
from tapemend.errors import ModelMissing, NotAVideo, SettingsError, WeightsError
from tapemend.evaluate import ffmpeg
from tapemend.evaluate.baselines import AlignedMedian, Classical, aligned_median, line_places
from tapemend.evaluate.lpips import BACKBONES, Lpips, load
from tapemend.evaluate.metrics import LEAST_SIDE, area_under_curve, ms_ssim, psnr, square_error, ssim_map
from tapemend.evaluate.protocol import clean_tape, pictures, strongest
from tapemend.evaluate.run import find_clips
from tapemend.evaluate.temporal import flicker_map, motion, moved, repeated, warping_map
from tapemend.lines import move_lines
from tapemend.pictures import planes_of


def texture(rows: int = 64, columns: int = 96, seed: int = 0) -> Tensor:
    """(3, H, W) codes with something to see everywhere."""
    noise = torch.randn(1, 1, rows // 4, columns // 4, generator=torch.Generator().manual_seed(seed))
    grey = torch.nn.functional.interpolate(noise, (rows, columns), mode="bicubic")[0, 0]
    return (128 + 50 * grey).clamp(0, 255).round().expand(3, -1, -1).clone()


def test_psnr_of_one_step_everywhere_is_48_db() -> None:
    assert psnr(square_error(texture() + 1, texture()).mean()) == pytest.approx(48.1308, abs=1e-3)


def test_ssim_is_one_for_the_same_and_says_where_it_is_not() -> None:
    truth, worse = texture(), texture()
    worse[:, :20] = worse[:, :20].flip(-1)
    same, other = ssim_map(truth, truth), ssim_map(worse, truth)
    assert same[5:-5, 5:-5].numpy() == pytest.approx(1)
    assert same[:5].isnan().all()
    assert other[5:15, 5:-5].mean() < 0.5
    assert other[30:-5, 5:-5].numpy() == pytest.approx(1)


def test_ms_ssim_falls_with_noise_and_refuses_what_is_too_small() -> None:
    truth = texture(192, 224)
    draw = torch.Generator().manual_seed(1)
    little, much = (truth + sigma * torch.randn(truth.shape, generator=draw) for sigma in (5, 40))
    assert ms_ssim(truth, truth) == pytest.approx(1)
    assert 0.999 > ms_ssim(little, truth) > ms_ssim(much, truth) > 0
    with pytest.raises(SettingsError, match=str(LEAST_SIDE)):
        ms_ssim(texture(), texture())


def test_the_area_under_the_curve_counts_ties_half_and_needs_both_kinds() -> None:
    damaged = np.array([True, True, False, False])
    assert area_under_curve(np.array([3.0, 2.0, 2.0, 1.0]), damaged) == 0.875
    assert area_under_curve(np.ones(2), np.ones(2, np.bool_)) is None


def test_motion_is_found_and_a_steady_pan_neither_flickers_nor_warps() -> None:
    wide = texture(64, 128)
    before, now = wide[..., 10:106], wide[..., 4:100]
    flow = motion(now, before)
    inside = (slice(12, -12), slice(20, -20))
    assert flow[0][inside].median() == pytest.approx(-6, abs=0.5)
    seen = repeated(now, before, flow)
    assert seen[inside].float().mean() > 0.85
    assert warping_map(now, before, flow, seen)[inside].nanmean() < 4
    assert (flicker_map(now, before, now, before) == 0).all()
    assert flicker_map(now + 7, before, now, before).mean() == 7
    assert moved(before, torch.zeros(2, 64, 96)).sub(before).abs().max() < 1e-3


def test_a_line_that_slipped_in_one_frame_is_put_back_by_the_median_of_its_neighbours() -> None:
    picture = texture()[None].expand(5, -1, -1, -1) / 255 - torch.tensor([0.0, 0.5, 0.5])[:, None, None]
    shift = torch.zeros(5, 64)
    shift[2, 20:24] = 6.0
    torn = move_lines(picture, shift)
    places = line_places(torn[:, 0], torn[0, 0])
    assert places[2, 20:24].numpy() == pytest.approx(6, abs=0.2)
    assert places[:, :16].abs().max() < 0.2
    mended = aligned_median(torn, 2)
    inner = (slice(None), slice(None), slice(20, -20))
    assert (mended - picture[2])[inner].abs().max() < 0.02 < (torn[2] - picture[2])[inner].abs().max()


def test_a_pixel_belongs_to_the_kind_that_changed_it_most() -> None:
    mask = np.array([[0b001, 0b011], [0b010, 0]], np.uint8)
    anything, *kinds = strongest(mask, np.array([0.4, 0.1, 0, 0, 0], np.float32))
    assert anything.tolist() == [[True, True], [True, False]]
    assert kinds[0].tolist() == [[True, True], [False, False]]
    assert kinds[1].tolist() == [[False, False], [True, False]]


def test_the_medians_are_as_many_frames_as_the_tape_whatever_its_length(tmp_path: Path) -> None:
    for count in (1, 4, 7):
        tape = Clip(frame_count=count, width=96).write(tmp_path / f"{count}.mkv")
        folder = tmp_path / f"out {count}"
        folder.mkdir()
        assert len(list(pictures(AlignedMedian().restore(tape, folder).path))) == count


def test_the_classical_chain_runs_and_a_filter_that_there_is_not_is_named(tmp_path: Path) -> None:
    tape = Clip(frame_count=6, width=96).write(tmp_path / "tape.mkv")
    assert len(list(pictures(Classical("hqdn3d=2,atadenoise").restore(tape, tmp_path).path))) == 6
    with pytest.raises(ModelMissing, match="nosuchfilter"):
        Classical("hqdn3d,nosuchfilter=3")


def test_vmaf_is_high_for_the_same_and_lower_where_texture_is_gone(tmp_path: Path) -> None:
    truth = Clip(frame_count=3, width=192, height=144, picture=smooth).write(tmp_path / "truth.mkv")
    noisy = Clip(frame_count=3, width=192, height=144).write(tmp_path / "noisy.mkv")
    assert min(ffmpeg.vmaf(truth, truth)) > 90 > max(ffmpeg.vmaf(truth, noisy))
    with pytest.raises(NotAVideo, match=r"none\.mkv"):
        ffmpeg.vmaf(tmp_path / "none.mkv", truth)


def smooth(index: int) -> tuple[np.ndarray, ...]:
    ramp = np.linspace(20 + index, 220, 192, dtype=np.uint8)
    grey = np.full((72, 96), 128, np.uint8)
    return np.tile(ramp, (144, 1)), grey, grey


def test_lpips_takes_weights_of_either_backbone_and_is_zero_for_the_same(tmp_path: Path) -> None:
    for name, layers in BACKBONES.items():
        torch.manual_seed(0)
        tensors = Lpips(layers).state_dict()
        for key in [key for key in tensors if key.startswith("lin.")]:
            number = key.split(".")[1]
            tensors[f"lin{number}.model.1.weight"] = tensors.pop(key).abs()
        save_file(tensors, tmp_path / f"{name}.safetensors")
        found, distance = load(tmp_path / f"{name}.safetensors")
        assert found == name
        assert float(distance(texture(), texture())) == 0
        assert float(distance(texture(), texture(seed=1))) > 0
    save_file({"features.0.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"other\.safetensors"):
        load(tmp_path / "other.safetensors")


def test_the_command_compares_methods_on_damaged_and_clean_tapes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips, weights = tmp_path / "clips", Weights(tmp_path)
    clips.mkdir()
    Clip(frame_count=6, width=96, height=64, picture=None).write(clips / "one.mkv")
    other = write_restorer(tmp_path / "second.safetensors", seed=2)
    words = [
        "evaluate",
        str(clips),
        "--rows",
        "64",
        "--frames",
        "6",
        "--presets",
        "first-2026-11",
        "--presets",
        "clean",
    ]
    words += ["--methods", "tapemend", "--methods", "median", "--metrics", "ssim", "--metrics", "flicker"]
    words += ["--weights", str(weights.restorer), "--weights", str(other), "--scorer-weights", str(weights.damaged)]
    assert main([*words, "--device", "cpu", "--json", str(tmp_path / "all.json")]) == 0
    table = capsys.readouterr().out
    assert "tapemend:second" in table
    found = json.loads((tmp_path / "all.json").read_text())
    methods = ["input", "tapemend:restorer", "tapemend:second", "median"]
    assert [row["method"] for row in found["mean"]] == 2 * methods
    untouched = found["tapes"][4]
    assert untouched["preset"] == "clean"
    assert untouched["whole_picture"]["psnr"] == 100
    assert found["tapes"][0]["gain_db"] == 0
    assert set(found["tapes"][0]["whole_picture"]) == {"psnr", "ssim", "flicker"}


def test_tapes_have_blanking_on_either_side_where_it_is_asked_for(tmp_path: Path) -> None:
    clip = Clip(frame_count=2, width=96, height=64).write(tmp_path / "clip.mkv")
    shown = []
    for name, blanking in (("narrow.mkv", 0), ("wide.mkv", 6)):
        clean_tape(clip, tmp_path / name, 2, 64, blanking)
        with av.open(str(tmp_path / name)) as opened:
            shown.append([planes_of(frame) for frame in opened.decode(video=0)])
    for narrow, wide in zip(*shown, strict=True):
        for plane, sides, more, black in zip(narrow, wide, (6, 3, 3), (16, 128, 128), strict=True):
            assert np.array_equal(sides[:, more:-more], plane)
            assert (sides[:, :more] == black).all()
            assert (sides[:, -more:] == black).all()
            assert sides.shape[1] == plane.shape[1] + 2 * more


def test_what_cannot_be_evaluated_is_said_before_anything_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = Clip(frame_count=2).write(tmp_path / "clip.mkv")
    for words, said in (
        ([str(tmp_path / "none")], "no clips there"),
        ([str(clip), "--presets", "no-such-tape"], "no-such-tape"),
        ([str(clip), "--metrics", "lpips"], "--lpips-weights"),
        ([str(clip), "--blanking", "7"], "--blanking 7"),
        ([str(clip), "--json", str(tmp_path / "no folder" / "x.json")], "no folder"),
    ):
        assert main(["evaluate", *words]) == 1
        assert said in capsys.readouterr().err
    assert find_clips(clip) == [clip]
