"""What is trained, by name: the network, its samples and its loss."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import (
    avg_pool2d,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    interpolate,
    max_pool2d,
)

from tapemend import checkpoint
from tapemend.detect.damage import LOCAL_KINDS, DamageScorer, energy, visible, worst
from tapemend.errors import SettingsError
from tapemend.network.damage import DamageConfig, DamageNetwork, with_ends
from tapemend.network.restoration import RestorationConfig, RestorationNetwork
from tapemend.network.swin_unet import PAPER_CONFIGS, PaperConfig, PaperNetwork
from tapemend.train.extractor import load_swin
from tapemend.train.losses import charbonnier, feature_distance, flicker, log_error
from tapemend.train.samples import Batch, SampleSettings, energy_of, visibility

FAINTEST = 1e-4
"""Least score, and least distance from 1, whose logarithm is taken."""


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

    def show(self, network: nn.Module, batch: Batch) -> Tensor:
        """What the network makes of a batch, to be looked at: (3, H, W) Y'CbCr, a window to a row."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorerRecipe:
    """The default restorer."""

    kind: str = "restorer"
    config: RestorationConfig = RestorationConfig()
    samples: SampleSettings = SampleSettings(
        rows=160,
        columns=256,
        windows=2,
        steady_share=0.75,
        varied_share=0.3,
        spared_share=0.15,
        borders_share=0.3,
        again_share=0.25,
    )
    learning_rate: float = 8e-4
    steps: int = 5000
    temporal: float = 0.0
    """Weight of how errors change from frame to frame."""
    perceptual: float = 0.0
    """Weight of the distance of the embedded scorer's features."""

    def build(self) -> nn.Module:
        """A fresh network."""
        return RestorationNetwork(self.config)

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Charbonnier and decibels on every frame, the gate against the pixels that damage changed, and what is asked
        for besides."""
        batch = _looked_at(network, batch)
        restored, gate = network(batch.damaged, batch.references, batch.lendable, batch.torn)
        change = (batch.damaged - batch.clean).square().mean(2).sqrt()
        truth = max_pool2d(visibility(change), 3, stride=1, padding=1)
        terms = {
            "picture": charbonnier(restored, batch.clean),
            "decibels": 0.01 * log_error(restored, batch.clean),
            "gate": 0.002 * binary_cross_entropy_with_logits(gate[:, :, 0], truth),
        }
        if self.temporal:
            terms["temporal"] = self.temporal * flicker(restored, batch.clean)
        if self.perceptual:
            backbone = _embedded_scorer(restored.device)
            terms["perceptual"] = self.perceptual * feature_distance(backbone, restored, batch.clean)
        return terms

    def show(self, network: nn.Module, batch: Batch) -> Tensor:
        """The middle frame of each window: damaged, or as a first look restored it, restored, clean."""
        batch = _looked_at(network, batch)
        restored, _ = network(batch.damaged, batch.references, batch.lendable, batch.torn)
        return _in_rows(batch.damaged, restored, batch.clean)


@torch.no_grad()
def _looked_at(network: nn.Module, batch: Batch) -> Batch:
    """The batch with the windows that are to be looked at again as a first look leaves them: restored, nothing torn."""
    again, restorer = batch.again, cast(RestorationNetwork, network)
    if not again.any():
        return batch
    given = batch.damaged[again]
    known = (each[again] for each in (batch.references, batch.lendable, batch.torn))
    seen = restorer.see(given, range(given.shape[1]), *known)
    damaged, torn = batch.damaged.clone(), batch.torn.clone()
    damaged[again] += torch.unflatten(restorer.change(seen), 0, given.shape[:2])
    torn[again] = 0
    return replace(batch, damaged=damaged, torn=torn)


@lru_cache(maxsize=1)
def _embedded_scorer(device: torch.device) -> DamageNetwork:
    """The scorer that ships, which nothing trains any more."""
    scorer = DamageScorer(checkpoint.read("scorer-default", "scorer"), device)
    network: DamageNetwork = scorer.network.requires_grad_(requires_grad=False)
    return network


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerRecipe:
    """The embedded scorer."""

    kind: str = "scorer"
    config: DamageConfig = DamageConfig()
    samples: SampleSettings = SampleSettings(
        rows=192,
        columns=480,
        frames=4,
        windows=3,
        references=0,
        clean_share=0.35,
        texture_share=0.35,
        adrift_share=0.6,
        graphics_share=0.12,
        borders_share=0.4,
        pan_share=0.4,
        cut_share=0.15,
        varied_share=0.4,
        spared_share=0.2,
        far_share=0.5,
    )
    learning_rate: float = 1e-3
    steps: int = 3000

    def build(self) -> nn.Module:
        """A fresh network."""
        return DamageNetwork(self.config)

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy against how visible each kind of damage is in each cell, and any of it in the worst regions of
        each frame, which are what a frame is judged by."""
        logits = network(with_ends(batch.damaged)).float()
        changed = energy_of(batch.cells)
        score, truth = (_frame_scores(each) for each in (energy(logits), changed))
        return {
            "cells": binary_cross_entropy_with_logits(logits, visible(changed)),
            "frames": 0.15 * binary_cross_entropy(score.clamp(FAINTEST, 1 - FAINTEST), truth),
        }

    def show(self, network: nn.Module, batch: Batch) -> Tensor:
        """The middle frame of each window: damaged, clean, how damaged its regions are thought to be, and are."""
        maps = torch.sigmoid(network(with_ends(batch.damaged))), visibility(batch.cells)
        size = batch.damaged.shape[-2:]
        grey = [
            interpolate(each.amax(2), size)[:, :, None] * torch.tensor([1.0, 0, 0]).to(each)[:, None, None]
            for each in maps
        ]
        return _in_rows(batch.damaged, batch.clean, *grey)


def _frame_scores(energies: Tensor) -> Tensor:
    """(B, T, K, H/8, W/16) energies to the scores (B * T,) that frames get: of regions of 32x32 pixels here."""
    regions = avg_pool2d(energies[:, :, :LOCAL_KINDS].amax(2), (4, 2))
    return worst(visible(regions).flatten(0, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRecipe:
    """The TAPE paper's network, at some size; its crops, T, D and loss, at a learning rate for short runs."""

    config: PaperConfig
    kind: str = "restorer"
    samples: SampleSettings = SampleSettings(
        rows=128, columns=128, windows=2, references=5, steady_share=0.75, varied_share=0.3, spared_share=0.15
    )
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

    def show(self, network: nn.Module, batch: Batch) -> Tensor:
        """The middle frame of each window: damaged, restored, clean."""
        return _in_rows(batch.damaged, network(batch.damaged, batch.references, batch.lendable), batch.clean)


def _in_rows(*clips: Tensor) -> Tensor:
    """The middle frames of (B, T, 3, H, W) clips, those of one window beside each other, windows below each other."""
    middle = torch.cat([clip[:, clip.shape[1] // 2] for clip in clips], -1)
    return torch.cat(list(middle), -2)


RECIPES = MappingProxyType[str, Callable[[], Recipe]](
    {
        "restorer": RestorerRecipe,
        "restorer-temporal": partial(RestorerRecipe, temporal=1.0),
        "restorer-perceptual": partial(RestorerRecipe, perceptual=0.004),
        "scorer": ScorerRecipe,
        **{name: partial(PaperRecipe, config=config) for name, config in PAPER_CONFIGS.items()},
    }
)
"""The weights of what may be minimised besides make its gradient about that of all the rest."""


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
