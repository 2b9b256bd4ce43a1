"""Decoder protocol; loads the compiled CPU decoder, or has another process compile it."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, TypeAlias

import torch
from torch import Tensor

from gptdesk.gpt2.compile_process import compile_elsewhere
from gptdesk.gpt2.compiling import Step, find_step
from gptdesk.gpt2.model import GPT2, KVCache

if TYPE_CHECKING:
    from gptdesk.gpt2.cpu_decoder import CPUDecoder

log = logging.getLogger(__name__)


class Decoder(Protocol):
    """Continues texts whose beginnings the network has read into caches: `CPUDecoder` or `DeviceDecoder`.

    The same tokens after the same cache give the same logits bit for bit.

    Attributes:
        precision: of the weights, and what computes with them if it is not torch: "int8 (numba)".
        most_together: tokens that `steps` reads at most, and at little more cost than one.
    """

    @property
    def precision(self) -> str: ...

    @property
    def most_together(self) -> int: ...

    def steps(self, texts: Sequence[tuple[KVCache, Sequence[int]]]) -> list[Tensor]:
        """Reads some tokens after those of each of several texts (of batch size 1), and adds them.

        Returns for each text the logits after each of its tokens, (T, V) float32, on the device that computed them.
        """
        ...


ComingDecoder: TypeAlias = "Future[Decoder | None]"
"""A decoder that is there or being made; ``None`` where that failed, so that torch goes on serving."""


def made(decoder: Decoder) -> ComingDecoder:
    """A decoder that is there already."""
    ready: ComingDecoder = Future()
    ready.set_result(decoder)
    return ready


class DecoderLoading:
    """Looks for a CPU's compiled step while the model is being read.

    Args:
        threads: to decode with; as many as torch uses when not given.
    """

    def __init__(self, threads: int | None) -> None:
        self._threads = threads or torch.get_num_threads()
        looking = ThreadPoolExecutor(1, thread_name_prefix="find compiled code")
        self._found = looking.submit(self._find)
        looking.shutdown(wait=False)

    def decoder(self, model: GPT2) -> ComingDecoder:
        """The decoder of ``model``.

        It is there where the step had been compiled before: only the very first start leaves it to the moment which of
        torch and Numba writes.
        """
        step = self._found.result()
        if step is not None:
            return made(self._make(model, step))
        coming: ComingDecoder = Future()
        wanted = weakref.ref(model)
        compile_elsewhere().add_done_callback(lambda compiled: coming.set_result(self._take(wanted(), compiled)))
        return coming

    def _find(self) -> Step | None:
        try:
            return find_step()
        except Exception:  # half an installation raises whatever it likes; compiling will tell
            return None

    def _take(self, model: GPT2 | None, compiled: Future[Step]) -> Decoder | None:
        """The decoder, now that the step is compiled; None where that failed or another model was loaded meanwhile."""
        try:
            return None if model is None else self._make(model, compiled.result())
        except Exception as error:
            log.warning("The decode step cannot be compiled, so torch decodes: %s", error)
            return None

    def _make(self, model: GPT2, step: Step) -> CPUDecoder:
        from gptdesk.gpt2.cpu_decoder import CPUDecoder

        return CPUDecoder(model, step, threads=self._threads)
