"""Commands on documents: new, open, save, and what the list of documents does."""

from __future__ import annotations

from typing import Final

from PySide6.QtGui import QKeySequence

from gptdesk.ui.playground.documents.documents import Documents
from gptdesk.ui.playground.documents.files import DocumentFiles
from gptdesk.ui.playground.top_bar import fill_documents
from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.window.commands.entries import Entry, ViewAccess
from gptdesk.ui.window.commands.registry import Command, always

_ENTRIES: Final = (
    Entry("rename", "Rename document…", "Rename…", "Change the title of the open document", ("F2",)),
    Entry(
        "duplicate", "Duplicate document", "Duplicate", "Copy the open document with its branches, and open the copy"
    ),
    Entry(
        "pin",
        "Pin or unpin document",
        "Pin or unpin document",
        "Keep the open document at the top of the list, or no longer",
    ),
    Entry("tags", "Tags of the document…", "Tags…", "Give the open document tags, by which the list can be searched"),
    Entry(
        "delete",
        "Move document to trash",
        "Move to trash",
        "Move the open document to the trash; a message offers to undo that",
    ),
)
_NEED_TEXT: Final = ("duplicate", "pin", "tags")


def document_commands(
    documents: Documents,
    files: DocumentFiles,
    settings: SettingsService,
    page: ViewAccess[PlaygroundView],
) -> list[Command]:
    """The commands; they work on every page.

    Args:
        page: the Playground.
    """
    return [
        *_list_commands(documents, settings, page),
        *_file_commands(files),
        *_open_document_commands(documents),
    ]


def _list_commands(
    documents: Documents,
    settings: SettingsService,
    page: ViewAccess[PlaygroundView],
) -> list[Command]:
    act = page.act

    def is_shown() -> bool:
        return settings.value.documents_shown if (view := page.made()) is None else not view.documents.isHidden()

    return [
        Command(
            id="document.new",
            title="New document",
            description="Open an empty document; the current one is kept",
            run=documents.new,
            group="new",
            shortcuts=(QKeySequence.StandardKey.New,),
        ),
        Command(
            id="document.list",
            title="All documents",
            description="Show the list of documents and search it; in its search field, hide the list",
            run=act(lambda view: view.search_documents()),
            group="new",
            shortcuts=("Ctrl+O",),
        ),
        Command(
            id="document.pane",
            title="Show or hide the list of documents",
            description="Show the list of documents on the left of the text, or hide it",
            run=act(lambda view: view.show_documents(view.documents.isHidden())),
            checked=is_shown,
        ),
        Command(
            id="document.recent",
            title="Recent documents",
            description="Open one of the last changed documents",
            fill=lambda menu: fill_documents(menu, documents),
            group="new",
        ),
        Command(
            id="document.trash",
            title="Show the trash",
            description="List the documents in the trash, to restore them or to delete them permanently",
            run=act(lambda view: view.show_trash()),
        ),
        Command(
            id="document.empty_trash",
            title="Empty the trash…",
            description="Delete all documents in the trash permanently",
            run=documents.ask_to_empty_trash,
        ),
    ]


def _file_commands(files: DocumentFiles) -> list[Command]:
    return [
        Command(
            id="document.open_file",
            title="Open text file…",
            description="Open a text file as a new document",
            run=files.ask_files,
            group="file",
            shortcuts=("Ctrl+Shift+O",),
        ),
        Command(
            id="document.save",
            title="Save to file",
            description="Write the text to the document's file; the first time, choose a file",
            run=files.save,
            group="file",
            shortcuts=(QKeySequence.StandardKey.Save,),
        ),
        Command(
            id="document.save_as",
            title="Save to file as…",
            description="Write the text to another file, as text, Markdown, HTML or JSON",
            run=files.save_as,
            group="file",
            shortcuts=("Ctrl+Shift+S",),
        ),
    ]


def _open_document_commands(documents: Documents) -> list[Command]:
    actions = {
        "rename": documents.ask_name,
        "duplicate": documents.duplicate_current,
        "pin": documents.toggle_current_pinned,
        "tags": documents.ask_current_tags,
        "delete": documents.delete_current,
    }
    return [
        entry.command(
            f"document.{entry.name}",
            actions[entry.name],
            scope="play" if entry.shortcuts else "",
            is_possible=documents.why_empty if entry.name in _NEED_TEXT else always,
        )
        for entry in _ENTRIES
    ]
