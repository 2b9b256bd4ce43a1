"""Block sizes of prompts and decode steps, on which several modules must agree."""

from __future__ import annotations

from typing import Final

from gptdesk.inference.prompt_lookup import MAX_DRAFT_TOKENS

PROMPT_CHUNK: Final = 128
"""Tokens of a prompt that are read in one forward pass: few enough to cancel quickly (0.3 s for 124M parameters on two
busy cores), enough for nine tenths of the speed of one pass over all (64 reach six tenths)."""

CUDA_PROMPT_CHUNK: Final = 512
"""As `PROMPT_CHUNK`, on CUDA: there a pass takes as long for one token as for hundreds, the time to launch it (4 ms for
124M parameters; an H200 read 1,000 tokens in chunks of 128 in 31 ms)."""

SCORED_AT_ONCE: Final = 32
"""Positions after which scoring can be interrupted: 25 ms for 124M parameters on two cores."""

MAX_BATCH: Final = 1 + MAX_DRAFT_TOKENS
"""Tokens that the compiled CPU decoder reads in one step: a few more cost little beside reading the weights; for many,
torch is faster."""
