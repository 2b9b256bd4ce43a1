"""What can be done with the selected rows of the branches; their menu and keys are made from one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from PySide6.QtWidgets import QMenu

from gptdesk.store.branches.outline import Segment
from gptdesk.ui.key_names import parse_key
from gptdesk.ui.playground.branches.branches import Branches

Segments = Sequence[Segment]


@dataclass(frozen=True, kw_only=True)
class RowAction:
    """One action.

    Attributes:
        title: in the menu, for these segments.
        run: the action; gets the branches, the segments, and a function that edits the name in the row.
        key: that does the same in the tree, as portable text; "" for none.
        most: how many segments it is possible for at once.
        is_possible: whether it is possible for these segments.
    """

    title: Callable[[Segments], str]
    run: Callable[[Branches, Segments, Callable[[], object]], object]
    key: str = ""
    most: int = 1
    is_possible: Callable[[Segments], bool] = lambda segments: all(segment.nodes for segment in segments)


def _compare_title(segments: Segments) -> str:
    return "Compare with each other" if len(segments) > 1 else "Compare with the shown text"


def _name_title(segments: Segments) -> str:
    return "Bookmark" if segments[0].bookmark is None else "Rename bookmark"


ACTIONS: Final = (
    RowAction(
        title=lambda _: "Show this branch",
        run=lambda branches, segments, _: branches.show_branch(segments[0].id),
        key="Return",
    ),
    RowAction(
        title=_compare_title,
        run=lambda branches, segments, _: branches.compare([segment.id for segment in segments]),
        key="Ctrl+D",
        most=2,
    ),
    RowAction(title=_name_title, run=lambda branches, segments, edit: edit(), key="F2"),
    RowAction(
        title=lambda _: "Remove bookmark",
        run=lambda branches, segments, _: branches.name(segments[0].id, ""),
        is_possible=lambda segments: segments[0].bookmark is not None,
    ),
    RowAction(title=lambda _: "Prune", run=lambda branches, segments, _: branches.prune(segments[0].id), key="Del"),
)
"""In the order of the menu."""

KEYS: Final = tuple(action.key for action in ACTIONS if action.key)
"""Keys of all actions."""


def actions_for(segments: Segments) -> list[RowAction]:
    """The actions that are possible for these segments."""
    return [action for action in ACTIONS if 0 < len(segments) <= action.most and action.is_possible(segments)]


def run_key(key: str, branches: Branches, segments: Segments, edit: Callable[[], object]) -> None:
    """Does what a key does to these segments, if it does anything.

    Args:
        edit: edits the name of the bookmark in its row.
    """
    for action in actions_for(segments):
        if action.key == key:
            action.run(branches, segments, edit)
            return


def fill_row_menu(menu: QMenu, branches: Branches, segments: Segments, edit: Callable[[], object]) -> None:
    """Fills the menu of these segments.

    Args:
        edit: edits the name of the bookmark in its row.
    """
    menu.clear()
    for action in actions_for(segments):
        added = menu.addAction(action.title(segments), partial(action.run, branches, segments, edit))
        if action.key:
            added.setShortcut(parse_key(action.key))
