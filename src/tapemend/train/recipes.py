"""What is trained, by name: the network, its samples and its loss."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol

from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, max_pool2d

from tapemend.errors import SettingsError
from tapemend.network.damage import DamageConfig, DamageNetwork, with_ends
from tapemend.network.restoration import RestorationConfig, RestorationNetwork
from tapemend.network.swin_unet import PAPER_CONFIGS, PaperConfig, PaperNetwork
from tapemend.train.extractor import load_swin
from tapemend.train.losses import charbonnier, log_error
from tapemend.train.samples import Batch, SampleSettings, visibility


class Recipe(Protocol):
    """A training: what it makes, from what, judged how."""

    @property
    def kind(self) -> str:
        """Kind of checkpoint."""
        ...

    @property
    def config(self) -> Any:
        """The network's settings, a dataclass."""
        ...

    @property
    def samples(self) -> SampleSettings:
        """How samples are cut."""
        ...

    @property
    def learning_rate(self) -> float:
        """At its highest."""
        ...

    @property
    def steps(self) -> int:
        """Steps of the whole cosine schedule."""
        ...

    def build(self) -> nn.Module:
        """A fresh network."""
        ...

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Scalars; their sum is minimised."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorerRecipe:
    """The default restorer."""

    kind: str = "restorer"
    config: RestorationConfig = RestorationConfig()
    samples: SampleSettings = SampleSettings(steady_share=0.75)
    learning_rate: float = 8e-4
    steps: int = 5000

    def build(self) -> nn.Module:
        """A fresh network."""
        return RestorationNetwork(self.config)

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Charbonnier and decibels on every frame, the gate against the pixels that damage changed."""
        restored, gate = network(batch.damaged, batch.references, batch.lendable)
        change = (batch.damaged - batch.clean).square().mean(2).sqrt()
        truth = max_pool2d(visibility(change), 3, stride=1, padding=1)
        return {
            "picture": charbonnier(restored, batch.clean),
            "decibels": 0.01 * log_error(restored, batch.clean),
            "gate": 0.002 * binary_cross_entropy_with_logits(gate[:, :, 0], truth),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerRecipe:
    """The embedded scorer."""

    kind: str = "scorer"
    config: DamageConfig = DamageConfig()
    samples: SampleSettings = SampleSettings(
        rows=192,
        columns=320,
        frames=4,
        windows=4,
        references=0,
        clean_share=0.35,
        texture_share=0.35,
        pan_share=0.4,
        cut_share=0.15,
    )
    learning_rate: float = 1e-3
    steps: int = 3000

    def build(self) -> nn.Module:
        """A fresh network."""
        return DamageNetwork(self.config)

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy against how visible each kind of damage is in each cell."""
        logits = network(with_ends(batch.damaged))
        return {"cells": binary_cross_entropy_with_logits(logits, visibility(batch.cells))}


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRecipe:
    """The TAPE paper's network, at some size; its crops, T, D and loss, at a learning rate for short runs."""

    config: PaperConfig
    kind: str = "restorer"
    samples: SampleSettings = SampleSettings(rows=128, columns=128, windows=2, references=5, steady_share=0.75)
    learning_rate: float = 2e-4
    """The paper has 2e-5, for a hundred epochs."""
    steps: int = 5000
    swin: str | None = None
    """A pretrained Swin for the references, as :func:`tapemend.train.extractor.load_swin` takes it."""

    def build(self) -> nn.Module:
        """A fresh network."""
        network = PaperNetwork(self.config)
        if self.swin is not None:
            if network.features is None:
                raise SettingsError(f"--swin {self.swin}: this recipe has no references to look at; leave it out")
            load_swin(network.features.extractor, self.swin)
        return network

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Charbonnier on every frame."""
        return {"picture": charbonnier(network(batch.damaged, batch.references, batch.lendable), batch.clean)}


RECIPES: Mapping[str, Callable[[], Recipe]] = MappingProxyType(
    {"restorer": RestorerRecipe, "scorer": ScorerRecipe}
    | {name: partial(PaperRecipe, config=config) for name, config in PAPER_CONFIGS.items()}
)


def recipe(name: str, swin: str | None = None) -> Recipe:
    """The recipe of that name; SettingsError lists the names there are, or says that it has no use for a Swin."""
    if name not in RECIPES:
        raise SettingsError(f"no recipe is called {name!r}; there are: {', '.join(RECIPES)}")
    chosen = RECIPES[name]()
    if swin is None:
        return chosen
    if not isinstance(chosen, PaperRecipe):
        raise SettingsError(f"--swin {swin}: only the recipes of the paper's network take one; leave it out")
    return replace(chosen, swin=swin)
