"""Commands of the Inspect pane: show it and each of its views, pin it, copy what it shows."""

from __future__ import annotations

from collections.abc import Callable

from gptdesk.ui.playground.inspect.views import COPIES, VIEWS, ViewText
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

    def copy(kind: str, title: str, description: str) -> Command:
        return Command(
            id=f"inspect.copy_{kind}",
            title=f"Inspect: {title[0].lower()}{title[1:]}",
            description=description,
            run=act(lambda view: view.inspect.open().head.copy.copy(kind)),
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
        Command(
            id="inspect.pin",
            title="Inspect: pin",
            description="Have the Inspect pane stay with the token before the caret, or follow the caret again",
            run=act(lambda view: view.inspect.open().pin()),
        ),
        Command(
            id="inspect.sources",
            title="Inspect: open the sources",
            description="Show the papers that the Inspect view comes from in the browser",
            run=act(lambda view: view.inspect.open().head.open_sources()),
        ),
        *(copy(kind, *texts) for kind, texts in COPIES.items()),
    ]
