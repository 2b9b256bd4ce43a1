"""The key-value cache: what attention keeps of the tokens that a model has read.

Shapes: B batch, T tokens fed now, S tokens so far, nh heads, hs head size.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gptdesk.gpt2.cached_tokens import CachedTokens
from gptdesk.gpt2.config import GPT2Config


class KVCache(CachedTokens):
    """Keys and values of the tokens that the model has read, in buffers of the whole context length.

    Args:
        config: of the model.
        batch_size: B.
        dtype: of keys and values. Attention computes in it, and it need not be that of the weights: on a CPU attention
            is many times faster in float32 than in the 16-bit types.
        device: of the model.

    Attributes:
        keys, values: (n_layer, B, nh, n_positions, hs).
    """

    def __init__(self, config: GPT2Config, *, batch_size: int = 1, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        shape = (config.n_layer, batch_size, config.n_head, config.n_positions, config.head_size)
        self.keys = torch.empty(shape, dtype=dtype, device=device)
        self.values = torch.empty(shape, dtype=dtype, device=device)

    @property
    def capacity(self) -> int:
        """The context length, in tokens."""
        return self.keys.shape[3]

    @torch.inference_mode()
    def copy(self) -> KVCache:
        """A cache with the same tokens in memory of its own."""
        other = KVCache.__new__(KVCache)
        CachedTokens.__init__(other)
        other.keys, other.values = torch.empty_like(self.keys), torch.empty_like(self.values)
        other.keys[:, :, :, : self.length] = self.keys[:, :, :, : self.length]
        other.values[:, :, :, : self.length] = self.values[:, :, :, : self.length]
        other.length = self.length
        return other

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Writes this step's keys and values, (B, nh, T, hs), and returns views of all so far, (B, nh, S, hs).

        ``length`` stays as it is: `GPT2.hidden_states` adds T to it once all layers have appended theirs.
        """
        end = self.length + k.shape[2]
        self.keys[layer, :, :, self.length : end] = k
        self.values[layer, :, :, self.length : end] = v
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]
