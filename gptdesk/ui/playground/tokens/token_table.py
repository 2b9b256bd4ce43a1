"""The tokens of the shown text with their figures, by place in the text. No Qt."""

from __future__ import annotations

import bisect
import heapq
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from gptdesk.inference.events import TokenEvent
from gptdesk.ui import number_format
from gptdesk.ui.services.reading.jobs import ScoredText


class Figures(NamedTuple):
    """What is known of a token, in the model's own distribution.

    Attributes:
        id: of the token.
        logprob: natural logarithm of its probability; NaN where it is not known, as of the first token.
        rank: 1 for the most likely token; 0 where it is not known.
        entropy: of the distribution, in nats; NaN where it is not known.
    """

    id: int
    logprob: float
    rank: int
    entropy: float

    @property
    def known(self) -> bool:
        return not math.isnan(self.logprob)


class Totals(NamedTuple):
    """What the figures of some tokens add up to.

    Attributes:
        tokens: how many there are.
        scored: how many of them have figures.
        nats: sum of -ln p.
        size: bytes of UTF-8 of the text that those stand for.
    """

    tokens: int
    scored: int
    nats: float
    size: int

    @property
    def perplexity(self) -> float | None:
        """``None`` without a scored token; infinite where float64 ends."""
        if not self.scored:
            return None
        mean = self.nats / self.scored
        return math.exp(mean) if mean < 709 else math.inf

    @property
    def bits_per_byte(self) -> float | None:
        """``None`` where there is no byte."""
        return self.nats / self.size / math.log(2) if self.size else None


def totals_text(totals: Totals, name: str = "Text") -> str:
    """Text: 24 tokens · perplexity 31.5 · 2.1 bits per byte."""
    parts = [f"{name}: {number_format.tokens(totals.tokens)}"]
    if totals.perplexity is not None:
        digits = 1 if totals.perplexity < 1000 else 0
        parts.append(f"perplexity {number_format.decimal(totals.perplexity, digits)}")
    if totals.bits_per_byte is not None:
        parts.append(f"{number_format.decimal(totals.bits_per_byte, 3)} bits per byte")
    return "  ·  ".join(parts)


class TokenTable:
    """Places and figures of tokens, in the order of the text, as columns of equal length.

    Attributes:
        starts, ends: index of the first character of each token, and behind its last one; both ascend. Tokens that are
            parts of one character have all of it.
        ids, logprobs, ranks, entropies: as in `Figures`.
        scored: where the figures come from, while the text is still that one.
    """

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.ids: list[int] = []
        self.logprobs: list[float] = []
        self.ranks: list[int] = []
        self.entropies: list[float] = []
        self.scored: ScoredText | None = None

    def __len__(self) -> int:
        return len(self.starts)

    def figures(self, index: int) -> Figures:
        """Those of one token."""
        return Figures(self.ids[index], self.logprobs[index], self.ranks[index], self.entropies[index])

    def fill(self, scored: ScoredText) -> None:
        """Takes the tokens of a text that was scored."""
        scores = scored.found.scores
        self.starts, self.ends = scored.starts.tolist(), scored.ends.tolist()
        self.ids, self.logprobs = scored.found.ids.tolist(), scores.logprobs.tolist()
        self.ranks, self.entropies = scores.ranks.tolist(), scores.entropies.tolist()
        self.scored = scored

    def clear(self) -> None:
        """Forgets all tokens."""
        self.truncate(0)

    def truncate(self, length: int) -> None:
        """Forgets the tokens that reach behind so many characters."""
        self.scored = None
        first = bisect.bisect_right(self.ends, length) if length else 0
        for column in self._columns:
            del column[first:]

    def splice(self, start: int, old_end: int, new_end: int) -> None:
        """The characters from ``start`` to ``old_end`` were replaced by those to ``new_end``.

        Tokens that were touched are dropped. Those behind keep their figures, which are of the text before, until the
        new text is scored.
        """
        self.scored = None
        first = bisect.bisect_right(self.ends, start)
        last = max(first, bisect.bisect_left(self.starts, old_end))
        shift = new_end - old_end
        for places in (self.starts, self.ends):
            places[first:] = [place + shift for place in places[last:]]
        for column in self._figures:
            del column[first:last]

    def append(self, events: Iterable[TokenEvent], start: int) -> int:
        """Adds tokens that are being generated, the first of which begins at ``start``; returns where the last ends."""
        for event in events:
            self.starts.append(start)
            start += event.length
            self.ends.append(start)
            self.ids.append(event.id)
            self.logprobs.append(event.logprob)
            self.ranks.append(next((place for place, other in enumerate(event.top, 1) if other.id == event.id), 0))
            self.entropies.append(event.entropy)
        return start

    def between(self, start: int, end: int) -> range:
        """Indexes of the tokens that have a character between two places; of that at the place if they are one."""
        first = bisect.bisect_right(self.ends, start)
        return range(first, max(first, bisect.bisect_left(self.starts, max(end, start + 1))))

    def totals(self, text: str, chosen: range) -> Totals:
        """What some of the tokens of ``text`` add up to."""
        known = [index for index in chosen if not math.isnan(self.logprobs[index])]
        if not known:
            return Totals(len(chosen), 0, 0.0, 0)
        nats = -math.fsum(self.logprobs[index] for index in known)
        covered = text[self.starts[known[0]] : self.ends[known[-1]]]
        return Totals(len(chosen), len(known), nats, len(covered.encode("utf-8", "replace")))

    def most_surprising(self, chosen: range, count: int) -> list[int]:
        """Indexes of the tokens with the smallest probabilities, the smallest first."""
        known = (index for index in chosen if not math.isnan(self.logprobs[index]))
        return heapq.nsmallest(count, known, key=self.logprobs.__getitem__)

    @property
    def _figures(self) -> tuple[list[Any], ...]:
        return self.ids, self.logprobs, self.ranks, self.entropies

    @property
    def _columns(self) -> tuple[list[Any], ...]:
        return self.starts, self.ends, *self._figures
