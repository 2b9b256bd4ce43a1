"""What can be done with the selected rows of a pane; their menu and keys are made from one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from PySide6.QtWidgets import QMenu

from gptdesk.ui.key_names import parse_key

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class RowAction(Generic[T, R]):
    """One action, by a target ``T``, on selected rows ``R``.

    Attributes:
        title: in the menu, for these rows.
        run: the action; gets the target, the rows, and a function that edits the name in the row.
        is_possible: whether it is possible for these rows, of which there is at least one.
        key: that does the same in the pane, as portable text; "" for none.
    """

    title: Callable[[Sequence[R]], str]
    run: Callable[[T, Sequence[R], Callable[[], object]], object]
    is_possible: Callable[[Sequence[R]], bool]
    key: str = ""


class RowActions(Generic[T, R]):
    """A table of actions.

    Attributes:
        all: in the order of the menu.
    """

    def __init__(self, *actions: RowAction[T, R]) -> None:
        self.all = actions

    @property
    def keys(self) -> frozenset[str]:
        """Keys of all actions."""
        return frozenset(action.key for action in self.all if action.key)

    def possible(self, rows: Sequence[R]) -> list[RowAction[T, R]]:
        """The actions that are possible for these rows."""
        return [action for action in self.all if rows and action.is_possible(rows)]

    def run_key(self, key: str, target: T, rows: Sequence[R], edit: Callable[[], object]) -> None:
        """Does what a key does to these rows, if it does anything."""
        for action in self.possible(rows):
            if action.key == key:
                action.run(target, rows, edit)
                return

    def fill_menu(self, menu: QMenu, target: T, rows: Sequence[R], edit: Callable[[], object]) -> None:
        """Fills the menu of these rows."""
        menu.clear()
        for action in self.possible(rows):
            added = menu.addAction(action.title(rows), partial(action.run, target, rows, edit))
            if action.key:
                added.setShortcut(parse_key(action.key))
