"""Loads a model for inference: chooses device and precision, quantises, starts the decoder, and checks the device."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from gptdesk.devices import choose_device, choose_precision, choose_quantization, is_out_of_memory
from gptdesk.errors import UserError
from gptdesk.gpt2.checkpoint import load_model
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.cpu.compiling import can_compile
from gptdesk.inference.cpu.linear import for_inference
from gptdesk.inference.cpu.quantized_files import load_quantized
from gptdesk.inference.cuda.decoder import DeviceDecoder
from gptdesk.inference.decoder import DecoderFuture, ready
from gptdesk.inference.decoder_loader import DecoderLoader
from gptdesk.inference.parity import CHECKED_DEVICES, computes_correctly

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]


class Loaded(NamedTuple):
    """A model on its device, and the future of its decoder, ``None`` where the network decodes."""

    model: GPT2
    decoder: DecoderFuture | None


def load_for_inference(
    folder: Path,
    *,
    device: str,
    precision: str,
    threads: int | None,
    keep: Path | None,
    progress: Progress | None,
) -> Loaded:
    """Loads the model in ``folder``; arguments and errors as for `Engine.load`."""
    load_on = partial(_load_on, folder=folder, precision=precision, threads=threads, keep=keep, progress=progress)
    chosen = choose_device(device)
    with memory_errors_explained():
        loaded = load_on(chosen)
        if chosen.type not in CHECKED_DEVICES or computes_correctly(loaded.model):
            return loaded
        if device != "auto":
            raise UserError(f"The device {device!r} computes wrong values here: choose the device cpu.")
        log.warning("The device %s computes wrong values here, so the CPU is used.", chosen)
        del loaded
        return load_on(torch.device("cpu"))


def _load_on(
    device: torch.device,
    *,
    folder: Path,
    precision: str,
    threads: int | None,
    keep: Path | None,
    progress: Progress | None,
) -> Loaded:
    """Loads the model, and starts or finds the decoder of that device."""
    dtype = choose_precision(precision, device)
    compiled = device.type == "cpu" and precision != "float16" and can_compile()
    loader = DecoderLoader(threads) if compiled else None  # looks for compiled code meanwhile
    if quantization := choose_quantization(precision, device):
        model = load_quantized(folder, quantization, keep=keep, progress=progress)
    else:
        model = load_model(folder, dtype=dtype, device=device, progress=progress)
        if device.type == "cpu":
            for_inference(model)
    if device.type == "cuda":
        return Loaded(model, ready(DeviceDecoder.for_device(model)))
    return Loaded(model, loader.decoder(model) if loader else None)


@contextmanager
def memory_errors_explained() -> Iterator[None]:
    """Turns the many errors that say that memory is full into a `UserError`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(
            "There is not enough memory: close other programs, or choose a smaller model or fewer completions at once."
        ) from error
