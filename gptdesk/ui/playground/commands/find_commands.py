"""Commands of find and replace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.window.commands.entries import on_view
from gptdesk.ui.window.commands.registry import Command

_SCOPE: Final = "play"


def find_commands(show: Callable[[], PlaygroundView | None]) -> list[Command]:
    """The commands; on another page they show the Playground first.

    Args:
        show: shows the page and returns its view.
    """
    act = on_view(show)
    return [
        Command(
            id="text.find",
            title="Find in text",
            description="Find words or a regular expression in the text",
            run=act(lambda view: view.find_replace.open(replacing=False)),
            shortcuts=("Ctrl+F",),
            scope=_SCOPE,
        ),
        Command(
            id="text.replace",
            title="Find and replace",
            description="Find words or a regular expression in the text and replace them",
            run=act(lambda view: view.find_replace.open(replacing=True)),
            shortcuts=("Ctrl+H",),
            scope=_SCOPE,
        ),
        Command(
            id="text.find_next",
            title="Find next",
            description="Go to the next match",
            run=act(lambda view: view.find_replace.go(1)),
            shortcuts=("F3", "Ctrl+G"),
            scope=_SCOPE,
        ),
        Command(
            id="text.find_previous",
            title="Find previous",
            description="Go to the previous match",
            run=act(lambda view: view.find_replace.go(-1)),
            shortcuts=("Shift+F3", "Ctrl+Shift+G"),
            scope=_SCOPE,
        ),
    ]
