"""The interface of a decoder, which computes the decode steps instead of the network, and the future of one."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from gptdesk.inference.cpu.prompt.prompt_reader import PromptReader


class Decoder(Protocol):
    """Decodes after prompts that the network has read into key-value caches: `CPUDecoder` or `DeviceDecoder`.

    The same tokens after the same cache give the same logits bit for bit.

    Attributes:
        precision: of the weights, such as "int8".
        backend: what computes: "torch" or "numba".
        max_batch: most tokens that one call of `steps` reads; so many cost little more than one.
        reader: reads prompts; ``None``: the network does.
    """

    @property
    def precision(self) -> str: ...

    @property
    def backend(self) -> str: ...

    @property
    def max_batch(self) -> int: ...

    @property
    def reader(self) -> PromptReader | None: ...

    def steps(self, texts: Sequence[tuple[Any, Sequence[int]]]) -> Sequence[Any]:
        """Appends tokens to each of several texts: a cache of its network, and T new ids.

        Returns for each text the logits after each of its new tokens, (T, V) float32: arrays, or tensors on
        the device that computed them.
        """
        ...


DecoderFuture: TypeAlias = "Future[Decoder | None]"
"""A decoder that is ready or being compiled. Its result is ``None`` where that failed: the network decodes then."""


def ready(decoder: Decoder) -> DecoderFuture:
    """A future that is done."""
    future: DecoderFuture = Future()
    future.set_result(decoder)
    return future
