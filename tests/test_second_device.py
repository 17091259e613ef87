"""Nothing mixes devices: simulator and networks give on a second device what they give on the first."""

from collections.abc import Iterator
from dataclasses import fields, replace
from enum import StrEnum
from typing import TypeVar

import pytest
import torch
from second_device import ELSEWHERE, Distant, SecondDevice
from test_passes import picture_of

from tapemend.degrade import PRESETS, Preset, Standard, Step, degrade
from tapemend.degrade.passes import Pass
from tapemend.degrade.passes.registry import PASSES
from tapemend.network.damage import DamageConfig, DamageNetwork
from tapemend.network.restoration import RestorationConfig, RestorationNetwork

Network = TypeVar("Network", bound=torch.nn.Module)


def with_other_settings(does: Pass) -> Iterator[tuple[str, Pass]]:
    """The pass as it is, and with each choice of its settings made otherwise: other settings are other code."""
    yield "as it is", does
    for field in fields(does):
        value = getattr(does, field.name)
        if isinstance(value, bool):
            yield field.name, replace(does, **{field.name: not value})
        elif isinstance(value, StrEnum):
            yield from ((choice, replace(does, **{field.name: choice})) for choice in type(value) if choice != value)
        elif value == 0.0:
            yield field.name, replace(does, **{field.name: type(value)(1)})


def tape_of(does: Pass, standard: Standard = Standard.PAL) -> Preset:
    return Preset(description="", standard=standard, damaged_share=1.0, damage=(Step(does=does, name="step"),))


TAPES = (
    PRESETS
    | {f"{name}, {how}": tape_of(does) for name, make in PASSES.items() for how, does in with_other_settings(make())}
    | {f"{name}, ntsc": tape_of(make(), Standard.NTSC) for name, make in PASSES.items()}
    | {
        f"{name}, {step.name}": tape_of(step.does, one.standard)
        for name, one in PRESETS.items()
        for step in one.recording + one.damage
    }
)


@pytest.fixture
def second() -> Iterator[SecondDevice]:
    with torch.no_grad(), SecondDevice() as mode:
        yield mode


def test_tensors_of_two_devices_do_not_mix(second: SecondDevice) -> None:
    here, there = torch.ones(3), torch.ones(3).to(ELSEWHERE)
    assert isinstance(there, Distant)
    assert there.device == ELSEWHERE
    assert (there + torch.tensor(1.0)).cpu().tolist() == [2, 2, 2]
    assert torch.zeros(3, device=ELSEWHERE).add(there).sum().item() == 3
    for mix in (lambda: here + there, lambda: torch.cat([here, there]), lambda: here[there.long()]):
        with pytest.raises(RuntimeError, match="two devices"):
            mix()


@pytest.mark.parametrize("tape", TAPES)
def test_a_tape_is_the_same_there(second: SecondDevice, tape: str) -> None:
    picture = picture_of(3, 48, 96)
    here = degrade(picture, range(5, 8), TAPES[tape], seed=3)
    there = degrade(picture.to(ELSEWHERE), range(5, 8), TAPES[tape], seed=3)
    for name in ("picture", "clean", "change", "shift"):
        value = getattr(there, name)
        assert isinstance(value, Distant), name
        assert torch.equal(value.cpu(), getattr(here, name)), name


def test_the_scorer_is_the_same_there(second: SecondDevice) -> None:
    torch.manual_seed(0)
    network, clip = DamageNetwork(DamageConfig()).eval(), torch.rand(1, 4, 3, 32, 64)
    here = network(clip)
    assert torch.equal(moved(network)(clip.to(ELSEWHERE)).cpu(), here)


def test_the_restorer_is_the_same_there(second: SecondDevice) -> None:
    torch.manual_seed(0)
    network = RestorationNetwork(RestorationConfig(widths=(8, 8, 12, 16))).eval()
    network.head.weight.data.normal_()
    window, references, lendable = (
        torch.rand(1, 4, 3, 64, 64),
        torch.rand(1, 2, 3, 64, 64),
        torch.ones(1, 2, 64, 64) > 0,
    )
    here = network.change(network.see(window, [1, 2], references, lendable))
    window, references, lendable = (each.to(ELSEWHERE) for each in (window, references, lendable))
    network = moved(network)
    there = network.change(network.see(window, [1, 2], references, lendable))
    assert here.any()
    torch.testing.assert_close(there.cpu(), here, atol=1e-3, rtol=1e-3)


def moved(network: Network) -> Network:
    for module in network.modules():
        for name, parameter in list(module._parameters.items()):
            if parameter is not None:
                module._parameters[name] = parameter.to(ELSEWHERE)  # type: ignore[assignment]
        for name, buffer in list(module._buffers.items()):
            if buffer is not None:
                module._buffers[name] = buffer.to(ELSEWHERE)
    return network
