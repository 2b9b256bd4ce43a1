"""Commands of the Chat page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtGui import QKeySequence

from gptdesk.ui.chat.chats import Chats
from gptdesk.ui.chat.files import ChatFiles
from gptdesk.ui.chat.session import ChatSession
from gptdesk.ui.window.commands.entries import on_view
from gptdesk.ui.window.commands.registry import Command

if TYPE_CHECKING:
    from gptdesk.gpt2.mixed_text import MixedText
    from gptdesk.ui.chat.view import ChatView

SCOPE: Final = "chat"


def chat_commands(
    session: ChatSession,
    chats: Chats,
    files: ChatFiles,
    show: Callable[[], ChatView | None],
    made: Callable[[], ChatView | None],
    open_in_playground: Callable[[], object],
    prompt: Callable[[], MixedText | None],
    compare: Callable[[MixedText], object],
) -> list[Command]:
    """The commands; on another page they show this one first.

    Args:
        show: shows the page and returns its view; ``None`` if it could not be made.
        made: returns the view without showing it; ``None`` before it is made.
        open_in_playground: opens the chat there.
        prompt: returns what the model would read now; ``None`` where that is not known.
        compare: puts models side by side on that prompt.
    """
    return [
        *_reply_commands(session, show, made),
        *_chat_commands(session, chats, files, open_in_playground),
        Command(
            id="chat.compare",
            title="Compare models on this chat",
            description="Put models side by side on the exact prompt of the next reply",
            run=lambda: compare(text) if (text := prompt()) is not None else None,
            label=lambda: "Compare models",
            is_possible=lambda: None if prompt() is not None else "The chat has no prompt yet.",
        ),
    ]


def _reply_commands(
    session: ChatSession, show: Callable[[], ChatView | None], made: Callable[[], ChatView | None]
) -> list[Command]:
    act = on_view(show)

    def last() -> int:
        return len(session.turns) - 1

    return [
        Command(
            id="chat.send",
            title="Send",
            description="Send the message, and have the model reply; without one, reply to the last message",
            run=act(lambda view: view.send()),
            shortcuts=("Ctrl+Return", "Ctrl+Enter"),
            scope=SCOPE,
            is_possible=lambda: view.why_not_send() if (view := made()) is not None else None,
        ),
        Command(
            id="chat.stop",
            title="Stop the reply",
            description="Stop the reply; its text so far stays",
            run=session.stop,
            shortcuts=("Esc",),
            scope=SCOPE,
            is_possible=lambda: None if session.busy else "No reply is being written.",
        ),
        Command(
            id="chat.regenerate",
            title="Regenerate the reply",
            description="Write the last reply anew; the former one stays as another version",
            run=act(lambda _: session.regenerate(last())),
            shortcuts=("Ctrl+Shift+Return", "Ctrl+Shift+Enter"),
            scope=SCOPE,
            is_possible=lambda: _why_no_reply(session, needs_reply=False),
        ),
        Command(
            id="chat.continue",
            title="Continue the reply",
            description="Let the model go on with its last reply where that ends",
            run=act(lambda _: session.go_on(last())),
            shortcuts=("Alt+Return", "Alt+Enter"),
            scope=SCOPE,
            is_possible=lambda: _why_no_reply(session, needs_reply=True),
        ),
        Command(
            id="chat.undo",
            title="Undo in the chat",
            description="Undo the last change of the turns",
            run=act(lambda _: session.undo()),
            is_possible=lambda: None if session.document.history.can_undo else "There is nothing to undo.",
        ),
        Command(
            id="chat.redo",
            title="Redo in the chat",
            description="Redo the last undone change of the turns",
            run=act(lambda _: session.redo()),
            is_possible=lambda: None if session.document.history.can_redo else "There is nothing to redo.",
        ),
    ]


def _chat_commands(
    session: ChatSession, chats: Chats, files: ChatFiles, open_in_playground: Callable[[], object]
) -> list[Command]:
    def why_empty() -> str | None:
        return None if session.turns else "The chat is empty."

    return [
        Command(
            id="chat.new",
            title="New chat",
            description="Begin an empty chat; the current one is kept",
            run=chats.new,
            shortcuts=(QKeySequence.StandardKey.New,),
            scope=SCOPE,
        ),
        Command(
            id="chat.playground",
            title="Open in Playground",
            description="Show the chat as a document, with its tokens and branches",
            run=open_in_playground,
            is_possible=why_empty,
        ),
        Command(
            id="chat.rename",
            title="Rename chat…",
            description="Change the title of the chat",
            run=chats.ask_name,
            shortcuts=("F2",),
            scope=SCOPE,
            label=lambda: "Rename…",
            is_possible=why_empty,
        ),
        Command(
            id="chat.import",
            title="Import chat…",
            description="Open a chat from a file: OpenAI's messages as JSON or JSON lines, or Markdown",
            run=files.ask_import,
            label=lambda: "Import…",
        ),
        Command(
            id="chat.export",
            title="Export chat…",
            description="Write the chat to a file: OpenAI's messages as JSON, Markdown, or a line of training data",
            run=files.ask_export,
            label=lambda: "Export…",
            is_possible=why_empty,
        ),
        Command(
            id="chat.delete",
            title="Move chat to trash",
            description="Move the chat to the trash; a message offers to undo that",
            run=chats.delete,
            label=lambda: "Move to trash",
            is_possible=why_empty,
        ),
    ]


def _why_no_reply(session: ChatSession, *, needs_reply: bool) -> str | None:
    """Why no reply can be written anew, or continued."""
    if session.busy:
        return "A reply is being written."
    if not session.turns:
        return "The chat is empty."
    if needs_reply and (session.turns[-1].turn.role != "assistant" or not session.turns[-1].turn.text):
        return "The last turn is no reply."
    return None
