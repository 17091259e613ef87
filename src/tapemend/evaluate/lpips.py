"""LPIPS: how far two pictures are apart to the features of a trained network, weighted by people's judgements.

Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018. The weights are not
shipped; a .safetensors file holds the tensors under the names that torchvision (``features.0.weight``) and the
published linear layers (``lin0.model.1.weight``) have.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from tapemend.errors import WeightsError

SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""What the pictures, -1 to 1, are normalised with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution:
    """A layer of the backbone, followed by a ReLU; its number is its place among torchvision's ``features``."""

    number: int
    channels: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    pool: int = 0
    """Size of a maximum pooling in front of it, which steps by 2; 0 is none."""
    tap: bool = False
    """Whether what comes out of it is compared."""


def _vgg16() -> tuple[Convolution, ...]:
    """Thirteen convolutions in five blocks; the last of each block is compared."""
    layers, number = [], 0
    for block, (channels, count) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))):
        for place in range(count):
            pool = 2 if block and place == 0 else 0
            layers.append(Convolution(number=number, channels=channels, pool=pool, tap=place == count - 1))
            number += 2
        number += 1
    return tuple(layers)


BACKBONES: Mapping[str, tuple[Convolution, ...]] = MappingProxyType(
    {
        "alex": (
            Convolution(number=0, channels=64, kernel=11, stride=4, padding=2, tap=True),
            Convolution(number=3, channels=192, kernel=5, padding=2, pool=3, tap=True),
            Convolution(number=6, channels=384, pool=3, tap=True),
            Convolution(number=8, channels=256, tap=True),
            Convolution(number=10, channels=256, tap=True),
        ),
        "vgg": _vgg16(),
    }
)


class Lpips(nn.Module):
    """The distance itself: (3, H, W) pairs of R'G'B' codes, 0 to 255, to one number, 0 for the same."""

    def __init__(self, layers: tuple[Convolution, ...]) -> None:
        super().__init__()
        self._layers = layers
        self.features = nn.ModuleDict()
        self.lin = nn.ModuleList()
        channels = 3
        for layer in layers:
            self.features[str(layer.number)] = nn.Conv2d(
                channels, layer.channels, layer.kernel, layer.stride, layer.padding
            )
            channels = layer.channels
            if layer.tap:
                self.lin.append(nn.Conv2d(channels, 1, 1, bias=False))

    @torch.no_grad()
    def forward(self, codes: Tensor, truth: Tensor) -> Tensor:
        """(3, H, W) pairs to ()."""
        distance = torch.zeros(())
        for linear, both in zip(self.lin, self._taps(torch.stack([codes, truth])), strict=True):
            unit = both / (both.square().sum(1, keepdim=True).sqrt() + 1e-10)
            distance = distance + linear((unit[:1] - unit[1:]).square()).mean()
        return distance

    def _taps(self, pictures: Tensor) -> list[Tensor]:
        shift, scale = (torch.tensor(values)[:, None, None] for values in (SHIFT, SCALE))
        features, taps = (pictures / 127.5 - 1 - shift) / scale, []
        for layer in self._layers:
            if layer.pool:
                features = torch.max_pool2d(features, layer.pool, 2)
            features = torch.relu(self.features[str(layer.number)](features))
            if layer.tap:
                taps.append(features)
        return taps


def load(path: Path) -> tuple[str, Lpips]:
    """The name of the backbone, alex or vgg, and LPIPS with the weights in that file; else WeightsError."""
    try:
        with safe_open(path, framework="pt") as opened:
            tensors = {key: opened.get_tensor(key).float() for key in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: not a readable .safetensors file with LPIPS weights ({error})") from error
    first = tensors.get("features.0.weight")
    name = "alex" if first is not None and first.shape[-1] == BACKBONES["alex"][0].kernel else "vgg"
    return name, fill(Lpips(BACKBONES[name]), tensors, path)


def fill(network: Lpips, tensors: Mapping[str, Tensor], path: Path) -> Lpips:
    """Give the network its weights out of ``tensors``, in which others may be (a classifier's); all must be there."""
    wanted = network.state_dict()
    given = {name: tensors.get(_published(name)) for name in wanted}
    odd = [_published(name) for name, tensor in given.items() if tensor is None or tensor.shape != wanted[name].shape]
    if odd:
        raise WeightsError(
            f"{path}: no LPIPS weights: {odd[0]} and {len(odd) - 1} more are missing or have another shape; the file "
            "holds an AlexNet or VGG-16 as torchvision names it (features.N.weight, .bias) and lin0.model.1.weight "
            "to lin4.model.1.weight"
        )
    network.load_state_dict(given)
    return network.eval()


def _published(name: str) -> str:
    """The name that a tensor has in the published files."""
    kind, number, rest = name.split(".", 2)
    return f"lin{number}.model.1.{rest}" if kind == "lin" else name
