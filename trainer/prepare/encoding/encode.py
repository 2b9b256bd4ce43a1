"""Encodes many documents at once: pieces of text are looked up in a table.

GPT-2's pattern cuts text into pieces (words with the space before them, numbers, runs of signs or white space), and
most pieces come again and again. Here numpy finds the pieces of a whole batch in a handful of passes over its bytes and
looks all of them up at once; only pieces that the table does not have go through byte-pair encoding. The ids are the
tokenizer's own, always (tests/trainer/test_prepare_encode.py holds it to that).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gptdesk.errors import UserError
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.gpt2.tokenizers.folder_tokenizer import FolderTokenizer
from trainer.data.arrays import token_kind
from trainer.prepare.encoding.piece_starts import END_OF_DOCUMENT, END_OF_SEGMENT, hard_documents, piece_starts
from trainer.prepare.encoding.pieces import PieceTable

Int64s = npt.NDArray[np.int64]
Tokens = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]

_LARGEST_BATCH: Final = 1 << 18
"""Bytes encoded together: the passes stay within the processor's cache."""


@dataclass(frozen=True)
class Encoded:
    """Documents as tokens.

    Attributes:
        tokens: (n) uint16 or uint32, all documents one after the other, each ending with the tokenizer's end of text.
        lengths: (documents) int64, tokens in each, the end included.
        loss_mask: (n) bool, which tokens count as targets of the loss; None when all do.
    """

    tokens: Tokens
    lengths: Int64s
    loss_mask: Bools | None = None

    @classmethod
    def join(cls, parts: Sequence[Encoded]) -> Encoded:
        """The documents of all parts, one after the other."""
        if not parts:
            return _NOTHING
        loss_mask = None
        if any(part.loss_mask is not None for part in parts):
            loss_mask = np.concatenate([part.mask() for part in parts])
        return cls(
            np.concatenate([part.tokens for part in parts]), np.concatenate([part.lengths for part in parts]), loss_mask
        )

    def split(self) -> list[Encoded]:
        """Each document by itself."""
        ends = np.cumsum(self.lengths)
        return [
            Encoded(
                self.tokens[end - length : end],
                self.lengths[i : i + 1],
                None if self.loss_mask is None else self.loss_mask[end - length : end],
            )
            for i, (end, length) in enumerate(zip(ends.tolist(), self.lengths.tolist(), strict=True))
        ]

    def mask(self) -> Bools:
        """Which tokens count as targets of the loss, (n) bool."""
        return np.ones(self.tokens.size, np.bool_) if self.loss_mask is None else self.loss_mask


_NOTHING: Final = Encoded(np.empty(0, np.uint16), np.empty(0, np.int64))


