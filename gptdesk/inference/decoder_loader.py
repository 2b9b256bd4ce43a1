"""Loads the compiled CPU decoder, or has another process compile it."""

from __future__ import annotations

import logging
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from gptdesk.inference.cpu.compile_process import compile_elsewhere
from gptdesk.inference.cpu.compiling import CompiledStep, find_step
from gptdesk.inference.decoder import Decoder, DecoderFuture, ready

if TYPE_CHECKING:
    from gptdesk.inference.cpu.decoder import CPUDecoder
    from gptdesk.inference.cpu.weights import Weights

log = logging.getLogger(__name__)


class DecoderLoader:
    """Looks for compiled code in the background while the model is loaded.

    Args:
        threads: to decode with.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        looking = ThreadPoolExecutor(1, thread_name_prefix="find compiled code")
        self._found = looking.submit(self._find)
        looking.shutdown(wait=False)

    def decoder(self, weights: Weights) -> DecoderFuture:
        """The decoder of these weights: ready where the step was compiled before; else the future of one.

        So only the very first start decodes with the network in NumPy until the code is compiled.
        """
        step = self._found.result()
        if step is not None:
            return ready(self._make(weights, step))
        future: DecoderFuture = Future()
        # Weak, because the future of the compiled code keeps its callbacks, and the process keeps that future.
        wanted, promised = weakref.ref(weights), weakref.ref(future)
        compile_elsewhere().add_done_callback(lambda compiled: self._fulfil(promised(), wanted(), compiled))
        return future

    def _find(self) -> CompiledStep | None:
        try:
            return find_step()
        except Exception:  # an incomplete installation may raise anything; compiling reports it
            return None

    def _fulfil(self, future: DecoderFuture | None, weights: Weights | None, compiled: Future[CompiledStep]) -> None:
        if future is not None:
            future.set_result(self._take(weights, compiled))

    def _take(self, weights: Weights | None, compiled: Future[CompiledStep]) -> Decoder | None:
        """The decoder, or ``None`` where compiling failed or the model was unloaded meanwhile."""
        try:
            return None if weights is None else self._make(weights, compiled.result())
        except Exception as error:
            log.warning("The decode step cannot be compiled, so NumPy decodes, which is slower: %s", error)
            return None

    def _make(self, weights: Weights, step: CompiledStep) -> CPUDecoder:
        from gptdesk.inference.cpu.decoder import CPUDecoder

        return CPUDecoder(weights, step, threads=self._threads)
