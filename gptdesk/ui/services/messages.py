"""What the window tells the person: toasts for what is done, banners for what is wrong as long as it is. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, Signal

Offer = tuple[str, Callable[[], object]]
"""What a button says, and what it does."""

ANY_PAGE: Final = ""
"""Of a message that concerns the whole window."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message.

    Attributes:
        text: one sentence or two.
        kind: "good", "info", "warn" or "bad"; decides colour and icon.
        topic: what it is about; there is one message a topic.
        page: id of the page on which it is shown, or `ANY_PAGE`.
        of_document: it is about the document at hand and goes with it.
        offers: buttons.
    """

    text: str
    kind: str = "bad"
    topic: str = ""
    page: str = ANY_PAGE
    of_document: bool = False
    offers: tuple[Offer, ...] = ()


def refused_on(page: str) -> str:
    """Topic of the banner that says what cannot be done on that page."""
    return f"refused on {page}"


class Messages(QObject):
    """The banners that hold now, and toasts on their way to the screen.

    Which one to use: something that was asked for **is done** is a toast (`toast`); something **is wrong**, or waits
    for an answer, is a banner (`show`) that whoever knows that it is over takes away (`solve`).

    Attributes:
        banners: by topic, the oldest first.

    Signals:
        changed(): ``banners`` is another.
        toasted(object): a `Message` that is to be shown for a moment.
        document_left(): another document is open; what was said of the last one no longer matters.
        crashed(str): the traceback of an error of ours, for the crash report.
    """

    changed = Signal()
    toasted = Signal(object)
    document_left = Signal()
    crashed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.banners: dict[str, Message] = {}

    def toast(self, text: str, *, kind: str = "good", of_document: bool = False, offers: Sequence[Offer] = ()) -> None:
        """Says for some seconds, in the lower corner, that something is done.

        Args:
            text: one sentence.
            kind: "good", or "info" for what is merely to be known.
            of_document: it is taken away when another document is opened.
            offers: at most one button, such as *Show*.
        """
        self.toasted.emit(Message(text=text, kind=kind, of_document=of_document, offers=tuple(offers)))

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
        """Says what is wrong until `solve` is called with its topic, or the person closes it.

        Args:
            text: what is wrong and what to do, one sentence or two.
            kind: "bad", "warn" or "info".
            topic: a newer message of the same topic takes the place of the older; the text itself when empty.
            page: the page that it is about; elsewhere it is not shown.
            of_document: it is taken away when another document is opened.
            offers: buttons; each of them also closes the message.
        """
        topic = topic or text
        message = Message(text=text, kind=kind, topic=topic, page=page, of_document=of_document, offers=tuple(offers))
        self.banners.pop(topic, None)
        self.banners[topic] = message
        self.changed.emit()

    def refuse(self, text: str, page: str, *, of_document: bool = False) -> None:
        """Says why something that was asked for on that page cannot be done, until the next success there."""
        self.show(text, kind="warn", topic=refused_on(page), page=page, of_document=of_document)

    def succeed(self, text: str, page: str) -> None:
        """Says that something that was asked for on that page is done."""
        self.solve(refused_on(page))
        self.toast(text)

    def show_again(self, topic: str) -> None:
        """Lays the message of that topic over the others."""
        self.banners[topic] = self.banners.pop(topic)
        self.changed.emit()

    def solve(self, *topics: str) -> None:
        """Takes the messages of these topics away, where there are any: what they said holds no longer."""
        self._remove([topic for topic in topics if topic in self.banners])

    def leave_document(self) -> None:
        """Takes away what was said of the document that was at hand."""
        self._remove([topic for topic, message in self.banners.items() if message.of_document])
        self.document_left.emit()

    def _remove(self, topics: list[str]) -> None:
        for topic in topics:
            del self.banners[topic]
        if topics:
            self.changed.emit()
