"""What this computer can do for training: device, precision and compiler, chosen or as asked."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys

import torch

from gptdesk.gpt2.devices import choose_device
from gptdesk.gpt2.errors import UserError
from trainer.config import RunSection


_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # parameters of glibc's mallopt(3)


def reuse_freed_memory() -> None:
    """Lets glibc keep what is freed instead of handing it back to the system after every step.

    A training step on a CPU allocates and frees gigabytes of logits; faulting those pages in again each time costs about a
    tenth of the step. Elsewhere than on Linux with glibc this does nothing.
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
    return device


def training_precision(run: RunSection, device: torch.device) -> torch.dtype:
    """Type of the matrix products: bfloat16 where the processor multiplies it natively, else float16 (CUDA) or float32."""
    if run.precision != "auto":
        dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[run.precision]
        if dtype == torch.float16 and device.type != "cuda":
            raise UserError("float16 trains on CUDA only; choose bfloat16 or float32.")
        return dtype
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):
        return torch.bfloat16
    return torch.float32


def compiler_found(device: torch.device) -> bool:
    """Whether torch.compile can make code for this device: a C++ compiler for the CPU, Triton for CUDA; never on MPS."""
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
    if run.compile == "on" and not found:
        raise UserError("run.compile is on, but no compiler for this device was found; install one or set it to auto.")
    return found
