"""The scored tokens of a text as rows: for a terminal, CSV and JSON. Imports no torch."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.inference.events import Alternative
from gptdesk.inference.scoring.scores import TextScores


class ScoredToken(msgspec.Struct, frozen=True):
    """A token of a text.

    Attributes:
        index: of the token, from 0.
        start: index of its first character.
        end: index behind its last character.
        id: of the token.
        text: what a person is shown for it; U+FFFD for bytes that are part of a character.
        logprob: natural logarithm of its probability, in the model's own distribution given the tokens before it.
        surprisal: the same in bits, -log2 p.
        rank: 1 for the most likely token.
        entropy: of the distribution, in bits.
        top: the most likely tokens.

    The scores are ``None`` for a token that has none, as the first of a text.
    """

    index: int
    start: int
    end: int
    id: int
    text: str
    logprob: float | None
    surprisal: float | None
    rank: int | None
    entropy: float | None
    top: tuple[Alternative, ...] = ()


_COLUMNS = [name for name in ScoredToken.__struct_fields__ if name != "top"]


def scored_tokens(
    found: TextScores, spans: Sequence[tuple[int, int]], tokenizer: Tokenizer, *, top: int = 0
) -> Iterator[ScoredToken]:
    """The tokens of a text, in order.

    Args:
        found: of the text.
        spans: of its tokens in the text, as `Tokenizer.spans` returns them.
        tokenizer: of the model.
        top: alternatives of each token, at most those that were found.
    """
    ids: list[int] = found.ids.tolist()
    scores = found.scores
    for index, (id, (start, end)) in enumerate(zip(ids, spans, strict=True)):
        place = index, start, end, id, tokenizer.piece(id)
        if not scores.ranks[index]:
            yield ScoredToken(*place, None, None, None, None)
            continue
        logprob = float(scores.logprobs[index])
        yield ScoredToken(
            *place,
            logprob,
            bits(-logprob),
            int(scores.ranks[index]),
            bits(float(scores.entropies[index])),
            tuple(
                Alternative(int(other), tokenizer.piece(int(other)), float(chance))
                for other, chance in zip(scores.top_ids[index, :top], scores.top_logprobs[index, :top], strict=True)
            ),
        )


def as_csv(tokens: Iterable[ScoredToken]) -> Iterator[str]:
    """Lines of a CSV file: names of the columns, and a row for each token; cells without a score are empty."""
    yield csv_line(_COLUMNS)
    for token in tokens:
        yield csv_line([getattr(token, name) for name in _COLUMNS])


def csv_line(row: Sequence[object]) -> str:
    """A row of a CSV file with its line end."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(row)
    return line.getvalue()


def bits(nats: float) -> float:
    """The same amount of information in bits; no negative zero."""
    return nats / math.log(2) + 0.0


def byte_lengths(ids: Sequence[int], tokenizer: Tokenizer) -> list[int]:
    """Bytes that each token of a text stands for."""
    before: Sequence[int | None] = [None, *ids[:-1]]
    return [len(tokenizer.bytes_after(previous, id)) for previous, id in zip(before, ids, strict=True)]
