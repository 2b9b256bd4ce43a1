"""Writes text of a model that the person chose into a document, as a generation with its model, settings and tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from gptdesk.gpt2.mixed_text import MixedText, encode_mixed
from gptdesk.inference.events import TokenEvent
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.document import Document
from gptdesk.store.runs import CHOSEN
from gptdesk.store.special_stream import SpecialTokenStream
from gptdesk.ui.services.inference_messages import ModelInfo
from gptdesk.ui.services.provenance.origin import origin_of

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

_BEFORE: Final = 1_000
"""Characters of the prompt's end of which the last token is found."""


def write_chosen(
    document: Document, start: int | None, events: Sequence[TokenEvent], model: ModelInfo, settings: DecodingSettings
) -> None:
    """Puts tokens in the place of the text from ``start`` on, which stays as another branch; one step of undo.

    Args:
        document: is not generating.
        start: character; ``None`` for the end of the text.
        events: the tokens, with their text.
        model: that found them.
        settings: with which they were found.
    """
    stream = SpecialTokenStream(model.tokenizer)
    origin = origin_of(model, settings, document.mixed[:start])
    document.begin_generation(origin, start=start)
    mixed, tokens = stream.feed(events)
    document.append_tokens(mixed.text, tokens, special=mixed.names)
    end = stream.finish("")
    document.append_tokens(end.text, (), special=end.names)
    document.end_generation(CHOSEN)


def events_of(
    tokenizer: Tokenizer, prompt: MixedText, ids: Sequence[int], logprobs: Sequence[float]
) -> list[TokenEvent]:
    """Tokens behind a prompt as the engine reports them; a token that ends a text is left out.

    Their entropy is not known: NaN.
    """
    from gptdesk.gpt2.tokenizer import TextStream

    begins_word = not prompt.text or prompt.text[-1].isspace()
    before = [] if begins_word else encode_mixed(tokenizer, prompt[-_BEFORE:])
    stream = TextStream(tokenizer, before[-1] if before else None)
    texts = [stream.feed(id) if id not in tokenizer.end_ids else "" for id in ids]
    if texts:
        texts[-1] += stream.flush()
    return [
        TokenEvent(0, id, text, len(text), logprob, math.nan, ())
        for id, text, logprob in zip(ids, texts, logprobs, strict=True)
        if id not in tokenizer.end_ids
    ]
