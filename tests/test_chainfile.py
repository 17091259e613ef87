"""Chains as TOML: what is written is read back exactly; what is wrong is said with its place and what is allowed."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from tapemend.degrade import PRESETS, Preset, Standard, Step
from tapemend.degrade.chainfile import chain_text, read_chain
from tapemend.degrade.passes.published import EdgeWave
from tapemend.degrade.passes.registry import PASSES
from tapemend.errors import SettingsError


def read(folder: Path, text: str) -> Preset:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return read_chain(path)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, chain_text(PRESETS[name])) == PRESETS[name]


@pytest.mark.parametrize("name", PASSES)
def test_every_pass_comes_back_with_values_of_its_own(tmp_path: Path, name: str) -> None:
    does = PASSES[name]()
    floats = {field.name: getattr(does, field.name) for field in fields(does)}
    other = replace(does, **{key: value / 3 for key, value in floats.items() if type(value) is float})
    step = Step(does=other, name="own", strength=0.1, share=1 / 3, period=1e16)
    preset = Preset(description="", recording=(step,), damage=(replace(step, name="other"),))
    assert read(tmp_path, chain_text(preset)) == preset


def test_any_text_and_number_comes_back(tmp_path: Path) -> None:
    preset = Preset(
        description='Zoë\'s "tape"\n\t\\ \x7f \x01 😀',
        standard=Standard.NTSC,
        damaged_share=5e-324,
        stretch=1e300,
        damage=(Step(does=EdgeWave(pixels=0.1 + 0.2), name="é = [x]"),),
    )
    assert read(tmp_path, chain_text(preset)) == preset


def test_what_is_left_out_has_its_default_and_whole_numbers_are_numbers(tmp_path: Path) -> None:
    chain = read(
        tmp_path, "[[damage]]\npass = 'edge_wave'\nstrength = 1\npixels = 3\n[[recording]]\npass = 'coloured_lines'"
    )
    assert chain.damage == (Step(does=EdgeWave(pixels=3.0), name="edge_wave"),)
    assert isinstance(chain.damage[0].does.pixels, float)
    assert (chain.description, chain.standard, chain.stretch) == ("own", Standard.PAL, Preset(description="").stretch)
    assert [step.name for step in chain.recording] == ["coloured_lines"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 3", "the chain: there is no 'colour'; allowed: description, standard, damaged_share, stretch"),
        ("standard = 'secam'", "the chain: standard = 'secam'; allowed: pal, ntsc"),
        ("damaged_share = 1.5", "the chain: damaged_share = 1.5; allowed: 0 to 1"),
        ("stretch = 0", "the chain: stretch = 0.0; allowed: 1 or more"),
        ("damage = 3", "damage must be tables, each under a line"),
        ("[[damage]]\nname = 'x'", r"\[\[damage\]\] 1: has no pass; allowed: .*scrambled_lines, edge_wave"),
        ("[[damage]]\npass = 'wobble'", r"\[\[damage\]\] 1: there is no pass 'wobble'; allowed: .*scrambled_lines"),
        (
            "[[recording]]\npass = 'edge_wave'\npixles = 3.0",
            r"\[\[recording\]\] 1 \(edge_wave\): there is no 'pixles'; allowed: pass, name, strength, share, period, p",
        ),
        ("[[damage]]\npass = 'edge_wave'\npixels = '3'", r"\(edge_wave\): pixels = '3'; allowed: a number"),
        ("[[damage]]\npass = 'edge_wave'\npixels = nan", r"\(edge_wave\): pixels = nan; allowed: a finite number"),
        ("[[damage]]\npass = 'edge_wave'\nstrength = true", "strength = True; allowed: a number"),
        ("[[damage]]\npass = 'edge_wave'\nstrength = -0.1", "strength = -0.1; allowed: 0 to 1"),
        ("[[damage]]\npass = 'edge_wave'\nname = 3", "name = 3; allowed: text in quotes"),
        (
            "[[recording]]\npass = 'edge_wave'\n[[damage]]\npass = 'undersaturation'\nname = 'edge_wave'",
            "two steps are called 'edge_wave'; give each a name of its own",
        ),
        ("[[damage]\n", r"is no TOML \("),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=r"own\.toml: .*" + said):
        read(tmp_path, text)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.toml: cannot be read"):
        read_chain(tmp_path / "gone.toml")
