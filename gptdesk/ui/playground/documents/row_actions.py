"""What can be done with the selected rows of the list of documents; their menu and keys are made from one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu

from gptdesk.store.catalog.entry import DocumentSummary
from gptdesk.ui.playground.documents.documents import Documents

Entries = Sequence[DocumentSummary]


@dataclass(frozen=True, kw_only=True)
class RowAction:
    """One action.

    Attributes:
        title: in the menu, for these entries.
        run: the action.
        key: that does the same in the list, as Qt writes it; "" for none.
        in_trash: whether it is for documents in the trash, or for others.
        several: whether it is possible for several documents at once.
    """

    title: Callable[[Entries], str]
    run: Callable[[Documents, Entries], object]
    key: str = ""
    in_trash: bool = False
    several: bool = False


def _ids(entries: Entries) -> list[str]:
    return [entry.id for entry in entries]


def _pin_title(entries: Entries) -> str:
    return "Unpin" if all(entry.pinned for entry in entries) else "Pin to the top"


ACTIONS: Final = (
    RowAction(title=lambda _: "Open", run=lambda documents, entries: documents.open(entries[0].id), key="Return"),
    RowAction(title=_pin_title, run=lambda documents, entries: documents.toggle_pinned(_ids(entries)), several=True),
    RowAction(
        title=lambda _: "Tags…", run=lambda documents, entries: documents.ask_tags(entries[0].id, entries[0].title)
    ),
    RowAction(title=lambda _: "Duplicate", run=lambda documents, entries: documents.duplicate(entries[0].id)),
    RowAction(
        title=lambda _: "Move to trash",
        run=lambda documents, entries: documents.move_to_trash(_ids(entries), entries[0].title),
        key="Delete",
        several=True,
    ),
    RowAction(
        title=lambda _: "Restore",
        run=lambda documents, entries: documents.restore(_ids(entries)),
        key="Return",
        in_trash=True,
        several=True,
    ),
    RowAction(
        title=lambda _: "Delete permanently…",
        run=lambda documents, entries: documents.ask_to_delete(_ids(entries), entries[0].title),
        key="Delete",
        in_trash=True,
        several=True,
    ),
)
"""In the order of the menu."""


def actions_for(entries: Entries, *, in_trash: bool) -> list[RowAction]:
    """The actions that are possible for these documents."""
    return [
        action
        for action in ACTIONS
        if entries and action.in_trash == in_trash and (action.several or len(entries) == 1)
    ]


def run_key(key: str, documents: Documents, entries: Entries, *, in_trash: bool) -> None:
    """Does what a key does to these documents, if it does anything."""
    for action in actions_for(entries, in_trash=in_trash):
        if action.key == key:
            action.run(documents, entries)
            return


def fill_row_menu(
    menu: QMenu, documents: Documents, entries: Entries, *, in_trash: bool, rename: Callable[[], object]
) -> None:
    """Fills the menu of these documents.

    Args:
        rename: edits the title in its row.
    """
    menu.clear()
    for action in actions_for(entries, in_trash=in_trash):
        added = menu.addAction(action.title(entries), partial(action.run, documents, entries))
        if action.key:
            added.setShortcut(QKeySequence(action.key))
        if action is ACTIONS[0]:
            menu.addAction("Rename", rename).setShortcut(QKeySequence("F2"))
