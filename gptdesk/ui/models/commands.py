"""Commands of the Models page: on the selected model, search, import and download."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence

from gptdesk.ui.models.command_table import MODEL_ENTRIES, SCOPE, model_id
from gptdesk.ui.window.commands.entries import on_view
from gptdesk.ui.window.commands.registry import Command

if TYPE_CHECKING:
    from gptdesk.ui.models.view import ModelsView

View = Callable[[], "ModelsView | None"]


def model_commands(view: View, show: View) -> list[Command]:
    """The commands of the page.

    Args:
        view: returns the page's view; ``None`` until it is made.
        show: shows the page and returns its view.
    """

    act = on_view(show)
    on_model = [
        entry.command(
            model_id(entry.name),
            act(lambda made, name=entry.name: made.actions_.run(name)),  # type: ignore[misc]
            scope=SCOPE,
            is_possible=partial(_why_not, view, entry.name),
        )
        for entry in MODEL_ENTRIES
    ]
    return [
        *on_model,
        Command(
            id="models.search",
            title="Search models",
            description="Go to the search field of the model list",
            run=act(lambda made: made.list.focus_search()),
            shortcuts=(QKeySequence.StandardKey.Find,),
            scope=SCOPE,
        ),
        Command(
            id="models.import_folder",
            title="Import model folder…",
            description="Import a model from a folder on this computer",
            label=lambda: "Folder…",
            run=act(lambda made: made.imports.ask_for_folder()),
        ),
        Command(
            id="models.import_file",
            title="Import model file…",
            description="Import a model from a file on this computer",
            label=lambda: "File…",
            run=act(lambda made: made.imports.ask_for_file()),
        ),
        Command(
            id="models.download",
            title="Download from Hugging Face…",
            description="Download any model of GPT-2's architecture from the Hugging Face hub",
            run=act(lambda made: made.imports.ask_for_repository()),
        ),
    ]


def _why_not(view: View, name: str) -> str | None:
    made = view()
    return made.actions_.why_not(name) if made is not None else "Select a model on the Models page first."
