"""Recovers a document from damaged rows: its text first, the rest where it fits, and a sentence about what is lost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from gptdesk.bounded_read import LARGEST_WHOLE
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store import rows
from gptdesk.store.branches.nodes import ROOT, Node, to_bookmark
from gptdesk.store.raw_rows import Column, RawDocument
from gptdesk.store.runs import Run, clean_piece
from gptdesk.store.snapshot import Snapshot
from gptdesk.store.titles import UNTITLED

LATEST: Final = 253_402_300_799.0
"""The last second that a calendar can show, of the year 9999."""

_LONGEST_TITLE: Final = 1000


class Place(msgspec.Struct, frozen=True):
    """Where a person was reading, in characters of the text.

    Attributes:
        caret: before which character the caret was.
        top: first character of the topmost line in view.
    """

    caret: int
    top: int


class OpenedDocument(msgspec.Struct, frozen=True):
    """A document, as far as it can be read.

    Attributes:
        snapshot: what is sound of it.
        problem: a sentence about what is not; empty when all is well.
        place: where the person was reading; ``None`` where that is not known.
    """

    snapshot: Snapshot
    problem: str = ""
    place: Place | None = None


class _Losses(msgspec.Struct):
    """What was found damaged: parts of the text by number, and other things by name."""

    texts: set[int] = msgspec.field(default_factory=set)
    places: set[int] = msgspec.field(default_factory=set)
    origins: set[int] = msgspec.field(default_factory=set)
    others: set[str] = msgspec.field(default_factory=set)

    def sentence(self, title: str) -> str:
        """What is lost; empty when nothing is."""
        words = []
        if self.texts:
            words.append(f"{_parts(self.texts)} cannot be read")
        if self.places:
            words.append(f"{_parts(self.places)} had no place any more and may stand elsewhere now")
        if self.origins:
            words.append(f"{_parts(self.origins)} will look typed, because how the model wrote them is lost")
        if self.others:
            words.append(f"{' and '.join(sorted(self.others))} cannot be read")
        if not words:
            return ""
        shown = title if len(title) <= 40 else f"{title[:39]}…"
        return f"“{shown}” is damaged: {'; '.join(words)}. The damaged original is kept until you remove it."


def restore(id: str, raw: RawDocument) -> OpenedDocument:
    """A document that holds together, made of rows that may not."""
    losses = _Losses()
    title, created, modified, leaf, own_title, decoding, file, deleted, _pinned, caret, top, template = raw.row
    if not (isinstance(title, str) and isinstance(own_title, str | None)):
        losses.others.add("its title")
    if to_time(created) is None or to_time(modified) is None or not isinstance(deleted, float | None):
        losses.others.add("its dates")
    if not isinstance(file, str | None):
        losses.others.add("the name of its file")
    if not isinstance(template, str | None):
        losses.others.add("its template")
    ids = _ids(raw.nodes, losses)
    parents = _parents(raw.nodes, ids, losses)
    runs = _runs(raw, ids, losses)
    bookmarks = _bookmarks(raw.nodes, ids, losses)
    nodes = {id: Node(id, parents[id], runs[id], bookmarks.get(id)) for id in parents}
    end = ROOT if leaf == ROOT else ids.get(leaf)
    if end is None:
        losses.others.add("where it ends")
        end = _newest_end(parents)
    given = to_title(own_title) if isinstance(own_title, str) and own_title.strip() else None
    snapshot = Snapshot(
        id=id,
        title=to_title(title),
        created=to_time(created) or 0.0,
        nodes=nodes,
        leaf=end,
        own_title=given,
        decoding=_decoding(decoding, losses),
        file=rows.to_text(file) if isinstance(file, str) else None,
        chat_template=rows.to_text(template) if isinstance(template, str) else None,
    )
    return OpenedDocument(snapshot, losses.sentence(given or snapshot.title), _place(caret, top))


def _place(caret: Column, top: Column) -> Place | None:
    if type(caret) is not int or type(top) is not int or min(caret, top) < 0 or max(caret, top) > LARGEST_WHOLE:
        return None
    return Place(caret, top)


def _decoding(value: Column, losses: _Losses) -> DecodingSettings | None:
    try:
        return rows.to_decoding(value)
    except ValueError:
        losses.others.add("its settings")
        return None


def to_title(value: Column) -> str:
    """A title that a list can show in one line."""
    if isinstance(value, str) and len(value) <= _LONGEST_TITLE and value.isprintable() and "\ufffc" not in value:
        return " ".join(value.split()) or UNTITLED  # as most of thousands: nothing in it has to be replaced
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    words = " ".join(value.split()) if isinstance(value, str) else ""
    return clean_piece(words[:_LONGEST_TITLE]) or UNTITLED


def to_time(value: Column) -> float | None:
    """Seconds since 1970 that a calendar can show."""
    fits = isinstance(value, int | float) and math.isfinite(value) and 0 <= value <= LATEST
    return float(value) if fits else None  # type: ignore[arg-type]


def _ids(nodes: Sequence[tuple[Column, ...]], losses: _Losses) -> dict[Column, int]:
    """Each node's id, by that in its row; one that is none gets a new one."""
    ids: dict[Column, int] = {row[0]: row[0] for row in nodes if _is_id(row[0])}  # type: ignore[misc]
    for row in nodes:
        if not _is_id(row[0]):
            ids[row[0]] = max(ids.values(), default=ROOT) + 1
            losses.places.add(ids[row[0]])
    return ids


