"""A network in torch: on CUDA and MPS, on a CPU without Numba, and as the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.kv_cache import KVCache
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.block_sizes import CUDA_PROMPT_CHUNK, PROMPT_CHUNK
from gptdesk.inference.in_torch.quantized import precision_of
from gptdesk.inference.scoring.losses import logits_at

Floats = npt.NDArray[np.float32]


class TorchNetwork:
    """See `gptdesk.inference.network.Network`.

    Args:
        model: is put into evaluation mode; its weights must not change.

    Attributes:
        model: as given.
        prompt_chunk: see `Network`.
    """

    backend: Final = "torch"

    def __init__(self, model: GPT2) -> None:
        self.model = model.eval()
        self._device = model.wpe.weight.device
        self.prompt_chunk = CUDA_PROMPT_CHUNK if self._device.type == "cuda" else PROMPT_CHUNK

    @property
    def config(self) -> GPT2Config:
        return self.model.config

    @property
    def precision(self) -> str:
        return precision_of(self.model)

    @property
    def device(self) -> str:
        return str(self._device)

    @property
    def memory(self) -> int:
        weights = [*self.model.parameters(), *self.model.buffers()]
        return sum({weight.data_ptr(): weight.nbytes for weight in weights}.values())  # a tied head counts once

    def new_cache(self) -> KVCache:
        """On a CPU in float32 whatever the weights are: attention is several times faster than in 16 bits."""
        dtype = torch.float32 if self._device.type == "cpu" else self.model.wpe.weight.dtype
        return KVCache(self.config, dtype=dtype, device=self._device)

    def new_hidden(self) -> Tensor:
        dtype = self.model.wpe.weight.dtype
        return torch.empty(self.config.n_positions, self.config.n_embd, dtype=dtype, device=self._device)

    @torch.inference_mode()
    def read(self, ids: Sequence[int], cache: KVCache, *, interrupted: Callable[[], bool] | None = None) -> Tensor:
        batch = torch.tensor([list(ids)], device=self._device)  # (1, T)
        return self.model.hidden_states(batch, cache, interrupted=interrupted)[0]

    @torch.inference_mode()
    def join(self, parts: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(parts))

    @torch.inference_mode()
    def next_logits(self, hidden: Tensor) -> Floats:
        logits: Floats = self.model.next_token_head(hidden[-1:])[0].cpu().numpy()
        return logits

    @torch.inference_mode()
    def logits(self, hidden: Tensor, vocab_size: int) -> Floats:
        logits: Floats = logits_at(self.model, hidden, vocab_size).cpu().numpy()
        return logits
