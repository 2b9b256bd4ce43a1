"""The computer's capabilities for training: device, precision, compiler, peak FLOP/s, memory."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import time
from typing import Final

import torch

from gptdesk.child_process import is_frozen
from gptdesk.devices import choose_device
from gptdesk.errors import UserError
from gptdesk.system_memory import free_memory, resident_memory
from trainer.config.schema import RunSection

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # parameters of glibc's mallopt(3)


def reuse_freed_memory() -> None:
    """Lets glibc keep what is freed instead of handing it back to the system after every step.

    A training step on a CPU allocates and frees gigabytes of logits; faulting those pages in again each time costs
    about a tenth of the step. Elsewhere than on Linux with glibc this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_M_TOP_PAD, 2**28)


def training_device(run: RunSection) -> torch.device:
    """The device to train on, and the number of CPU threads set.

    Raises:
        UserError: when the device that was asked for is not there.
    """
    torch.set_num_threads(run.threads or os.cpu_count() or 1)
    device = choose_device(run.device)
    if device.type == "cpu":
        reuse_freed_memory()
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32 for what autocast leaves in float32
    return device


PRECISIONS: Final = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""Types of the matrix products by the setting ``run.precision``."""


def training_precision(run: RunSection, device: torch.device) -> torch.dtype:
    """Type of the matrix products: bfloat16 where it is faster than float32, else float16 (CUDA) or float32.

    A processor with instructions for it may still take longer: one Intel without AMX took twice the time of float32.

    Raises:
        UserError: when one was asked for that cannot train on this device.
    """
    if run.precision != "auto":
        dtype = PRECISIONS[run.precision]
        if dtype == torch.float16 and device.type != "cuda":
            raise UserError("float16 trains on CUDA only; choose bfloat16 or float32.")
        return dtype
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and torch.cpu._is_amx_tile_supported():
        return torch.bfloat16
    if device.type == "cpu" and torch.cpu._is_avx512_bf16_supported():
        in_half, in_full = (measured_flops(device, dtype) for dtype in (torch.bfloat16, torch.float32))
        return torch.bfloat16 if in_half > in_full else torch.float32
    return torch.float32


def compiler_found(device: torch.device) -> bool:
    """Whether torch.compile can make code for this device: a C++ compiler for a CPU, Triton for CUDA; never on MPS.

    A frozen program lacks the headers of torch and Python that the code is compiled with.
    """
    if is_frozen():
        return False
    if device.type == "cpu":
        return any(shutil.which(name) for name in ("g++", "clang++", "c++", "cl"))
    if device.type == "cuda":
        from torch.utils._triton import has_triton

        return bool(has_triton())
    return False


def use_compile(run: RunSection, device: torch.device) -> bool:
    """Whether to compile the training step.

    Raises:
        UserError: when compiling was asked for and cannot be done.
    """
    if run.compile == "off":
        return False
    found = compiler_found(device)
    if run.compile != "auto" and not found:
        advice = "use gptdesk's Python package" if is_frozen() else "install one"
        raise UserError(
            f"run.compile is {run.compile}, but no compiler for this device was found; {advice}, or set run.compile to "
            "auto."
        )
    return found


COMPILE_MODES: Final = {"reduce-overhead": "reduce-overhead", "max-autotune": "max-autotune-no-cudagraphs"}
"""Modes of torch.compile by the setting ``run.compile``; other settings take its default."""


def replays_graphs(run: RunSection, device: torch.device) -> bool:
    """Whether the training step is replayed as CUDA graphs, whose gradients are gone with the next replay."""
    return device.type == "cuda" and run.compile == "reduce-overhead"


# Dense peak at 16 bits in FLOP/s, without sparsity, from NVIDIA's data sheets; the first name that fits counts.
_PEAK_FLOPS: Final = (
    ("H200", 989e12),
    ("H100 NVL", 835e12),
    ("H100 PCIe", 756e12),
    ("H100", 989e12),
    ("A100", 312e12),
    ("L40S", 362e12),
    ("L4", 121e12),
    ("RTX 4090", 165e12),
    ("RTX 3090", 71e12),
)


def peak_flops(device: torch.device, precision: torch.dtype) -> float:
    """Peak FLOP/s of the device at 16 bits, from its data sheet; 0 where unknown, as for CPUs."""
    if device.type != "cuda" or precision == torch.float32:
        return 0.0
    name = torch.cuda.get_device_name(device)
    return next((peak for part, peak in _PEAK_FLOPS if part in name), 0.0)


def peak_memory(device: torch.device) -> int:
    """The most memory taken so far, in bytes: the GPU's, or the process's on a CPU; 0 where unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class Load:
    """Measures how busy the training keeps this computer, from one call of `look` to the next.

    Args:
        device: that is trained on.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._asks_gpu = device.type == "cuda"
        self._wall, self._processor = time.perf_counter(), time.process_time()
        self._processors = os.cpu_count() or 1

    def look(self) -> dict[str, float]:
        """Values of ``cpu``, ``gpu`` and ``ram`` since the last call (`gptdesk.metrics`); unknown ones are left out."""
        wall, processor = time.perf_counter(), time.process_time()
        passed, used = wall - self._wall, processor - self._processor
        found: dict[str, float] = {}
        if passed > 0:
            self._wall, self._processor = wall, processor
            found["cpu"] = round(min(1.0, used / passed / self._processors), 4)
        if self._device.type == "cuda":
            found |= self._gpu_load()
            if ram := resident_memory():
                found["ram"] = ram
        return found

    def _gpu_load(self) -> dict[str, float]:
        """Empty where NVML is not there or does not answer; then it is not asked again."""
        if self._asks_gpu:
            try:
                return {"gpu": round(torch.cuda.utilization(self._device) / 100, 2)}
            except Exception:  # of several packages' own kinds; no figure is worth ending a run for
                self._asks_gpu = False
        return {}


def available_memory(device: torch.device) -> int | None:
    """Memory that can still be taken on the device, in bytes; ``None`` where unknown."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else free_memory()


def measured_flops(device: torch.device, precision: torch.dtype) -> float:
    """FLOP/s of a large matrix product on this device: the best of a few, in about half a second."""
    size = 8192 if device.type == "cuda" else 1024
    a = torch.ones(size, size, dtype=precision, device=device)
    best = 0.0
    for _ in range(8):
        began = time.perf_counter()
        product = a @ a
        product[0, 0].item()  # waits for the device
        best = max(best, 2 * size**3 / (time.perf_counter() - began))
    return best
