"""Which device computes, and in which precision; chosen once and reported."""

import torch

from tapemend.errors import SettingsError
from tapemend.settings import Precision


def choose_device(name: str) -> torch.device:
    """The device of that name; auto takes the GPU where there is one. SettingsError where there is no such device."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SettingsError(f"--device {name}: not usable here ({str(error).splitlines()[0]}); take cpu") from error
    return device


def choose_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """The arithmetic to use; auto takes bfloat16 where the device multiplies it faster than float32."""
    if precision is not Precision.AUTO:
        return torch.bfloat16 if precision is Precision.BFLOAT16 else torch.float32
    fast = device.type == "cuda" or (device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return torch.bfloat16 if fast else torch.float32
