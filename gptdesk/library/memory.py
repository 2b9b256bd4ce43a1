"""Estimates the memory that a model needs, and compares it with what is free."""

from __future__ import annotations

from typing import Final

from gptdesk import number_format
from gptdesk.gpt2.config import GPT2Config
from gptdesk.inference.block_sizes import PROMPT_CHUNK
from gptdesk.system_memory import free_memory

BYTES: Final = {"auto": 1.1, "float32": 4.0, "bfloat16": 2.0, "float16": 2.0, "int8": 1.1, "int4": 0.8}
"""Bytes per weight by precision, with scales and unquantised layers; ``auto`` is int8 on a CPU."""

SMALLER: Final = ("bfloat16", "int8", "int4")
"""Precisions to propose when memory is short, the most accurate first."""

_CACHED: Final = 4
"""Bytes per element of the key-value cache on a CPU, in any precision of the weights."""

_WORKING: Final = 64 * 2**20
"""Bytes for activations, and for torch itself."""


def memory_needed(config: GPT2Config, precision: str = "auto", context: int | None = None) -> int:
    """Bytes that a model takes when it is loaded and its context is full.

    Weights, key-value cache, the logits of a chunk of the prompt in float32, and working memory.

    Args:
        config: shape of the model.
        precision: one of `gptdesk.devices.PRECISIONS`.
        context: tokens in the cache; the model's context length by default.
    """
    tokens = config.n_positions if context is None else min(context, config.n_positions)
    cache = 2 * config.n_layer * tokens * config.n_embd * _CACHED
    return round(config.num_parameters() * BYTES[precision]) + cache + PROMPT_CHUNK * config.vocab_size * 4 + _WORKING


def smaller_precision(config: GPT2Config, precision: str, free: int, context: int | None = None) -> str | None:
    """The first of `SMALLER` that takes less than ``precision`` and fits into ``free`` bytes; ``None`` if none does."""
    for name in SMALLER:
        if BYTES[name] < BYTES[precision] and memory_needed(config, name, context) <= free:
            return name
    return None


def fits(config: GPT2Config, precision: str = "auto", context: int | None = None) -> str:
    """Why a model does not fit into free memory, and what to do; empty when it fits, or free memory is unknown."""
    free = free_memory()
    needed = memory_needed(config, precision, context)
    if free is None or needed <= free:
        return ""
    advice = "choose a smaller model, or close other programs"
    if name := smaller_precision(config, precision, free, context):
        less = f"{number_format.size(memory_needed(config, name, context))}"
        advice = f"choose precision {name} ({less}), a smaller model, or close other programs"
    return f"It takes {number_format.size(needed)} of memory and {number_format.size(free)} are free; {advice}."
