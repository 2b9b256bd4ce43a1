"""Commands on special tokens in the text: insert one, turn names into tokens and tokens into text."""

from __future__ import annotations

from collections.abc import Callable

from gptdesk.ui.playground.commands.text_commands import SCOPE
from gptdesk.ui.playground.special_tokens import SpecialTokens
from gptdesk.ui.playground.view import PlaygroundView
from gptdesk.ui.window.commands.entries import on_view
from gptdesk.ui.window.commands.registry import Command


def special_token_commands(special: SpecialTokens, show: Callable[[], PlaygroundView | None]) -> list[Command]:
    """The commands; on another page they show the Playground first.

    Args:
        special: special tokens of the model in use and of the open document.
        show: shows the page and returns its view; ``None`` if it could not be made.
    """
    act = on_view(show)
    return [
        Command(
            id="text.insert_special",
            title="Insert special token…",
            description="Insert a special token of the model, such as the end of a text, at the caret",
            run=act(lambda view: view.special_menu.choose()),
            scope=SCOPE,
            is_possible=special.why_none,
        ),
        Command(
            id="text.special_from_names",
            title="Turn names into special tokens",
            description="In the selection, or all of the text: names of special tokens become the tokens",
            run=act(lambda view: special.from_names(*view.selected_part())),
            scope=SCOPE,
            is_possible=special.why_none,
        ),
        Command(
            id="text.special_to_text",
            title="Turn special tokens into text",
            description="In the selection, or all of the text: special tokens become the text of their names",
            run=act(lambda view: special.to_text(*view.selected_part())),
            scope=SCOPE,
            is_possible=special.why_no_text,
        ),
    ]
