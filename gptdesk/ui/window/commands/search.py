"""Ranks commands for a search: fuzzy, with recently run commands first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

_GOOD_ENOUGH: Final = 70.0
"""Least score of a match, of 100: about one wrong or missing letter in four."""

_BEGINS, _WORD_BEGINS, _INITIALS, _RECENT = 40.0, 25.0, 30.0, 5.0
"""Points if the title, or a word of it, begins so; for the initials of its words; for a recent command."""

_DESCRIPTION: Final = 0.72
"""Factor of the score of a match in the description."""


class Entry(NamedTuple):
    """The searched text of a command."""

    id: str
    title: str
    description: str = ""


def rank(entries: Iterable[Entry], typed: str, recent: Sequence[str]) -> list[str]:
    """Ids of the entries that match, best first.

    Args:
        entries: in the order in which they are listed when nothing is typed.
        typed: words in any order, parts of words, or the first letters of the words.
        recent: ids, newest first; they come first if nothing is typed, and among equal scores.
    """
    wanted = " ".join(typed.casefold().split())
    places = {id: place for place, id in enumerate(recent)}
    found = []
    for number, entry in enumerate(entries):
        score = _score(entry, wanted) if wanted else _GOOD_ENOUGH
        if score < _GOOD_ENOUGH:
            continue
        place = places.get(entry.id, len(places))
        bonus = _RECENT if entry.id in places else 0.0
        found.append((-(score + bonus), place, number, entry.id))
    return [id for *_, id in sorted(found)]


def _score(entry: Entry, wanted: str) -> float:
    from rapidfuzz import fuzz

    title = entry.title.casefold()
    words = title.replace(":", " ").replace("…", " ").split()
    # Short titles would match anything longer: the typed text is looked for in the title, never the other way round.
    score = fuzz.partial_ratio(wanted, title) if len(wanted) <= len(title) else fuzz.ratio(wanted, title)
    if " " in wanted:
        score = max(score, min(_best_word(part, words) for part in wanted.split()))
    if title.startswith(wanted):
        score += _BEGINS
    elif any(word.startswith(wanted) for word in words):
        score += _WORD_BEGINS
    elif len(wanted) > 1 and "".join(word[0] for word in words).startswith(wanted):
        score = max(score, _GOOD_ENOUGH) + _INITIALS
    described = _DESCRIPTION * 100 if wanted in entry.description.casefold() else 0.0
    return max(score, described)


def _best_word(part: str, words: Sequence[str]) -> float:
    from rapidfuzz import fuzz

    return max((fuzz.partial_ratio(part, word) for word in words if len(part) <= len(word)), default=0.0)
