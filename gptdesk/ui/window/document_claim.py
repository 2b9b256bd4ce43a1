"""Hands a document over between two pages that can show it: one of them holds it at a time."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject, SignalInstance, Slot

from gptdesk.store.document import Document
from gptdesk.ui.services.document_opening import open_document
from gptdesk.ui.services.services import DocumentService
from gptdesk.ui.window.pages import PageLinks


class _Session(Protocol):
    """What has an open document."""

    @property
    def document(self) -> Document: ...
    @property
    def opened(self) -> SignalInstance: ...
    def close(self) -> None: ...
    def open(self, document: Document) -> None: ...
    def set_in_use(self, in_use: bool) -> None: ...
    def take_settings(self, document: Document) -> None: ...


class DocumentClaim(QObject):
    """Saves the document of a page when another page shows it, and reads it again when the page is shown again.

    The session of the page that was shown last is in use: the decoding settings of the window are those of its
    document.

    Args:
        page: id of the page.
        session: of the page.
    """

    def __init__(
        self, links: PageLinks, page: str, session: _Session, storage: DocumentService, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._links, self._page, self._session, self._storage = links, page, session, storage
        self._shown = False
        self._lent = ""  # id of the document that another page shows
        links.document_claimed.connect(self._on_claimed)
        session.opened.connect(self._claim)

    def set_shown(self, shown: bool) -> None:
        """Called when the page is shown or left."""
        self._shown = shown
        if shown:
            lent, self._lent = self._lent, ""
            self._claim()
            if lent == self._session.document.id:
                self._read_again(lent)
            self._session.set_in_use(True)

    @Slot()
    def _claim(self) -> None:
        if self._shown:
            self._links.document_page = self._page
            self._links.document_claimed.emit(self._page, self._session.document.id)

    @Slot(str, str)
    def _on_claimed(self, page: str, id: str) -> None:
        if page != self._page:
            self._session.set_in_use(False)
            if id == self._session.document.id:
                self._session.close()
                self._lent = id

    def _read_again(self, id: str) -> None:
        """Opens the document as it was saved, if the other page changed it."""
        document = open_document(self._storage, id).document
        if document is None:
            return
        ours, theirs = self._session.document.snapshot(), document.snapshot()
        if (ours.nodes, ours.leaf, ours.own_title) != (theirs.nodes, theirs.leaf, theirs.own_title):
            self._session.open(document)
        else:
            self._session.take_settings(document)
