"""What a comparison of two branches says: their texts, figures, and where they part. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from gptdesk.store.branches.outline import Segment
from gptdesk.ui import number_format
from gptdesk.ui.playground.branches.comparison.word_diff import Part, compare
from gptdesk.ui.playground.branches.labels import Figures, figures, nats, opening, perplexity

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

_QUOTED: Final = 40
"""Characters before the place where texts part that are quoted."""


@dataclass(frozen=True)
class Side:
    """One of the branches.

    Attributes:
        segments: its text, first to last.
        shown: whether it is the text that the editor shows.
    """

    segments: tuple[Segment, ...]
    shown: bool = False

    @cached_property
    def text(self) -> str:
        """All of its text."""
        return "".join(segment.text for segment in self.segments)


@dataclass(frozen=True)
class Comparison:
    """Two branches side by side.

    Attributes:
        left: the first branch.
        right: the second one.
        tokenizer: of the model in use, for counting what was typed.
    """

    left: Side
    right: Side
    tokenizer: Tokenizer | None = None

    @cached_property
    def parts(self) -> list[Part]:
        """Shared and different stretches of the texts."""
        return compare(self.left.text, self.right.text)

    @cached_property
    def common(self) -> int:
        """How many segments both have at their beginning."""
        pairs = zip(self.left.segments, self.right.segments, strict=False)
        return next((n for n, (a, b) in enumerate(pairs) if a.id != b.id), min(map(len, self._segments)))

    @property
    def _segments(self) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
        return self.left.segments, self.right.segments

    def title(self, side: Side) -> str:
        """What a branch is called: its bookmark, or where it goes its own way."""
        name = next((segment.bookmark for segment in reversed(side.segments[self.common :]) if segment.bookmark), None)
        own = "".join(segment.text for segment in side.segments[self.common :])
        words = f"★ {name}" if name else f"“{opening(own)}”" if own else "the shared beginning"
        return f"Shown text: {words}" if side.shown else words

    def own(self, side: Side) -> Figures:
        """Figures of what a branch has behind the fork."""
        return figures(side.segments[self.common :], self.tokenizer)

    @property
    def parting(self) -> str:
        """Where the texts part, in a sentence."""
        if not self.parts or all(part.same for part in self.parts):
            return "Both texts are the same."
        shared = self.parts[0].left if self.parts[0].same else ""
        if not shared:
            return "They part at the beginning."
        known = figures(self.left.segments[: self.common], self.tokenizer).tokens
        tokens = f" (the branches fork after {number_format.tokens(known)})" if known else ""
        line = number_format.count(shared.count("\n") + 1)
        quote = opening(shared if len(shared) <= _QUOTED else f"…{shared[-_QUOTED:].partition(' ')[2]}")
        characters = number_format.counted(len(shared), "character")
        return f"They part in line {line}, after {characters}{tokens}: “{quote}”"

    def table(self) -> list[tuple[str, str, str]]:
        """Figures of both branches behind the fork: name, value of the left one, value of the right one."""
        own = self.own(self.left), self.own(self.right)
        whole = [figures(segments, self.tokenizer) for segments in self._segments]
        return [
            ("Tokens", _tokens(whole[0]), _tokens(whole[1])),
            ("Tokens behind the fork", _tokens(own[0]), _tokens(own[1])),
            ("Mean log-probability behind it (nats per token)", _mean(own[0]), _mean(own[1])),
            ("Perplexity behind it", _perplexity(own[0]), _perplexity(own[1])),
        ]

    @property
    def marked_text(self) -> str:
        """The whole comparison as plain text: [-only left-]{+only right+}, as `wdiff` writes it."""
        return "".join(
            part.left if part.same else _bracketed("[-", part.left, "-]") + _bracketed("{+", part.right, "+}")
            for part in self.parts
        )


def _bracketed(start: str, text: str, end: str) -> str:
    return f"{start}{text}{end}" if text else ""


def _tokens(known: Figures) -> str:
    return "not counted" if known.tokens is None else number_format.count(known.tokens)


def _mean(known: Figures) -> str:
    return "none generated" if known.mean is None else nats(known.mean)


def _perplexity(known: Figures) -> str:
    return "none generated" if known.perplexity is None else perplexity(known.perplexity)
