"""Networks with random weights, for tests in which something must change: fresh ones change nothing."""

from pathlib import Path

import torch
from torch import nn

from tapemend import checkpoint
from tapemend.network.damage import DamageConfig, DamageNetwork
from tapemend.network.restoration import RestorationConfig, RestorationNetwork

SMALL = RestorationConfig(widths=(8, 8, 24, 16), depths=(1, 2, 2, 2))
SMALL_SCORER = DamageConfig(widths=(8, 8, 8))


def randomise(network: nn.Module, seed: int = 0) -> None:
    """Give every parameter a random value that keeps the size of what passes."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        scale = 0.1 if parameter.dim() < 2 else (1.5 / parameter[0].numel()) ** 0.5
        parameter.data = scale * torch.randn(parameter.shape, generator=generator)


def random_restoration(config: RestorationConfig = SMALL, seed: int = 0) -> RestorationNetwork:
    """A network whose every part has a say, the change about a tenth of the range."""
    network = RestorationNetwork(config)
    randomise(network, seed)
    for last in (network.head, network.mixing.weigh):
        last.weight.data *= 0.01
    return network.eval()


def write_restorer(path: Path, config: RestorationConfig = SMALL, seed: int = 0) -> Path:
    """A checkpoint that changes pictures visibly."""
    tensors = dict(random_restoration(config, seed).state_dict())
    checkpoint.write(path, "restorer", config, tensors, {"licence": "none"})
    return path


def write_idle_restorer(path: Path) -> checkpoint.Checkpoint:
    """A checkpoint that changes nothing: a fresh network's."""
    checkpoint.write(path, "restorer", SMALL, dict(RestorationNetwork(SMALL).state_dict()), {"licence": "none"})
    return checkpoint.read(str(path), "restorer")


def write_scorer(path: Path, verdict: float) -> Path:
    """A checkpoint that gives every region of every picture the same score, 0 clean to 1."""
    network = DamageNetwork(SMALL_SCORER)
    for parameter in network.parameters():
        parameter.data.zero_()
    last = network.body[-1]
    last.bias.data.fill_(torch.logit(torch.tensor(verdict), 1e-6))
    checkpoint.write(path, "scorer", SMALL_SCORER, dict(network.state_dict()), {"licence": "none"})
    return path


def write_brightness_scorer(path: Path) -> Path:
    """A checkpoint that scores a region of luma above three quarters 1, of luma below a quarter 0."""
    network = DamageNetwork(SMALL_SCORER)
    for parameter in network.parameters():
        parameter.data.zero_()
    first, second, third, last = network.stem, *(part for part in network.body if isinstance(part, nn.Conv2d))
    first.weight.data[0, 0] = 1 / 8
    second.weight.data[0, 0, 1:3, 1:3] = 1 / 4
    third.weight.data[0, 0, 1:3, 1] = 1 / 2
    last.weight.data[0, 0] = 40.0
    last.bias.data.fill_(-40.0)
    last.bias.data[0] = -20.0
    checkpoint.write(path, "scorer", SMALL_SCORER, dict(network.state_dict()), {"licence": "none"})
    return path
