"""A toast that offers to undo what was done to the open document."""

from __future__ import annotations

from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.services import MessageService


def offer_undo(messages: MessageService, session: Session, depth: int, text: str, *, kind: str = "good") -> None:
    """Shows a toast with Undo, which leaves when there is nothing left to undo.

    Args:
        session: holds the document.
        depth: of its history before what was done, or is being written.
        text, kind: as for `Messages.toast`.
    """
    document = session.document

    def holds() -> bool:
        return session.document is document and (document.generating or document.history.depth > depth)

    def undo() -> None:
        if holds():
            session.undo_to(depth)

    messages.toast(text, kind=kind, of_document=True, offers=[("Undo", undo)], holds=holds)
