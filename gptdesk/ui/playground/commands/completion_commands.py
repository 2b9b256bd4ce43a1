"""Commands on several completions side by side: generate them, another round, keep all, close."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gptdesk.ui.playground.commands.text_commands import SCOPE
from gptdesk.ui.playground.completions.completions import Completions
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.window.commands.entries import on_view
from gptdesk.ui.window.commands.registry import Command

SHOWN: Final = "completions"
"""Part of the page, for keys that hold while there are completions side by side."""


def completion_commands(
    completions: Completions, session: Session, show: Callable[[], PlaygroundView | None]
) -> list[Command]:
    """The commands.

    Args:
        completions: side by side.
        session: the open document and its generations.
        show: shows the page and returns its view; ``None`` if it could not be made.
    """
    act = on_view(show)
    return [
        Command(
            id="completions.generate",
            title="Generate several",
            description="Generate several completions of the text side by side, one of which you go on with",
            run=act(lambda view: view.completions.generate()),
            shortcuts=("Ctrl+Alt+Return", "Ctrl+Alt+Enter"),
            scope=SCOPE,
            is_possible=lambda: _why_no_round(completions) or _why_busy(session),
        ),
        Command(
            id="completions.another_round",
            title="Another round",
            description="Replace the completions by others; those that are there stay as branches of the document",
            run=act(lambda _: completions.another_round()),
            is_possible=lambda: _why_closed(completions) or _why_no_round(completions),
        ),
        Command(
            id="completions.keep",
            title="Keep all as branches",
            description="Close the completions and keep all that have text as branches of the document",
            run=act(lambda _: completions.keep_all()),
            is_possible=lambda: _why_closed(completions),
        ),
        Command(
            id="completions.close",
            title="Close the completions",
            description="Close the completions; those that have ended stay as branches, the others are dropped",
            run=act(lambda _: completions.cancel()),
            shortcuts=("Esc",),
            scope=f"{SCOPE}.{SHOWN}",
            is_possible=lambda: _why_closed(completions),
        ),
    ]


def _why_no_round(completions: Completions) -> str | None:
    return "Completions are being generated." if completions.running else None


def _why_busy(session: Session) -> str | None:
    """Unlike another generation, several completions do not wait for one that is stopping."""
    return "A generation is running." if session.busy else None


def _why_closed(completions: Completions) -> str | None:
    return None if completions.all else "There are no completions side by side."
