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


def letters_to_bytes(letters: str) -> bytes | None:
    """The bytes that letters stand for, or ``None`` where one of them stands for none."""
    try:
        return letters.translate(_latin_letters()).encode("latin-1")
    except UnicodeEncodeError:
        return None


@functools.cache
def _latin_letters() -> Mapping[int, int]:
    """For each letter the character that Latin-1 writes as its byte; for what is none one that it cannot write."""
    no_letters = dict.fromkeys(range(256), 0x100)
    return no_letters | {ord(letter): byte for byte, letter in byte_letters().items()}
