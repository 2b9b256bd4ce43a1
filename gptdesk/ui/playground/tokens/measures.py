"""What the text can be coloured by: one table of measures, from which menu, legend, commands and tooltips are made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from gptdesk.coloured_text import surprisal
from gptdesk.coloured_text.page import step_of
from gptdesk.ui import number_format
from gptdesk.ui.playground.tokens.token_table import Figures

_MOST_ENTROPY: Final = 10.0
"""Entropy with the strongest colour, in bits: as if 1,024 tokens were equally likely."""

_RANK_POWERS: Final = 4
"""Powers of ten of the rank with the strongest colour."""


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of a token that can be shown as a colour.

    Attributes:
        id: in the settings.
        title: name for people.
        help: what it says, one sentence.
        level: of a token, 0 (no colour) to 1 (the strongest); called only where the figures are known.
        value: of a token, as text with its unit.
        low, high: what no colour and the strongest colour stand for, in the legend.
        light, dark: the strongest colour in each theme, as ``#rrggbb``.
    """

    id: str
    title: str
    help: str
    level: Callable[[Figures], float]
    value: Callable[[Figures], str]
    low: str
    high: str
    light: str
    dark: str

    def step(self, figures: Figures) -> int:
        """Index of the colour of a token in a ramp; 0, no colour, where its figures are not known."""
        if not figures.known:
            return 0
        return step_of(self.level(figures))


def bits(nats: float) -> float:
    """The same amount of information in bits; no negative zero."""
    return nats / math.log(2) + 0.0


def _rank_level(figures: Figures) -> float:
    return math.log10(figures.rank) / _RANK_POWERS if figures.rank else 0.0


def _probability(figures: Figures) -> str:
    percent = 100 * math.exp(figures.logprob)
    digits = 1 if percent >= 1 else min(6, 1 - math.floor(math.log10(max(percent, 1e-6))))
    return f"{number_format.decimal(percent, digits)} %"


MEASURES: Final[Mapping[str, Measure]] = {
    one.id: one
    for one in (
        Measure(
            id="surprisal",
            title="Surprisal",
            help="How many bits of information the token has: -log2 of its probability. 1 bit is a coin toss.",
            level=lambda figures: surprisal.level(bits(-figures.logprob)),
            value=lambda figures: f"{number_format.decimal(bits(-figures.logprob), 2)} bits",
            low=surprisal.LOW,
            high=surprisal.HIGH,
            light=surprisal.STRONGEST_LIGHT,
            dark=surprisal.STRONGEST_DARK,
        ),
        Measure(
            id="probability",
            title="Probability",
            help="How probable the model found the token, given the text before it.",
            level=lambda figures: math.exp(figures.logprob),
            value=_probability,
            low="0 %",
            high="100 %",
            light="#6BA5F2",
            dark="#2C62AE",
        ),
        Measure(
            id="rank",
            title="Rank",
            help="1 if the token was the most likely one, 2 if it was the second, and so on.",
            level=_rank_level,
            value=lambda figures: number_format.count(figures.rank) if figures.rank else "more than 10",
            low="1",
            high="10,000 and more",
            light="#DE86BC",
            dark="#8C3C74",
        ),
        Measure(
            id="entropy",
            title="Entropy",
            help="How uncertain the model was before the token, in bits: 3 bits are as uncertain as 8 equally likely "
            "tokens.",
            level=lambda figures: bits(figures.entropy) / _MOST_ENTROPY,
            value=lambda figures: f"{number_format.decimal(bits(figures.entropy), 2)} bits",
            low="0",
            high="10 bits and more",
            light="#45B3A6",
            dark="#1C6F66",
        ),
    )
}
"""By id; the first one is the default."""


def measure_of(id: str) -> Measure:
    """The measure of that id, or the default where the settings name one that does not exist."""
    return MEASURES.get(id) or next(iter(MEASURES.values()))


def described(text: str, figures: Figures) -> str:
    """A token and all that is known of it, one figure a line."""
    head = f"{quoted(text)}, token {figures.id}"
    if not figures.known:
        return f"{head}\nNot scored: the model reads nothing before it, or has not read it yet."
    return "\n".join([head, *(f"{one.title}: {one.value(figures)}" for one in MEASURES.values())])


def quoted(text: str) -> str:
    """A token's text in quotes, line ends and tabs visible."""
    return "“" + text.replace("\n", "↵").replace("\t", "⇥") + "”"
