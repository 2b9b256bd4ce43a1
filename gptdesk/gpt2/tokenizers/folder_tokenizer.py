"""The tokenizer that a model folder brings, compiled by Hugging Face's ``tokenizers``. Imports no torch."""

from __future__ import annotations

import json
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gptdesk.errors import UserError
from gptdesk.gpt2.tokenizers.description import Description
from gptdesk.gpt2.tokenizers.folder_files import TOKENIZER_JSON, damaged
from gptdesk.gpt2.tokenizers.identity import identity
from gptdesk.gpt2.tokenizers.spans import tiled
from gptdesk.gpt2.tokenizers.token_bytes import token_bytes
from gptdesk.gpt2.tokenizers.vocabulary_checks import tokens_by_id

if TYPE_CHECKING:
    import tokenizers


class FolderTokenizer:
    """The tokenizer of a model folder, a `Tokenizer`.

    Args:
        source: file of the vocabulary, for messages.
        described: as `describe` returns it.
        end_ids: tokens that end a text.
        start_of_text: token that a text begins with.

    Attributes:
        described: as ``tokenizer.json`` has it.
        roles: names of special tokens by what they are for, such as "eos_token".

    Raises:
        UserError: when the description cannot be used.
    """

    def __init__(
        self, source: Path, described: Description, *, end_ids: tuple[int, ...] = (), start_of_text: int | None = None
    ) -> None:
        described = dict(described)
        self.roles: Mapping[str, str] = described.pop("roles", {})
        self.described = described
        self.end_ids = end_ids
        self.start_of_text = start_of_text
        self.sha256 = identity(described)
        self._source = source
        self._lock = threading.Lock()  # whether special tokens are text is a state of the library's object
        self._backend = _compile(source, described)
        added: list[dict[str, Any]] = described["added_tokens"]
        self.special_tokens: Mapping[str, int] = MappingProxyType(
            {token["content"]: token["id"] for token in added if token["special"]}
        )
        names = tokens_by_id(described)
        self.vocab_size = len(names)
        self._pieces, self._first = token_bytes(source, described["decoder"], names, {token["id"] for token in added})
        normalizer = described.get("normalizer")
        self._joins_ideographs = isinstance(normalizer, dict) and normalizer.get("handle_chinese_chars") is True

    @property
    def name(self) -> str:
        kind = self.described["model"]["type"]
        return f"{kind} of {self.vocab_size:,} tokens"

    @property
    def end_of_text(self) -> int | None:
        return self.end_ids[0] if self.end_ids else None

    def encode(self, text: str, *, allow_special: bool = False) -> list[int]:
        ids: list[int] = self._encoding(text, allow_special=allow_special).ids
        return ids

    def spans(self, text: str, *, allow_special: bool = False) -> list[tuple[int, int]]:
        return tiled(self._encoding(text, allow_special=allow_special).offsets)

    def _encoding(self, text: str, *, allow_special: bool) -> tokenizers.Encoding:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        with self._lock:
            self._backend.encode_special_tokens = not allow_special
            try:
                # As a batch of one, because the library's `encode` keeps the interpreter's lock until it is done.
                return self._backend.encode_batch([text], add_special_tokens=False)[0]
            except Exception as error:  # the library raises no other type
                raise UserError(f"The tokenizer {self._source} cannot encode the text ({error}).") from error

    def decode(self, ids: Sequence[int]) -> str:
        before: Sequence[int | None] = [None, *ids[:-1]]
        return b"".join(map(self.bytes_after, before, ids)).decode("utf-8", errors="replace")

    def token_bytes(self, id: int) -> bytes:
        return self._pieces[id] if 0 <= id < self.vocab_size else b""

    def bytes_after(self, previous: int | None, id: int) -> bytes:
        data = self.token_bytes(id)
        if not data or not self._first[id]:
            return data
        if previous is None or (self._joins_ideographs and self._are_ideographs(previous, id)):
            return data[1:]
        return data

    def piece(self, id: int) -> str:
        return self.token_bytes(id).decode("utf-8", errors="replace")

    def files(self) -> Mapping[str, bytes]:
        """The vocabulary in Hugging Face's format: contents of files by name."""
        return {TOKENIZER_JSON: json.dumps(self.described, ensure_ascii=False).encode("utf-8", "replace")}

    def _are_ideographs(self, previous: int, id: int) -> bool:
        """Whether no space stands between two tokens because their writing has none."""
        before = self.token_bytes(previous).decode("utf-8", errors="replace")[-1:]
        after = self.token_bytes(id).decode("utf-8", errors="replace")[1:2]
        return _is_wide(before) and _is_wide(after)


def _is_wide(character: str) -> bool:
    """Whether it is as wide as a Chinese character: one, or punctuation used with them."""
    return bool(character) and unicodedata.east_asian_width(character) in "WF" and not "\uac00" <= character <= "\ud7a3"


def _compile(source: Path, described: Description) -> tokenizers.Tokenizer:
    """The library's tokenizer.

    Raises:
        UserError: when it refuses the description, or gives added tokens other ids.
    """
    import tokenizers  # late: the window asks for names in this package before it is painted

    try:
        backend = tokenizers.Tokenizer.from_str(json.dumps(described))
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a panic of the library is no Exception
        why = " ".join(str(error).split())[:200]
        raise damaged(source, f"its tokenizer cannot be used ({why})") from error
    for token in described["added_tokens"]:
        if backend.token_to_id(token["content"]) != token["id"]:
            raise damaged(source, f"the added token {token['content']!r} has not the id {token['id']:,}")
    return backend
