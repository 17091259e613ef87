"""Pretrained Swins in the paper's network, with a tiny one made on the spot."""

import json
from pathlib import Path

import pytest
import torch
from networks import randomise
from safetensors.torch import load_file, save_file
from torch import Tensor

from tapemend.colour import to_rgb
from tapemend.errors import ModelMissing, WeightsError
from tapemend.network.swin import DEVIATION, MEAN, SwinExtractor
from tapemend.train.extractor import load_swin

transformers = pytest.importorskip("transformers")

WIDTHS, DEPTHS, HEADS, WINDOW = (8, 16, 32), (2, 1, 2), (2, 2, 4), 3


@pytest.fixture
def tiny_swin(tmp_path: Path) -> Path:
    """A folder with a Swin of random weights; like the hub's it has a stage and a head more than is needed."""
    config = transformers.SwinConfig(
        image_size=64, patch_size=4, embed_dim=8, depths=[*DEPTHS, 1], num_heads=[*HEADS, 8], window_size=WINDOW
    )
    swin = transformers.SwinForImageClassification(config)
    randomise(swin)
    swin.save_pretrained(tmp_path)
    return tmp_path


def fresh(window: int = WINDOW) -> SwinExtractor:
    return SwinExtractor(WIDTHS, DEPTHS, HEADS, window).eval()


def pictures(height: int, width: int) -> Tensor:
    """Y'CbCr whose R'G'B' lies within 0 to 1."""
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1)) * 0.2 + torch.tensor(
        [0.4, -0.1, -0.1]
    ).reshape(3, 1, 1)


@torch.inference_mode()
def test_features_are_those_of_the_pretrained_swin_before_its_patches_merge(tiny_swin: Path) -> None:
    extractor, swin = fresh(), transformers.SwinModel.from_pretrained(tiny_swin).eval()
    load_swin(extractor, str(tiny_swin))
    batch, kept = pictures(96, 144), []
    for layer in swin.encoder.layers[:3]:
        layer.blocks[-1].register_forward_hook(lambda block, inputs, output: kept.append(output[0]))
    normal = (to_rgb(batch) - torch.tensor(MEAN).reshape(3, 1, 1)) / torch.tensor(DEVIATION).reshape(3, 1, 1)
    swin(normal)
    features = extractor(batch)
    assert [tuple(each.shape) for each in features] == [(2, 8, 24, 36), (2, 16, 12, 18), (2, 32, 6, 9)]
    for ours, theirs in zip(features, kept, strict=True):
        torch.testing.assert_close(ours.flatten(2).transpose(1, 2), theirs, atol=1e-4, rtol=1e-4)


def test_a_pretrained_swin_is_frozen(tiny_swin: Path) -> None:
    extractor = fresh()
    assert all(parameter.requires_grad for parameter in extractor.parameters())
    load_swin(extractor, str(tiny_swin))
    assert not any(parameter.requires_grad for parameter in extractor.parameters())


@pytest.mark.parametrize("window", [2, 4])
def test_windows_of_another_size_keep_the_attention_of_the_places_that_both_know(tiny_swin: Path, window: int) -> None:
    same, other = fresh(), fresh(window)
    load_swin(same, str(tiny_swin))
    load_swin(other, str(tiny_swin))
    known, extended = same.stages[2].blocks[1].position(), other.stages[2].blocks[1].position()
    small = min(window, WINDOW)
    both = [
        table.reshape(4, side, side, side, side)[:, :small, :small, :small, :small]
        for table, side in ((known, WINDOW), (extended, window))
    ]
    assert torch.equal(*both)
    if window > WINDOW:
        place = extended.reshape(4, window, window, window, window)
        assert torch.equal(place[:, 0, 0, 3, 1], place[:, 0, 0, 2, 1])


def test_a_swin_that_is_not_there_says_how_to_fetch_it(tmp_path: Path) -> None:
    for source in ("somebody/no-such-swin", str(tmp_path / "none")):
        with pytest.raises(ModelMissing, match=f"the Swin {source} is not on this machine .* 'hf download"):
            load_swin(fresh(), source)


def test_a_swin_with_a_part_missing_is_refused(tiny_swin: Path) -> None:
    tensors = load_file(tiny_swin / "model.safetensors")
    del tensors["swin.embeddings.norm.weight"]
    save_file(tensors, tiny_swin / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match=r"not a whole Swin, it lacks embeddings\.norm\.weight"):
        load_swin(fresh(), str(tiny_swin))


def test_a_swin_that_is_cut_off_is_refused(tiny_swin: Path) -> None:
    weights = tiny_swin / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(WeightsError, match="cannot be read as a Swin"):
        load_swin(fresh(), str(tiny_swin))


@pytest.mark.parametrize(
    ("widths", "depths", "heads"),
    [
        ((8, 16, 24), DEPTHS, HEADS),
        (WIDTHS, (1, 1, 2), HEADS),
        (WIDTHS, (2, 2, 2), HEADS),
        (WIDTHS, DEPTHS, (2, 2, 2)),
    ],
)
def test_a_swin_of_other_sizes_is_refused(
    tiny_swin: Path, widths: tuple[int, ...], depths: tuple[int, ...], heads: tuple[int, ...]
) -> None:
    with pytest.raises(WeightsError, match=r"not the Swin that .* name another"):
        load_swin(SwinExtractor(widths, depths, heads, WINDOW), str(tiny_swin))


@pytest.mark.parametrize("other", [{"hidden_act": "relu"}, {"qkv_bias": False}])
def test_a_swin_built_otherwise_is_refused(tiny_swin: Path, other: dict[str, object]) -> None:
    config = json.loads((tiny_swin / "config.json").read_text())
    (tiny_swin / "config.json").write_text(json.dumps(config | other))
    with pytest.raises(WeightsError, match="not the Swin that"):
        load_swin(fresh(), str(tiny_swin))
