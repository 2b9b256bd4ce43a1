"""The command that generates a stored generation again and compares."""

from __future__ import annotations

from collections.abc import Callable

from gptdesk.store.provenance.replay import generation_at
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.services.services import Services
from gptdesk.ui.window.commands.entries import on_view
from gptdesk.ui.window.commands.registry import Command


def replay_commands(services: Services, session: Session, show: Callable[[], PlaygroundView | None]) -> list[Command]:
    """The command; on another page it shows the Playground first."""

    def open_dialog(view: PlaygroundView) -> None:
        from gptdesk.ui.playground.replay.dialog import ReplayDialog

        generation = generation_at(session.document, view.editor.selection[0])
        if generation is not None:
            ReplayDialog(services, session, generation, view).open()

    return [
        Command(
            id="text.replay",
            title="Replay generation…",
            description="Generate the text at the caret again with its own model, settings and seed, and compare",
            run=on_view(show)(open_dialog),
            group="file",
            scope="play",
            is_possible=lambda: _why_not(session),
        )
    ]


def _why_not(session: Session) -> str | None:
    if session.busy:
        return "A generation is running."
    return None if session.document.last_generation() is not None else "Nothing has been generated in this document."
