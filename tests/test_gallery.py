"""The gallery shows what it says: every artefact of analog video that software can show, each with its picture."""

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
SHOWABLE = (
    "AC beat",
    "Bearding",
    "Carrier leak",
    "Chrominance noise",
    "Crash record",
    "Dihedral maladjustment",
    "Dirty head drum",
    "Dot crawl",
    "Fluorescent strobing",
    "Ghost",
    "Head equalisation error",
    "Head-switching noise",
    "Herringbone",
    "Image lag",
    "Incorrect speed",
    "Lengthwise expansion or shrinkage",
    "Loss of colour lock",
    "Low RF",
    "Luminance noise",
    "Moire",
    "Oversaturation",
    "Poor Y/C decoding",
    "Ringing",
    "Scratches and tape wear",
    "Skew error (flagging)",
    "Subcarrier phase error",
    "Sync loss (roll)",
    "Tape deformation",
    "TBC processing artifact",
    "Time-base error",
    "Tracking error (mistracking)",
    "Undersaturation",
    "Vacuum guide error",
    "Venetian blind (Hanover bars)",
    "Video dropout",
    "Video head clog",
    "Video jitter",
    "White-balance error",
    "Y/C delay error",
)
"""Of the AV Artifact Atlas' analog video: not those that only playing the tape anew helps against, nor sound."""
FILES = {one.name: one.file for one in runpy.run_path(str(DOCS / "gallery" / "artefacts.py"))["ARTEFACTS"]}


def test_all_39_artefacts_that_software_can_show_are_there() -> None:
    assert len(SHOWABLE) == 39
    assert not set(SHOWABLE) - set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_each_has_its_place_in_the_page_and_its_picture(name: str) -> None:
    assert f"## {name}\n" in (DOCS / "gallery.md").read_text()
    assert (DOCS / "gallery" / f"{FILES[name]}.webp").stat().st_size > 1000
