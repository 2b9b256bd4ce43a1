"""Memory that a thread needs to read prompts, in float32 elements."""

from __future__ import annotations

from gptdesk.inference.block_sizes import PROMPT_CHUNK
from gptdesk.inference.cpu.intrinsics.register_tile import INT8_TOKENS, MATRIX_ROWS, MATRIX_TOKENS, TILE


def size(width: int, positions: int, head_size: int) -> int:
    """Elements for a workspace of ``width`` a token, a context of ``positions``, and heads of that size."""
    tokens = max(TILE.tokens, INT8_TOKENS)
    products = max(TILE.rows * width + results_size(), 2 * tokens * width)
    return max(products, attention_size(positions, head_size))


def results_size() -> int:
    """Elements for what a panel is multiplied to: the sums of all tiles, the results of one, and two rows of factors. A
    block of words that `products` packs fits as well, and so do two sums of each result and one result more, which
    `matrix_products` needs.
    """
    tokens = _whole(PROMPT_CHUNK, TILE.tokens)
    in_matrices = MATRIX_ROWS * (2 * _whole(PROMPT_CHUNK, MATRIX_TOKENS) + 2 * MATRIX_TOKENS + 2)
    return max(TILE.rows * (tokens + TILE.tokens + 2), TILE.lanes**2, in_matrices)


def attention_size(positions: int, head_size: int) -> int:
    """Elements for the attention of a head: keys, values and scores in whole panels, and a tile of queries
    with its sums."""
    square, group = max(TILE.lanes, TILE.tokens), 2 * TILE.lanes
    padded, keys = _whole(head_size, square), _whole(positions, TILE.rows)
    panels = keys * (padded + _whole(head_size, group) + TILE.tokens)
    return panels + TILE.tokens * (2 * padded + group + 1) + TILE.lanes * padded


def _whole(count: int, block: int) -> int:
    return -(-count // block) * block
