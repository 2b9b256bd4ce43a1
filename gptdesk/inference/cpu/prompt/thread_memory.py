"""Memory that a thread needs to read prompts, in float32 elements."""

from __future__ import annotations

from gptdesk.inference.block_sizes import PROMPT_CHUNK
from gptdesk.inference.cpu.intrinsics.register_tile import TILE


def size(width: int, positions: int, head_size: int) -> int:
    """Elements for a workspace of ``width`` a token, a context of ``positions``, and heads of that size."""
    products = max(TILE.rows * width + results_size(), 2 * TILE.tokens * width)
    return max(products, attention_size(positions, head_size))


def results_size() -> int:
    """Elements for what a panel is multiplied to: the sums of all tiles, the results of one, and two rows of factors. A
    block of words that `products` packs fits as well."""
    tokens = -(-PROMPT_CHUNK // TILE.tokens) * TILE.tokens
    return max(TILE.rows * (tokens + TILE.tokens + 2), TILE.lanes**2)


def attention_size(positions: int, head_size: int) -> int:
    """Elements for the attention of a head: keys, values and scores in whole panels, and a tile of queries
    with its sums."""
    square, group = max(TILE.lanes, TILE.tokens), 2 * TILE.lanes
    padded, keys = _whole(head_size, square), _whole(positions, TILE.rows)
    panels = keys * (padded + _whole(head_size, group) + TILE.tokens)
    return panels + TILE.tokens * (2 * padded + group + 1) + TILE.lanes * padded


def _whole(count: int, block: int) -> int:
    return -(-count // block) * block
