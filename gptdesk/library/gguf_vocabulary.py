"""GPT-2's tokens and merges as text, the way OpenAI published them and llama.cpp reads them."""

from __future__ import annotations

from itertools import pairwise

from gptdesk.gpt2.config import END_OF_TEXT
from gptdesk.gpt2.tokenizer import END_OF_TEXT_STRING, gpt2_tokenizer


def gpt2_vocabulary() -> tuple[list[str], list[str]]:
    """GPT-2's tokens in the letters that OpenAI wrote bytes with, and its merges, in their order."""
    tokenizer = gpt2_tokenizer()
    ranks = {tokenizer.token_bytes(id): id for id in range(END_OF_TEXT)}
    letters = _letters()

    def text(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    ordered = sorted(ranks, key=ranks.__getitem__)
    merges = [" ".join(map(text, _parts(ranks, token))) for token in ordered if len(token) > 1]
    return [*map(text, ordered), END_OF_TEXT_STRING], merges


def _parts(ranks: dict[bytes, int], token: bytes) -> list[bytes]:
    """The two tokens that a token was merged from: what merging gives when it may use only older merges."""
    parts = [token[i : i + 1] for i in range(len(token))]
    while True:
        rank, place = min((ranks.get(a + b, len(ranks)), i) for i, (a, b) in enumerate(pairwise(parts)))
        if rank >= ranks[token]:
            break
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
    assert len(parts) == 2
    return parts


def _letters() -> dict[int, str]:
    """The letter for each byte: printable ones stand for themselves, the others are moved beyond 255."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        if byte not in letters:
            letters[byte] = chr(256 + len(letters) - len(printable))
    return letters
