"""Opens the view that a step of a tour is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gptdesk.ui.playground.tours.table import CARD, TEXT, TOKENS, TRAIN, Step
from gptdesk.ui.window.commands.registry import Commands

if TYPE_CHECKING:
    from gptdesk.ui.playground.editing.editor import Editor
    from gptdesk.ui.playground.inspect.opening import InspectTools
    from gptdesk.ui.playground.token_card.opening import TokenCards
    from gptdesk.ui.services.services import SettingsService


class Views(Protocol):
    """The parts of the Playground that steps open."""

    editor: Editor
    inspect: InspectTools
    tokens: TokenCards


def open_step(views: Views, step: Step, settings: SettingsService, commands: Commands) -> None:
    """Puts the caret where the step is about, shows its view and hides those of other steps."""
    text = views.editor.toPlainText()
    at = text.find(step.behind)
    views.editor.show_place(at + len(step.behind) if step.behind and at >= 0 else len(text))
    settings.update(token_view=step.view == TOKENS)
    if step.view in (TEXT, CARD, TOKENS, TRAIN):
        views.inspect.close()
    else:
        views.inspect.open(step.view)
    if step.view == CARD:
        views.tokens.open_at_caret()
    elif step.view == TRAIN:
        commands.run("page.train")
