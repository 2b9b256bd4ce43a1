"""What pages share to declare their commands: entries of a table, and actions on a view that may not be made yet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Generic, NamedTuple, TypeVar

import msgspec

from gptdesk.ui.window.commands.registry import Command, always
from gptdesk.ui.window.commands.shortcuts import Shortcut

View = TypeVar("View")


class Entry(NamedTuple):
    """A command on what is chosen on a page; ``label`` is its text in menus and on buttons."""

    name: str
    title: str
    label: str
    description: str
    shortcuts: tuple[Shortcut, ...] = ()

    def command(
        self,
        id: str,
        run: Callable[[], object],
        *,
        scope: str = "",
        is_possible: Callable[[], str | None] = always,
        checked: Callable[[], bool] | None = None,
    ) -> Command:
        """The command of that id; arguments as for `Command`."""
        return Command(
            id=id,
            title=self.title,
            description=self.description,
            label=partial(str, self.label),
            run=run,
            shortcuts=self.shortcuts,
            scope=scope,
            is_possible=is_possible,
            checked=checked,
        )


def on_view(show: Callable[[], View | None]) -> Callable[[Callable[[View], object]], Callable[[], object]]:
    """Returns a function that makes the ``run`` of a command from an action on the page's view.

    Args:
        show: shows the page and returns its view; ``None`` if it cannot be made.
    """

    def with_view(act: Callable[[View], object]) -> Callable[[], object]:
        return lambda: act(view) if (view := show()) is not None else None

    return with_view


class ViewAccess(msgspec.Struct, Generic[View], frozen=True):
    """The view of a page, which is made when the page is first shown.

    Attributes:
        show: shows the page and returns its view; ``None`` if it cannot be made.
        made: returns the view without showing it; ``None`` before it is made.
    """

    show: Callable[[], View | None]
    made: Callable[[], View | None]

    def act(self, action: Callable[[View], object]) -> Callable[[], object]:
        """The ``run`` of a command on the view."""
        return on_view(self.show)(action)
