"""What is trained, by name: the network, its samples and its loss."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, max_pool2d

from tapemend.errors import SettingsError
from tapemend.network.damage import DamageConfig, DamageNetwork, with_ends
from tapemend.network.restoration import RestorationConfig, RestorationNetwork
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
    samples: SampleSettings = SampleSettings()
    learning_rate: float = 8e-4
    steps: int = 5000

    def build(self) -> nn.Module:
        """A fresh network."""
        return RestorationNetwork(self.config)

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Charbonnier and decibels on every frame, and the gate against the pixels that damage changed."""
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


RECIPES: Mapping[str, Callable[[], Recipe]] = MappingProxyType({"restorer": RestorerRecipe, "scorer": ScorerRecipe})


def recipe(name: str) -> Recipe:
    """The recipe of that name; SettingsError lists the names there are."""
    if name not in RECIPES:
        raise SettingsError(f"no recipe is called {name!r}; there are: {', '.join(RECIPES)}")
    return RECIPES[name]()
