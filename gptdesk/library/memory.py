"""How much memory a model needs, and whether this computer has it."""

from __future__ import annotations

from typing import Final

from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.devices import free_memory

BYTES: Final = {"auto": 2.0, "float32": 4.0, "bfloat16": 2.0, "float16": 2.0, "int8": 1.1, "int4": 0.8}
"""Of a weight, by precision. ``auto`` is 16 bits on a graphics card and int8 on a processor."""

_CACHED: Final = 4
"""Bytes that a number of a key or value takes on a processor, whatever the weights."""

_CHUNK: Final = 128
"""Tokens of a prompt that are computed at once, as the engine does."""

_ROOM: Final = 64 * 2**20
"""Bytes for what is computed in between, and for what torch keeps for itself."""


def memory_needed(config: GPT2Config, precision: str = "auto", context: int | None = None) -> int:
    """Bytes that a model takes when it is loaded and its context is full.

    Weights, the cache of keys and values, the logits of a chunk of the prompt in float32, and room to compute in.

    Args:
        config: its shape.
        precision: one of `gptdesk.gpt2.devices.PRECISIONS`.
        context: tokens; as many as the model can take when not given.
    """
    tokens = config.n_positions if context is None else min(context, config.n_positions)
    cache = 2 * config.n_layer * tokens * config.n_embd * _CACHED
    return round(config.num_parameters() * BYTES[precision]) + cache + _CHUNK * config.vocab_size * 4 + _ROOM


def available_memory() -> int | None:
    """Bytes that programs can still take; ``None`` where the system does not tell."""
    return free_memory()


def fits(config: GPT2Config, precision: str = "auto", context: int | None = None) -> str:
    """Why a model would not fit into what memory is free now, with what to do; empty when it does, or nobody knows."""
    free = available_memory()
    needed = memory_needed(config, precision, context)
    if free is None or needed <= free:
        return ""
    advice = "choose a smaller model, or close other programs"
    for name, words in (("bfloat16", "16-bit"), ("int8", "8-bit")):
        less = memory_needed(config, name, context)
        if BYTES[precision] > BYTES[name] and less <= free:
            advice = f"choose {words} precision ({less / 2**30:.1f} GiB), a smaller model, or close other programs"
            break
    return f"It takes {needed / 2**30:.1f} GiB of memory and {free / 2**30:.1f} GiB are free; {advice}."
