"""Reads a few tokens after a prompt, whose key-value cache is used again for the next ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gptdesk.inference.context import Context
from gptdesk.inference.engine import Engine
from gptdesk.inference.network import Hidden


def hidden_after(
    engine: Engine, context: Context, head: list[int], tail: Sequence[int], interrupted: Callable[[], bool]
) -> Hidden | None:
    """The network's output for the last token of ``head`` and each of ``tail``, (1 + T, C).

    The context has read ``head`` afterwards, and nothing else; it is not read again where it was read before.

    Args:
        engine: reads.
        context: of the engine.
        head: at least one token.
        tail: T tokens; with ``head`` at most the model's context length.
        interrupted: asked before each block of ``head``, and before each chunk of ``tail``.

    Returns:
        ``None`` when ``interrupted`` returned True.
    """
    if not context.read(head, interrupted, interrupted=lambda _: interrupted()):
        return None
    parts = [context.hidden[len(head) - 1 : len(head)]]
    chunk = engine.network.prompt_chunk
    try:
        for first in range(0, len(tail), chunk):
            if interrupted():
                return None
            parts.append(engine.network.read(tail[first : first + chunk], context.cache))
    finally:
        context.cache.truncate(len(head))
    return engine.network.join(parts)
