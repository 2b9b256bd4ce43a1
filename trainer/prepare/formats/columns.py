"""Chooses the text column of a table when none was named."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from trainer.prepare.broken import names_in_short

_USUAL: Final = (
    "text",
    "content",
    "body",
    "document",
    "article",
    "story",
    "sentence",
    "passage",
    "paragraph",
    "review",
)
"""Names of columns of text, in lower case."""

_WORDS: Final = 3
"""A column is prose if its values have so many words in the mean; other columns then have to be much shorter."""

_LONGER: Final = 5
_WORD: Final = re.compile(r"[^\W\d_]+")


def guess_column(sample: Mapping[str, Sequence[str]]) -> str | None:
    """The column that alone has the usual name of a text, is alone in holding words, or is far the longest prose.

    Args:
        sample: some values of each column of text, by its name.
    """
    usual = [name for name in sample if name.strip().lower() in _USUAL]
    if len(usual) == 1:
        return usual[0]
    lengths = {name: sum(map(len, values)) / max(1, len(values)) for name, values in sample.items()}
    worded = [name for name, values in sample.items() if any(map(_WORD.search, values)) and not _all_alike(values)]
    prose = [name for name in worded if _words(sample[name]) >= _WORDS]
    if len(prose) == 1:
        return prose[0]
    if prose:
        first, second = sorted(prose, key=lambda name: -lengths[name])[:2]
        return first if lengths[first] >= _LONGER * lengths[second] else None
    return worded[0] if len(sample) == 1 and worded else None


def no_column(column: str, names: Sequence[str]) -> str:
    """Clause that a table has no column of text, with the columns that it has."""
    return f'has no column "{column}"; its columns are {names_in_short(names)}: name the one with the text (--column)'


def _words(values: Sequence[str]) -> float:
    return sum(len(_WORD.findall(value[:10_000])) for value in values) / max(1, len(values))


def _all_alike(values: Sequence[str]) -> bool:
    return len(values) > 3 and len(set(values)) == 1
