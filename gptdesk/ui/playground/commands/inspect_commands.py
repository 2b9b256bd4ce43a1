"""Commands of the Inspect pane: show it, and each of its views."""

from __future__ import annotations

from collections.abc import Callable

from gptdesk.ui.playground.inspect.views import VIEWS, ViewText
from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.window.commands.entries import on_view
from gptdesk.ui.window.commands.registry import Command


def inspect_commands(settings: SettingsService, show: Callable[[], PlaygroundView | None]) -> list[Command]:
    """The commands; on another page they show the Playground first.

    Args:
        show: shows the Playground and returns its view.
    """
    act = on_view(show)

    def show_view(id: str, about: ViewText) -> Command:
        return Command(
            id=f"inspect.{id}",
            title=f"Inspect: {about.title.lower()}",
            description=about.help.partition(". ")[0],
            run=act(lambda view: view.inspect.open(id)),
        )

    return [
        Command(
            id="inspect.show",
            title="Inspect",
            description="Show what the layers of the model make of the text and go there; in it, hide it",
            run=act(lambda view: view.inspect.toggle()),
            group="view",
            shortcuts=("Ctrl+Shift+I",),
            scope="play",
            checked=lambda: settings.value.inspect_shown,
        ),
        *(show_view(id, about) for id, about in VIEWS.items()),
    ]
