"""Messages to the user: toasts for what is done, banners for what is wrong while it is, crash reports. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from PySide6.QtCore import QObject, Signal

Offer = tuple[str, Callable[[], object]]
"""Title of a button, and what it does."""

ANY_PAGE: Final = ""
"""`Message.page` of a message about the whole window."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A toast or a banner.

    Attributes:
        text: one sentence or two.
        kind: "good", "info", "warn" or "bad"; decides colour and icon.
        topic: what it is about; there is at most one banner per topic.
        page: id of the page on which it is shown, or `ANY_PAGE`.
        of_document: it is about the open document, and is removed when another one is opened.
        offers: buttons.
        holds: of a toast: whether it is still true; it leaves when it is not.
    """

    text: str
    kind: str = "bad"
    topic: str = ""
    page: str = ANY_PAGE
    of_document: bool = False
    offers: tuple[Offer, ...] = ()
    holds: Callable[[], bool] = lambda: True


def refused_on(page: str) -> str:
    """Topic of the banner that says what cannot be done on that page."""
    return f"refused on {page}"


class Messages(QObject):
    """The one way to tell the user something, from anywhere.

    Use `toast` when something that was asked for is done; `show` when something is wrong or waits for an answer, and
    `solve` when it no longer is; `crash` for an error of ours.

    Attributes:
        banners: those that are shown, by topic, oldest first.

    Signals:
        changed(): emitted when ``banners`` changes.
        toasted(object): a `Message` to show for some seconds.
        document_left(): another document was opened; messages about the former one no longer matter.
        crashed(str): the traceback of an error of ours, for the crash report.
    """

    changed = Signal()
    toasted = Signal(object)
    document_left = Signal()
    crashed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.banners: dict[str, Message] = {}

    def toast(
        self,
        text: str,
        *,
        kind: str = "good",
        of_document: bool = False,
        offers: Sequence[Offer] = (),
        holds: Callable[[], bool] = lambda: True,
    ) -> None:
        """Shows a message for some seconds, in the lower corner.

        Args:
            text: one sentence.
            kind: "good" when something is done, "info" for other news.
            of_document: as in `Message`.
            offers: at most one button, such as *Show*.
            holds: as in `Message`.
        """
        self.toasted.emit(Message(text=text, kind=kind, of_document=of_document, offers=tuple(offers), holds=holds))

    def crash(self, traceback: str) -> None:
        """Reports an error of ours that was caught. Errors of background tasks and slots need not be reported."""
        self.crashed.emit(traceback)

    def show(
        self,
        text: str,
        *,
        kind: str = "bad",
        topic: str = "",
        page: str = ANY_PAGE,
        of_document: bool = False,
        offers: Sequence[Offer] = (),
    ) -> None:
        """Shows a banner until `solve` is called with its topic, or the user closes it.

        Args:
            text: what is wrong and what to do, one sentence or two.
            kind: "bad", "warn" or "info".
            topic: a banner replaces an older one of the same topic; the text is the topic when empty.
            page: as in `Message`.
            of_document: as in `Message`.
            offers: buttons; each of them also closes the message.
        """
        topic = topic or text
        message = Message(text=text, kind=kind, topic=topic, page=page, of_document=of_document, offers=tuple(offers))
        self.banners.pop(topic, None)
        self.banners[topic] = message
        self.changed.emit()

    def refuse(self, text: str, page: str, *, of_document: bool = False) -> None:
        """Shows why something that was asked for on that page cannot be done, until the next success there."""
        self.show(text, kind="warn", topic=refused_on(page), page=page, of_document=of_document)

    def succeed(self, text: str, page: str) -> None:
        """Shows that something that was asked for on that page is done."""
        self.solve(refused_on(page))
        self.toast(text)

    def show_again(self, topic: str) -> None:
        """Moves the banner of that topic over the others."""
        self.banners[topic] = self.banners.pop(topic)
        self.changed.emit()

    def solve(self, *topics: str) -> None:
        """Removes the banners of these topics, if there are any, because they no longer hold."""
        self._remove([topic for topic in topics if topic in self.banners])

    def leave_document(self) -> None:
        """Removes messages about the document that was open."""
        self._remove([topic for topic, message in self.banners.items() if message.of_document])
        self.document_left.emit()

    def _remove(self, topics: list[str]) -> None:
        for topic in topics:
            del self.banners[topic]
        if topics:
            self.changed.emit()
