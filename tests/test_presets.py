"""Whole tapes, measured as a station would: colour bars, multiburst, zone plate; and how much of them is damaged."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tapemend.colour import RGB_TO_YCBCR
from tapemend.degrade import PRESETS, Preset, degrade
from tapemend.degrade.chain import intensity
from tapemend.degrade.formats import tape_format
from tapemend.degrade.passes.recording import ColourUnder
from tapemend.degrade.timeline import burst

RECORDED = {
    name: one for name, one in PRESETS.items() if any(isinstance(step.does, ColourUnder) for step in one.recording)
}
WIDTH, HEIGHT = 720, 96
VECTORSCOPE_BOX = 0.025
"""Half the side of the small targets of a vectorscope, as a share of the chroma's range: 2.5 %."""


def recorded(name: str, picture: Tensor) -> Tensor:
    """What the tape's format alone makes of a picture: neither camera nor grain nor the lines at the bottom."""
    formats = tuple(step for step in PRESETS[name].recording if isinstance(step.does, ColourUnder))
    return degrade(picture[None], [3], replace(PRESETS[name], recording=formats, damage=()), seed=1).clean[0]


def format_of(name: str) -> tuple[float, float]:
    """Luma and chroma bandwidth after all generations, Hz."""
    does = next(step.does for step in PRESETS[name].recording if isinstance(step.does, ColourUnder))
    assert isinstance(does, ColourUnder)
    tape = tape_format(does.format, PRESETS[name].standard)
    return tape.luma_bandwidth, tape.chroma_bandwidth


def bars() -> Tensor:
    """(3, H, W) of EBU 100/0/75/0 colour bars (BT.471)."""
    rgb = torch.tensor([[r, g, b] for g in (1, 0) for r in (1, 0) for b in (1, 0)], dtype=torch.float32) * 0.75
    rgb[0] = 1.0
    return (rgb @ RGB_TO_YCBCR.T).T[:, None, :].expand(3, HEIGHT, 8).repeat_interleave(WIDTH // 8, 2)


@pytest.mark.parametrize("name", RECORDED)
def test_colour_bars_land_in_the_boxes_of_the_vectorscope(name: str) -> None:
    after = recorded(name, bars())
    for number in range(8):
        middle = slice(number * 90 + 40, number * 90 + 65)
        given, seen = (picture[:, 40:60, middle].mean((1, 2)) for picture in (bars(), after))
        assert (seen - given).abs().max() < VECTORSCOPE_BOX, number


@pytest.mark.parametrize("name", RECORDED)
def test_a_multiburst_shows_the_band_limit_of_the_format(name: str) -> None:
    limit, _ = format_of(name)
    does = next(step.does for step in PRESETS[name].recording if isinstance(step.does, ColourUnder))
    generations = does.generations if isinstance(does, ColourUnder) else 0

    def gain(hertz: float) -> float:
        seconds = torch.arange(WIDTH) / 13.5e6
        picture = torch.zeros(3, HEIGHT, WIDTH)
        picture[0] = 0.5 + 0.3 * torch.sin(2 * math.pi * hertz * seconds)
        inside = (0, slice(40, 60), slice(100, -100))
        return 20 * math.log10((recorded(name, picture)[inside].std() / picture[inside].std()).item())

    assert gain(0.1 * limit) == pytest.approx(0.0, abs=0.6)
    assert gain(limit) == pytest.approx(-3.0 * generations, abs=1.6 * generations)
    assert gain(1.8 * limit) < -9 * generations


@pytest.mark.parametrize("name", RECORDED)
def test_a_zone_plate_loses_fine_uprights_and_keeps_fine_levels(name: str) -> None:
    """A line structure is one sample per line: tape limits along the lines, not across them."""
    rows, columns = torch.linspace(-1, 1, HEIGHT)[:, None], torch.linspace(-1, 1, WIDTH)
    picture = torch.zeros(3, HEIGHT, WIDTH)
    picture[0] = 0.5 + 0.3 * torch.cos(math.pi / 4 * (HEIGHT * rows.square() + WIDTH * columns.square()))
    after = recorded(name, picture)[0]
    upright, level = (slice(40, 56), slice(-60, -20)), (slice(6, 16), slice(340, 380))
    assert after[upright].std() < 0.25 * picture[0][upright].std()
    assert after[level].std() > 0.9 * picture[0][level].std()


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_keeps_its_share_of_clean_stretches(name: str) -> None:
    tape: Preset = PRESETS[name]
    bad = [burst(5, "tape", index, tape.stretch, tape.damaged_share) > 0 for index in range(20_000)]
    assert sum(bad) / len(bad) == pytest.approx(tape.damaged_share, abs=0.08)
    harmed = [any(intensity(step, index, tape, 5) > 0 for step in tape.damage) for index in range(20_000)]
    assert sum(harmed) / sum(bad) > 0.9
    assert not any(seen and not stretch for seen, stretch in zip(harmed, bad, strict=True))
