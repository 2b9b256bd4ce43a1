"""The letters that byte-level vocabularies write bytes with (``bytes_to_unicode`` in OpenAI's gpt-2/src/encoder.py)."""

from __future__ import annotations

import functools
from collections.abc import Mapping


@functools.cache
def byte_letters() -> Mapping[int, str]:
    """The letter for each byte: printable ones stand for themselves, the others are moved beyond 255."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        if byte not in letters:
            letters[byte] = chr(256 + len(letters) - len(printable))
    return letters


@functools.cache
def letter_bytes() -> Mapping[str, int]:
    """The byte for each letter."""
    return {letter: byte for byte, letter in byte_letters().items()}
