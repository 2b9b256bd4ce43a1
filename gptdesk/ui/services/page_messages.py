"""Messages about what was asked for on one page."""

from __future__ import annotations

import msgspec

from gptdesk.ui.services.services import MessageService


class PageMessages(msgspec.Struct, frozen=True, weakref=True):
    """Handed to the parts of a page; signals are connected to its methods, which PySide keeps by weak references.

    Attributes:
        messages: of the window.
        page: id of the page.
        of_document: messages are removed when another document is opened.
    """

    messages: MessageService
    page: str
    of_document: bool = False

    def refuse(self, text: str) -> None:
        """Says why something cannot be done, until the next success on the page."""
        self.messages.refuse(text, self.page, of_document=self.of_document)

    def succeed(self, text: str) -> None:
        """Says that something is done."""
        self.messages.succeed(text, self.page)

    def fail(self, text: str, topic: str) -> None:
        """Says that something has failed, until the topic is solved or the banner is closed."""
        self.messages.show(text, topic=topic, page=self.page)