class BatchEncoder:
    """Encodes batches of documents with one tokenizer; keeps the table of pieces between calls.

    Args:
        tokenizer: what the ids mean; has a token that ends a text.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        assert tokenizer.end_of_text is not None
        self._tokenizer = tokenizer
        self._end = tokenizer.end_of_text
        self._dtype = np.dtype(token_kind(tokenizer.vocab_size).dtype)
        # Stands for `END_OF_SEGMENT` among the tokens, until it is taken out; no vocabulary reaches it.
        self._break = int(np.iinfo(self._dtype).max)
        self._table: PieceTable | None = None
        if cuts_as_gpt2(tokenizer):
            fixed = {END_OF_DOCUMENT: [self._end], END_OF_SEGMENT: [self._break]}
            self._table = PieceTable(tokenizer, fixed, self._dtype)

    def encode(self, documents: Sequence[Sequence[bytes]]) -> Encoded:
        """Encodes documents, each a sequence of segments that are given and learnt in turn, the last one learnt.

        Segments are encoded apart, so no token lies on both sides of a border. All bytes must be valid UTF-8.
        """
        results, batch, size = [], [], 0
        for document in documents:
            batch.append(document)
            size += sum(map(len, document))
            if size >= _LARGEST_BATCH:
                results.append(self._encode_batch(batch))
                batch, size = [], 0
        if batch:
            results.append(self._encode_batch(batch))
        return Encoded.join(results)

    def _encode_batch(self, documents: Sequence[Sequence[bytes]]) -> Encoded:
        if not documents:
            return _NOTHING
        if self._table is None:
            return Encoded.join([self._encode_alone(document) for document in documents])
        joined = [END_OF_SEGMENT.join(document) + END_OF_DOCUMENT for document in documents]
        hard = hard_documents(joined)
        if not hard.any():
            return self._encode_joined(b"".join(joined), any(len(document) > 1 for document in documents))
        fast = self._encode_batch([document for document, skip in zip(documents, hard, strict=True) if not skip])
        rest = iter(fast.split())
        return Encoded.join([self._encode_alone(documents[i]) if hard[i] else next(rest) for i in range(hard.size)])

    def _encode_alone(self, document: Sequence[bytes]) -> Encoded:
        try:
            segments = [self._tokenizer.encode(segment.decode()) for segment in document]
        except UserError as error:
            raise _explained(self._tokenizer, b"".join(document).decode(), error) from None
        segments[-1].append(self._end)
        sizes = [len(ids) for ids in segments]
        loss_mask = np.repeat(np.arange(len(segments) - 1, -1, -1) % 2 == 0, sizes)
        tokens = np.array([id for ids in segments for id in ids], self._dtype)
        return Encoded(tokens, np.array([tokens.size]), None if len(segments) == 1 else loss_mask)

    def _encode_joined(self, data: bytes, has_prompts: bool) -> Encoded:
        starts = piece_starts(data)
        assert self._table is not None
        tokens, at = self._table.look_up(data, starts)  # at: where each piece's tokens begin
        ends = at[np.frombuffer(data, np.uint8)[starts] == END_OF_DOCUMENT[0]]
        lengths = np.diff(ends, prepend=-1)
        if not has_prompts:
            return Encoded(tokens, lengths)
        is_break = tokens == self._break
        breaks = np.cumsum(is_break)  # up to each token
        after = np.repeat(breaks[ends], lengths) - breaks  # in its document, after it
        return Encoded(tokens[~is_break], np.diff(ends + 1 - breaks[ends], prepend=0), (after % 2 == 0)[~is_break])


class NoToken(UserError):
    """A character that the tokenizer has no token for.

    Attributes:
        character: the same.
    """

    def __init__(self, character: str) -> None:
        self.character = character
        super().__init__(
            f"The tokenizer has no token for {character!a} (U+{ord(character):04X}), which the text holds: make one "
            "from this text (`python -m trainer tokenizer`), or one of the kind bpe or bytes, which has tokens for any "
            "text."
        )

    def __reduce__(self) -> tuple[type[NoToken], tuple[str]]:
        return NoToken, (self.character,)


def _explained(tokenizer: Tokenizer, text: str, error: UserError) -> UserError:
    """Why a text cannot be encoded: the first character that cannot, where it is for one."""
    for character in dict.fromkeys(text):
        try:
            tokenizer.encode(character)
        except UserError:
            return NoToken(character)
    return error


def cuts_as_gpt2(tokenizer: Tokenizer) -> bool:
    """Whether a text's tokens are those of the pieces that GPT-2's pattern cuts it into, each encoded by itself.

    So it is for byte-level BPE without normalization. An added token that is no special one could reach across pieces.
    """
    if not isinstance(tokenizer, FolderTokenizer):
        return True
    described = tokenizer.described
    cutter = described.get("pre_tokenizer")
    return (
        described["model"]["type"] == "BPE"
        and described.get("normalizer") is None
        and isinstance(cutter, dict)
        and cutter.get("type") == "ByteLevel"
        and cutter.get("use_regex") is not False
        and not cutter.get("add_prefix_space")
        and all(token["special"] for token in described["added_tokens"])
    )


@functools.lru_cache(maxsize=2)
def batch_encoder(tokenizer: Tokenizer) -> BatchEncoder:
    """The encoder of this process for a tokenizer, and with it the one table of pieces."""
    return BatchEncoder(tokenizer)
