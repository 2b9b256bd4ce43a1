"""Loads a model for inference with torch: onto CUDA or MPS, or onto a CPU without Numba; checks the device."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from gptdesk.devices import choose_device, choose_precision, choose_quantization
from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.cpu.compiling import can_compile
from gptdesk.inference.cuda.decoder import DeviceDecoder
from gptdesk.inference.decoder import DecoderFuture, ready
from gptdesk.inference.in_torch.linear import use_faster_products
from gptdesk.inference.in_torch.network import TorchNetwork
from gptdesk.inference.in_torch.parity import CHECKED_DEVICES, computes_correctly
from gptdesk.inference.in_torch.shared_weights import load_quantized

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]


def load_by_torch(
    folder: Path, *, device: str, precision: str, keep: Path | None, progress: Progress | None
) -> tuple[TorchNetwork, DecoderFuture | None] | None:
    """Loads the model in ``folder``; arguments and errors as for `Engine.load`.

    Returns:
        The network, and the future of its decoder, ``None`` where the network decodes; ``None`` for both where the
        device is a CPU that does without torch.
    """
    chosen = choose_device(device)
    if chosen.type == "cpu" and precision != "float16" and can_compile():
        return None
    load_on = partial(_load_on, folder=folder, precision=precision, keep=keep, progress=progress)
    model = load_on(chosen)
    if chosen.type in CHECKED_DEVICES and not computes_correctly(model):
        if device != "auto":
            raise UserError(f"The device {device!r} computes wrong values here: choose the device cpu.")
        log.warning("The device %s computes wrong values here, so the CPU is used.", chosen)
        del model
        if precision != "float16" and can_compile():
            return None
        model = load_on(torch.device("cpu"))
    decoder = ready(DeviceDecoder.for_device(model)) if chosen.type == "cuda" else None
    return TorchNetwork(model), decoder


def _load_on(
    device: torch.device, *, folder: Path, precision: str, keep: Path | None, progress: Progress | None
) -> GPT2:
    dtype = choose_precision(precision, device)
    if quantization := choose_quantization(precision, device):
        return load_quantized(folder, quantization, keep=keep, progress=progress)
    model = load_model(folder, dtype=dtype, device=device, progress=progress)
    if device.type == "cpu":
        use_faster_products(model)
    return model
