"""What a CLIP is asked for: damage in words. A picture that resembles them little is clean."""

from collections.abc import Mapping
from types import MappingProxyType

from tapemend.settings import ClipPrompts

PAPER_PROMPTS = (
    "an image with interlacing artifacts",
    "an image of a degraded photo",
    "a photo with distortions",
    "an image with color artifacts along rows",
    "an image of a noisy photo",
    "an image of a bad photo",
    "a jpeg corrupted image of a photo",
    "a pixelated image of a photo",
    "a blurry image of a photo",
    "a jpeg corrupted photo",
    "a pixelated photo",
    "a blurry photo",
)
"""The twelve of the TAPE method (arXiv 2310.14926; utils/prompts.py of miccunifi/TAPE)."""

TAPE_PROMPTS = (
    "a frame of a damaged videotape",
    "a video frame with horizontal tearing",
    "a video frame with lines shifted sideways",
    "a video frame with tracking errors",
    "a video frame with a band of noise across the picture",
    "a video frame with white streaks and dropouts",
    "a video frame with missing lines",
    "a video frame with bent and wavy edges",
    "a video frame with colored stripes along the lines",
    "a video frame with smeared colors",
    "a washed-out video frame without color",
    "a video frame full of static and snow",
)
"""Ours: what wears a tape out, as people describe it; none names a fault of files or of photographs."""

PROMPTS: Mapping[ClipPrompts, tuple[str, ...]] = MappingProxyType(
    {ClipPrompts.PAPER: PAPER_PROMPTS, ClipPrompts.TAPE: TAPE_PROMPTS}
)
