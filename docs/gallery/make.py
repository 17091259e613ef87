"""Make the gallery: one picture per artefact, clean, damaged and what the truth says, and the page that shows them.

    python docs/gallery/make.py [NAME ...]

With names only these artefacts' pictures are made again.
"""

import sys
from itertools import count
from pathlib import Path

import numpy as np
import torch
from artefacts import ARTEFACTS, Artefact
from PIL import Image
from scene import HEIGHT, WIDTH, scene, to_rgb

from tapemend.degrade import Damaged, Kind, Preset, Step, degrade
from tapemend.degrade.chain import intensity
from tapemend.train.samples import visibility

HERE = Path(__file__).parent
COLOURS = torch.tensor([[1.0, 0.85, 0.2], [1.0, 1.0, 1.0], [0.95, 0.2, 0.8], [0.3, 0.8, 1.0], [0.4, 0.9, 0.3]])
"""R'G'B' of each Kind in the picture of the truth."""
GAP = 4
HEAD = """# Gallery of the simulator

{count} artefacts of analog videotape, as `tapemend degrade` makes them. Each row shows a picture that is drawn by
`docs/gallery/scene.py` ({width} x {height}, a field), the same on tape, and the truth that the simulator keeps beside
it: which pixels were changed visibly, by kind ({legend}). Names are those of the
[AV Artifact Atlas](https://www.avartifactatlas.com). The passes' docstrings say where each comes from, and any of them
can stand in a chain of your own (`tapemend degrade --describe`). Made by `python docs/gallery/make.py`.
"""


def main() -> None:
    """Draw what is wanted, and write the page."""
    torch.set_grad_enabled(False)
    wanted = sys.argv[1:]
    for artefact in ARTEFACTS:
        if not wanted or artefact.name in wanted:
            draw(artefact)
    (HERE.parent / "gallery.md").write_text(page())


def draw(artefact: Artefact) -> None:
    """Write the picture of an artefact."""
    pictures, chain = scene(artefact.at + 1), tape(artefact)
    damaged = degrade(pictures, range(len(pictures)), chain, strong_seed(chain, artefact.at))
    panels = [to_rgb(damaged.clean[-1]), to_rgb(damaged.picture[-1]), truth(damaged)]
    gap = np.full((HEIGHT, GAP, 3), 255, dtype=np.uint8)
    Image.fromarray(np.concatenate([panels[0], gap, panels[1], gap, panels[2]], 1)).save(
        HERE / f"{artefact.file}.webp", quality=82, method=6
    )
    print(artefact.name)


def tape(artefact: Artefact) -> Preset:
    """A tape with nothing but this artefact, at full strength all the time."""
    steps = tuple(Step(does=does, name=f"step {number}") for number, does in enumerate(artefact.passes))
    return Preset(description=artefact.name, standard=artefact.standard, damage=steps, damaged_share=1.0)


def strong_seed(chain: Preset, at: int) -> int:
    """The first seed with which the artefact is strong in the pictures up to the one that is shown."""
    return next(
        seed
        for seed in count(1)
        if all(intensity(step, index, chain, seed) > 0.85 for step in chain.damage for index in range(at - 3, at + 1))
    )


def truth(damaged: Damaged) -> np.ndarray:
    """(H, W, 3) uint8: where the picture was changed, in the colour of the kind of damage."""
    seen = visibility(damaged.change[-1])
    mixed = torch.einsum("khw,kc->hwc", seen, COLOURS) / seen.sum(0).clamp(min=1)[..., None]
    return (mixed * 255).round().to(torch.uint8).numpy()


def page() -> str:
    """The page, Markdown."""
    legend = ", ".join(
        f"{kind} {word}" for kind, word in zip(Kind, ("yellow", "white", "magenta", "blue", "green"), strict=True)
    )
    head = HEAD.format(count=len(ARTEFACTS), width=WIDTH, height=HEIGHT, legend=legend)
    return head + "".join(
        f"\n## {one.name}\n\n{one.seen}\n\n`{one.code()}`\n\n![{one.name}](gallery/{one.file}.webp)\n"
        for one in ARTEFACTS
    )


if __name__ == "__main__":
    main()
