"""What pages share to declare their commands: entries of a table, and actions on a view that may not be made yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from gptdesk.ui.window.commands.shortcuts import Shortcut

View = TypeVar("View")


class Entry(NamedTuple):
    """A command on what is chosen on a page; ``label`` is its text in menus and on buttons."""

    name: str
    title: str
    label: str
    description: str
    shortcuts: tuple[Shortcut, ...] = ()


def on_view(show: Callable[[], View | None]) -> Callable[[Callable[[View], object]], Callable[[], object]]:
    """Returns a function that makes the ``run`` of a command from an action on the page's view.

    Args:
        show: shows the page and returns its view; ``None`` if it cannot be made.
    """

    def with_view(act: Callable[[View], object]) -> Callable[[], object]:
        return lambda: act(view) if (view := show()) is not None else None

    return with_view
