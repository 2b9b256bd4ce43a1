"""Rows of the table of tokens that compiled code processes."""

from __future__ import annotations

import torch

from gptdesk.gpt2.kv_cache import KVCache


def token_row(cache: KVCache, index: int, id: int) -> tuple[int, ...]:
    """A row of the table of tokens, see `TokenRow`."""
    assert cache.keys.dtype == torch.float32
    assert cache.keys.is_contiguous()
    assert cache.keys.shape[1] == 1
    return id, cache.length + index, cache.keys.data_ptr(), cache.values.data_ptr()
