"""CLIP as a scorer, with a tiny one made on the spot."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tapemend import models
from tapemend.colour import to_rgb
from tapemend.detect.clip import CELL_COSINES, DEVIATION, MEAN, ClipScorer, _nearest, crop_starts
from tapemend.detect.prompts import PAPER_PROMPTS, TAPE_PROMPTS
from tapemend.errors import ModelMissing, WeightsError
from tapemend.settings import ClipPrompts

transformers = pytest.importorskip("transformers")

CPU = torch.device("cpu")
SIDE = 32


@pytest.fixture(scope="module")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CLIP of random weights that looks at 32 x 32 pixels and knows single letters."""
    folder = tmp_path_factory.mktemp("clip")
    letters = "abcdefghijklmnopqrstuvwxyz-"
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {"vocab_size": len(words), "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1, **tower}
    picture = {"image_size": SIDE, "patch_size": 8, **tower}
    torch.manual_seed(0)
    config = transformers.CLIPConfig(text_config=text, vision_config=picture, projection_dim=8)
    transformers.CLIPModel(config).save_pretrained(folder)
    vocabulary = {word: index for index, word in enumerate(words)}
    transformers.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def scorer(tiny_clip: Path) -> ClipScorer:
    return ClipScorer(str(tiny_clip), CPU)


@pytest.fixture
def copy(tiny_clip: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_clip, tmp_path / "clip"))


def pictures(count: int, height: int, width: int) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1)) * 0.8 - torch.tensor(
        [0.0, 0.4, 0.4]
    ).reshape(3, 1, 1)


def in_a_row(batch: Tensor) -> Tensor:
    """(B, ...) to (B + 2, ...), between neighbours that do not matter to CLIP."""
    return torch.cat([1 - batch[:1], batch, 0 * batch[-1:]])


def test_there_are_the_papers_twelve_prompts_and_as_many_of_ours() -> None:
    assert len(set(PAPER_PROMPTS)) == len(set(TAPE_PROMPTS)) == 12
    assert not set(PAPER_PROMPTS) & set(TAPE_PROMPTS)


@pytest.mark.parametrize(("height", "width"), [(144, 180), (32, 32), (20, 50), (97, 33)])
def test_every_frame_and_region_of_any_size_is_scored(scorer: ClipScorer, height: int, width: int) -> None:
    frames, cells, torn, kinds = scorer.score(in_a_row(pictures(2, height, width)))
    assert (frames.shape, cells.shape, torn.shape, kinds.shape) == ((2,), (2, 18, 24), (2, 18, 24), (2, 5))
    assert frames.abs().max() <= 1 + 1e-6
    assert cells.min() >= 0
    assert cells.max() <= 1
    assert not torn.any()
    assert not kinds.any()


def test_a_frames_score_is_the_cosine_that_transformers_gives(tiny_clip: Path, scorer: ClipScorer) -> None:
    batch = pictures(3, SIDE, SIDE)
    model = transformers.CLIPModel.from_pretrained(tiny_clip)
    tokens = transformers.CLIPTokenizer.from_pretrained(tiny_clip)(
        list(PAPER_PROMPTS), padding=True, return_tensors="pt"
    )
    normal = (to_rgb(batch) - torch.tensor(MEAN).reshape(3, 1, 1)) / torch.tensor(DEVIATION).reshape(3, 1, 1)
    with torch.no_grad():
        output = model(**tokens, pixel_values=normal)
    text = output.text_embeds.mean(0)
    expected = output.image_embeds @ (text / text.norm())
    assert torch.allclose(scorer.score(in_a_row(batch))[0], expected, atol=1e-5)


def test_a_score_does_not_depend_on_its_batch(scorer: ClipScorer) -> None:
    batch = pictures(3, 80, 100)
    together = scorer.score(in_a_row(batch))
    for index in range(3):
        alone = scorer.score(in_a_row(batch[index : index + 1]))
        assert torch.allclose(together[0][index], alone[0][0], atol=1e-5)
        assert torch.allclose(together[1][index], alone[1][0], atol=1e-4)