def _is_id(value: Column) -> bool:
    return type(value) is int and ROOT < value <= LARGEST_WHOLE


def _parents(nodes: Sequence[tuple[Column, ...]], ids: Mapping[Column, int], losses: _Losses) -> dict[int, int]:
    """Each node's parent. One without stands behind the node that was written before it."""
    parents: dict[int, int] = {}
    before = ROOT
    for row_id, stated, *_ in nodes:
        id = ids[row_id]
        parent = ROOT if stated == ROOT else ids.get(stated)
        if parent is None or parent == id:
            losses.places.add(id)
            parent = before
        parents[id] = parent
        before = id
    _cut_circles(parents, losses)
    return parents


def _cut_circles(parents: dict[int, int], losses: _Losses) -> None:
    """Makes every path end at the root: of nodes that are each other's parents the oldest becomes a first one."""
    sound = {ROOT}
    for id in parents:
        path: dict[int, None] = {}
        while id not in sound:
            if id in path:
                circle = list(path)[list(path).index(id) :]
                parents[min(circle)] = ROOT
                losses.places.add(min(circle))
                break
            path[id] = None
            id = parents[id]
        sound.update(path)


def _runs(raw: RawDocument, ids: Mapping[Column, int], losses: _Losses) -> dict[int, Run]:
    """Each node's run; text whose origin or tokens cannot be read becomes typed text."""
    tokens: dict[Column, dict[object, object]] = {}
    for node, chunk, part in raw.tokens:
        tokens.setdefault(node, {})[chunk] = part
    if tokens.keys() - ids.keys():
        losses.others.add("some tokens")
    runs: dict[int, Run] = {}
    for row_id, _, text, first, origin, *_ in raw.nodes:
        id = ids[row_id]
        if not isinstance(text, str):
            losses.texts.add(id)
        mixed = rows.to_mixed(text)
        parts = tokens.get(row_id, {})
        try:
            runs[id] = rows.to_run(mixed, first, origin, parts)
            if origin is None and (parts or first != 0):
                raise rows.NoRun
        except rows.NoRun:
            losses.origins.add(id)
            runs[id] = Run(mixed.text, special=mixed.names)
    return runs


def _bookmarks(
    nodes: Sequence[tuple[Column, ...]], ids: Mapping[Column, int], losses: _Losses
) -> dict[int, str | None]:
    """The bookmark of each node that has one."""
    found: dict[int, str | None] = {}
    for row in nodes:
        name = row[-1]
        if name is not None:
            found[ids[row[0]]] = to_bookmark(name) if isinstance(name, str) else None
            if found[ids[row[0]]] != name:
                losses.others.add("some bookmarks")
    return found


def _newest_end(parents: Mapping[int, int]) -> int:
    """The end of the path that was written last."""
    inner = set(parents.values())
    return max((id for id in parents if id not in inner), default=ROOT)


def _parts(ids: set[int]) -> str:
    return "one part" if len(ids) == 1 else f"{len(ids)} parts"
