"""What can be done with the selected rows of the branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gptdesk.store.branches.outline import Segment
from gptdesk.ui.playground.branches.branches import Branches
from gptdesk.ui.playground.panes.row_actions import RowAction, RowActions

Segments = Sequence[Segment]


def _are_branches(segments: Segments) -> bool:
    return all(segment.nodes for segment in segments)


def _is_one_branch(segments: Segments) -> bool:
    return len(segments) == 1 and _are_branches(segments)


def _compare_title(segments: Segments) -> str:
    return "Compare with each other" if len(segments) > 1 else "Compare with the shown text"


def _name_title(segments: Segments) -> str:
    return "Bookmark" if segments[0].bookmark is None else "Rename bookmark"


ACTIONS: Final = RowActions[Branches, Segment](
    RowAction(
        title=lambda _: "Show this branch",
        run=lambda branches, segments, _: branches.show_branch(segments[0].id),
        is_possible=_is_one_branch,
        key="Return",
    ),
    RowAction(
        title=_compare_title,
        run=lambda branches, segments, _: branches.compare([segment.id for segment in segments]),
        is_possible=lambda segments: len(segments) <= 2 and _are_branches(segments),
        key="Ctrl+D",
    ),
    RowAction(title=_name_title, run=lambda branches, segments, edit: edit(), is_possible=_is_one_branch, key="F2"),
    RowAction(
        title=lambda _: "Remove bookmark",
        run=lambda branches, segments, _: branches.name(segments[0].id, ""),
        is_possible=lambda segments: len(segments) == 1 and segments[0].bookmark is not None,
    ),
    RowAction(
        title=lambda _: "Prune",
        run=lambda branches, segments, _: branches.prune(segments[0].id),
        is_possible=_is_one_branch,
        key="Del",
    ),
)
