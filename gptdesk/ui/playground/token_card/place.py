"""Finds the token at a place of a document, and how it was chosen. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gptdesk.gpt2.mixed_text import MixedText, encode_mixed, spans_mixed
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.document import Document
from gptdesk.store.runs import Origin, Run

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer


class TokenPlace(msgspec.Struct, frozen=True):
    """A token of a text, or the place of the next one.

    Attributes:
        start, end: its characters; both the same for the next token.
        id: of the token; None for the next one.
        prompt, sampled, settings, seed: how it was chosen, or will be, as for `inspect`.
        origin: of a generated token.
    """

    start: int
    end: int
    id: int | None
    prompt: MixedText | tuple[int, ...]
    sampled: tuple[int, ...]
    settings: DecodingSettings
    seed: int | None
    origin: Origin | None = None


def next_place(text: MixedText, index: int, settings: DecodingSettings) -> TokenPlace:
    """The token that a completion of the text before ``index`` begins with."""
    return TokenPlace(index, index, None, text[:index], (), settings, settings.seed)


def place_at(document: Document, index: int, tokenizer: Tokenizer, settings: DecodingSettings) -> TokenPlace:
    """The token that holds the character at ``index``; the next one, at the end of the text.

    Args:
        document: holds the text.
        index: of a character.
        tokenizer: of the model that is asked. Text of a model with another tokenizer counts as typed.
        settings: for tokens that were typed, and for the next one.
    """
    start = 0
    for run in document.runs:
        if start <= index < start + len(run.text):
            if run.origin is not None and run.origin.tokenizer == tokenizer.sha256:
                return _generated(document.mixed, run, start, index)
            return _typed(document.mixed[: start + len(run.text)], index, tokenizer, settings)
        start += len(run.text)
    return next_place(document.mixed, len(document.text), settings)


def _generated(text: MixedText, run: Run, start: int, index: int) -> TokenPlace:
    """A token of a generated run that begins at ``start``."""
    assert run.origin is not None
    number = next(i for i, (_, end) in enumerate(run.spans()) if start + end > index)
    low, high = run.spans()[number]
    token = run.tokens[number]
    sampled = tuple(each.id for each in run.tokens[:number])
    whole = run.first == 0  # else the beginning of the generation is gone, and what it drew cannot be repeated
    seed = run.origin.seed if whole else None
    return TokenPlace(start + low, start + high, token.id, text[:start], sampled, run.origin.settings, seed, run.origin)


def _typed(text: MixedText, index: int, tokenizer: Tokenizer, settings: DecodingSettings) -> TokenPlace:
    """A token of the text as the tokenizer divides it."""
    ids, spans = encode_mixed(tokenizer, text), spans_mixed(tokenizer, text)
    number = next((number for number, (_, end) in enumerate(spans) if end > index), None)
    if number is None:
        return next_place(text, len(text), settings)
    return TokenPlace(*spans[number], ids[number], tuple(ids[:number]), (), settings, None)
