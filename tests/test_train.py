"""Training: exact resume, checkpoints that are whole, samples that hang on seed and step alone."""

import json
import math
import multiprocessing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import av
import numpy as np
import pytest
import torch
from clips import Clip
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from torch import Tensor, nn

from tapemend import checkpoint
from tapemend.colour import from_codes, to_rgb
from tapemend.degrade import Damaged, Preset, preset
from tapemend.errors import JournalMismatch, NotAVideo, SettingsError
from tapemend.lines import move_lines
from tapemend.network.damage import DamageConfig, DamageNetwork
from tapemend.network.restoration import RestorationConfig, RestorationNetwork
from tapemend.network.swin_unet import PAPER_CONFIGS
from tapemend.restore import Restorer
from tapemend.settings import RestoreSettings, TrainSettings
from tapemend.train.data import SHORTEST, Store, pack
from tapemend.train.loop import Run
from tapemend.train.losses import charbonnier, feature_distance, flicker, log_error
from tapemend.train.recipes import PaperRecipe, RestorerRecipe, ScorerRecipe, _looked_at, recipe
from tapemend.train.samples import (
    Batch,
    SampleSettings,
    _as_scored,
    _interpolated,
    _references,
    _resharpened,
    _separated,
    _spared,
    _steadied,
    lender,
    sample,
    visibility,
)

