"""Commands that go from branch to branch of the text."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.playground.walking.branch_walk import BranchWalk
from gptdesk.ui.window.commands.entries import ViewAccess
from gptdesk.ui.window.commands.registry import Command

_SCOPE: Final = "play"

MODIFIERS: Final = "Ctrl+Alt" if sys.platform == "darwin" else "Alt"
"""On a Mac, text fields move by words and paragraphs with Alt."""


def branch_commands(
    page: ViewAccess[PlaygroundView],
) -> list[Command]:
    """The commands; on another page they show the Playground first.

    Args:
        page: the Playground.
    """
    act = page.act

    def reason(ask: Callable[[BranchWalk], str | None]) -> Callable[[], str | None]:
        return lambda: ask(view.walk) if (view := page.made()) is not None else "The text has no branches."

    return [
        Command(
            id="branch.previous",
            title="Previous branch",
            description="Show the branch before this one at the fork before the caret",
            run=act(lambda view: view.walk.show_sibling(-1)),
            shortcuts=(f"{MODIFIERS}+Left",),
            scope=_SCOPE,
            is_possible=reason(lambda walk: walk.why_no_sibling(-1)),
        ),
        Command(
            id="branch.next",
            title="Next branch",
            description="Show the branch after this one at the fork before the caret",
            run=act(lambda view: view.walk.show_sibling(1)),
            shortcuts=(f"{MODIFIERS}+Right",),
            scope=_SCOPE,
            is_possible=reason(lambda walk: walk.why_no_sibling(1)),
        ),
        Command(
            id="branch.parent",
            title="Previous fork",
            description="Move the caret back to where branches part",
            run=act(lambda view: view.walk.go_to_fork(-1)),
            shortcuts=(f"{MODIFIERS}+Up",),
            scope=_SCOPE,
            is_possible=reason(lambda walk: walk.why_no_fork(-1)),
        ),
        Command(
            id="branch.child",
            title="Next fork",
            description="Move the caret on to where branches part, or to the end of the branch",
            run=act(lambda view: view.walk.go_to_fork(1)),
            shortcuts=(f"{MODIFIERS}+Down",),
            scope=_SCOPE,
            is_possible=reason(lambda walk: walk.why_no_fork(1)),
        ),
    ]
