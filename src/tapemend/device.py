"""Which device computes, and in which precision; chosen once and reported."""

import torch

from tapemend.errors import SettingsError
from tapemend.settings import Precision


def choose_device(name: str) -> torch.device:
    """The device of that name; auto takes the GPU where there is one. SettingsError where there is no such device."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.partition(":")[0] not in ("cpu", "cuda"):
        raise SettingsError(f"--device {name}: must be auto, cpu or cuda")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SettingsError(f"--device {name}: not usable here ({str(error).splitlines()[0]}); take cpu") from error
    return device


def choose_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """The arithmetic to use; auto takes bfloat16 where the device multiplies it faster than float32."""
    if precision is Precision.AUTO:
        return torch.bfloat16 if _multiplies_bfloat16(device) else torch.float32
    return torch.bfloat16 if precision is Precision.BFLOAT16 else torch.float32


def arithmetic(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Context in which networks of float32 weights compute in that precision."""
    return torch.autocast(device.type, precision, enabled=precision != torch.float32)


def _multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for it; where it has none, PyTorch converts, and that is slower."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
