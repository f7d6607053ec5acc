"""Which device, and which precision on it."""

from __future__ import annotations

import logging
import platform
from functools import cache

import torch

from vocalsep.errors import DeviceError, OptionError

log = logging.getLogger("vocalsep")

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; ``auto`` takes CUDA where there is one, then MPS, then the CPU.

    Args:
        name: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    Raises:
        OptionError: no such kind of device.
        DeviceError: this machine, or this build of PyTorch, has no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise OptionError(f"unknown device '{name}'", "Choose auto, cpu, cuda, cuda:N or mps.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        build = "is" if torch.version.cuda else "is not"
        raise DeviceError(
            f"no CUDA device {device.index or 0} here: PyTorch {torch.__version__} {build} built for CUDA "
            f"and sees {torch.cuda.device_count()} of them",
            "Use device=cpu, or see `vocalsep doctor`.",
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("no MPS device here", "Use device=cpu, or see `vocalsep doctor`.")
    return device


def choose_precision(precision: str, device: torch.device) -> torch.dtype:
    """The type the network computes in; ``auto`` takes the fastest that the device runs natively.

    Raises:
        OptionError: no such precision.
    """
    if precision == "auto":
        return torch.bfloat16 if _has_native_bfloat16(device) else torch.float32
    if precision not in _DTYPES:
        raise OptionError(f"unknown precision '{precision}'", f"Choose auto, {', '.join(_DTYPES)}.")
    dtype = _DTYPES[precision]
    if device.type == "cpu" and dtype == torch.bfloat16 and not _has_native_bfloat16(device):
        _warn_of_slow_bfloat16()
    return dtype


@cache
def _warn_of_slow_bfloat16() -> None:
    # of processors other than x86 it is not known
    if platform.machine().lower() in ("x86_64", "amd64"):
        log.warning("this processor has no instructions for bf16: it may be many times slower than fp32")


def _has_native_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # PyTorch computes bfloat16 on every CPU, and slower than float32 where the processor has no instructions for
    # it. These two questions have no public name in all supported versions.
    return any(
        bool(getattr(torch.cpu, question, lambda: False)())
        for question in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
