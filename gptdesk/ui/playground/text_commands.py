"""Commands on the text of the open document: generate, stop, regenerate, undo, redo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtGui import QKeySequence

from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.window.commands.registry import Command

SCOPE: Final = "play"


def text_commands(session: Session, show: Callable[[], PlaygroundView | None]) -> list[Command]:
    """The commands; on another page they show the Playground first.

    Args:
        session: the open document and its generations.
        show: shows the page and returns its view; ``None`` if it could not be made.
    """

    def on_view(act: Callable[[PlaygroundView], object]) -> Callable[[], object]:
        return lambda: act(view) if (view := show()) is not None else None

    key = QKeySequence.StandardKey
    return [
        Command(
            id="text.generate",
            title="Generate",
            description="Continue the text with the model",
            run=on_view(lambda view: view.start_generation()),
            shortcuts=("Ctrl+Return", "Ctrl+Enter"),
            scope=SCOPE,
            is_possible=lambda: "The model is generating." if session.busy and not session.stopping else None,
        ),
        Command(
            id="text.stop",
            title="Stop",
            description="Stop generating",
            run=session.stop,
            shortcuts=("Esc",),
            scope=SCOPE,
            is_possible=lambda: None if session.busy and not session.stopping else "Nothing is being generated.",
        ),
        Command(
            id="text.regenerate",
            title="Regenerate",
            description="Replace the last generation with another",
            run=on_view(lambda view: view.regeneration.ask()),
            shortcuts=("Ctrl+Shift+Return", "Ctrl+Shift+Enter"),
            scope=SCOPE,
            is_possible=lambda: _why_not_regenerate(session),
        ),
        Command(
            id="text.undo",
            title="Undo",
            description="Undo the last edit or generation",
            run=on_view(lambda _: session.undo()),
            shortcuts=(key.Undo,),
            scope=SCOPE,
            is_possible=lambda: None if session.can_undo else "There is nothing to undo.",
        ),
        Command(
            id="text.redo",
            title="Redo",
            description="Redo what was undone",
            run=on_view(lambda _: session.redo()),
            shortcuts=("Ctrl+Shift+Z", "Ctrl+Y"),
            scope=SCOPE,
            is_possible=lambda: None if session.can_redo else "There is nothing to redo.",
        ),
    ]


def _why_not_regenerate(session: Session) -> str | None:
    if session.busy:
        return "The model is generating."
    return None if session.document.last_generation() is not None else "Nothing has been generated in this document."
