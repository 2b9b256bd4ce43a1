"""Choice of device, precision and number of threads. Imports torch inside its functions only."""

from __future__ import annotations

import os
import platform
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


def may_have_gpu() -> bool:
    """Whether torch has to be asked for a GPU: there is a driver, or a processor that has one. Does not load torch."""
    import ctypes

    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    libraries = ("nvcuda.dll",) if sys.platform == "win32" else ("libcuda.so.1", "libamdhip64.so")
    for library in libraries:
        with suppress(OSError):
            ctypes.CDLL(library)
            return True
    return os.path.exists("/dev/kfd")  # AMD's driver, whose library torch brings


def computes_on_cpu(name: str) -> bool:
    """Whether the device of that name is the CPU, as far as can be told without torch."""
    return name == "cpu" or (name == "auto" and not may_have_gpu())


def threads_by_default() -> int:
    """Threads that compute on a CPU unless told otherwise: torch's number, which `set_thread_environment` sets."""
    named = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(named) if named.isdecimal() and int(named) else physical_cores()


def missing_devices() -> dict[str, str]:
    """The devices of `DEVICES` that this machine or this build of torch does not have, each with the reason.

    Loads torch only where there may be a GPU.
    """
    if not may_have_gpu():
        return {"cuda": "no usable NVIDIA card was found", "mps": "it needs a Mac with Apple silicon"}
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

    check_precision(name)
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

    Args:
        name: one of `PRECISIONS`.
        device: as `choose_device` gives it.
    """
    if name in QUANTIZED:
        return name
    return choose_cpu_precision(name) if name == "auto" and device.type == "cpu" else None


def choose_cpu_precision(name: str) -> str:
    """The precision of the weights for inference on a CPU: "auto" is int8, the fastest without visible loss
    (benchmarks/RESULTS.md).

    Raises:
        UserError: when there is no such precision.
    """
    check_precision(name)
    return "int8" if name == "auto" else name


def check_precision(name: str) -> None:
    """Checks that there is such a precision.

    Raises:
        UserError: when there is none.
    """
    if name not in PRECISIONS:
        raise UserError(f"There is no precision called {name!r}; use one of {', '.join(PRECISIONS)}.")


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


_SHORTEST_SPIN: Final = "4"
"""Threads of NumPy's products wait for the next one awake for 2 to the power of this, in ticks of the processor, and
not for 2 to the power of 26, which is some 30 ms."""


def set_thread_environment() -> None:
    """Keeps threads of torch and NumPy from fighting over the cores; must run before either is imported. What is set
    already stays.

    Threads of OpenMP wait for each other in a busy loop, so that with anything else running on the computer (our own
    window among it) they burn the time that the one they wait for needs: with two threads on two busy cores a small
    model fell from 190 to 6 tokens a second. When they sleep instead, two threads gave 1.4 to 1.5 times the speed of
    one there, so all physical cores are used.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ.setdefault("OMP_NUM_THREADS", str(physical_cores()))
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", _SHORTEST_SPIN)


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


def runtime_of(device: str, backend: str) -> str:
    """Versions and kinds of processor on which the last bits of a result depend.

    Args:
        device: "cpu", "cuda:0" and so on, as torch names it.
        backend: of the network, "numpy" or "torch".

    Returns:
        Such as "NumPy 2.4.6, numba 0.62.1, znver4" for the CPU, and "torch 2.13.0, NumPy 2.4.6, NVIDIA H200" for a GPU.
    """
    from importlib.metadata import version

    numpy = f"NumPy {version('numpy')}"
    if backend != "torch":
        import llvmlite.binding

        return ", ".join([numpy, f"numba {version('numba')}", llvmlite.binding.get_host_cpu_name()])
    import torch

    parts = [f"torch {torch.__version__}", numpy]
    if device.startswith("cuda"):
        parts.append(torch.cuda.get_device_name(device))
    elif device == "cpu":
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
