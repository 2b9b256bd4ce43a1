"""One decode step: appends the next token to each of several contexts, reading the weights once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gptdesk.inference.context import Context, Draft
from gptdesk.inference.decoder import Decoder


class DecodeInput(NamedTuple):
    """The next token of a context that is not full, and draft tokens that may follow it."""

    context: Context
    id: int
    drafts: Sequence[int] = ()


class DecodeOutput(NamedTuple):
    """How a token was appended.

    Attributes:
        accepted: whether it was a draft, so that nothing had to be computed.
        draft_tokens: how many drafts were read after it.
    """

    accepted: bool = False
    draft_tokens: int = 0


def decode(batch: Sequence[DecodeInput], decoder: Decoder | None) -> list[DecodeOutput]:
    """Appends one token to each of several contexts of one model.

    A decoder reads the weights once for all of them and for their drafts, which changes no bit of any logits. A draft
    needs no acceptance rule: the token is chosen from its logits as always, and where it equals the draft, the logits
    after it are already computed.

    Args:
        batch: of different contexts.
        decoder: of the model; without one the network reads one token after the other, and no drafts.

    Returns:
        For each token of ``batch`` how it was appended.
    """
    outputs = [DecodeOutput(accepted=context.take_draft(id)) for context, id, _ in batch]
    waiting = [place for place, output in enumerate(outputs) if not output.accepted]
    if decoder is None:
        for place in waiting:
            batch[place].context.append(batch[place].id)
        return outputs
    for first in range(0, len(waiting), decoder.max_batch):
        places = waiting[first : first + decoder.max_batch]
        most_drafts = decoder.max_batch // len(places) - 1
        counts = _step([batch[place] for place in places], decoder, most_drafts)
        for place, count in zip(places, counts, strict=True):
            outputs[place] = DecodeOutput(draft_tokens=count)
    return outputs


def _step(batch: Sequence[DecodeInput], decoder: Decoder, most_drafts: int) -> list[int]:
    """Runs the decoder once; returns how many drafts it read of each input."""
    texts = []
    for context, id, drafts in batch:
        free = context.cache.capacity - context.cache.length - 1
        texts.append((context.cache, [id, *drafts[: min(most_drafts, free)]]))
    for (context, _, _), (_, ids), logits in zip(batch, texts, decoder.steps(texts), strict=True):
        context.logits = logits[0]
        context.drafts = [Draft(id, after) for id, after in zip(ids[1:], logits[1:], strict=True)]
    return [len(ids) - 1 for _, ids in texts]
