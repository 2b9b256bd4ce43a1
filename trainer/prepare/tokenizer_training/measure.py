"""Measures, on a sample of a text, how many bytes a token of each vocabulary stands for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gptdesk.errors import UserError
from gptdesk.gpt2.chat_template import DEFAULT_TEMPLATE
from gptdesk.gpt2.config import VOCAB_SIZE
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.gpt2.tokenizers.file_contents import BYTES, bpe_files
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from trainer.data.tokenizer import open_tokenizer
from trainer.prepare.encoding.encode import batch_encoder
from trainer.prepare.records import DEFAULT_COLUMN
from trainer.prepare.tokenizer_training.text import TextSource
from trainer.prepare.tokenizer_training.train import BPE, CHARACTER, learn_bpe

GPT2: Final = "gpt2"
"""Stands for OpenAI's tokenizer beside the kinds of `tokenizer_training.train.KINDS`."""

SIZES: Final = (512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768)
"""Vocabularies of byte-pair encoding that are compared: powers of two, up to what is near GPT-2's 50,257."""

SAMPLE_BYTES: Final = 4_000_000
"""Of the beginning of the text: learning 32,768 tokens from it takes some seconds."""

_ENCODED_BYTES: Final = 400_000
"""Of the sample, which are encoded with each vocabulary."""


@dataclass(frozen=True, kw_only=True)
class Density:
    """How densely a vocabulary writes a text.

    Attributes:
        kind: `GPT2`, or one of `tokenizer_training.train.KINDS`.
        vocab_size: tokens, the end of text among them.
        bytes_per_token: on the sample.
    """

    kind: str
    vocab_size: int
    bytes_per_token: float


@dataclass(frozen=True, kw_only=True)
class Densities:
    """What was measured.

    Attributes:
        sample_bytes: that it was measured on.
        whole: whether the sample is all of the text.
        vocabularies: GPT-2's, byte-pair encodings by size (the last one is smaller than its step where the text gives
            no more tokens), characters.
    """

    sample_bytes: int
    whole: bool
    vocabularies: tuple[Density, ...]


def measure(
    sources: Sequence[str],
    *,
    column: str = DEFAULT_COLUMN,
    template: str = DEFAULT_TEMPLATE,
    largest: int = SAMPLE_BYTES,
) -> Densities:
    """Measures the vocabularies that could be made from a text.

    One byte-pair encoding is learnt; each smaller one is its beginning, as merges are learnt in the order of their use.

    Args:
        sources: absolute paths, names of bundled texts or data sets of the hub.
        column: of the text in tables and JSON.
        template: name of the chat template that turns of conversations are written with.
        largest: bytes of text in the sample.

    Raises:
        UserError: for sources that cannot be read or hold no text.
    """
    with tempfile.TemporaryDirectory(prefix="vocabulary-") as folder:
        source = TextSource(sources, Path(folder), column, template, largest)
        texts = list(_beginning(source.texts(), largest))
        if not source.text_bytes:
            raise UserError(f"No text was found. {source.broken.sentences()}")
        sample = [text.encode() for text in _beginning(texts, _ENCODED_BYTES)]
        size = sum(map(len, sample))
        found = [Density(kind=GPT2, vocab_size=VOCAB_SIZE, bytes_per_token=size / _count(gpt2_tokenizer(), sample))]
        for tokenizer in _learned(texts, Path(folder)):
            per_token = size / _count(tokenizer, sample)
            found.append(Density(kind=BPE, vocab_size=tokenizer.vocab_size, bytes_per_token=per_token))
    characters = len(set().union(*texts))
    per_character = sum(len(text.encode()) for text in texts) / sum(map(len, texts))
    found.append(Density(kind=CHARACTER, vocab_size=characters + 1, bytes_per_token=per_character))
    return Densities(
        sample_bytes=min(source.text_bytes, largest), whole=source.text_bytes < largest, vocabularies=tuple(found)
    )


def _learned(texts: Iterable[str], folder: Path) -> Iterator[Tokenizer]:
    """Byte-pair encodings of the sizes in `SIZES`, up to the first that the text does not fill."""
    vocabulary, merges = learn_bpe(iter(texts), SIZES[-1])
    for wanted in SIZES:
        place = folder / str(wanted)
        place.mkdir()
        for name, contents in bpe_files(*_smaller(vocabulary, merges, wanted)).items():
            (place / name).write_bytes(contents)
        yield (tokenizer := open_tokenizer(place))
        if tokenizer.vocab_size < wanted:
            return


def _beginning(texts: Iterable[str], characters: int) -> Iterator[str]:
    """The first texts, up to so many characters."""
    for text in texts:
        yield text[:characters]
        characters -= len(text)
        if characters <= 0:
            return


def _smaller(
    vocabulary: dict[str, int], merges: Sequence[tuple[str, str]], vocab_size: int
) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The vocabulary and merges with which learning would have stopped at ``vocab_size``."""
    most = vocab_size - 1  # the end of text is the last
    kept: list[tuple[str, str]] = []
    for left, right in merges:
        if vocabulary[left + right] >= most:
            break
        kept.append((left, right))
    return {token: id for token, id in vocabulary.items() if id < max(most, BYTES)}, kept


def _count(tokenizer: Tokenizer, texts: Sequence[bytes]) -> int:
    """Tokens of texts, the ends not counted."""
    encoded = batch_encoder(tokenizer).encode([(text,) for text in texts])
    return encoded.tokens.size - len(texts)
