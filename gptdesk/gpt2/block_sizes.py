"""Sizes of blocks on which several modules must agree: of quantised weights and of prompts. Imports nothing."""

from __future__ import annotations

from typing import Final

GROUP: Final = 32
"""Weights of 4 bits that share a scale."""

PROMPT_CHUNK: Final = 128
"""Tokens of a prompt that are read at once: few enough to cancel quickly (0.3 s for 124M weights on two busy cores),
enough for nine tenths of the speed of reading all at once (64 reach six tenths)."""
