"""The one training loop. It stops by the clock, resumes exactly, and leaves a checkpoint whole at every moment."""

import json
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from functools import partial
from itertools import takewhile
from math import cos, pi
from multiprocessing import get_context
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from tapemend import checkpoint
from tapemend.allocator import keep_memory
from tapemend.colour import rgb_codes
from tapemend.device import arithmetic, choose_device, choose_precision
from tapemend.encode.target import written_aside
from tapemend.errors import JournalMismatch
from tapemend.report.picture import png
from tapemend.settings import Precision, TrainSettings
from tapemend.train.data import Store
from tapemend.train.dataset import Dataset
from tapemend.train.recipes import Recipe
from tapemend.train.samples import Batch, sample

log = logging.getLogger(__name__)
EMA = 0.998
"""Weight of the past in the running average of the weights."""
WARM_UP = 100
"""Steps over which the learning rate rises."""


class _Samples(IterableDataset[Batch]):
    """Batches from one step to before another."""

    def __init__(self, make: Callable[[int], Batch], first: int, stop: int) -> None:
        self.make, self.steps = make, range(first, stop)
        self.enough = get_context("spawn").Event()

    def __iter__(self) -> Iterator[Batch]:
        return map(self.make, takewhile(lambda _: not self.enough.is_set(), self.steps))

    @contextmanager
    def made_ahead(self) -> Iterator[Iterator[Batch]]:
        """The same batches, made by another process.

        It is spawned: a forked copy of a process whose threads are computing may hang, and Python 3.12 warns of it.
        What it has begun when no more are wanted is taken from it: a process that ends while it sends aborts.
        """
        loader = DataLoader(
            self,
            batch_size=None,
            num_workers=1,
            prefetch_factor=3,
            multiprocessing_context="spawn",
            worker_init_fn=_start_worker,
        )
        batches = iter(loader)
        try:
            yield batches
        finally:
            self.enough.set()
            deque(batches, maxlen=0)


def _start_worker(_: int) -> None:
    keep_memory()


