"""The protocol of what decodes tokens in the network's place, and the future of one."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Protocol, TypeAlias

from torch import Tensor

from gptdesk.gpt2.model import KVCache


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


DecoderFuture: TypeAlias = "Future[Decoder | None]"
"""A decoder that is ready or being compiled; ``None`` where that failed, so that torch goes on decoding."""


def ready(decoder: Decoder) -> DecoderFuture:
    """A future whose decoder is there already."""
    future: DecoderFuture = Future()
    future.set_result(decoder)
    return future
