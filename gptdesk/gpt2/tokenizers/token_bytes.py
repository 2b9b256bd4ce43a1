"""The bytes that each token of a described tokenizer stands for.

A decoder of the ``tokenizers`` library makes the text of a whole list of tokens. Here each token has bytes of its own,
so that text can be shown while it is written; the only thing that depends on neighbours is a space before a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from gptdesk.errors import UserError, brief
from gptdesk.gpt2.tokenizers.byte_letters import letters_to_bytes

_CLEANED: Final = (
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
    (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
)  # fmt: skip
"""What the decoder of word pieces does to spaces (``cleanup`` in tokenizers/src/decoders/wordpiece.rs)."""

_BYTE_TOKEN: Final = 6
"""Length of a token that stands for one byte, such as ``<0x0A>``."""


class TokenBytes(NamedTuple):
    """What tokens stand for.

    Attributes:
        pieces: bytes of each token amid a text, by id.
        first: how many bytes are left out of each where a text begins with it: 1 for the space before a word.
    """

    pieces: Sequence[bytes]
    first: Sequence[int]


def token_bytes(source: Path, decoder: Any, tokens: Sequence[str], added: set[int]) -> TokenBytes:
    """The bytes of ``tokens``, which stand in the order of their ids; those in ``added`` stand for their names.

    Raises:
        UserError: when the decoder is of an unknown kind.
    """
    steps = [_step(source, part) for part in _parts(decoder)]
    spaced = any(part.get("type") in _SPACED for part in _parts(decoder))
    is_bytes = any(part.get("type") == "ByteLevel" for part in _parts(decoder))
    strips = spaced or any(_strips_first(part) for part in _parts(decoder))
    pieces: list[bytes] = []
    for id, token in enumerate(tokens):
        if is_bytes:
            data = None if id in added else letters_to_bytes(token)
            pieces.append(_utf8(token) if data is None else data)
            continue
        text: str | bytes = token
        for step in steps:
            if isinstance(text, str):
                text = step(text)
        pieces.append(_utf8(text) if isinstance(text, str) else text)
    return TokenBytes(pieces, [int(strips and piece.startswith(b" ")) for piece in pieces])


def _parts(decoder: Any) -> Iterator[dict[str, Any]]:
    """The steps of a decoder; without one, tokens are joined by spaces."""
    if decoder is None:
        yield {"type": None}
    elif isinstance(decoder, dict) and decoder.get("type") == "Sequence":
        parts = decoder.get("decoders")
        for part in parts if isinstance(parts, list) else []:
            yield from _parts(part)
    else:
        yield decoder if isinstance(decoder, dict) else {"type": decoder}


_SPACED: Final = (None, "WordPiece")


def _strips_first(part: dict[str, Any]) -> bool:
    """Whether the space before the first word of a text is left out."""
    if part.get("type") == "Metaspace":
        return bool(part.get("prepend_scheme", "always") != "never")
    return part.get("type") == "Strip" and part.get("content") == " " and part.get("start") == 1


def _step(source: Path, part: dict[str, Any]) -> Callable[[str], str | bytes]:
    """What a step of a decoder makes of one token amid others."""
    match part.get("type"):
        case None:
            return lambda token: f" {token}"
        case "ByteLevel" | "Fuse" | "Strip":
            return lambda token: token
        case "WordPiece":
            return _word_piece(str(part.get("prefix", "##")), part.get("cleanup") is True)
        case "Metaspace":
            space = str(part.get("replacement") or "\u2581")
            return lambda token: token.replace(space, " ")
        case "BPEDecoder":
            suffix = str(part.get("suffix") or "</w>")
            return lambda token: token.replace(suffix, " ")
        case "Replace" if isinstance(pattern := _pattern(part), str):
            content = str(part.get("content", ""))
            return lambda token: token.replace(pattern, content)
        case "ByteFallback":
            return _byte_token
    raise UserError(f"{source} joins tokens in an unknown way, with the decoder {brief(part.get('type'))}.")


def _pattern(part: dict[str, Any]) -> Any:
    pattern = part.get("pattern")
    return pattern.get("String") if isinstance(pattern, dict) else None


def _word_piece(prefix: str, cleanup: bool) -> Callable[[str], str]:
    def step(token: str) -> str:
        text = token.removeprefix(prefix) if prefix and token.startswith(prefix) else f" {token}"
        for dirty, clean in _CLEANED if cleanup else ():
            text = text.replace(dirty, clean)
        return text

    return step


def _byte_token(token: str) -> str | bytes:
    if len(token) == _BYTE_TOKEN and token.startswith("<0x") and token.endswith(">"):
        try:
            return bytes([int(token[3:5], 16)])
        except ValueError:
            return token
    return token


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", errors="replace")
