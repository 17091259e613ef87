"""The default network beside the paper's: seconds and arithmetic of a restored 720x576 frame, in one run.

    python benchmarks/networks.py --json networks.json

Fresh weights: what a network costs does not depend on them. Everything is included but reading and writing: the search
for motion too. The default network is given what a restoration gives it, the paper's five frames and five references,
all five kept. At its full size that takes minutes on a CPU: --networks leaves it out.
"""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from speed import CELLS, COLUMNS, ROWS
from torch.utils.flop_counter import FlopCounterMode

from tapemend.allocator import keep_memory
from tapemend.checkpoint import Checkpoint
from tapemend.restore import Restorer
from tapemend.restore.windows import CONTEXT
from tapemend.settings import ReferenceSettings, RestoreSettings
from tapemend.train.recipes import recipe

NETWORKS = ("restorer", "paper-tiny", "paper-small", "paper-base")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), help="recipes, the first beside all others")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    keep_memory()
    rows: list[dict[str, float | str]] = []
    for name in options.networks:
        rows.append({"network": name} | cost(name, RestoreSettings(device=options.device), options.repeats))
        times = float(rows[-1]["seconds"]) / float(rows[0]["seconds"])
        print(
            f"{name:12} {rows[-1]['seconds']:8.2f} s a frame, {times:7.1f} times {rows[0]['network']}; "
            f"{rows[-1]['gflop']:8.1f} GFLOP, {float(rows[-1]['parameters']) / 1e6:6.2f} million parameters",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2))


def cost(name: str, settings: RestoreSettings, repeats: int) -> dict[str, float]:
    """Of a restored frame."""
    weights = fresh(name)
    restorer = Restorer(weights, settings)
    as_paper = not restorer.network.alone
    kept, context, lenders = (5, 0, 5) if as_paper else (settings.window, CONTEXT, ReferenceSettings().references)
    keep = list(range(context, context + kept))
    pictures = torch.rand(kept + 2 * context, 3, ROWS, COLUMNS, generator=torch.Generator().manual_seed(1)) / 2
    lendable = np.ones((lenders, *CELLS), dtype=np.bool_)

    def work() -> None:
        restorer.change(pictures, keep, pictures[:lenders], lendable)

    with FlopCounterMode(display=False) as counter:
        work()
    started = time.perf_counter()
    for _ in range(repeats):
        work()
    return {
        "seconds": (time.perf_counter() - started) / repeats / kept,
        "gflop": int(counter.get_total_flops()) / 1e9 / kept,
        "parameters": float(sum(tensor.numel() for tensor in weights.tensors.values())),
    }


def fresh(name: str) -> Checkpoint:
    """Untrained weights of a recipe."""
    made = recipe(name)
    tensors = made.build().state_dict()
    return Checkpoint(
        name=name, kind=made.kind, config=asdict(made.config), tensors=tensors, provenance={}, sha256="untrained"
    )


if __name__ == "__main__":
    main()
