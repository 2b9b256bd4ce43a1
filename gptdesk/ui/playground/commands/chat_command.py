"""The command that opens the document on the Chat page."""

from __future__ import annotations

from gptdesk.chat.turns import is_chat
from gptdesk.ui.playground.session import Session
from gptdesk.ui.window.commands.registry import Command
from gptdesk.ui.window.pages import PageLinks


def chat_command(session: Session, links: PageLinks) -> Command:
    """The command, which is possible for a document with turns."""
    return Command(
        id="document.chat",
        title="Open in Chat",
        description="Go on with the turns of the open document on the Chat page",
        run=lambda: links.chat_wanted.emit(session.document.id),
        is_possible=lambda: None if is_chat(session.document.mixed) else "The document has no turns of a chat.",
    )
