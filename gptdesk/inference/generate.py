"""The generation loop: reads the prompt, then decodes and chooses one token of each completion at a time."""

from __future__ import annotations

import secrets
from collections import abc
from collections.abc import Callable, Iterator
from time import perf_counter

import msgspec

from gptdesk.gpt2.tokenizer import TextStream, Tokenizer
from gptdesk.inference.choose import choose
from gptdesk.inference.context import Context
from gptdesk.inference.decode import DecodeInput, decode
from gptdesk.inference.decoder import Decoder
from gptdesk.inference.events import DoneEvent, Event, NoticeEvent
from gptdesk.inference.network import Network
from gptdesk.inference.sampling.settings import FRESH_SEEDS, DecodingSettings, completion_seed
from gptdesk.inference.scoring.windows import window_start
from gptdesk.inference.sequence import Sequence


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What all completions of one prompt share, from the first token to the last.

    Attributes:
        tokenizer: of the model.
        vocab_size: ids from there on are padding and cannot be chosen.
        n_positions: the model's context length, in tokens.
        decoder: appends the tokens that are chosen; ``None``: the network does.
        network: that reads the prompt.
        previous: the token that the text follows, as for `TextStream`.
        cancelled: asked before every token and every chunk of a prompt; True ends all completions.
        cancelled_one: asked before every token of a completion, with its index; True ends that one.
        started: `time.perf_counter` when the completions were asked for.
    """

    tokenizer: Tokenizer
    vocab_size: int
    n_positions: int
    decoder: Decoder | None
    network: Network
    previous: int | None
    cancelled: Callable[[], bool]
    cancelled_one: Callable[[int], bool]
    started: float


def generate(prompt: abc.Sequence[int], context: Context, settings: DecodingSettings, setup: Setup) -> Iterator[Event]:
    """Completes ``prompt`` ``settings.n`` times, one token of each in turn.

    Args:
        prompt: 1 ... n_positions ids.
        context: of the model; holds ``prompt`` and the first completion afterwards.
        settings: decoding settings. Completion i has the seed ``settings.seed + i``.
        setup: what the completions share.

    Yields:
        Tokens and notices of each completion, and its `DoneEvent` at the end.

    Raises:
        UserError: when every token is banned, or the model computes values that are not numbers.
    """
    active = prefill(prompt, context, settings, setup)
    while active:
        cancel(active if setup.cancelled() else [one for one in active if setup.cancelled_one(one.index)])
        for sequence in active:
            if sequence.is_active and sequence.is_unread and sequence.context.is_full:
                yield _full_context(sequence, setup)
                rewindow(sequence, setup)
        decode_last([sequence for sequence in active if sequence.is_active and sequence.is_unread], setup)
        for sequence in active:
            if sequence.is_active and (token := choose(sequence, setup.tokenizer, setup.vocab_size)):
                yield token
            if not sequence.is_active:
                yield _done(sequence, setup)
        active = [sequence for sequence in active if sequence.is_active]


def prefill(prompt: abc.Sequence[int], context: Context, settings: DecodingSettings, setup: Setup) -> list[Sequence]:
    """Reads the prompt once for all completions; if that is cancelled, so are they."""
    finished = context.read(prompt, setup.cancelled)
    seed = secrets.randbelow(FRESH_SEEDS) if settings.seed is None else settings.seed
    sequences = [
        Sequence(
            index,
            prompt,
            context.copy() if finished and index else context,
            settings,
            seed=completion_seed(seed, index),
            stream=TextStream(setup.tokenizer, setup.previous),
            started=setup.started,
        )
        for index in range(settings.n)
    ]
    if not finished:
        cancel(sequences)
    return sequences


def cancel(sequences: abc.Sequence[Sequence]) -> None:
    """Ends those that are active."""
    for sequence in sequences:
        sequence.finish_reason = "cancelled"


def rewindow(sequence: Sequence, setup: Setup) -> None:
    """Reads the end of a text that has outgrown the context again, which makes room; ends it if that is cancelled."""
    began = perf_counter()
    sequence.window = window_start(sequence.length, setup.n_positions)
    if not sequence.context.read(sequence.ids[sequence.window :].tolist(), setup.cancelled):
        sequence.finish_reason = "cancelled"
    sequence.decode_s += perf_counter() - began


def decode_last(sequences: abc.Sequence[Sequence], setup: Setup) -> None:
    """Appends the last token of each sequence, and drafts after it, to its context, in one batch."""
    began = perf_counter()
    batch = [DecodeInput(one.context, int(one.ids[-1]), one.lookup.draft(one.ids)) for one in sequences]
    outputs = decode(batch, setup.decoder)
    seconds = perf_counter() - began
    for sequence, output in zip(sequences, outputs, strict=True):
        sequence.accepted_tokens += output.accepted
        sequence.draft_tokens += output.draft_tokens
        sequence.decode_s += seconds / len(sequences)


def _full_context(sequence: Sequence, setup: Setup) -> NoticeEvent:
    kept = sequence.length - window_start(sequence.length, setup.n_positions)
    return NoticeEvent(
        sequence.index,
        f"The context of {setup.n_positions:,} tokens is full: "
        f"the last {kept:,} were read again, earlier ones are dropped.",
    )


def _done(sequence: Sequence, setup: Setup) -> DoneEvent:
    """The event at the end of a completion."""
    found = sequence.stops.found
    tail = "" if found else sequence.stops.feed(sequence.stream.flush())
    tail += "" if sequence.stops.found else sequence.stops.flush()
    reason = "stop" if sequence.stops.found else sequence.finish_reason  # also one that the last character completed
    assert reason is not None
    chosen = len(sequence.completion)
    return DoneEvent(
        index=sequence.index,
        text="".join(sequence.pieces) + tail,
        tail=tail,
        finish_reason=reason,
        prompt_tokens=sequence.prompt_length,
        completion_tokens=chosen,
        seed=sequence.seed,
        ttft_ms=1000 * sequence.ttft_s,
        tokens_per_s=(chosen - 1) / sequence.decode_s if sequence.decode_s else 0.0,
        device=setup.network.device,
        precision=setup.network.precision,
        backend=backend_of(setup.decoder, setup.network),
        draft_tokens=sequence.draft_tokens,
        accepted_tokens=sequence.accepted_tokens,
    )


def backend_of(decoder: Decoder | None, network: Network) -> str:
    """What decodes: without a decoder the network."""
    return network.backend if decoder is None else decoder.backend
