"""What rows and comparisons of branches say: text, figures, and all of it in words. No widgets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gptdesk.gpt2.mixed_text import encode_mixed
from gptdesk.store.branches.outline import Segment
from gptdesk.ui import number_format
from gptdesk.ui.decoding.escapes import write_escapes
from gptdesk.ui.playground.branches.arrangement import Query

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

_LOOKED_AT: Final = 400
"""Characters of a text that its row may show."""

_MOST_COUNTED: Final = 20_000
"""Characters of typed text whose tokens are counted while a row is painted, which takes about 10 ms."""

_LARGEST_EXPONENT: Final = 700.0
"""Of a perplexity that is still a number; log-probabilities that were read from a file may be any."""

BEGINNING: Final = "Beginning of the document"


@dataclass(frozen=True)
class Figures:
    """What is known of the tokens of a text.

    Attributes:
        tokens: how many there are; None where typed text is too long to be counted at once, or no model is loaded.
        generated: how many of them a model wrote.
        mean: of the log-probabilities of those, in nats per token; None without one.
    """

    tokens: int | None
    generated: int
    mean: float | None

    @property
    def perplexity(self) -> float | None:
        """Of the generated tokens; None without one."""
        return None if self.mean is None else math.exp(min(-self.mean, _LARGEST_EXPONENT))


def figures(segments: Sequence[Segment], tokenizer: Tokenizer | None) -> Figures:
    """Figures of the text of some segments.

    Args:
        segments: in the order of the text.
        tokenizer: of the model in use; it divides what was typed. Generated tokens are those that were recorded.
    """
    runs = [run for segment in segments for run in segment.runs if run.text]
    generated = sum(len(run.tokens) for run in runs)
    typed = [run for run in runs if not run.generated]
    logprobs = [value for segment in segments for value in segment.logprobs]
    mean = math.fsum(logprobs) / len(logprobs) if logprobs else None
    if not typed:
        return Figures(generated, generated, mean)
    if tokenizer is None or sum(len(run.text) for run in typed) > _MOST_COUNTED:
        return Figures(None, generated, mean)
    return Figures(generated + sum(len(encode_mixed(tokenizer, run.mixed)) for run in typed), generated, mean)


def opening(text: str) -> str:
    """The beginning of a text on one line; white space alone is written as escapes."""
    words = " ".join(text[:_LOOKED_AT].split())
    return words or write_escapes(text[:_LOOKED_AT]) or "…"


def author(segment: Segment) -> str:
    """Who wrote a segment."""
    return " and ".join(word for word, holds in (("typed", segment.typed), ("generated", segment.generated)) if holds)


def facts(segment: Segment, known: Figures) -> list[str]:
    """Author, tokens and perplexity in a line, "generated · 23 tokens · perplexity 6.3", and shorter forms of it."""
    tokens, value = size(segment, known), known.perplexity
    if value is None:
        return [_line(author(segment), tokens), tokens]
    long, short = (f"{name} {perplexity(value)}" for name in ("perplexity", "ppl"))
    return [_line(author(segment), tokens, long), _line(author(segment), tokens, short), _line(tokens, short)]


def _line(*parts: str) -> str:
    return " · ".join(filter(None, parts))


def size(segment: Segment, known: Figures) -> str:
    """The number of tokens; of characters where tokens are not counted."""
    if known.tokens is not None:
        return number_format.tokens(known.tokens) if segment.runs else ""
    return number_format.counted(len(segment.text), "character")


def perplexity(value: float) -> str:
    """6.3, 12,345: a perplexity."""
    return number_format.decimal(value, 1 if value < 1000 else 0)


def nats(value: float) -> str:
    """−1.84: a log-probability."""
    return number_format.decimal(value, 2).replace("-", "\N{MINUS SIGN}")


def explained(segment: Segment, known: Figures) -> str:
    """All figures of a segment, one a line."""
    lines = [f"{size(segment, known)}, {author(segment)}".strip(", ")]
    if known.mean is not None and known.perplexity is not None:
        over = number_format.counted(known.generated, "generated token")
        lines.append(f"Mean log-probability of {over}: {nats(known.mean)} nats per token")
        lines.append(f"Perplexity: {perplexity(known.perplexity)}")
    return "\n".join(filter(None, lines))


def spoken(segment: Segment, known: Figures, *, ends_here: bool) -> str:
    """A row for a screen reader."""
    marks = [f"bookmark {segment.bookmark}".strip()] if segment.bookmark is not None else []
    if ends_here:
        marks.append("the shown text ends here")
    elif segment.shown:
        marks.append("in the shown text")
    return ", ".join(filter(None, [title(segment), *marks, facts(segment, known)[0]]))


def title(segment: Segment) -> str:
    """The beginning of a segment's text."""
    return opening(segment.text) if segment.nodes else BEGINNING


def excerpt(segment: Segment, query: Query) -> str:
    """The beginning of a segment's text, or the part of it that a search found."""
    return opening(query.around(segment.text)) if segment.nodes and query else title(segment)
