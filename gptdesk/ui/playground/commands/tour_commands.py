"""A command for each guided tour."""

from __future__ import annotations

from collections.abc import Callable

from gptdesk.ui.playground.tours.table import TOURS, Tour
from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.window.commands.entries import on_view
from gptdesk.ui.window.commands.registry import Command


def tour_commands(show: Callable[[], PlaygroundView | None]) -> list[Command]:
    """The commands; on another page they show the Playground first."""
    act = on_view(show)

    def start(tour: Tour) -> Command:
        return Command(
            id=f"tour.{tour.id}",
            title=tour.title,
            description=f"Guided tour in {len(tour.steps)} steps, in a document of its own: {tour.steps[0].title}",
            run=act(lambda view: view.tours.start(tour)),
            group="help",
            submenu="Guided tours",
        )

    return [start(tour) for tour in TOURS]
