"""Rows of the table of tokens that compiled code processes."""

from __future__ import annotations

from gptdesk.inference.cpu.in_numpy.cache import CPUCache


def token_row(cache: CPUCache, index: int, id: int) -> tuple[int, ...]:
    """A row of the table of tokens, see `TokenRow`."""
    return id, cache.length + index, *cache.addresses