def test_a_region_is_scored_at_full_resolution(scorer: ClipScorer) -> None:
    batch = pictures(1, 96, 128)
    corner = scorer.score(in_a_row(batch[..., :SIDE, :SIDE]))[0]
    lowest, highest = CELL_COSINES
    expected = ((corner - lowest) / (highest - lowest)).clamp(0, 1)
    assert torch.allclose(scorer.score(in_a_row(batch))[1][:, 0, 0], expected, atol=1e-4)


def test_other_prompts_give_other_scores(tiny_clip: Path, scorer: ClipScorer) -> None:
    batch = pictures(2, SIDE, SIDE)
    ours = ClipScorer(str(tiny_clip), CPU, ClipPrompts.TAPE)
    assert not torch.allclose(ours.score(in_a_row(batch))[0], scorer.score(in_a_row(batch))[0], atol=1e-5)


@pytest.mark.parametrize(
    ("length", "least", "count"), [(720, 4, 4), (576, 3, 3), (1920, 4, 9), (224, 4, 1), (100, 3, 1)]
)
def test_crops_cover_the_picture_from_edge_to_edge(length: int, least: int, count: int) -> None:
    starts = crop_starts(length, 224, least)
    covered = {pixel for start in starts for pixel in range(start, start + 224)}
    assert len(starts) == count
    assert covered >= set(range(length))
    assert starts[-1] == max(0, length - 224)


def test_a_region_takes_the_crop_around_it() -> None:
    nearest = _nearest(crop_starts(720, 224, 4), 224, 720, 24)
    assert nearest.tolist() == sorted(nearest.tolist())
    assert set(nearest.tolist()) == {0, 1, 2, 3}


def test_a_model_that_is_not_there_says_how_to_fetch_it(tmp_path: Path) -> None:
    for source in ("somebody/no-such-clip", str(tmp_path), str(tmp_path / "none")):
        with pytest.raises(ModelMissing, match="hf download"):
            ClipScorer(source, CPU)


def test_weights_that_are_not_safetensors_are_not_opened(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(ModelMissing, match="safetensors"):
        ClipScorer(str(copy), CPU)


def test_without_transformers_the_message_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModelMissing, match=r"tapemend\[clip\]"):
        ClipScorer("any", CPU)


def test_truncated_weights_are_refused(copy: Path) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(WeightsError, match="cannot be read as a CLIP"):
        ClipScorer(str(copy), CPU)


def test_weights_with_a_part_missing_are_refused(copy: Path) -> None:
    tensors = load_file(copy / "model.safetensors")
    del tensors["text_projection.weight"]
    save_file(tensors, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks text_projection\.weight"):
        ClipScorer(str(copy), CPU)


def test_weights_of_another_size_are_refused(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config["projection_dim"] = 12
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="cannot be read as a CLIP"):
        ClipScorer(str(copy), CPU)


def test_a_model_without_its_tokenizer_is_refused(copy: Path) -> None:
    for file in copy.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(WeightsError, match="tokenizer of 2 words"):
        ClipScorer(str(copy), CPU)


def test_loading_draws_nothing_on_the_terminal(tiny_clip: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ClipScorer(str(tiny_clip), CPU)
    assert capfd.readouterr() == ("", "")


def test_a_clip_in_a_folder_is_listed_with_what_a_frame_costs(tiny_clip: Path) -> None:
    found = next(models.clips(tiny_clip))
    assert found.use == "clip"
    assert found.path == tiny_clip
    assert found.parameters == sum(tensor.numel() for tensor in load_file(tiny_clip / "model.safetensors").values())
    crops = len(crop_starts(576, SIDE, 3)) * len(crop_starts(720, SIDE, 4))
    patches = 2 * (SIDE // 8) ** 2 * 16 * 3 * 8 * 8
    assert found.gflop_per_frame > (1 + crops) * patches / 1e9


def test_a_folder_without_a_clip_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=str(tmp_path)):
        next(models.clips(tmp_path))
