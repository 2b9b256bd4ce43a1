"""Memory that it takes to read prompts, in float32 elements."""

from __future__ import annotations

from gptdesk.inference.block_sizes import PROMPT_CHUNK
from gptdesk.inference.cpu.intrinsics.register_tile import MATRIX_BLOCKS, MATRIX_WEIGHTS, TILE, block_of


def size(width: int, positions: int, head_size: int) -> int:
    """Elements that a thread needs for a workspace of ``width`` a token, a context of ``positions``, and heads of that
    size."""
    tokens = max(block_of(weights).tokens for weights in MATRIX_BLOCKS)
    products = max(TILE.rows * width + results_size(), 2 * tokens * width)
    return max(products, attention_size(positions, head_size))


def packed_size(width: int) -> int:
    """Elements that a token takes in the packed input of a product; where it is three bfloat16, 6 bytes a column."""
    return width + width // 2 if "bfloat16" in MATRIX_WEIGHTS else width


def results_size() -> int:
    """Elements for what a panel is multiplied to: the sums of all tiles, the results of one, and two rows of factors. A
    block of words that `products` packs fits as well, and so do two sums of each result and one result more, which
    `matrix_products` needs.
    """
    tokens, rows = max(block.tokens for block in MATRIX_BLOCKS.values()), TILE.rows
    in_matrices = max(block.rows for block in MATRIX_BLOCKS.values()) * (2 * (PROMPT_CHUNK + tokens) + 2)
    return max(rows * (_whole(PROMPT_CHUNK, TILE.tokens) + TILE.tokens + 2), TILE.lanes**2, in_matrices)


def attention_size(positions: int, head_size: int) -> int:
    """Elements for the attention of a head: keys, values and scores in whole panels, and a tile of queries
    with its sums."""
    square, group = max(TILE.lanes, TILE.tokens), 2 * TILE.lanes
    padded, keys = _whole(head_size, square), _whole(positions, TILE.rows)
    panels = keys * (padded + _whole(head_size, group) + TILE.tokens)
    return panels + TILE.tokens * (2 * padded + group + 1) + TILE.lanes * padded


def _whole(count: int, block: int) -> int:
    return -(-count // block) * block
