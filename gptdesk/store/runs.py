"""Runs: spans of a document's text with one author, a person or a model; splitting and joining them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Final

import msgspec

from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText, names_between
from gptdesk.inference.events import Alternative
from gptdesk.inference.interventions.intervention import WHOLE, Intervention
from gptdesk.inference.sampling.settings import DecodingSettings

# What a text widget cannot show as one character of its own: line ends of other systems, Unicode's line and paragraph
# separators, and the code points that Qt keeps for itself (frame borders, embedded objects).
_LINE_ENDS = dict.fromkeys(map(ord, "\r\u2028\u2029"), "\n")
_UNUSABLE = dict.fromkeys((0, 0xFDD0, 0xFDD1, ord(PLACEHOLDER), *range(0xD800, 0xE000)), "\ufffd")
_CLEAN = _LINE_ENDS | _UNUSABLE

_TOP: Final = msgspec.json.Decoder(tuple[Alternative, ...])

CHOSEN: Final = "chosen"
"""`Origin.finish_reason` of text that the person chose: no seed gives it again."""


class Token(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A token of a generated run.

    Its alternatives are nine tenths of what is stored of a document, and asked for of few tokens: they stay as they
    were read until then.

    Attributes:
        id: its number in the vocabulary.
        length: characters of the run's text that it completed; 0 for the first bytes of a character.
        logprob: natural logarithm of the probability that the model gave it, before any filter.
        kept_top: what `top` gives, or the JSON array of it.
        entropy: of the model's distribution at this place, in nats; ``None`` where it was not kept.
    """

    id: int
    length: int
    logprob: float
    kept_top: tuple[Alternative, ...] | msgspec.Raw = ()
    entropy: float | None = None

    @property
    def top(self) -> tuple[Alternative, ...]:
        """The model's likeliest tokens at this place; none where what is stored of them is damaged."""
        if not isinstance(self.kept_top, msgspec.Raw):
            return self.kept_top
        try:
            return _TOP.decode(self.kept_top)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and self._figures == other._figures and self.top == other.top

    def __hash__(self) -> int:
        return hash(self._figures)

    @property
    def _figures(self) -> tuple[int, int, float, float | None]:
        return self.id, self.length, self.logprob, self.entropy


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a generated run comes from: enough to generate it again.

    Attributes:
        generation: unique name of the generation; pieces of a run that was split keep it.
        model: name or folder of the model.
        settings: how tokens were chosen.
        seed: the seed that was used, drawn or given; ``None`` where it was not kept.
        finish_reason: why it stopped; ``None`` until then.
        device: where it was computed.
        precision: of the weights, such as "int8".
        backend: what decoded: "torch", "numpy", "numba", or "" where it was not kept.
        tokenizer: identity of the tokenizer whose ids the tokens have (`Tokenizer.sha256`), or "" where it was not
            kept: OpenAI's then. Ids mean nothing to another tokenizer; what is carried over to another model is text.
        weights: SHA-256 of the model's weights (`hash_weights`), or "" where it was not kept.
        runtime: versions of the libraries that computed, and what of the processor they used, or "" where not kept.
        prompt: hash of the text before it (`prompt_hash`), or "" where it was not kept.
        prompt_tokens: tokens of the prompt that the model read; ``None`` where it was not kept.
        foreign_settings: the settings as JSON where they are those of another version; ``settings`` are neutral then.
        intervention: what was changed in the model.
        foreign_intervention: that as JSON where another version wrote it; ``intervention`` is empty then.
    """

    generation: str
    model: str
    settings: DecodingSettings = msgspec.field(default_factory=DecodingSettings)
    seed: int | None = None
    finish_reason: str | None = None
    device: str = ""
    precision: str = ""
    backend: str = ""
    tokenizer: str = ""
    weights: str = ""
    runtime: str = ""
    prompt: str = ""
    prompt_tokens: int | None = None
    foreign_settings: str = ""
    intervention: Intervention = WHOLE
    foreign_intervention: str = ""


class Run(msgspec.Struct, frozen=True):
    """A stretch of text: typed when ``origin`` is ``None``, else generated.

    Attributes:
        text: its characters.
        tokens: what a model wrote it with; their lengths add up to the text's once the generation has ended.
        origin: where a generated run comes from.
        first: index of the first of ``tokens`` in its generation.
        special: names of the special tokens for which placeholders stand in ``text``, as in `MixedText`.
    """

    text: str
    tokens: tuple[Token, ...] = ()
    origin: Origin | None = None
    first: int = 0
    special: tuple[str, ...] = ()

    @property
    def generated(self) -> bool:
        return self.origin is not None

    @property
    def mixed(self) -> MixedText:
        """Its characters and special tokens."""
        return MixedText(self.text, self.special)

    def spans(self) -> list[tuple[int, int]]:
        """Start and end of each token in ``text``; what a running generation holds back has no width yet."""
        ends = [min(end, len(self.text)) for end in accumulate(token.length for token in self.tokens)]
        return list(zip([0, *ends], ends, strict=False))

    def token_at(self, position: int) -> int:
        """Index of the token that a cut at ``position`` characters would fall before or into."""
        if position >= len(self.text):
            return len(self.tokens)
        end = 0
        for index, token in enumerate(self.tokens):
            end += token.length
            if end > position:
                while (
                    index and not self.tokens[index - 1].length
                ):  # the first bytes of a character go with the rest of it
                    index -= 1
                return index
        return len(self.tokens)

    def whole(self, start: int, end: int) -> tuple[int, int]:
        """The smallest range around ``start`` to ``end`` that cuts no token in two."""
        if not self.generated:
            return start, end
        bounds = [0, *accumulate(token.length for token in self.tokens)]
        return max(b for b in bounds if b <= start), min(b for b in bounds if b >= end)

    def cut(self, start: int, end: int) -> Run:
        """The characters from ``start`` to ``end``, with their tokens; no token may lie across either."""
        if start <= 0 and end >= len(self.text):
            return self
        special = names_between(self.text, self.special, start, end)
        if not self.generated:
            return Run(self.text[start:end], special=special)
        first, last = self.token_at(start), self.token_at(end)
        return Run(self.text[start:end], self.tokens[first:last], self.origin, self.first + first, special)

    def continues(self, other: Run) -> bool:
        """Whether this run and the ``other`` before it are neighbours by birth and can be one run."""
        if self.origin is None or other.origin is None:
            return self.origin is other.origin
        return self.origin.generation == other.origin.generation and other.first + len(other.tokens) == self.first


def join(runs: Iterable[Run]) -> list[Run]:
    """The same text in as few runs as possible, without empty ones."""
    joined: list[Run] = []
    for run in runs:
        if not run.text:
            continue
        if joined and run.continues(joined[-1]):
            before = joined[-1]
            joined[-1] = msgspec.structs.replace(
                before,
                text=before.text + run.text,
                tokens=before.tokens + run.tokens,
                special=before.special + run.special,
            )
        else:
            joined.append(run)
    return joined


def same_generation(one: Run, other: Run) -> bool:
    """Whether two generations, or the same parts of them, differ in nothing but when they were made, and the seed.

    A seed that gives the same tokens with the same settings is as good as the other one. The hash of the weights may
    be known of one of them alone.
    """
    if one.origin is None or other.origin is None:
        return False
    if (one.text, one.special, one.first) != (other.text, other.special, other.first):
        return False
    if [token.id for token in one.tokens] != [token.id for token in other.tokens]:
        return False
    weights = one.origin.weights or other.origin.weights
    return _timeless(one.origin, weights) == _timeless(other.origin, weights)


def _timeless(origin: Origin, weights: str) -> Origin:
    """An origin without its name and seed, with the hash of its weights where that is not known."""
    settings = replace(origin.settings, seed=None)
    return msgspec.structs.replace(
        origin, generation="", seed=None, settings=settings, weights=origin.weights or weights
    )


def length_of(runs: Sequence[Run]) -> int:
    """Characters in all of the runs together."""
    return sum(len(run.text) for run in runs)


def settle(run: Run) -> Run:
    """A generated run whose tokens' lengths add up to its text.

    A stop string took characters from the last tokens; bytes that never became a character add U+FFFD to the last one.
    """
    tokens = [
        msgspec.structs.replace(token, length=end - start)
        for token, (start, end) in zip(run.tokens, run.spans(), strict=True)
    ]
    missing = len(run.text) - sum(token.length for token in tokens)
    if tokens and missing:
        tokens[-1] = msgspec.structs.replace(tokens[-1], length=tokens[-1].length + missing)
    return msgspec.structs.replace(run, tokens=tuple(tokens))


def clean(text: str) -> str:
    """Text as a document keeps it: ``\\n`` ends every line, and what no text widget can hold is U+FFFD."""
    return text.replace("\r\n", "\n").translate(_CLEAN)


def clean_piece(text: str) -> str:
    """As `clean`, but every character stays one character, so that the lengths of tokens hold."""
    return text.translate(_CLEAN)


def clean_mixed(mixed: MixedText) -> MixedText:
    """As `clean`, for text with special tokens."""
    return _each_part(clean, mixed)


def clean_mixed_piece(mixed: MixedText) -> MixedText:
    """As `clean_piece`, for text with special tokens."""
    return _each_part(clean_piece, mixed)


def _each_part(change: Callable[[str], str], mixed: MixedText) -> MixedText:
    """Changes the plain text between special tokens."""
    return MixedText(PLACEHOLDER.join(map(change, mixed.text.split(PLACEHOLDER))), mixed.names)
