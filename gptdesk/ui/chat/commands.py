"""Commands of the Chat page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtGui import QKeySequence

from gptdesk.ui.chat.chats import Chats
from gptdesk.ui.chat.files import ChatFiles
from gptdesk.ui.chat.session import ChatSession
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.window.commands.entries import Entry, ViewAccess
from gptdesk.ui.window.commands.registry import Command, always

if TYPE_CHECKING:
    from gptdesk.gpt2.mixed_text import MixedText
    from gptdesk.ui.chat.view import ChatView

SCOPE: Final = "chat"


ENTRIES: Final = (
    Entry(
        "playground",
        "Open in Playground",
        "Open in Playground",
        "Show the chat as a document, with its tokens and branches",
    ),
    Entry(
        "compare",
        "Compare models on this chat",
        "Compare models",
        "Put models side by side on the exact prompt of the next reply",
    ),
    Entry("rename", "Rename chat…", "Rename…", "Change the title of the chat", ("F2",)),
    Entry(
        "import",
        "Import chat…",
        "Import…",
        "Open a chat from a file: OpenAI's messages as JSON or JSON lines, or Markdown",
    ),
    Entry(
        "export",
        "Export chat…",
        "Export…",
        "Write the chat to a file: OpenAI's messages as JSON, Markdown, or a line of training data",
    ),
    Entry(
        "delete",
        "Move chat to trash",
        "Move to trash",
        "Move the chat to the trash; a message offers to undo that",
    ),
)
"""What the menu of the chat's title offers."""

_REPLY: Final = (
    Entry(
        "regenerate",
        "Regenerate the reply",
        "Regenerate the reply",
        "Write the last reply anew; the former one stays as another version",
        ("Ctrl+Shift+Return", "Ctrl+Shift+Enter"),
    ),
    Entry(
        "continue",
        "Continue the reply",
        "Continue the reply",
        "Let the model go on with its last reply where that ends",
        ("Alt+Return", "Alt+Enter"),
    ),
    Entry("undo", "Undo in the chat", "Undo in the chat", "Undo the last change of the turns"),
    Entry("redo", "Redo in the chat", "Redo in the chat", "Redo the last undone change of the turns"),
)


def chat_commands(
    session: ChatSession,
    chats: Chats,
    files: ChatFiles,
    settings: SettingsService,
    page: ViewAccess[ChatView],
    open_in_playground: Callable[[], object],
    prompt: Callable[[], MixedText | None],
    compare: Callable[[MixedText], object],
) -> list[Command]:
    """The commands; on another page they show this one first.

    Args:
        settings: as the page sees them.
        page: the Chat page.
        open_in_playground: opens the chat there.
        prompt: returns what the model would read now; ``None`` where that is not known.
        compare: puts models side by side on that prompt.
    """
    return [
        *_reply_commands(session, page),
        *_chat_commands(session, chats, files, open_in_playground, prompt, compare),
        Command(
            id="chat.stop_following",
            title="Stop following the run in the chat",
            description="Keep the present checkpoint for chats instead of loading each new one of the run",
            label=lambda: "Stop following the run",
            run=lambda: settings.update(follow=None),
            is_possible=lambda: None if settings.value.follow else "The chat follows no run.",
        ),
    ]


def _reply_commands(session: ChatSession, page: ViewAccess[ChatView]) -> list[Command]:
    def last() -> int:
        return len(session.turns) - 1

    actions: dict[str, tuple[Callable[[ChatView], object], Callable[[], str | None]]] = {
        "regenerate": (lambda _: session.regenerate(last()), lambda: _why_no_reply(session, needs_reply=False)),
        "continue": (lambda _: session.go_on(last()), lambda: _why_no_reply(session, needs_reply=True)),
        "undo": (
            lambda _: session.undo(),
            lambda: None if session.document.history.can_undo else "There is nothing to undo.",
        ),
        "redo": (
            lambda _: session.redo(),
            lambda: None if session.document.history.can_redo else "There is nothing to redo.",
        ),
    }
    return [
        Command(
            id="chat.send",
            title="Send",
            description="Send the message, and have the model reply; without one, reply to the last message",
            run=page.act(lambda view: view.send()),
            shortcuts=("Ctrl+Return", "Ctrl+Enter"),
            scope=SCOPE,
            is_possible=lambda: view.why_not_send() if (view := page.made()) is not None else None,
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
        *(
            entry.command(
                f"chat.{entry.name}",
                page.act(actions[entry.name][0]),
                scope=SCOPE if entry.shortcuts else "",
                is_possible=actions[entry.name][1],
            )
            for entry in _REPLY
        ),
    ]


def _chat_commands(
    session: ChatSession,
    chats: Chats,
    files: ChatFiles,
    open_in_playground: Callable[[], object],
    prompt: Callable[[], MixedText | None],
    compare: Callable[[MixedText], object],
) -> list[Command]:
    def why_empty() -> str | None:
        return None if session.turns else "The chat is empty."

    checks: dict[str, Callable[[], str | None]] = {
        "import": always,
        "compare": lambda: None if prompt() is not None else "The chat has no prompt yet.",
    }
    actions: dict[str, Callable[[], object]] = {
        "playground": open_in_playground,
        "compare": lambda: compare(text) if (text := prompt()) is not None else None,
        "rename": chats.ask_name,
        "import": files.ask_import,
        "export": files.ask_export,
        "delete": chats.delete,
    }
    return [
        Command(
            id="chat.new",
            title="New chat",
            description="Begin an empty chat; the current one is kept",
            run=chats.new,
            shortcuts=(QKeySequence.StandardKey.New,),
            scope=SCOPE,
        ),
        *(
            entry.command(
                f"chat.{entry.name}",
                actions[entry.name],
                scope=SCOPE if entry.shortcuts else "",
                is_possible=checks.get(entry.name, why_empty),
            )
            for entry in ENTRIES
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
