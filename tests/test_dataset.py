"""Training sets: the same bytes whenever they are built, whole after any interruption, every window once a turn."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from clips import Clip
from hypothesis import given, settings
from hypothesis import strategies as st

from tapemend.cli import main
from tapemend.colour import from_codes, to_codes
from tapemend.errors import JournalMismatch, SettingsError
from tapemend.settings import TrainSettings
from tapemend.train.data import Store, pack
from tapemend.train.dataset import Dataset, DatasetSettings, build, is_dataset
from tapemend.train.loop import Run
from tapemend.train.recipes import RestorerRecipe
from tapemend.train.samples import SampleSettings, window

SAMPLES = SampleSettings(rows=64, columns=64, frames=2, windows=2, references=2)
SETTINGS = DatasetSettings(samples=SAMPLES, windows=7, shard=3, seed=5)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("clips")
    Clip(frame_count=20).write(folder / "one.mkv")
    return pack(folder, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def made(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    build(store, folder, SETTINGS)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Stopped(Exception):
    """As Ctrl-C would."""


def test_a_set_that_was_interrupted_ends_as_one_that_was_not(store: Store, made: Path, tmp_path: Path) -> None:
    heard: list[int] = []

    def stop_in_the_second_shard(count: int) -> None:
        heard.append(count)
        if sum(heard) == 5:
            raise Stopped

    with pytest.raises(Stopped):
        build(store, tmp_path, SETTINGS, stop_in_the_second_shard)
    again: list[int] = []
    build(store, tmp_path, SETTINGS, again.append)
    assert again[0] == 3
    assert sum(again) == 7
    assert contents(tmp_path) == contents(made)


def test_a_shard_that_was_damaged_since_is_made_again(store: Store, made: Path, tmp_path: Path) -> None:
    for name, data in contents(made).items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "000001.safetensors").write_bytes(b"nothing")
    build(store, tmp_path, SETTINGS)
    assert contents(tmp_path) == contents(made)


def test_a_folder_with_another_set_is_refused(store: Store, made: Path) -> None:
    before = contents(made)
    with pytest.raises(JournalMismatch, match="another folder"):
        build(store, made, replace(SETTINGS, seed=6))
    assert contents(made) == before


def test_the_windows_are_those_of_the_simulator(store: Store, made: Path) -> None:
    one = Dataset(made).batch(replace(SAMPLES, windows=7, references=2), 1, 0)
    found = set()
    for number in range(7):
        damaged, clean, cells, *_ = window(store, SAMPLES, 2, (5, number, 0))
        for place in range(7):
            if torch.allclose(one.damaged[place], from_codes(to_codes(damaged))):
                found.add(place)
                assert torch.allclose(one.clean[place], from_codes(to_codes(clean)))
                assert torch.allclose(one.cells[place], cells, rtol=2e-3, atol=1e-6)
    assert found == set(range(7))


def test_every_window_comes_once_in_a_turn_and_the_next_turn_has_another_order(made: Path) -> None:
    dataset = Dataset(made)
    seen = [dataset.batch(SAMPLES, 3, step).clean for step in range(7)]
    marks = [part.mean().item() for batch in seen for part in batch]
    assert set(Counter(marks[:7]).values()) == {1}
    assert sorted(marks[:7]) == sorted(marks[7:])
    assert marks[:7] != marks[7:]


@settings(max_examples=20)
@given(codes=st.lists(st.integers(0, 255), min_size=3, max_size=3))
def test_codes_come_back_from_what_they_mean(codes: list[int]) -> None:
    given_codes = torch.tensor(codes, dtype=torch.uint8)[:, None, None]
    assert torch.equal(to_codes(from_codes(given_codes)), given_codes)


def test_the_statistics_say_what_is_in_the_set(store: Store, tmp_path: Path) -> None:
    clean = replace(SETTINGS, samples=replace(SAMPLES, clean_share=1.0))
    said = build(store, tmp_path / "clean", clean).statistics()
    assert said["damaged"] == 0
    assert said["visible geometry"] == 0
    damaged = replace(SETTINGS, samples=replace(SAMPLES, clean_share=0.0))
    said = build(store, tmp_path / "damaged", damaged).statistics()
    assert said["damaged"] > 0.5
    assert 0 < said["visible noise"] < 1


def test_training_runs_on_a_set_and_refuses_one_of_other_windows(made: Path, tmp_path: Path) -> None:
    recipe = RestorerRecipe(samples=SAMPLES)
    Run(recipe, TrainSettings(steps=2, save_every=1, ahead=True), tmp_path / "run").train(Dataset(made))
    assert len((tmp_path / "run" / "curve.jsonl").read_text().splitlines()) == 2
    other = replace(recipe, samples=replace(SAMPLES, rows=128))
    with pytest.raises(SettingsError, match="2 frames of 64 x 64, the recipe takes 2 of 64 x 128"):
        Run(other, TrainSettings(steps=2, ahead=False), tmp_path / "other").train(Dataset(made))


@pytest.mark.parametrize("text", ["", "[]", '{"format": "other"}'])
def test_a_manifest_that_is_none_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(SettingsError, match=r"manifest\.json"):
        Dataset(tmp_path)


def test_the_command_builds_and_says_what_is_in_it(
    tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    Clip(frame_count=20).write(clips / "one.mkv")
    words = ["dataset", str(clips), "-o", str(tmp_path / "set"), "--windows", "2", "--cache", str(tmp_path / "cache")]
    assert main(words) == 0
    assert is_dataset(tmp_path / "set")
    said = capsys.readouterr().err
    assert "2 windows" in said
    assert "visible geometry" in said
    assert json.loads((tmp_path / "set" / "manifest.json").read_text())["settings"]["windows"] == 2
    words[3] = str(tmp_path / "other")
    assert main([*words, "--preset", "betamax"]) == 1
    assert "betamax" in capsys.readouterr().err
