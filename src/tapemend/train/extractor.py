"""Swin weights of others in the paper's network: they are read once, before training, and travel in its checkpoint."""

import re

import torch
from torch import Tensor

from tapemend.errors import WeightsError
from tapemend.network.swin import SwinExtractor
from tapemend.pretrained import read

THEIR_NAMES = (
    (r"^embed\.", "embeddings.patch_embeddings.projection."),
    (r"^after\.", "embeddings.norm."),
    (r"^merges\.(\d+)\.before", r"encoder.layers.\1.downsample.norm"),
    (r"^merges\.(\d+)\.reduce", r"encoder.layers.\1.downsample.reduction"),
    (r"^stages\.", "encoder.layers."),
    (r"\.before\.", ".layernorm_before."),
    (r"\.position\.table", ".attention.relative_position_bias.relative_position_bias_table"),
    (r"\.merge\.", ".attention.o_proj."),
    (r"\.think\.0\.", ".layernorm_after."),
    (r"\.think\.1\.", ".mlp.fc1."),
    (r"\.think\.3\.", ".mlp.fc2."),
)
"""Of parameters: patterns of ours, and what transformers puts there."""


def load_swin(extractor: SwinExtractor, source: str) -> None:
    """Fill the extractor with the first stages of a pretrained Swin, and freeze it, as the paper does.

    Windows may be of another size than theirs: places that both know keep their attention, further ones take that of
    the furthest that is known.

    Args:
        extractor: Of the Swin's widths, depths and heads; Swin-T's are those of ``PaperConfig``.
        source: A folder with a Swin in Hugging Face's layout, or the hub name of one that was fetched before, such as
            microsoft/swin-tiny-patch4-window7-224.

    Raises:
        ModelMissing: transformers is not installed, or the model is not on this machine as safetensors.
        WeightsError: The files are damaged, or not those of a Swin of these sizes.
    """
    swin = read("Swin", source, "give the folder of one")
    needed = f"{extractor.depths} blocks of {extractor.widths} channels, GELU between, no places added"
    other = WeightsError(f"{source} is not the Swin that the network's references need ({needed}): name another")
    config, stages = swin.config, len(extractor.depths)
    plain = config.hidden_act == "gelu" and config.qkv_bias and not config.use_absolute_embeddings
    if not plain or tuple(config.depths[:stages]) != extractor.depths:
        raise other
    ours, given = extractor.state_dict(), swin.state_dict()
    theirs = {name: _theirs(given, name, tensor) for name, tensor in ours.items()}
    if any(tensor.shape != theirs[name].shape for name, tensor in ours.items()):
        raise other
    extractor.load_state_dict(theirs, strict=True)
    extractor.requires_grad_(False)


def _theirs(swin: dict[str, Tensor], name: str, wanted: Tensor) -> Tensor:
    """Their parameter for ours of that name."""
    for pattern, replacement in THEIR_NAMES:
        name = re.sub(pattern, replacement, name)
    if ".project." in name:
        return torch.cat([swin[name.replace(".project.", f".attention.{part}_proj.")] for part in "qkv"])
    tensor = swin[name]
    if name.endswith("relative_position_bias_table"):
        return _for_window(tensor, round(len(wanted) ** 0.5))
    return tensor


def _for_window(table: Tensor, extent: int) -> Tensor:
    """(n*n, heads) attention of relative places, -n/2 to n/2 in either direction, to (extent*extent, heads)."""
    known = round(len(table) ** 0.5)
    places = (torch.arange(extent) - extent // 2).clamp(-(known // 2), known // 2) + known // 2
    return table.reshape(known, known, -1)[places][:, places].flatten(0, 1)
