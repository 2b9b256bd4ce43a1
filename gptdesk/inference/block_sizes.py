"""Sizes of blocks on which several modules must agree: of prompts and of steps."""

from __future__ import annotations

from typing import Final

from gptdesk.inference.prompt_lookup import MAX_DRAFT_TOKENS

PROMPT_CHUNK: Final = 128
"""Tokens of a prompt that are read at once: few enough to cancel quickly (0.3 s for 124M weights on two busy cores),
enough for nine tenths of the speed of reading all at once (64 reach six tenths)."""

MOST_TOGETHER: Final = 1 + MAX_DRAFT_TOKENS
"""Tokens that a CPU's decoder reads in one step: some more cost little beside reading the weights, many are torch's
work."""
