"""Commands on what is changed in the model that writes: edit it, make the model whole again."""

from __future__ import annotations

from collections.abc import Callable

from gptdesk.inference.interventions.intervention import WHOLE
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.services.inference_messages import NO_MODEL
from gptdesk.ui.window.commands.entries import on_view
from gptdesk.ui.window.commands.registry import Command


def model_change_commands(session: Session, show: Callable[[], PlaygroundView | None]) -> list[Command]:
    """The commands; on another page they show the Playground first."""
    change = session.model_change

    def open_dialog(view: PlaygroundView) -> None:
        from gptdesk.ui.playground.intervention.dialog import InterventionDialog

        if change.shape is not None:
            dialog = InterventionDialog(change.value, change.shape, session.document.text, view)
            dialog.chosen.connect(change.set)
            dialog.open()

    return [
        Command(
            id="model.change",
            title="Change the model…",
            description="Switch heads, MLPs or layers off, or steer the model by a direction, and write with that",
            run=on_view(show)(open_dialog),
            group="file",
            is_possible=lambda: None if change.shape is not None else NO_MODEL,
        ),
        Command(
            id="model.whole",
            title="Make the model whole again",
            description="Write with all parts of the model, and without a direction",
            run=change.clear,
            is_possible=lambda: "Nothing is changed in the model." if change.value == WHOLE else None,
        ),
    ]
