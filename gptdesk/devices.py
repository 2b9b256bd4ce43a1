"""Choice of device, precision and number of threads. Imports torch inside its functions only."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from gptdesk.errors import UserError

if TYPE_CHECKING:
    import torch

DEVICES: Final = ("auto", "cpu", "cuda", "mps")
"""Devices that the user may choose; ``cuda:1`` and so on name one of several cards."""

QUANTIZED: Final = ("int8", "int4")
"""Precisions of quantised weights, for inference on a CPU only."""

PERPLEXITY_LOSS: Final = {"int8": 0.0007, "int4": 0.009}
"""Relative rise of the bundled model's perplexity by quantisation (benchmarks/RESULTS.md)."""

PRECISIONS: Final = ("auto", "float32", "bfloat16", "float16", *QUANTIZED)
"""Precisions that the user may choose for inference."""

TORCH_PRECISIONS: Final = ("auto", "float32", "bfloat16", "float16")
"""Precisions of the network in torch, which evaluates and trains."""

MOST_THREADS: Final = 1024
"""More than the cores of any computer, and few enough to be started by mistake."""


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" is the first available of CUDA, MPS and CPU.

    Raises:
        UserError: when there is no such device in this machine or this build of torch.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu")
    match = re.fullmatch(r"(cpu|mps|cuda)(?::(\d{1,4}))?", name)
    if match is None or (match[2] and match[1] != "cuda"):
        raise UserError(f"There is no device called {name!r}; use one of {', '.join(DEVICES)}.")
    if match[1] == "cuda" and int(match[2] or 0) >= torch.cuda.device_count():
        raise UserError(f"The device {name!r} is not there: {_why_no_cuda()}; use cpu or auto.")
    if match[1] == "mps" and not _has_mps():
        raise UserError("The device 'mps' is not there: it needs a Mac with Apple silicon; use cpu or auto.")
    return torch.device(name)


def missing_devices() -> dict[str, str]:
    """The devices of `DEVICES` that this machine or this build of torch does not have, each with the reason."""
    missing = {}
    if not _has_cuda():
        missing["cuda"] = _why_no_cuda()
    if not _has_mps():
        missing["mps"] = "it needs a Mac with Apple silicon"
    return missing


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype of the network's weights; "auto" is the fastest on that device without visible loss.

    That is bfloat16 on CUDA (float16 on cards before Ampere, which only emulate bfloat16) and float32 elsewhere: on a
    CPU the 16-bit types save little time in plain torch, and on MPS they are less tested. Where
    `choose_quantization` names a precision, weights that are not quantised are float32.

    Raises:
        UserError: when there is no such precision, or not on that device.
    """
    import torch

    if name not in PRECISIONS:
        raise UserError(f"There is no precision called {name!r}; use one of {', '.join(PRECISIONS)}.")
    if name in QUANTIZED and device.type != "cpu":
        raise UserError(f"{name} is for the CPU; on {device.type} use bfloat16, float16 or auto.")
    if name in QUANTIZED or (name == "auto" and device.type != "cuda"):
        return torch.float32
    if name == "auto":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype


def choose_quantization(name: str, device: torch.device) -> str | None:
    """Quantisation of the weights for inference: "int8", "int4", or ``None`` for the dtype of `choose_precision`.

    "auto" is int8 on a CPU: the fastest without visible loss (benchmarks/RESULTS.md).

    Args:
        name: one of `PRECISIONS`.
        device: as `choose_device` gives it.
    """
    if name in QUANTIZED:
        return name
    return "int8" if name == "auto" and device.type == "cpu" else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that the memory of the computer or of a device is full."""
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(error, RuntimeError):
        return False
    # The CPU's allocator and MPS raise a plain RuntimeError.
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in words)


def set_thread_environment() -> None:
    """Keeps torch's threads from fighting over the cores; must run before torch is imported. What is set already stays.

    Threads of OpenMP wait for each other in a busy loop, so that with anything else running on the computer (our own
    window among it) they burn the time that the one they wait for needs: with two threads on two busy cores a small
    model fell from 190 to 6 tokens a second. When they sleep instead, two threads gave 1.4 to 1.5 times the speed of
    one there, so all physical cores are used.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ.setdefault("OMP_NUM_THREADS", str(physical_cores()))


def physical_cores() -> int:
    """Number of cores that this process may use; two hardware threads of one core count once where the system tells.

    A process that is bound to some hardware threads (taskset, a container) uses no more cores than those.
    """
    import psutil

    usable = os.cpu_count() or 1
    with suppress(AttributeError, psutil.Error, OSError):  # macOS binds no process to cores
        usable = len(psutil.Process().cpu_affinity() or ()) or usable
    try:
        cores = psutil.cpu_count(logical=False) or usable
    except (psutil.Error, OSError, LookupError, ValueError):  # a sandbox without /proc, say
        cores = usable
    return max(1, min(cores, usable))


def runtime_of(device: str) -> str:
    """Versions and kinds of processor on which the last bits of a result depend.

    Args:
        device: "cpu", "cuda:0" and so on, as torch names it.

    Returns:
        Such as "torch 2.13.0, NumPy 2.4.6, numba 0.62.1, AVX2" for the CPU, and "torch 2.13.0, NumPy 2.4.6, NVIDIA
        H200" for a GPU.
    """
    from importlib.metadata import PackageNotFoundError, version

    import torch

    parts = [f"torch {torch.__version__}", f"NumPy {version('numpy')}"]
    if device.startswith("cuda"):
        parts.append(torch.cuda.get_device_name(device))
    elif device == "cpu":
        with suppress(PackageNotFoundError):  # torch decodes there
            parts.append(f"numba {version('numba')}")
        parts.append(torch.backends.cpu.get_cpu_capability())
    return ", ".join(parts)


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _has_mps() -> bool:
    import torch

    return torch.backends.mps.is_available()


def _why_no_cuda() -> str:
    import torch

    if torch.version.cuda is None and torch.version.hip is None:
        return "this build of torch has no CUDA"
    count = torch.cuda.device_count()
    return "no usable NVIDIA card was found" if count == 0 else f"the cards are cuda:0 to cuda:{count - 1}"
