"""Commands on the text: generate, next token, stop, regenerate, undo, redo, token card, scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtGui import QKeySequence

from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.services.inference_messages import NO_MODEL
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.window.commands.entries import on_view
from gptdesk.ui.window.commands.registry import Command

SCOPE: Final = "play"


def text_commands(
    session: Session,
    inference: InferenceService,
    show: Callable[[], PlaygroundView | None],
    made: Callable[[], PlaygroundView | None],
) -> list[Command]:
    """The commands; on another page they show the Playground first.

    Args:
        session: the open document and its generations.
        inference: the model.
        show: shows the page and returns its view; ``None`` if it could not be made.
        made: returns the view without showing it; ``None`` before it is made.
    """

    act = on_view(show)
    key = QKeySequence.StandardKey
    return [
        Command(
            id="text.generate",
            title="Generate",
            description="Continue the text with the model",
            run=act(lambda view: view.start_generation()),
            shortcuts=("Ctrl+Return", "Ctrl+Enter"),
            scope=SCOPE,
            is_possible=lambda: "A generation is running." if session.busy and not session.stopping else None,
        ),
        Command(
            id="text.next_token",
            title="Generate next token",
            description="Continue the text by one token",
            run=act(lambda _: session.next_token()),
            shortcuts=("Ctrl+Right",),
            scope=SCOPE,
            is_possible=lambda: _why_no_next_token(session, made()),
        ),
        Command(
            id="text.stop",
            title="Stop",
            description="Stop generating",
            run=session.stop,
            shortcuts=("Esc",),
            scope=SCOPE,
            is_possible=lambda: None if session.busy and not session.stopping else "No generation is running.",
        ),
        Command(
            id="text.regenerate",
            title="Regenerate",
            description="Replace the last generation by a new one",
            run=act(lambda view: view.regeneration.ask()),
            shortcuts=("Ctrl+Shift+Return", "Ctrl+Shift+Enter"),
            scope=SCOPE,
            is_possible=lambda: _why_not_regenerate(session),
        ),
        Command(
            id="text.token_card",
            title="Token card",
            description="Show the alternatives of the token behind the caret, and why it was chosen",
            run=act(lambda view: view.tokens.open_at_caret()),
            shortcuts=("Ctrl+I",),
            scope=SCOPE,
            is_possible=lambda: _why_no_model(session, inference),
        ),
        Command(
            id="text.score_continuations",
            title="Score continuations…",
            description="Compare how probable the model finds several endings of the text before the caret",
            run=act(lambda view: view.score_continuations()),
            is_possible=lambda: _why_no_model(session, inference),
        ),
        Command(
            id="text.undo",
            title="Undo",
            description="Undo the last edit or generation",
            run=act(lambda _: session.undo()),
            shortcuts=(key.Undo,),
            scope=SCOPE,
            is_possible=lambda: None if session.can_undo else "There is nothing to undo.",
        ),
        Command(
            id="text.redo",
            title="Redo",
            description="Redo the last undone edit or generation",
            run=act(lambda _: session.redo()),
            shortcuts=("Ctrl+Shift+Z", "Ctrl+Y"),
            scope=SCOPE,
            is_possible=lambda: None if session.can_redo else "There is nothing to redo.",
        ),
    ]


def _why_no_next_token(session: Session, view: PlaygroundView | None) -> str | None:
    """Before the end of the text its key moves the caret by a word."""
    if session.busy and not session.stopping:
        return "A generation is running."
    return None if view is None or view.is_at_end else "The caret is not at the end of the text."


def _why_no_model(session: Session, inference: InferenceService) -> str | None:
    if session.busy:
        return "A generation is running."
    return None if inference.info is not None else NO_MODEL


def _why_not_regenerate(session: Session) -> str | None:
    if session.busy:
        return "A generation is running."
    return None if session.document.last_generation() is not None else "Nothing has been generated in this document."