TINY_SAMPLES = SampleSettings(rows=64, columns=64, frames=3, windows=2)
TINY = RestorerRecipe(
    config=RestorationConfig(widths=(8, 6, 6, 6), depths=(1, 1, 1, 1)), samples=TINY_SAMPLES, steps=40
)
QUICK = TrainSettings(minutes=60.0, seed=3, steps=6, save_every=3, ahead=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KilledInItsFourthStep(RestorerRecipe):
    """The same recipe on a machine whose power fails."""

    begun: ClassVar[list[int]] = []

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        self.begun.append(1)
        if len(self.begun) == 4:
            raise KeyboardInterrupt
        return RestorerRecipe.losses(self, network, batch)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    Clip(frame_count=20).write(folder / "one.mkv")
    Clip(frame_count=24, pixel_format="yuv422p10le").write(folder / "two.mkv")
    return folder


@pytest.fixture(scope="module")
def store(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return pack(clips, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def whole(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of six steps that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    Run(TINY, QUICK, folder).train(store)
    return folder


def state_of(folder: Path) -> dict[str, Tensor]:
    with safe_open(folder / "state.safetensors", framework="pt") as opened:
        return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118


def curve_of(folder: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if not name.startswith("seconds")} for line in lines]


def same(one: Batch, other: Batch) -> bool:
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in Batch.__dataclass_fields__)


def test_a_run_that_was_killed_and_resumed_ends_as_one_that_was_not(store: Store, whole: Path, tmp_path: Path) -> None:
    killed = KilledInItsFourthStep(config=TINY.config, samples=TINY.samples, steps=TINY.steps)
    with pytest.raises(KeyboardInterrupt):
        Run(killed, QUICK, tmp_path).train(store)
    assert Run(TINY, QUICK, tmp_path).step == 3
    Run(TINY, QUICK, tmp_path).train(store)
    straight, resumed = state_of(whole), state_of(tmp_path)
    assert straight.keys() == resumed.keys()
    assert [name for name in straight if not torch.equal(straight[name], resumed[name])] == []
    assert curve_of(whole) == curve_of(tmp_path)
    assert [line["step"] for line in curve_of(tmp_path)] == [3, 6]


def test_training_changes_the_network_and_its_average_lags_behind(whole: Path) -> None:
    torch.manual_seed(QUICK.seed)
    fresh, state = TINY.build().state_dict(), state_of(whole)
    moved = [name for name in fresh if not torch.equal(fresh[name], state[f"network/{name}"])]
    assert len(moved) > len(fresh) // 2
    assert any(not torch.equal(state[f"network/{name}"], state[f"average/{name}"]) for name in moved)


def test_a_finished_run_does_nothing_more(store: Store, whole: Path) -> None:
    before = state_of(whole)
    Run(TINY, QUICK, whole).train(store)
    after = state_of(whole)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_checkpoint_loads_into_the_network_it_names(whole: Path) -> None:
    read = checkpoint.read(str(whole / "restorer.safetensors"), "restorer")
    network = RestorationNetwork(TINY.config)
    read.load_into(network)
    average = state_of(whole)
    for name, value in network.state_dict().items():
        assert torch.equal(value, average[f"average/{name}"].half().float()), name
    assert (read.provenance["steps"], read.provenance["seed"]) == ("6", "3")


def test_nothing_half_written_lies_in_the_folder(whole: Path) -> None:
    names = {"state.safetensors", "restorer.safetensors", "curve.jsonl", "pictures.png"}
    assert {path.name for path in whole.iterdir()} == names


def test_the_last_batch_is_there_to_be_looked_at(store: Store, whole: Path) -> None:
    """Two windows below each other: damaged, restored and clean."""
    with av.open(str(whole / "pictures.png")) as opened:
        picture = next(opened.decode(video=0)).to_ndarray(format="rgb24")
    assert picture.shape == (2 * 64, 3 * 64, 3)
    batch = sample(store, TINY_SAMPLES, QUICK.seed, QUICK.steps - 1)
    for place, clip in ((0, batch.damaged), (2, batch.clean)):
        shown = torch.from_numpy(picture[:, 64 * place : 64 * (place + 1)])
        expected = torch.cat(list(to_rgb(clip[:, 1])), -2).permute(1, 2, 0) * 255
        assert (shown - expected).abs().max() <= 0.5


def test_a_save_that_fails_leaves_the_state_before_it(store: Store, tmp_path: Path) -> None:
    run = Run(TINY, QUICK, tmp_path)
    run.save()
    before = (tmp_path / "state.safetensors").read_bytes()
    (tmp_path / "state.safetensors.part").mkdir()
    with pytest.raises(Exception, match="directory"):
        run.save()
    assert (tmp_path / "state.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("other", "how"),
    [
        (TINY, replace(QUICK, seed=4)),
        (TINY, replace(QUICK, steps=7)),
        (replace(TINY, learning_rate=1e-4), QUICK),
        (replace(TINY, samples=replace(TINY_SAMPLES, windows=3)), QUICK),
        (ScorerRecipe(), QUICK),
        (TINY, replace(QUICK, learning_rate=1e-4)),
        (TINY, replace(QUICK, start_from="start")),
    ],
    ids=["seed", "schedule", "recipe's learning rate", "samples", "network", "learning rate", "start"],
)
def test_a_folder_with_another_run_is_refused(
    other: RestorerRecipe | ScorerRecipe, how: TrainSettings, whole: Path
) -> None:
    if how.start_from:
        how = replace(how, start_from=str(whole / "restorer.safetensors"))
    with pytest.raises(JournalMismatch, match="another recipe, seed, schedule or start"):
        Run(other, how, whole)


def test_a_run_may_learn_at_another_rate_than_its_recipe(store: Store, whole: Path, tmp_path: Path) -> None:
    run = Run(TINY, replace(QUICK, learning_rate=TINY.learning_rate / 100), tmp_path)
    fresh = {name: value.clone() for name, value in run.network.state_dict().items()}
    run.train(store)
    usual, slow = state_of(whole), state_of(tmp_path)
    moved = [sum((state[f"network/{name}"] - fresh[name]).abs().sum() for name in fresh) for state in (usual, slow)]
    assert 0 < 20 * moved[1] < moved[0]
    with pytest.raises(SettingsError, match="--learning-rate 0: must be above 0"):
        Run(TINY, replace(QUICK, learning_rate=0), tmp_path)


def test_a_new_run_begins_with_the_weights_of_another(store: Store, whole: Path, tmp_path: Path) -> None:
    """And no less: its schedule, its optimizer and its average are new."""
    start = str(whole / "restorer.safetensors")
    Run(TINY, replace(QUICK, minutes=0.0, start_from=start), tmp_path).train(store)
    given = checkpoint.read(start, "restorer").tensors
    for name, value in state_of(tmp_path).items():
        if name.startswith(("network/", "average/")):
            assert torch.equal(value, given[name.split("/", 1)[1]].float()), name
    going_on = Run(TINY, replace(QUICK, start_from=start), tmp_path)
    going_on.train(store)
    assert going_on.step == 6


def test_the_time_stops_it_and_what_was_learned_is_kept(store: Store, tmp_path: Path) -> None:
    run = Run(TINY, replace(QUICK, minutes=0.02, steps=100_000), tmp_path)
    run.train(store)
    assert 0 < run.step < 1000
    assert Run(TINY, replace(QUICK, steps=100_000), tmp_path).step == run.step


def test_no_time_at_all_leaves_a_state_to_go_on_from(store: Store, tmp_path: Path) -> None:
    Run(TINY, replace(QUICK, minutes=0.0), tmp_path).train(store)
    run = Run(TINY, QUICK, tmp_path)
    assert run.step == 0
    run.train(store)
    assert run.step == 6


def test_samples_made_ahead_by_another_process_are_the_same(store: Store, whole: Path, tmp_path: Path) -> None:
    Run(TINY, replace(QUICK, ahead=True), tmp_path).train(store)
    for straight, ahead in zip(curve_of(whole), curve_of(tmp_path), strict=True):
        assert straight == pytest.approx(ahead, rel=1e-3)


def test_the_other_process_ends_quietly_when_time_is_over(
    store: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One that ends while it sends a sample aborts, and says so."""
    large = replace(TINY, samples=replace(TINY_SAMPLES, windows=32))
    run = Run(large, replace(QUICK, ahead=True, minutes=0.1, steps=100_000), tmp_path)
    run.train(store)
    assert run.step > 0
    assert not multiprocessing.active_children()
    assert "terminate" not in capfd.readouterr().err


def test_a_sample_is_a_function_of_seed_and_step(store: Store) -> None:
    assert same(sample(store, TINY_SAMPLES, 1, 5), sample(store, TINY_SAMPLES, 1, 5))
    assert not torch.equal(sample(store, TINY_SAMPLES, 1, 5).clean, sample(store, TINY_SAMPLES, 1, 6).clean)
    assert not torch.equal(sample(store, TINY_SAMPLES, 1, 5).clean, sample(store, TINY_SAMPLES, 2, 5).clean)


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), step=st.integers(0, 10_000))
def test_samples_have_the_shapes_they_state(store: Store, seed: int, step: int) -> None:
    batch = sample(store, TINY_SAMPLES, seed, step)
    depth = batch.references.shape[1]
    assert batch.damaged.shape == batch.clean.shape == (2, 3, 3, 64, 64)
    assert batch.cells.shape == (2, 3, 5, 8, 4)
    assert batch.torn.shape == (2, 3, 2, 2)
    assert 0 <= batch.torn.min() <= batch.torn.max() <= 1
    assert (batch.again.shape, batch.again.dtype) == ((2,), torch.bool)
    assert depth <= 3
    assert batch.references.shape == (2, depth, 3, 64, 64)
    assert (batch.lendable.shape, batch.lendable.dtype) == ((2, depth, 64, 64), torch.bool)
    cell = (batch.damaged - batch.clean).unflatten(-2, (8, 8)).unflatten(-1, (4, 16))
    same = (cell == 0).transpose(-3, -2).all(-1).all(-1).all(2)
    assert torch.equal(batch.cells.sum(2) == 0, same)


@given(
    length=st.integers(SHORTEST, 120),
    frames=st.integers(1, 8),
    start=st.floats(0, 1),
    seed=st.integers(0, 2**31),
    turned=st.booleans(),
)
def test_a_reference_is_never_a_frame_of_its_window(
    length: int, frames: int, start: float, seed: int, turned: bool
) -> None:
    first = int(start * (length - frames))
    window = list(range(first, first + frames))[:: -1 if turned else 1]
    lent = lender(window, length, torch.Generator().manual_seed(seed))
    assert 0 <= lent < length
    assert lent not in window


def test_a_foreign_reference_stands_on_its_head(store: Store) -> None:
    plain = replace(TINY_SAMPLES, clean_share=1.0, presets=("first-2026-11",))
    batches = [
        [sample(store, replace(plain, foreign_share=share), 1, step).references for share in (0.0, 1.0)]
        for step in range(5)
    ]
    own, foreign = (torch.cat([refs.flatten(0, 1) for refs in each]) for each in zip(*batches, strict=True))
    assert len(own) > 0
    assert (foreign.flip(-2) - own).abs().median() < 0.1 * (foreign - own).abs().median()


def test_some_windows_stay_clean_and_some_are_damaged(store: Store) -> None:
    batches = [sample(store, replace(TINY_SAMPLES, clean_share=0.5), 1, step) for step in range(15)]
    clean = [not part.any() for batch in batches for part in batch.cells]
    assert 5 <= sum(clean) <= 25


@given(st.integers(0, 1000))
@settings(max_examples=30)
def test_what_damage_spares_in_training_is_as_it_was_and_the_rest_as_damaged(number: int) -> None:
    harmed = swaying(5, by=3.0)
    harmed = replace(harmed, change=torch.ones_like(harmed.change))
    spared = _spared(harmed, 1.0, (1, 1, number))
    hit = spared.change[:, 0, :, 0] == 1
    assert torch.equal(spared.picture, torch.where(hit[:, None, :, None], harmed.picture, harmed.clean))
    assert torch.equal(spared.shift, harmed.shift * hit)
    assert torch.equal(spared.clean, harmed.clean)
    lines = hit.sum(1)
    assert (lines[lines > 0] < 0.6 * 64).all()
    assert torch.equal(_spared(harmed, 0.0, (1, 1, number)).picture, harmed.picture)


def test_half_the_frames_are_spared_and_bands_wander() -> None:
    harmed = swaying(5, by=3.0)
    harmed = replace(harmed, change=torch.ones_like(harmed.change))
    hits = torch.stack([_spared(harmed, 1.0, (1, 1, number)).change[:, 0, :, 0] for number in range(100)])
    assert 0.4 < hits.any(2).float().mean() < 0.6
    both = hits[:, 0].any(1) & hits[:, 4].any(1)
    assert (hits[both, 0] != hits[both, 4]).any(1).float().mean() > 0.8


def swaying(frames: int, by: float) -> Damaged:
    """A still picture whose lines sway together, otherwise in each frame."""
    wide = torch.nn.functional.interpolate(picture_of_noise(), (64, 128), mode="bilinear").expand(frames, -1, -1, -1)
    shift = by * torch.randn(frames, 1, generator=torch.Generator().manual_seed(5)).expand(-1, 64)
    shift = shift * torch.linspace(-1, 1, 64)
    moved = move_lines(wide, shift)
    return Damaged(picture=moved, clean=wide, shift=shift, change=torch.zeros(frames, 5, 64, 128))


def picture_of_noise() -> Tensor:
    return torch.rand(1, 3, 16, 32, generator=torch.Generator().manual_seed(4))


@given(st.integers(0, 1000), st.integers(0, 1000))
@settings(max_examples=20)
def test_lines_put_back_in_training_are_nearer_to_their_place_as_those_of_a_restoration(seed: int, step: int) -> None:
    truth = swaying(5, by=3.0)
    errors = [
        (picture - truth.clean)[1:-1].square().mean()
        for picture in (truth.picture, _steadied(truth, (seed, step, 0))[0])
    ]
    assert errors[1] < 0.7 * errors[0]


@pytest.mark.parametrize("frames", [1, 2])
def test_lines_of_too_few_frames_stay_in_training_too(frames: int) -> None:
    truth = swaying(frames, by=3.0)
    picture, found = _steadied(truth, (1, 1, 0))
    assert torch.equal(picture, truth.picture)
    assert not found.any()


def test_lines_in_their_place_hardly_move_in_training() -> None:
    truth = swaying(5, by=0.0)
    assert (_steadied(truth, (1, 2, 0))[0] - truth.picture).abs().mean() < 0.01


def test_lines_aside_alike_in_all_frames_are_put_back_in_some_windows_and_stay_in_others() -> None:
    """Frames in which they are in their place tell of them, and there are not always such."""
    truth = swaying(5, by=0.0)
    shift = 4 * torch.linspace(-1, 1, 64).expand(5, -1)
    bent = replace(truth, shift=shift, picture=move_lines(truth.clean, shift))
    before = (bent.picture - truth.clean).square().mean()
    after = torch.stack([(_steadied(bent, (1, 4, number))[0] - truth.clean).square().mean() for number in range(40)])
    assert ((after < 0.3 * before) | (after > 0.8 * before)).all()
    assert 10 < (after < 0.3 * before).sum() < 30


def test_lines_torn_each_for_itself_are_put_back_in_training_more_or_less() -> None:
    """None of them in some windows, nearly all in others; those that are not found stay where they are."""
    truth = swaying(5, by=0.0)
    shift = 6 * torch.randn(5, 64, generator=torch.Generator().manual_seed(2))
    frayed = replace(truth, shift=shift, picture=move_lines(truth.clean, shift))
    shares = []
    for number in range(40):
        picture, found = _steadied(frayed, (1, 3, number))
        errors = [(each - truth.clean).square().mean((1, 3)) for each in (frayed.picture, picture)]
        shares.append(float(found.mean()))
        if found.any():
            assert errors[1][found == 1].mean() < 0.5 * errors[0][found == 1].mean()
        assert 0.5 < errors[1][found == 0].mean() / errors[0][found == 0].mean() < 1.2
    assert shares.count(0.0) >= 5
    assert max(shares) > 0.7


def test_a_scorer_says_of_most_windows_where_lines_are_torn_and_of_some_nothing() -> None:
    cells = torch.zeros(3, 5, 64, 32)
    cells[:, 0, :32] = cells[:, 1, 32:, 16:] = 0.5
    said = torch.stack([_as_scored(cells, (1, 2, number)) for number in range(60)])
    known = said.flatten(1).any(1)
    assert 40 < known.sum() < 60
    assert said[known][:, :, :8].mean() > 0.6
    assert said[known][:, :, 8:, 8:].mean() > 0.6
    assert said[known][:, :, 8:, :8].mean() < 0.1


def test_references_lend_whole_regions_and_damage_of_some_is_overlooked() -> None:
    picture = torch.rand(300, 3, 40, 56, generator=torch.Generator().manual_seed(6))

    def spoil(picture: Tensor, indices: range, damaging: Preset) -> Damaged:
        change = torch.zeros(1, 5, 40, 56)
        change[0, 1, 20, 30] = float(bool(damaging.damage))
        return Damaged(
            picture=picture + change.sum(1, keepdim=True), clean=picture, shift=change[:, 0, :, 0], change=change
        )

    draw = torch.Generator().manual_seed(7)
    lent, lendable = _references(spoil, picture, range(300), preset("first-2026-11"), draw)
    damaged, barred = (lent != picture).flatten(1).any(1), (lendable == 0)[:, 0]
    known = barred.flatten(1).any(1)
    assert not (known & ~damaged).any()
    assert 50 < damaged.sum() < 100
    assert 0.4 < known.sum() / damaged.sum() < 0.8
    region = torch.zeros(40, 56, dtype=torch.bool)
    region[16:32, 16:32] = True
    assert (barred[known] == region).all()


def test_windows_looked_at_again_begin_as_a_first_look_leaves_them(store: Store) -> None:
    settings = replace(TINY_SAMPLES, again_share=0.5, clean_share=0.0)
    batch = next(each for each in (sample(store, settings, 1, step) for step in range(20)) if each.again.sum() == 1)
    again, other = batch.again, ~batch.again
    network = TINY.build()
    assert torch.equal(_looked_at(network, batch).damaged, batch.damaged)
    torch.nn.init.constant_(network.head.bias, 0.3)
    looked = _looked_at(network, batch)
    assert not looked.damaged.requires_grad
    assert ((looked.damaged - batch.damaged)[again].abs().flatten(1).amax(1) > 0.05).all()
    assert torch.equal(looked.damaged[other], batch.damaged[other])
    assert torch.equal(looked.torn[other], batch.torn[other])
    assert not looked.torn[again].any()
    assert torch.equal(looked.clean, batch.clean)
    seen = [TINY.losses(network, each)["picture"] for each in (batch, replace(looked, again=torch.zeros_like(again)))]
    assert seen[0] == seen[1]


def test_windows_with_lines_put_back_are_else_the_same(store: Store) -> None:
    moving = replace(TINY_SAMPLES, presets=("camcorder-video8-2026-11",), clean_share=0.0)
    as_they_are, put_back = (sample(store, replace(moving, steady_share=share), 1, 4) for share in (0.0, 1.0))
    assert not torch.equal(as_they_are.damaged, put_back.damaged)
    assert torch.equal(as_they_are.clean, put_back.clean)
    assert torch.equal(as_they_are.references, put_back.references)


def test_packed_clips_are_the_pictures_scaled_and_packed_once(clips: Path, store: Store, tmp_path: Path) -> None:
    assert [part.shape for part in store.clips] == [(20, 3, 576, 768), (24, 3, 576, 768)]
    again = pack(clips, store.paths[0].parent)
    assert [path.stat().st_mtime_ns for path in store.paths] == [path.stat().st_mtime_ns for path in again.paths]
    one = Clip(frame_count=20)
    mean = store.clips[0][4, 0].mean()
    assert mean == pytest.approx(one.planes(4)[0].clip(0, 255).mean(), abs=1.5)


def test_codes_become_what_the_network_sees() -> None:
    codes = torch.tensor([[16, 128, 128], [235, 240, 16]], dtype=torch.uint8)[..., None, None]
    seen = from_codes(codes)[..., 0, 0]
    assert torch.allclose(seen, torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.5, -0.5]]))


def test_a_folder_without_clips_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(NotAVideo, match="no clips to train on"):
        pack(tmp_path, tmp_path / "cache")
    with pytest.raises(NotAVideo, match="no clips to train on"):
        pack(tmp_path / "gone", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_clip_that_is_no_video_or_too_short_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / "notes.txt").write_text("no video")
    with pytest.raises(NotAVideo, match=r"notes\.txt"):
        pack(folder, tmp_path / "cache")
    (folder / "notes.txt").unlink()
    Clip(frame_count=SHORTEST - 1).write(folder / "short.mkv")
    with pytest.raises(NotAVideo, match=r"short\.mkv: 15 frames decode, training needs 16"):
        pack(folder, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_embedded_scorer_trains_too(store: Store, tmp_path: Path) -> None:
    small = replace(ScorerRecipe(), samples=replace(ScorerRecipe().samples, rows=64, columns=64, windows=1))
    Run(small, replace(QUICK, steps=2), tmp_path).train(store)
    assert checkpoint.read(str(tmp_path / "scorer.safetensors"), "scorer").provenance["steps"] == "2"


def test_what_the_scorer_sees_is_shown_beside_the_truth(store: Store) -> None:
    small = replace(ScorerRecipe(), samples=replace(ScorerRecipe().samples, rows=64, columns=64, windows=2))
    batch = sample(store, small.samples, 1, 0)
    shown = small.show(small.build(), batch)
    assert shown.shape == (3, 2 * 64, 4 * 64)
    assert not shown[1:, :, 128:].any()
    truth = visibility(batch.cells)[1, 2].amax(0)
    assert torch.equal(shown[0, 64::8, 192::16], truth)


def test_one_false_alarm_weighs_more_in_the_score_of_its_frame_than_in_the_mean_of_its_regions(store: Store) -> None:
    made = ScorerRecipe()
    batch = sample(store, replace(made.samples, rows=64, columns=64, windows=1, clean_share=1.0), 1, 0)

    def answering(alarm: float) -> nn.Module:
        logits = torch.full_like(batch.cells, -8.0)
        logits[:, 0, 0, 0, 0] = alarm
        network = nn.Module()
        network.forward = lambda clip: logits  # type: ignore[method-assign]
        return network

    quiet, alarmed = (made.losses(answering(alarm), batch) for alarm in (-8.0, 8.0))
    assert quiet["frames"] < 0.001
    assert alarmed["frames"] > 0.02
    assert (alarmed["frames"] - quiet["frames"]) / 0.15 > 2 * (alarmed["cells"] - quiet["cells"])


def test_a_recipe_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match="'painter'; there are: restorer, restorer-temporal"):
        recipe("painter")


def test_the_loss_of_a_perfect_picture_is_its_epsilon_and_grows_with_the_error() -> None:
    clean = torch.rand(1, 2, 3, 8, 8)
    assert charbonnier(clean, clean).item() == pytest.approx(1e-3)
    assert charbonnier(clean + torch.tensor([0.1, 0.0, 0.0])[:, None, None], clean).item() == pytest.approx(
        0.1, abs=1e-3
    )


def test_a_decibel_counts_the_same_in_a_bad_and_in_a_good_picture() -> None:
    clean = torch.zeros(1, 2, 3, 8, 8)
    far, near = (clean.clone() for _ in range(2))
    far[..., 0, :, :], near[..., 0, :, :] = 0.3, 0.03
    losses = [log_error(picture, clean).item() for picture in (far, far / 2, near, near / 2)]
    assert losses[0] - losses[1] == pytest.approx(math.log(4), rel=1e-2)
    assert losses[2] - losses[3] == pytest.approx(math.log(4), rel=5e-2)
    assert log_error(clean, clean).item() == pytest.approx(math.log(1e-5))


def test_an_error_that_stays_does_not_flicker() -> None:
    clean = torch.rand(2, 4, 3, 8, 8)
    steady = clean + 0.1 * torch.rand(2, 1, 3, 8, 8)
    unsteady = (
        clean + torch.tensor([0.1, -0.1, 0.1, -0.1])[:, None, None, None] * torch.tensor([1.0, 0, 0])[:, None, None]
    )
    assert flicker(clean, clean).item() == pytest.approx(1e-3)
    assert flicker(steady, clean).item() == pytest.approx(1e-3, rel=1e-2)
    assert flicker(unsteady, clean).item() == pytest.approx(0.2, rel=1e-2)


def test_the_scorers_features_tell_lines_that_moved_from_a_picture_a_little_brighter(store: Store) -> None:
    clean = sample(store, replace(TINY_SAMPLES, clean_share=1.0, fields_share=0.0), 1, 2).clean
    shift = 3.0 * torch.randn(3, 64, generator=torch.Generator().manual_seed(1))
    moved = torch.stack([move_lines(clip, shift) for clip in clean])
    brighter = clean + (moved - clean).square().mean().sqrt() * torch.tensor([1.0, 0, 0])[:, None, None]
    scorer = DamageNetwork(DamageConfig())
    checkpoint.read("scorer-default", "scorer").load_into(scorer)
    assert feature_distance(scorer, clean, clean).item() == 0
    assert feature_distance(scorer, moved, clean) > 2 * feature_distance(scorer, brighter, clean)


@pytest.mark.parametrize("term", ["temporal", "perceptual"])
def test_a_term_is_minimised_besides_where_it_is_asked_for(store: Store, term: str) -> None:
    asked = replace(TINY, **{term: getattr(recipe(f"restorer-{term}"), term)})
    batch, network = sample(store, TINY_SAMPLES, 1, 2), TINY.build()
    plain, more = TINY.losses(network, batch), asked.losses(network, batch)
    assert set(more) - set(plain) == {term}
    assert {name: more[name].item() for name in plain} == {name: plain[name].item() for name in plain}
    more[term].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.head.parameters())
    assert network.head.weight.grad.any()


@pytest.mark.parametrize("first", [0, 7])
def test_fields_keep_their_lines_when_they_become_frames(first: int) -> None:
    picture = torch.rand(3, 3, 8, 6, generator=torch.Generator().manual_seed(1))
    frames = _interpolated(_separated(picture, first), first)
    for number in range(3):
        odd = (first + number) % 2
        assert torch.equal(frames[number, :, odd::2], picture[number, :, odd::2])
        assert torch.allclose(
            frames[number, :, 3 + odd], (picture[number, :, 2 + odd] + picture[number, :, 4 + odd]) / 2
        )


def test_a_sharpened_picture_overshoots_and_a_soft_one_does_not() -> None:
    edge = torch.zeros(1, 1, 16, 16)
    edge[..., 8:] = 1
    assert _resharpened(edge, 0.95).max() > 1.2
    assert _resharpened(edge, 0.1).max() <= 1
    assert torch.equal(_resharpened(edge, 0.5), edge)


def test_change_is_visible_by_degrees() -> None:
    seen = visibility(torch.tensor([0.0, 0.015, 1.0]))
    assert seen.tolist() == pytest.approx([0.0, 0.632, 1.0], abs=1e-3)


@pytest.mark.parametrize("name", ["paper-tiny", "paper-2022"])
def test_the_papers_networks_are_recipes_and_start_as_the_identity(name: str) -> None:
    paper = recipe(name)
    assert isinstance(paper, PaperRecipe)
    tiny = replace(paper, config=replace(PAPER_CONFIGS["paper-tiny"], references=paper.config.references))
    window, references = torch.rand(1, 2, 3, 64, 64), torch.rand(1, 1, 3, 64, 64)
    lendable = torch.ones(1, 1, 64, 64, dtype=torch.bool)
    assert torch.equal(tiny.build()(window, references, lendable), window)


def test_the_papers_network_learns_and_its_checkpoint_restores(store: Store, tmp_path: Path) -> None:
    samples = SampleSettings(rows=64, columns=64, frames=3, windows=1, references=2)
    tiny = PaperRecipe(config=PAPER_CONFIGS["paper-tiny"], samples=samples, steps=3)
    Run(tiny, QUICK, tmp_path).train(store)
    weights = checkpoint.read(str(tmp_path / "restorer.safetensors"), "restorer")
    restorer = Restorer(weights, RestoreSettings(device="cpu"))
    window, references = torch.rand(5, 3, 50, 70), torch.rand(2, 3, 50, 70)
    change = restorer.change(window, [1, 3], references, np.ones((2, 18, 24), np.bool_))
    assert change.shape == (2, 3, 50, 70)
    assert change.any()


@pytest.mark.parametrize(("name", "says"), [("scorer", "only the recipes"), ("paper-2022", "no references")])
def test_a_swin_where_none_is_looked_at_is_refused(name: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        recipe(name, swin="somewhere").build()
