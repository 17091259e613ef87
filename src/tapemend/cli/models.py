"""``tapemend models``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def models(
    *,
    clip_model: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Say which weights there are, in the package and of CLIP on this machine, and what a 720x576 frame costs.

    Parameters
    ----------
    clip_model
        A folder with a CLIP to be listed too.
    as_json
        Print one JSON object instead of lines.
    """
    from tapemend import models as known
    from tapemend.errors import ModelMissing
    from tapemend.files import plain

    found, without = list(known.shipped()), None
    try:
        clips = list(known.clips(clip_model))
    except ModelMissing as missing:
        if clip_model is not None:
            raise
        clips, without = [], str(missing)
    if not clips and without is None:
        without = "no CLIP is on this machine: fetch one with 'hf download openai/clip-vit-large-patch14'"
    if as_json:
        print(
            json.dumps({"models": plain([asdict(model) for model in (*found, *clips)]), "without": without}, indent=2)
        )
        return
    for model in (*found, *clips):
        print(
            f"{model.name}\n    {model.use}, {model.parameters / 1e6:.2f} million parameters, "
            f"{model.size_bytes / 1e6:.1f} MB, {model.gflop_per_frame:.1f} GFLOP a frame\n"
            f"    {model.path}\n    {model.note}"
        )
    if without is not None:
        print(f"without CLIP: {without}")
