"""Loads a model for inference: on a CPU with what Numba compiles, elsewhere with torch, which is imported then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gptdesk.devices import choose_cpu_precision, computes_on_cpu, is_out_of_memory, threads_by_default
from gptdesk.errors import UserError
from gptdesk.inference.cpu.compiling import can_compile
from gptdesk.inference.cpu.in_numpy.network import CPUNetwork
from gptdesk.inference.cpu.quantized_files import load_weights
from gptdesk.inference.decoder import DecoderFuture
from gptdesk.inference.decoder_loader import DecoderLoader
from gptdesk.inference.network import Network

Progress = Callable[[int, int], None]


class Loaded(NamedTuple):
    """A model on its device, and the future of its decoder, ``None`` where the network decodes."""

    network: Network
    decoder: DecoderFuture | None


def needs_torch(device: str, precision: str) -> bool:
    """Whether torch has to be imported, to compute with it or to ask it for a GPU; names as for `Engine.load`."""
    return not can_compile() or precision == "float16" or not computes_on_cpu(device)


def load_for_inference(
    folder: Path,
    *,
    device: str,
    precision: str,
    threads: int | None,
    keep: Path | None,
    progress: Progress | None,
) -> Loaded:
    """Loads the model in ``folder``, without torch on a CPU with Numba; arguments and errors as for `Engine.load`."""
    with memory_errors_explained():
        if not needs_torch(device, precision):
            return _load_on_cpu(folder, precision=precision, threads=threads, keep=keep, progress=progress)
        from gptdesk.inference.torch_loading import load_by_torch

        found = load_by_torch(folder, device=device, precision=precision, keep=keep, progress=progress)
        if found is None:  # the device is a CPU after all
            return _load_on_cpu(folder, precision=precision, threads=threads, keep=keep, progress=progress)
        return Loaded(*found)


def _load_on_cpu(
    folder: Path, *, precision: str, threads: int | None, keep: Path | None, progress: Progress | None
) -> Loaded:
    """Loads the model, and starts or finds its compiled decoder."""
    chosen = choose_cpu_precision(precision)
    loader = DecoderLoader(threads or threads_by_default())  # looks for compiled code meanwhile
    weights = load_weights(folder, chosen, keep=keep, progress=progress)
    return Loaded(CPUNetwork(weights), loader.decoder(weights))


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
