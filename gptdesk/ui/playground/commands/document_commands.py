"""Commands on documents: new, open, save, rename, delete."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence

from gptdesk.ui.playground.documents import Documents
from gptdesk.ui.playground.top_bar import fill_documents
from gptdesk.ui.window.commands.registry import Command


def document_commands(documents: Documents) -> list[Command]:
    """The commands; they work on every page."""
    key = QKeySequence.StandardKey
    return [
        Command(
            id="document.new",
            title="New document",
            description="Open an empty document; the current one is kept",
            run=documents.new,
            group="new",
            shortcuts=(key.New,),
        ),
        Command(
            id="document.list",
            title="All documents…",
            description="Search, open, rename and delete documents",
            run=documents.show_list,
            group="new",
            shortcuts=("Ctrl+Shift+O",),
        ),
        Command(
            id="document.recent",
            title="Recent documents",
            description="Open one of the last changed documents",
            fill=lambda menu: fill_documents(menu, documents.entries(), documents.open),
            group="new",
        ),
        Command(
            id="document.open_file",
            title="Open text file…",
            description="Open a text file as a new document",
            run=documents.ask_files,
            group="file",
            shortcuts=(key.Open,),
        ),
        Command(
            id="document.save",
            title="Save to file",
            description="Write the text to the document's file; the first time, choose a file",
            run=documents.save,
            group="file",
            shortcuts=(key.Save,),
        ),
        Command(
            id="document.save_as",
            title="Save to file as…",
            description="Write the text to another file, as text, Markdown, HTML or JSON",
            run=documents.save_as,
            group="file",
            shortcuts=("Ctrl+Shift+S",),
        ),
        Command(
            id="document.rename",
            title="Rename document…",
            description="Change the title of the open document",
            run=documents.ask_name,
            label=lambda: "Rename…",
            shortcuts=("F2",),
            scope="play",
        ),
        Command(
            id="document.delete",
            title="Delete document",
            description="Delete the open document; a message offers to undo that",
            run=documents.delete_current,
            label=lambda: "Delete",
        ),
    ]
