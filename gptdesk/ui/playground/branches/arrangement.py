"""Where the rows of the branches stand: which one is indented below which, and which ones a search leaves. No Qt.

A text that forks again and again would be indented again and again, out of the pane. So what goes on at length stays at
the level of the row that it goes on from, below those that end there or are shorter: as in a drawing of a version
history, the longest line goes straight down. The level is at most the binary logarithm of the number of rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from gptdesk.store.branches.outline import Outline, Segment

_AROUND: Final = 24
"""Characters before a match that are shown with it."""


@dataclass(frozen=True)
class Row:
    """A segment and its place.

    Attributes:
        segment: of the document.
        parent: id of the row below which it is indented; None at the first level.
        place: number among the rows of that parent.
        level: how often it is indented.
        nested: ids of the rows that are indented below it.
        follows: whether it goes on from a row of the same level.
        next: id of the row of the same level that goes on from it, if there is one.
        more: whether another row below it goes on from its parent.
        more_shown: whether such a row is part of the text that is shown.
        found: whether it is what was searched for, and not only before it.
    """

    segment: Segment
    parent: int | None
    place: int
    level: int
    nested: tuple[int, ...]
    follows: bool
    next: int | None
    more: bool
    more_shown: bool
    found: bool


@dataclass(frozen=True)
class Rows:
    """All rows that are shown.

    Attributes:
        by_id: from top to bottom.
        nested: ids of the rows below each one; of None those of the first level.
        query: what was searched for.
    """

    by_id: Mapping[int, Row]
    nested: Mapping[int | None, Sequence[int]]
    query: Query

    @property
    def found(self) -> int:
        """How many rows are what was searched for."""
        return sum(row.found for row in self.by_id.values())


@dataclass(frozen=True)
class Query:
    """What a person typed in the search field: words that text or name of a bookmark must have, in any case."""

    words: tuple[str, ...] = ()

    @classmethod
    def parse(cls, typed: str) -> Query:
        """Reads what was typed."""
        return cls(tuple(typed.split()))

    def __bool__(self) -> bool:
        return bool(self.words)

    @cached_property
    def _patterns(self) -> Sequence[re.Pattern[str]]:
        return [re.compile(re.escape(word), re.IGNORECASE) for word in self.words]

    def finds(self, segment: Segment) -> bool:
        """Whether text and name of a segment have all the words."""
        name = segment.bookmark or ""
        return all(pattern.search(segment.text) or pattern.search(name) for pattern in self._patterns)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Start and end of every match in a text, in their order."""
        return sorted(match.span() for pattern in self._patterns for match in pattern.finditer(text))

    def around(self, text: str) -> str:
        """A text from shortly before its first match on; all of it if there is none, or if it comes soon."""
        start = min((match.start() for pattern in self._patterns if (match := pattern.search(text))), default=0)
        if start <= 2 * _AROUND:
            return text
        space = text.find(" ", start - _AROUND, start)
        return "…" + text[(start - _AROUND if space < 0 else space + 1) :]


def arrange(outline: Outline, query: Query) -> Rows:
    """The rows of all segments, or of those that a search finds and what stands before them."""
    segments = outline.segments
    found = {id for id, segment in segments.items() if query.finds(segment)} if query else set()
    kept = {one.id for id in found for one in outline.before(id)} if query else set(segments)
    children = {id: [child for child in segments[id].children if child in kept] for id in segments if id in kept}
    sizes: dict[int, int] = {}
    for id in reversed(children):
        sizes[id] = 1 + sum(sizes[child] for child in children[id])
    nested: dict[int | None, list[int]] = {None: [], **{id: [] for id in children}}
    parents: dict[int, int | None] = {}  # from top to bottom
    nexts: dict[int, int] = {}
    first = outline.first
    pending: list[tuple[int, int | None]] = [(first, None)] if first is not None and first in kept else []
    while pending:
        id, parent = pending.pop()
        parents[id] = parent
        nested[parent].append(id)
        forking = [child for child in children[id] if children[child]]
        if forking:
            nexts[id] = max(forking, key=lambda child: sizes[child])  # the oldest of several
            pending.append((nexts[id], parent))
        pending += [(child, id) for child in reversed(children[id]) if child != nexts.get(id)]
    return Rows(_rows(segments, nested, parents, nexts, found), nested, query)


def _rows(
    segments: Mapping[int, Segment],
    nested: Mapping[int | None, Sequence[int]],
    parents: Mapping[int, int | None],
    nexts: Mapping[int, int],
    found: set[int],
) -> dict[int, Row]:
    followers = set(nexts.values())
    links: dict[int, tuple[bool, bool]] = {}
    for parent, ids in nested.items():
        below = None if parent is None else nexts.get(parent)
        link = below is not None, below is not None and segments[below].shown
        for id in reversed(ids):
            links[id] = link
            if id not in followers:
                link = True, link[1] or segments[id].shown
    places = {id: place for ids in nested.values() for place, id in enumerate(ids)}
    rows: dict[int, Row] = {}
    for id, parent in parents.items():
        rows[id] = Row(
            segment=segments[id],
            parent=parent,
            place=places[id],
            level=0 if parent is None else rows[parent].level + 1,
            nested=tuple(nested[id]),
            follows=id in followers,
            next=nexts.get(id),
            more=links[id][0],
            more_shown=links[id][1],
            found=id in found,
        )
    return rows
