"""GPT-2's tokens and merges as text, in the form that OpenAI published and transformers and llama.cpp read."""

from __future__ import annotations

import functools
from typing import Final

from gptdesk.gpt2.config import END_OF_TEXT
from gptdesk.gpt2.tokenizers.byte_letters import byte_letters
from gptdesk.gpt2.tokenizers.openai import END_OF_TEXT_STRING, gpt2_tokenizer

_BYTES: Final = 256
"""The first tokens are the single bytes."""


@functools.cache
def gpt2_vocabulary() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """GPT-2's tokens in the letters that OpenAI wrote bytes with, and its merges in their order (some 0.3 s, once)."""
    tokenizer = gpt2_tokenizer()
    tokens = [tokenizer.token_bytes(id) for id in range(END_OF_TEXT)]
    letters = byte_letters()
    texts = ["".join(letters[byte] for byte in token) for token in tokens]
    merges = tuple(f"{texts[left]} {texts[right]}" for left, right in _parts(tokens)[_BYTES:])
    return (*texts, END_OF_TEXT_STRING), merges


def _parts(tokens: list[bytes]) -> list[tuple[int, int]]:
    """Ids of the two tokens that each token was merged from; a single byte is merged from itself.

    Many tokens can be cut into two others in several ways; the merge is the only cut that byte-pair encoding would not
    merge across. See ``is_valid_token_pair`` of the crate bpe (github.com/github/rust-gems).
    """
    ids = {token: id for id, token in enumerate(tokens)}
    parts = [(id, id) for id in range(len(tokens))]
    merged: dict[tuple[int, int], int] = {}

    def stays_cut(left: int, right: int) -> bool:
        """Undoes the later merge beside the cut again and again; nothing that then touches may have been merged."""
        limit = len(tokens)
        while merged.get((left, right), limit) >= limit:
            inner_left, inner_right = parts[left][1], parts[right][0]
            if inner_left != left and (left > right or inner_right == right):
                limit, left = left, inner_left
            elif inner_right != right:
                limit, right = right + 1, inner_right
            else:
                return True
        return False

    for id in range(_BYTES, len(tokens)):
        token = tokens[id]
        pairs = [(ids.get(token[:at], id), ids.get(token[at:], id)) for at in range(1, len(token))]
        older = [(left, right) for left, right in pairs if left < id and right < id]
        parts[id] = older[0] if len(older) == 1 else next(pair for pair in older if stays_cut(*pair))
        merged[parts[id]] = id
    return parts
