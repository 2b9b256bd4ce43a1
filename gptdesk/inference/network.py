"""The interface of a network that reads tokens: in NumPy on a CPU, in torch elsewhere. Imports no torch by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.config import GPT2Config

Floats: TypeAlias = npt.NDArray[np.float32]

Hidden: TypeAlias = Any
"""The output of a network's last layer norm, (T, C): an array, or a tensor on the network's device. Only slices of it
are taken and set; everything else is the network's part."""


class Cache(Protocol):
    """A key-value cache of one text, see `CachedTokens`."""

    length: int
    cuts: int

    @property
    def capacity(self) -> int: ...

    def truncate(self, length: int) -> None: ...

    def copy(self) -> Any: ...


@runtime_checkable
class Network(Protocol):
    """Computes a model for some tokens at a time. For one thread.

    The same tokens, read in the same pieces, give the same bits.

    Attributes:
        config: of the model.
        precision: of the weights: "float32", "bfloat16", "float16", "int8" or "int4".
        backend: what computes: "torch" or "numpy".
        device: "cpu", "cuda:0" and so on.
        memory: bytes of the weights.
        prompt_chunk: tokens of a prompt that are best read at once; chunks begin at multiples of it.
    """

    @property
    def config(self) -> GPT2Config: ...

    @property
    def precision(self) -> str: ...

    @property
    def backend(self) -> str: ...

    @property
    def device(self) -> str: ...

    @property
    def memory(self) -> int: ...

    @property
    def prompt_chunk(self) -> int: ...

    def new_cache(self) -> Any:
        """An empty cache, a `Cache`."""
        ...

    def new_hidden(self) -> Hidden:
        """Memory for the output for a whole context, (n_positions, C), unwritten."""
        ...

    def read(self, ids: Sequence[int], cache: Any, *, interrupted: Callable[[], bool] | None = None) -> Hidden:
        """Appends T tokens to the cache; returns the output for them, (T, C).

        Args:
            ids: at least one; with those in the cache at most a context.
            cache: of this network.
            interrupted: asked before each block, if given.

        Raises:
            Interrupted: when ``interrupted`` returned True.
        """
        ...

    def join(self, parts: Sequence[Hidden]) -> Hidden:
        """Outputs one after the other."""
        ...

    def next_logits(self, hidden: Hidden) -> Floats:
        """Logits after the last token of an output, (V) float32."""
        ...

    def logits(self, hidden: Hidden, vocab_size: int) -> Floats:
        """Logits after each token of an output, (T, vocab_size) float32; ids from there on only pad the vocabulary."""
        ...
