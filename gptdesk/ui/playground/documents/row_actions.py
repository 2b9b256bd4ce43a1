"""What can be done with the selected rows of the list of documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gptdesk.store.catalog.entry import DocumentSummary
from gptdesk.ui.playground.documents.documents import Documents
from gptdesk.ui.playground.panes.row_actions import RowAction, RowActions

Entries = Sequence[DocumentSummary]


def _ids(entries: Entries) -> list[str]:
    return [entry.id for entry in entries]


def _are_trashed(entries: Entries) -> bool:
    return entries[0].trashed is not None  # the pane shows only these, or only others


def _are_kept(entries: Entries) -> bool:
    return not _are_trashed(entries)


def _is_one_kept(entries: Entries) -> bool:
    return len(entries) == 1 and _are_kept(entries)


def _pin_title(entries: Entries) -> str:
    return "Unpin" if all(entry.pinned for entry in entries) else "Pin to the top"


ACTIONS: Final = RowActions[Documents, DocumentSummary](
    RowAction(
        title=lambda _: "Open",
        run=lambda documents, entries, _: documents.open(entries[0].id),
        is_possible=_is_one_kept,
        key="Return",
    ),
    RowAction(
        title=lambda _: "Rename", run=lambda documents, entries, edit: edit(), is_possible=_is_one_kept, key="F2"
    ),
    RowAction(
        title=_pin_title,
        run=lambda documents, entries, _: documents.toggle_pinned(_ids(entries)),
        is_possible=_are_kept,
    ),
    RowAction(
        title=lambda _: "Tags…",
        run=lambda documents, entries, _: documents.ask_tags(entries[0].id, entries[0].title),
        is_possible=_is_one_kept,
    ),
    RowAction(
        title=lambda _: "Duplicate",
        run=lambda documents, entries, _: documents.duplicate(entries[0].id),
        is_possible=_is_one_kept,
    ),
    RowAction(
        title=lambda _: "Move to trash",
        run=lambda documents, entries, _: documents.move_to_trash(_ids(entries), entries[0].title),
        is_possible=_are_kept,
        key="Del",
    ),
    RowAction(
        title=lambda _: "Restore",
        run=lambda documents, entries, _: documents.restore(_ids(entries)),
        is_possible=_are_trashed,
        key="Return",
    ),
    RowAction(
        title=lambda _: "Delete permanently…",
        run=lambda documents, entries, _: documents.ask_to_delete(_ids(entries), entries[0].title),
        is_possible=_are_trashed,
        key="Del",
    ),
)
