"""OpenAI's byte-pair encoding of GPT-2, compiled by ``tiktoken``. Imports no torch."""

from __future__ import annotations

import base64
import copy
import functools
import hashlib
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gptdesk.errors import UserError
from gptdesk.gpt2.config import END_OF_TEXT, VOCAB_SIZE
from gptdesk.gpt2.tokenizers.spans import spans_of_bytes
from gptdesk.resource_files import resource

RANKS_SHA256: Final = "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930"
"""SHA-256 of ``resources/gpt2/gpt2.tiktoken``."""

END_OF_TEXT_STRING: Final = "<|endoftext|>"

# How OpenAI cut text into words before merging bytes (gpt-2/src/encoder.py), in tiktoken's faster equivalent form
# (tiktoken_ext/openai_public.py, r50k_pat_str).
_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"

# tiktoken's regex engine backtracks over white space that is followed by something else, and panics where a run of it
# is 1,000,000 characters or longer. Shorter texts cannot hold such a run.
_SAFE_LENGTH = 500_000
_WHITE_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")  # \s of that engine

_BUILDING: Final = threading.Lock()
"""Held while the tokenizer is built: a second one would stay with its models, 18 MB."""


class OpenAITokenizer:
    """GPT-2's tokenizer, a `Tokenizer`.

    Args:
        ranks_file: tokens and their ranks in tiktoken's format.

    Attributes:
        vocab_size: 50257 tokens.
        sha256: of the ranks file, in hexadecimal; names the tokenizer in runs and documents.

    Raises:
        UserError: when the file is missing or is not the one that gptdesk ships.
    """

    name: str = "GPT-2's"
    vocab_size: int = VOCAB_SIZE
    special_tokens: Mapping[str, int] = MappingProxyType({END_OF_TEXT_STRING: END_OF_TEXT})
    end_ids: tuple[int, ...] = (END_OF_TEXT,)
    start_of_text: int | None = END_OF_TEXT

    def __init__(self, ranks_file: Path) -> None:
        try:
            contents = ranks_file.read_bytes()
        except OSError as error:
            raise UserError(
                f"The tokenizer's file {ranks_file} cannot be read ({error.strerror}); install gptdesk again."
            ) from error
        self.sha256 = hashlib.sha256(contents).hexdigest()
        if self.sha256 != RANKS_SHA256:
            raise UserError(f"The tokenizer's file {ranks_file} is damaged; install gptdesk again.")
        ranks = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, contents.splitlines())}
        self._bytes = [*ranks, END_OF_TEXT_STRING.encode()]  # the file's lines are in the order of the ranks
        import tiktoken  # late: the window asks for names in this module before it is painted

        self._encoding = tiktoken.Encoding(
            "gpt2",
            pat_str=_PATTERN,
            mergeable_ranks=ranks,
            special_tokens={END_OF_TEXT_STRING: END_OF_TEXT},
            explicit_n_vocab=VOCAB_SIZE,
        )

    @property
    def end_of_text(self) -> int | None:
        return self.end_ids[0] if self.end_ids else None

    def ending_at(self, end_ids: tuple[int, ...], start_of_text: int | None) -> OpenAITokenizer:
        """The same tokens for a model that begins and ends its texts with others."""
        if (end_ids, start_of_text) == (self.end_ids, self.start_of_text):
            return self
        other = copy.copy(self)
        other.end_ids, other.start_of_text = end_ids, start_of_text
        return other

    def encode(self, text: str, *, allow_special: bool = False) -> list[int]:
        if not allow_special:
            return self._encode_plain(text)
        first, *rest = text.split(END_OF_TEXT_STRING)
        ids = self._encode_plain(first)
        for part in rest:
            ids.append(END_OF_TEXT)
            ids.extend(self._encode_plain(part))
        return ids

    def spans(self, text: str, *, allow_special: bool = False) -> list[tuple[int, int]]:
        ids = self.encode(text, allow_special=allow_special)
        return spans_of_bytes(text, [len(self._bytes[id]) for id in ids])

    def decode(self, ids: Sequence[int]) -> str:
        return b"".join(map(self.token_bytes, ids)).decode("utf-8", errors="replace")

    def token_bytes(self, id: int) -> bytes:
        return self._bytes[id] if 0 <= id < VOCAB_SIZE else b""

    def bytes_after(self, previous: int | None, id: int) -> bytes:
        return self.token_bytes(id)

    def piece(self, id: int) -> str:
        return self.decode([id])

    def _encode_plain(self, text: str) -> list[int]:
        if len(text) <= _SAFE_LENGTH:
            return self._encoding.encode_ordinary(text)
        return [id for part in _cut_long_white_space(text) for id in self._encoding.encode_ordinary(part)]


def gpt2_tokenizer() -> OpenAITokenizer:
    """OpenAI's tokenizer, built once in a process (some 60 ms), whatever threads load models at the same time."""
    with _BUILDING:
        return _build()


@functools.cache
def _build() -> OpenAITokenizer:
    return OpenAITokenizer(resource("gpt2", "gpt2.tiktoken"))


def _cut_long_white_space(text: str) -> Iterator[str]:
    """Cuts before the last character of a long run of white space in the text, where `_PATTERN` ends a word anyway."""
    start = 0
    for run in _WHITE_SPACE.finditer(text):
        if run.end() - run.start() > _SAFE_LENGTH and run.end() < len(text):
            yield text[start : run.end() - 1]
            start = run.end() - 1
    yield text[start:]