class Run:
    """The state of a training, kept in ``folder``: state.safetensors, curve.jsonl, the averaged checkpoint, and
    pictures.png, what the network made of the last batch before it."""

    def __init__(self, recipe: Recipe, settings: TrainSettings, folder: Path) -> None:
        self.recipe, self.settings, self.folder = recipe, settings, folder
        self.device = choose_device(settings.device)
        self.precision = choose_precision(Precision.AUTO, self.device)
        self.steps = settings.steps or recipe.steps
        self.learning_rate = recipe.learning_rate if settings.learning_rate is None else settings.learning_rate
        torch.manual_seed(settings.seed)
        fresh = recipe.build()
        start = checkpoint.read(settings.start_from, recipe.kind) if settings.start_from else None
        if start is not None:
            start.load_into(fresh)
        self.start = start.sha256 if start is not None else None
        self.network = fresh.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=self.learning_rate, betas=(0.9, 0.99))
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)
        if self.state.exists():
            self._load()

    @property
    def state(self) -> Path:
        """Everything needed to go on exactly."""
        return self.folder / "state.safetensors"

    def train(self, source: Store | Dataset, told: Callable[[], None] = lambda: None) -> None:
        """Train until the time or the schedule is over, on samples made as they are needed or on a set of them.

        ``told`` hears of every step.
        """
        deadline = time.monotonic() + self.settings.minutes * 60
        given = (self.recipe.samples, self.settings.seed)
        make = partial(source.batch, *given) if isinstance(source, Dataset) else partial(sample, source, *given)
        samples = _Samples(make, self.step, self.steps)
        with samples.made_ahead() if self.settings.ahead else nullcontext(iter(samples)) as batches:
            since, started, total = self.step, time.monotonic(), Counter[str]()
            while self.step < self.steps and time.monotonic() < deadline:
                began = time.monotonic()
                batch = next(batches)
                total.update({"seconds_waiting": time.monotonic() - began})
                total.update(self._learn(batch))
                told()
                if self.step % self.settings.save_every == 0:
                    self._note(total, self.step - since, time.monotonic() - started)
                    self._show(batch)
                    self.save()
                    since, started, total = self.step, time.monotonic(), Counter[str]()
            self.save()

    def _learn(self, batch: Batch) -> dict[str, float]:
        """One step; returns the losses."""
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        with arithmetic(self.device, self.precision):
            losses = self.recipe.losses(self.network, self._here(batch))
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 0.5)
        self.optimizer.step()
        self.step += 1
        keep = min(EMA, self.step / (self.step + 20))
        for name, value in self.network.state_dict().items():
            self.average[name].lerp_(value, 1 - keep)
        return {name: loss.item() for name, loss in losses.items()}

    def _here(self, batch: Batch) -> Batch:
        """The batch on the run's device."""
        return Batch(**{name: getattr(batch, name).to(self.device) for name in Batch.__dataclass_fields__})

    def _learning_rate(self) -> float:
        """Linear warm-up, then a cosine to 2 % at the last step."""
        warm = min(1.0, (self.step + 1) / WARM_UP)
        return self.learning_rate * warm * (0.51 + 0.49 * cos(pi * min(1.0, self.step / self.steps)))

    def _note(self, total: Counter[str], count: int, seconds: float) -> None:
        """A line of the curve: mean losses since the last one, seconds per step, and how many of them for samples."""
        line = {"step": self.step, "seconds_per_step": round(seconds / count, 3)}
        line |= {name: round(value / count, 6) for name, value in total.items()}
        log.info("%s", line)
        with (self.folder / "curve.jsonl").open("a") as curve:
            curve.write(json.dumps(line) + "\n")

    @torch.no_grad()
    def _show(self, batch: Batch) -> None:
        """Write what the network makes of a batch, to be looked at."""
        with arithmetic(self.device, self.precision):
            picture = self.recipe.show(self.network, self._here(batch))
        with written_aside(self.folder / "pictures.png") as aside:
            aside.write_bytes(png(rgb_codes(picture.float())))

    def save(self) -> None:
        """Write the state, and the averaged weights as a checkpoint in half precision."""
        tensors = {f"network/{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"average/{name}": value for name, value in self.average.items()}
        for number, slots in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{number}/{slot}": value for slot, value in slots.items()}
        held = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        with written_aside(self.state) as aside:
            save_file(held, aside, self._header())
        checkpoint.write(
            self.folder / f"{self.recipe.kind}.safetensors",
            self.recipe.kind,
            self.recipe.config,
            {name: value.half() for name, value in self.average.items()},
            {"steps": str(self.step), "seed": str(self.settings.seed), "licence": "Apache-2.0", "recipe": self._work()},
        )

    def _work(self) -> str:
        """What must be the same for a run to go on."""
        work = asdict(self.recipe)  # type: ignore[call-overload]
        run = {
            "seed": self.settings.seed,
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "start": self.start,
        }
        return json.dumps(work | run, sort_keys=True)

    def _header(self) -> dict[str, str]:
        return {"work": self._work(), "step": str(self.step)}

    def _load(self) -> None:
        with safe_open(self.state, framework="pt") as opened:
            header = opened.metadata()
            tensors: dict[str, Tensor] = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        if header["work"] != self._work():
            raise JournalMismatch(
                f"{self.folder}: holds a run of another recipe, seed, schedule or start; use another folder"
            )
        self.step = int(header["step"])
        self.network.load_state_dict(_under(tensors, "network/"))
        self.average = {name: value.to(self.device) for name, value in _under(tensors, "average/").items()}
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in _under(tensors, "optimizer/").items():
            number, slot = name.split("/")
            slots.setdefault(int(number), {})[slot] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": slots, "param_groups": groups})
        log.info("going on from step %d", self.step)


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
