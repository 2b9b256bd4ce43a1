"""Commands of the token view: show it, what it colours by, borders, ids, export."""

from __future__ import annotations

from collections.abc import Callable

from gptdesk.ui.playground.tokens.measures import MEASURES, Measure
from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.window.commands.entries import on_view
from gptdesk.ui.window.commands.registry import Command

_OFF = "The token view is off."


def token_commands(settings: SettingsService, show: Callable[[], PlaygroundView | None]) -> list[Command]:
    """The commands; on another page they show the Playground first.

    Args:
        show: shows the Playground and returns its view.
    """
    act = on_view(show)

    def why_off() -> str | None:
        return None if settings.value.token_view else _OFF

    def switch(id: str, title: str, description: str, field: str) -> Command:
        return Command(
            id=id,
            title=title,
            description=description,
            run=lambda: settings.update(**{field: not getattr(settings.value, field)}),
            is_possible=why_off,
            checked=lambda: getattr(settings.value, field),
        )

    def colour_by(measure: Measure) -> Command:
        return Command(
            id=f"tokens.by_{measure.id}",
            title=f"Colour tokens by {measure.title.lower()}",
            description=measure.help.removesuffix("."),
            run=act(lambda _: settings.update(token_view=True, token_measure=measure.id)),
            checked=lambda: settings.value.token_view and settings.value.token_measure == measure.id,
        )

    return [
        Command(
            id="tokens.show",
            title="Token view",
            description="Colour the text by how probable the model finds each token",
            run=act(lambda _: settings.update(token_view=not settings.value.token_view)),
            group="view",
            shortcuts=("Ctrl+T",),
            scope="play",
            checked=lambda: settings.value.token_view,
        ),
        *map(colour_by, MEASURES.values()),
        switch("tokens.borders", "Token borders", "Separate neighbouring tokens by a line", "token_borders"),
        switch("tokens.ids", "Token ids", "Show the ids below the tokens, where they have room", "token_ids"),
        Command(
            id="tokens.export",
            title="Export tokens…",
            description="Write the tokens of the text with all of their figures to a CSV file, or the coloured text to "
            "a web page",
            run=act(lambda view: view.export_tokens()),
            is_possible=why_off,
        ),
    ]
