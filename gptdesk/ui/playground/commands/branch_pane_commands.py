"""Commands of the pane of branches: show it, fold and unfold its rows, compare."""

from __future__ import annotations

from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.window.commands.entries import ViewAccess
from gptdesk.ui.window.commands.registry import Command


def branch_pane_commands(
    settings: SettingsService,
    page: ViewAccess[PlaygroundView],
) -> list[Command]:
    """The commands; on another page they show the Playground first.

    Args:
        page: the Playground.
    """
    act = page.act

    def why_no_comparison() -> str | None:
        view = page.made()
        return "The branches are not shown." if view is None else view.branches.why_no_comparison()

    def is_shown() -> bool:
        return settings.value.branches_shown if (view := page.made()) is None else not view.branches.slot.isHidden()

    return [
        Command(
            id="branches.show",
            title="Branches",
            description="Show the tree of all branches of the text and go there; while it has the focus, hide it",
            run=act(lambda view: view.branches.toggle()),
            group="view",
            shortcuts=("Ctrl+B",),
            scope="play",
            checked=is_shown,
        ),
        Command(
            id="branches.fold_all",
            title="Fold all branches",
            description="Show the longest branch alone in the tree of branches",
            label=lambda: "Fold all",
            run=act(lambda view: view.branches.open().fold_all()),
        ),
        Command(
            id="branches.unfold_all",
            title="Unfold all branches",
            description="Show every branch in the tree of branches",
            label=lambda: "Unfold all",
            run=act(lambda view: view.branches.open().unfold_all()),
        ),
        Command(
            id="branches.unfold_shown",
            title="Go to the shown text in the tree of branches",
            description="Unfold the tree of branches where the shown text ends, and select that row",
            label=lambda: "Go to the shown text",
            run=act(lambda view: view.branches.open().unfold_shown()),
        ),
        Command(
            id="branches.compare",
            title="Compare branches…",
            description="Show two selected branches side by side, or the selected one and the shown text",
            label=lambda: "Compare…",
            run=act(lambda view: view.branches.compare()),
            is_possible=why_no_comparison,
        ),
    ]
