"""CLIP as a scorer: how much a picture resembles descriptions of damage, no training needed (arXiv 2310.14926)."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from tapemend.colour import to_rgb
from tapemend.detect.prompts import PROMPTS
from tapemend.detect.score import CELL_COLUMNS, CELL_ROWS, KINDS, Scores
from tapemend.errors import WeightsError
from tapemend.pretrained import read, reading, transformers_for
from tapemend.settings import ClipPrompts

MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)
"""Of R, G, B over CLIP's training pictures (openai/CLIP, clip.py)."""
LEAST_CROP_ROWS, LEAST_CROP_COLUMNS = 3, 4
"""Crops per picture; more where so many do not cover it."""
CELL_COSINES = (0.05, 0.40)
"""Cosines that become 0 and 1 in the region scores; CLIPs give 0.1 to 0.35 for a picture and a text."""
IMAGES_AT_ONCE = 16


class ClipScorer:
    """Scores pictures by their cosine similarity to a set of prompts; low is clean.

    As in the paper, each prompt's feature is normalised, then their mean is. Unlike there, the whole picture is looked
    at, squeezed to the network's square, and not its middle. Fine damage does not survive that, so regions are scored
    on overlapping crops at full resolution.
    """

    absolute = False

    def __init__(self, source: str, device: torch.device, prompts: ClipPrompts = ClipPrompts.PAPER) -> None:
        """Loads the network and takes in the prompts; never touches the net.

        Args:
            source: A folder with a CLIP in Hugging Face's layout, or the hub name of one that was fetched before.
            device: Where it runs.
            prompts: Which descriptions of damage pictures are compared with.

        Raises:
            ModelMissing: transformers is not installed, or the model is not on this machine as safetensors.
            WeightsError: The files are damaged or not those of a CLIP.
        """
        network, tokenizer = _load(source)
        self.name = f"clip {source}, {prompts} prompts"
        self.device = device
        self._network = network.float().eval().to(device)
        self._side = int(network.config.vision_config.image_size)
        self._text = self._prompt_feature(tokenizer, PROMPTS[prompts])

    @torch.inference_mode()
    def score(self, pictures: Tensor) -> Scores:
        """Scores a batch of pictures.

        Args:
            pictures: (B + 2, 3, H, W) float32 Y'CbCr, luma 0 to 1, chroma -0.5 to 0.5; any size. The first and the
                last are not looked at: CLIP knows single pictures only.

        Returns:
            Of each frame the cosine of the whole picture (B,), -1 to 1; of each region (B, 18, 24) the cosine of the
            crop whose centre is nearest, 0 to 1 for CELL_COSINES and clipped; and zeros, torn and of each kind: CLIP
            tells no kinds of damage apart.
        """
        rgb = to_rgb(pictures[1:-1].to(self.device))
        height, width = rgb.shape[-2:]
        tops = crop_starts(height, self._side, LEAST_CROP_ROWS)
        lefts = crop_starts(width, self._side, LEAST_CROP_COLUMNS)
        crops = [rgb[..., top : top + self._side, left : left + self._side] for top in tops for left in lefts]
        inputs = torch.stack([self._fit(picture) for picture in (rgb, *crops)], dim=1).flatten(0, 1)
        parts = [inputs[first : first + IMAGES_AT_ONCE] for first in range(0, len(inputs), IMAGES_AT_ONCE)]
        cosines = torch.cat([self._cosines(part) for part in parts])
        cosines = cosines.reshape(len(rgb), 1 + len(crops))
        lowest, highest = CELL_COSINES
        cells = ((cosines[:, 1:] - lowest) / (highest - lowest)).clamp(0, 1).reshape(-1, len(tops), len(lefts))
        rows = _nearest(tops, min(self._side, height), height, CELL_ROWS)
        columns = _nearest(lefts, min(self._side, width), width, CELL_COLUMNS)
        cells = cells[:, rows][:, :, columns]
        kinds = torch.zeros(len(rgb), KINDS, device=self.device)
        return Scores(frames=cosines[:, 0], cells=cells, torn=torch.zeros_like(cells), kinds=kinds)

    @torch.inference_mode()
    def _prompt_feature(self, tokenizer: Any, prompts: tuple[str, ...]) -> Tensor:
        """(D,) the normalised mean of the prompts' normalised features."""
        tokens = tokenizer(list(prompts), padding=True, truncation=True, return_tensors="pt").to(self.device)
        pooled = self._network.text_model(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        ).pooler_output
        return normalize(normalize(self._network.text_projection(pooled), dim=-1).mean(0), dim=-1)

    def _fit(self, pictures: Tensor) -> Tensor:
        """(B, 3, h, w) R'G'B' 0 to 1 to the network's (B, 3, side, side), squeezed or stretched where it must."""
        if pictures.shape[-2:] != (self._side, self._side):
            size = (self._side, self._side)
            pictures = interpolate(pictures, size=size, mode="bicubic", antialias=True, align_corners=False)
        return pictures.clamp(0, 1)

    def _cosines(self, pictures: Tensor) -> Tensor:
        """(K, 3, side, side) R'G'B' 0 to 1 to (K,) cosines with the prompts."""
        mean, deviation = (pictures.new_tensor(values).reshape(3, 1, 1) for values in (MEAN, DEVIATION))
        pooled = self._network.vision_model(pixel_values=(pictures - mean) / deviation).pooler_output
        return normalize(self._network.visual_projection(pooled), dim=-1) @ self._text


def crop_starts(length: int, side: int, least: int) -> list[int]:
    """First pixels of crops of ``side`` that cover ``length`` evenly: at least ``least``, one if it holds all."""
    if length <= side:
        return [0]
    count = max(least, -(-length // side))
    return [round(place * (length - side) / (count - 1)) for place in range(count)]


def _nearest(starts: list[int], side: int, length: int, cells: int) -> Tensor:
    """(cells,) for each of even parts of a length the index of the crop whose centre is nearest."""
    centres = torch.tensor(starts) + side / 2
    middles = (torch.arange(cells) + 0.5) * length / cells
    return (middles[:, None] - centres[None, :]).abs().argmin(dim=1)


def _load(source: str) -> tuple[Any, Any]:
    """The network and its tokenizer, from safetensors only and complete."""
    otherwise = (
        "give the folder of one with --clip-model "
        "(a hub model with pytorch_model.bin only will not do; openai/clip-vit-large-patch14 has both)"
    )
    network = read("CLIP", source, otherwise)
    with reading("CLIP", source, otherwise):
        tokenizer = transformers_for("CLIP").CLIPTokenizer.from_pretrained(source, local_files_only=True)
    # transformers makes an empty tokenizer, without a word, when the tokenizer's files are not there.
    words, vocabulary = len(tokenizer), network.config.text_config.vocab_size
    if words != vocabulary:
        raise WeightsError(f"{source} has a tokenizer of {words} words for a CLIP of {vocabulary}: fetch it again")
    return network, tokenizer
