"""The key-value cache of the CPU's own network, in NumPy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gptdesk.gpt2.cached_tokens import CachedTokens
from gptdesk.gpt2.config import GPT2Config


class CPUCache(CachedTokens):
    """Keys and values of the tokens of one text, in buffers of the whole context length.

    Args:
        config: of the model.

    Attributes:
        keys, values: (n_layer, nh, n_positions, hs) float32.
        addresses: of both.
    """

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        shape = (config.n_layer, config.n_head, config.n_positions, config.head_size)
        self._set(np.empty(shape, np.float32), np.empty(shape, np.float32))

    @property
    def capacity(self) -> int:
        """The context length, in tokens."""
        capacity: int = self.keys.shape[2]
        return capacity

    def copy(self) -> CPUCache:
        """A cache with the same tokens in memory of its own."""
        other = CPUCache.__new__(CPUCache)
        CachedTokens.__init__(other)
        other._set(np.empty_like(self.keys), np.empty_like(self.values))
        other.keys[:, :, : self.length] = self.keys[:, :, : self.length]
        other.values[:, :, : self.length] = self.values[:, :, : self.length]
        other.length = self.length
        return other

    def _set(self, keys: npt.NDArray[np.float32], values: npt.NDArray[np.float32]) -> None:
        self.keys, self.values = keys, values
        self.addresses = keys.ctypes.data, values.ctypes.data
