"""What every tokenizer does: text to token ids and back. Imports no torch.

`gptdesk.gpt2.tokenizers.loading` chooses the tokenizer of a model folder.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from typing import Protocol


class Tokenizer(Protocol):
    """The tokens of a model. Safe to use from several threads.

    Attributes:
        name: for display, such as "GPT-2's" or "BPE of 8,192 tokens".
        vocab_size: number of tokens; their ids are 0 ... vocab_size - 1. Rows of a model beyond it are padding.
        sha256: identity in hexadecimal: tokenizers with the same one give every text the same ids. The ids that end a
            text are no part of it.
        special_tokens: ids of the tokens that no text stands for unless asked, by their names.
        end_ids: the tokens that end a text; the model's folder says which. May be empty.
        end_of_text: the first of them, which separates documents in training data; None where there is none.
        start_of_text: the token that a text begins with where no prompt does; None where there is none.
    """

    def __hash__(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def vocab_size(self) -> int: ...
    @property
    def sha256(self) -> str: ...
    @property
    def special_tokens(self) -> Mapping[str, int]: ...
    @property
    def end_ids(self) -> Sequence[int]: ...
    @property
    def end_of_text(self) -> int | None: ...
    @property
    def start_of_text(self) -> int | None: ...

    def encode(self, text: str, *, allow_special: bool = False) -> list[int]:
        """Token ids of ``text``; none are added before or after it.

        Args:
            text: any string; lone surrogates, which no UTF-8 can hold, become U+FFFD.
            allow_special: whether the names of special tokens in the text mean those; else they are plain text.

        Raises:
            UserError: when the vocabulary has no token for a part of the text.
        """
        ...

    def spans(self, text: str, *, allow_special: bool = False) -> list[tuple[int, int]]:
        """The characters that each token of ``encode(text)`` stands for: index of the first one, and behind the last.

        Tokens that stand for parts of one character have all of it.

        Args:
            text, allow_special: as for `encode`.

        Raises:
            UserError: as for `encode`.
        """
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ``ids``; bytes that are not UTF-8 become U+FFFD, ids beyond the vocabulary nothing."""
        ...

    def token_bytes(self, id: int) -> bytes:
        """The bytes of one token amid a text; none for ids beyond the vocabulary, which padded models have."""
        ...

    def bytes_after(self, previous: int | None, id: int) -> bytes:
        """The bytes of one token that follows another, or begins a text (None).

        They differ from `token_bytes` where spaces are no part of tokens but stand between them.
        """
        ...

    def piece(self, id: int) -> str:
        """What a person is shown for one token: its text, with U+FFFD for bytes that are part of a character."""
        ...


class TextStream:
    """Turns tokens that arrive one by one into text, holding back bytes that are not yet whole characters.

    Args:
        tokenizer: of the model.
        previous: the token before the first one; None where the text begins with it, or a space stands before it.

    Attributes:
        tokenizer: as given.
    """

    def __init__(self, tokenizer: Tokenizer, previous: int | None = None) -> None:
        self.tokenizer = tokenizer
        self._previous = previous
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, id: int) -> str:
        """The text that became whole with this token: ``""`` while a character is incomplete."""
        data = self.tokenizer.bytes_after(self._previous, id)
        self._previous = id
        return self._decoder.decode(data)

    def flush(self) -> str:
        """The end of the text: U+FFFD if bytes of an unfinished character are left. The stream is empty then."""
        return self._decoder.decode(b"", final=True)
