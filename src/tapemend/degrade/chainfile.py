"""Chains of steps as TOML: what a preset is, written down to be read, changed and used again.

::

    description = "A camera tape that was played too often"
    standard = "pal"
    damaged_share = 0.6

    [[damage]]
    pass = "edge_wave"
    strength = 0.8
    pixels = 4.0

What is left out has its default; ``name`` is the pass's where it is not given. A parameter of the pass that is called
as a key of the step is, ``period`` or ``strength``, has ``pass_`` before its name.
"""

import json
import tomllib
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from math import inf, isfinite
from pathlib import Path
from typing import Any

from tapemend.degrade.chain import Preset, Step
from tapemend.degrade.passes import Pass
from tapemend.degrade.passes.registry import PASSES, pass_name
from tapemend.errors import SettingsError

TABLES = ("recording", "damage")
Scalar = str | float | bool
LIMITS: Mapping[str, tuple[float, float]] = {
    "strength": (0.0, 1.0),
    "share": (0.0, 1.0),
    "damaged_share": (0.0, 1.0),
    "period": (1.0, inf),
    "stretch": (1.0, inf),
}
"""Least and greatest value of the chain's own numbers."""
OF_PRESET = {field.name: field.type for field in fields(Preset) if field.name not in TABLES}
"""Keys of a file, and the type of each."""
OF_STEP = {field.name: field.type for field in fields(Step) if field.name != "does"}
"""Keys of a table besides ``pass`` and the pass's own."""


def read_chain(path: Path) -> Preset:
    """The chain that a file states; SettingsError says what is wrong in it, where, and what is allowed."""
    try:
        stated = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise SettingsError(f"{path}: is no TOML ({error})") from error
    of_preset = {name: value for name, value in stated.items() if name not in TABLES}
    values = _checked(of_preset, OF_PRESET, f"{path}: the chain", also=TABLES)
    steps = {table: _steps(stated.get(table, []), table, path) for table in TABLES}
    names: set[str] = set()
    for step in steps["recording"] + steps["damage"]:
        if step.name in names:
            raise SettingsError(f"{path}: two steps are called {step.name!r}; give each a name of its own")
        names.add(step.name)
    return Preset(**({"description": path.stem} | values), recording=steps["recording"], damage=steps["damage"])


def chain_text(preset: Preset) -> str:
    """The chain as TOML; ``read_chain`` gives the same preset back."""
    blocks = [_lines({name: getattr(preset, name) for name in OF_PRESET})]
    for table in TABLES:
        for step in getattr(preset, table):
            values = {"pass": pass_name(type(step.does))} | {name: getattr(step, name) for name in OF_STEP}
            own = {key: getattr(step.does, name) for name, key in _keys(type(step.does)).items()}
            blocks.append(f"[[{table}]]\n" + _lines(values | own))
    return "\n\n".join(blocks) + "\n"


def _steps(tables: object, table: str, path: Path) -> tuple[Step, ...]:
    if not isinstance(tables, list) or not all(isinstance(entry, dict) for entry in tables):
        raise SettingsError(f"{path}: {table} must be tables, each under a line [[{table}]]")
    return tuple(_step(entry, f"{path}: [[{table}]] {number}") for number, entry in enumerate(tables, 1))


def _step(entry: Mapping[str, object], where: str) -> Step:
    called = entry.get("pass")
    if not isinstance(called, str) or called not in PASSES:
        found = "has no pass" if called is None else f"there is no pass {called!r}"
        raise SettingsError(f"{where}: {found}; allowed: {', '.join(PASSES)}")
    does = PASSES[called]
    hints, keys = typing.get_type_hints(does), _keys(does)
    own = {key: hints[name] for name, key in keys.items()}
    values = _checked(entry, {"pass": str} | OF_STEP | own, f"{where} ({called})")
    try:
        act = does(**{name: values[key] for name, key in keys.items() if key in values})
    except (ValueError, SettingsError) as error:
        raise SettingsError(f"{where} ({called}): {error}") from error
    return Step(does=act, **({"name": called} | {name: values[name] for name in OF_STEP if name in values}))


def _keys(does: type[Pass]) -> dict[str, str]:
    """The pass's parameters, and the key of each in a table."""
    return {field.name: f"pass_{field.name}" if field.name in OF_STEP else field.name for field in fields(does)}


def _checked(
    stated: Mapping[str, object], kinds: Mapping[str, Any], where: str, also: Sequence[str] = ()
) -> dict[str, Any]:
    """The values, each of its kind and within its limits; other names than those of ``kinds`` are refused."""
    for name in stated:
        if name not in kinds:
            raise SettingsError(f"{where}: there is no {name!r}; allowed: {', '.join((*kinds, *also))}")
    return {name: _value(name, value, kinds[name], where) for name, value in stated.items()}


def _value(name: str, value: object, kind: Any, where: str) -> Scalar:
    where = f"{where}: {name}"
    if issubclass(kind, StrEnum):
        if value not in list(kind):
            raise SettingsError(f"{where} = {value!r}; allowed: {', '.join(kind)}")
        chosen: StrEnum = kind(value)
        return chosen
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        words = {float: "a number", int: "a whole number", bool: "true or false", str: "text in quotes"}
        raise SettingsError(f"{where} = {value!r}; allowed: {words[kind]}")
    low, high = LIMITS.get(name, (-inf, inf))
    if isinstance(value, float) and not (isfinite(value) and low <= value <= high):
        allowed = "a finite number" if low == -inf else f"{low:g} or more" if high == inf else f"{low:g} to {high:g}"
        raise SettingsError(f"{where} = {value!r}; allowed: {allowed}")
    return typing.cast(Scalar, value)


def _lines(values: Mapping[str, Scalar]) -> str:
    return "\n".join(f"{name} = {_scalar(value)}" for name, value in values.items())


def _scalar(value: Scalar) -> str:
    """As TOML has it, which is as JSON has it but for DEL."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("\x7f", "\\u007f")
