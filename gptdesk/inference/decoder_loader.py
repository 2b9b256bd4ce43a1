"""Loads the compiled CPU decoder, or has another process compile it."""

from __future__ import annotations

import logging
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import torch

from gptdesk.gpt2.model import GPT2
from gptdesk.inference.cpu.compile_process import compile_elsewhere
from gptdesk.inference.cpu.compiling import CompiledStep, find_step
from gptdesk.inference.decoder import Decoder, DecoderFuture, ready

if TYPE_CHECKING:
    from gptdesk.inference.cpu.decoder import CPUDecoder

log = logging.getLogger(__name__)


class DecoderLoader:
    """Looks for compiled code in the background while the model is loaded.

    Args:
        threads: to decode with; not given: as many as torch uses.
    """

    def __init__(self, threads: int | None) -> None:
        self._threads = threads or torch.get_num_threads()
        looking = ThreadPoolExecutor(1, thread_name_prefix="find compiled code")
        self._found = looking.submit(self._find)
        looking.shutdown(wait=False)

    def decoder(self, model: GPT2) -> DecoderFuture:
        """The decoder of ``model``: ready where the step was compiled before; else the future of one.

        So only the very first start decodes with torch until the code is compiled.
        """
        step = self._found.result()
        if step is not None:
            return ready(self._make(model, step))
        future: DecoderFuture = Future()
        # Weak, because the future of the compiled code keeps its callbacks, and the process keeps that future.
        wanted, promised = weakref.ref(model), weakref.ref(future)
        compile_elsewhere().add_done_callback(lambda compiled: self._fulfil(promised(), wanted(), compiled))
        return future

    def _find(self) -> CompiledStep | None:
        try:
            return find_step()
        except Exception:  # an incomplete installation may raise anything; compiling reports it
            return None

    def _fulfil(self, future: DecoderFuture | None, model: GPT2 | None, compiled: Future[CompiledStep]) -> None:
        if future is not None:
            future.set_result(self._take(model, compiled))

    def _take(self, model: GPT2 | None, compiled: Future[CompiledStep]) -> Decoder | None:
        """The decoder, or ``None`` where compiling failed or the model was unloaded meanwhile."""
        try:
            return None if model is None else self._make(model, compiled.result())
        except Exception as error:
            log.warning("The decode step cannot be compiled, so torch decodes: %s", error)
            return None

    def _make(self, model: GPT2, step: CompiledStep) -> CPUDecoder:
        from gptdesk.inference.cpu.decoder import CPUDecoder

        return CPUDecoder(model, step, threads=self._threads)
