"""Commands on the text: generate, next token, stop, regenerate, undo, redo, token card, scores."""

from __future__ import annotations

from typing import Final

from PySide6.QtGui import QKeySequence

from gptdesk.ui.playground.completions.completions import Completions
from gptdesk.ui.playground.generation_place import HERE
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.services.inference_messages import NO_MODEL
from gptdesk.ui.services.services import InferenceService, SettingsService
from gptdesk.ui.window.commands.entries import ViewAccess
from gptdesk.ui.window.commands.registry import Command

SCOPE: Final = "play"


def text_commands(
    session: Session,
    inference: InferenceService,
    settings: SettingsService,
    page: ViewAccess[PlaygroundView],
    completions: Completions,
) -> list[Command]:
    """The commands; on another page they show the Playground first.

    Args:
        session: the open document and its generations.
        inference: the model.
        settings: hold the switch of suggestions.
        page: the Playground.
        completions: side by side.
    """

    act = page.act
    key = QKeySequence.StandardKey
    return [
        Command(
            id="text.generate",
            title="Generate",
            description="Continue the text with the model",
            run=act(lambda view: view.start_generation(view.place.start)),
            shortcuts=("Ctrl+Return", "Ctrl+Enter"),
            scope=SCOPE,
            is_possible=lambda: why_not_generate(session),
            label=lambda: HERE if _is_in_text(page.made()) else "Generate",
        ),
        Command(
            id="text.generate_here",
            title="Generate at the caret",
            description="Continue the text from the caret; what stands behind it stays as another branch",
            run=act(lambda view: view.start_generation(view.place.caret)),
            shortcuts=("Alt+Return", "Alt+Enter"),
            scope=SCOPE,
            is_possible=lambda: why_not_generate(session),
        ),
        Command(
            id="text.next_token",
            title="Generate next token",
            description="Continue the text by one token",
            run=act(lambda view: view.next_token()),
            shortcuts=("Ctrl+Right",),
            scope=SCOPE,
            is_possible=lambda: _why_no_next_token(session, page.made()),
        ),
        Command(
            id="text.stop",
            title="Stop",
            description="Stop generating",
            run=lambda: completions.stop_all() if completions.running else session.stop(),
            shortcuts=("Esc",),
            scope=SCOPE,
            is_possible=lambda: None if completions.running else _why_nothing_to_stop(session),
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
            run=act(lambda view: view.continuations.score()),
            is_possible=lambda: _why_no_model(session, inference),
        ),
        Command(
            id="text.probable_continuations",
            title="Probable continuations…",
            description="Find the most probable continuations of the text before the caret, and take one as a branch",
            run=act(lambda view: view.continuations.search()),
            is_possible=lambda: _why_no_model(session, inference),
        ),
        Command(
            id="text.suggestions",
            title="Suggest while typing",
            description="Show the most probable next words in grey while you pause; Tab takes them",
            run=lambda: settings.update(suggestions=not settings.value.suggestions),
            checked=lambda: settings.value.suggestions,
        ),
        Command(
            id="text.undo",
            title="Undo",
            description="Undo the last edit or generation; close completions that are shown",
            run=act(lambda _: completions.keep_all() if completions.all else session.undo()),
            shortcuts=(key.Undo,),
            scope=SCOPE,
            is_possible=lambda: None if session.can_undo or completions.all else "There is nothing to undo.",
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


def why_not_generate(session: Session) -> str | None:
    """Why Generate is not possible."""
    return "A generation is running." if session.busy and not session.stopping else None


def _why_nothing_to_stop(session: Session) -> str | None:
    return None if session.busy and not session.stopping else "No generation is running."


def _is_in_text(view: PlaygroundView | None) -> bool:
    """Whether Generate writes before the end of the text."""
    return view is not None and view.place.start is not None


def _why_no_next_token(session: Session, view: PlaygroundView | None) -> str | None:
    """Before the end of the text its key moves the caret by a word."""
    if reason := why_not_generate(session):
        return reason
    return None if view is None or view.editor.is_at_end else "The caret is not at the end of the text."


def _why_no_model(session: Session, inference: InferenceService) -> str | None:
    if session.busy:
        return "A generation is running."
    return None if inference.info is not None else NO_MODEL


def _why_not_regenerate(session: Session) -> str | None:
    if session.busy:
        return "A generation is running."
    return None if session.document.last_generation() is not None else "Nothing has been generated in this document."
