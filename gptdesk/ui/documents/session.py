"""The open document of a page: opened, saved as it changes, with decoding settings of its own."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.document import Document
from gptdesk.ui.services.services import DocumentService, SettingsService
from gptdesk.ui.throttle import Throttle

_SAVE_AFTER_MS: Final = 400
"""Longest delay until a change is saved; the end of a generation is saved at once."""


class DocumentSession(QObject):
    """The open document of a page.

    The decoding settings that the window shows are those of one document: that of the page which was shown last. Its
    session is in use, and keeps what they are changed to in its document.

    Args:
        remembered: the setting that keeps which document is open.
        in_use: whether it is in use before a page is shown.

    Attributes:
        document: the open document; only the session changes it.

    Signals:
        opened(): emitted when another document was opened.
        changed(): emitted when its text or its runs change.
        activity_changed(): emitted when generating is asked for, starts and ends.
        notice(str): a remark about a generation; it continues.
        failed(object): emitted when a generation failed; its `Failure`.
        refused(str): emitted when the document cannot be changed; the sentence says why.
    """

    opened = Signal()
    changed = Signal()
    activity_changed = Signal()
    notice = Signal(str)
    failed = Signal(object)
    refused = Signal(str)

    def __init__(
        self,
        storage: DocumentService,
        settings: SettingsService,
        parent: QObject | None,
        *,
        remembered: str,
        in_use: bool,
    ) -> None:
        super().__init__(parent)
        self._storage, self._settings, self._remembered, self._in_use = storage, settings, remembered, in_use
        self.document = Document()
        self._saving = Throttle(self.save, _SAVE_AFTER_MS, self)
        settings.changed.connect(self._on_settings_changed)

    @property
    def decoding(self) -> DecodingSettings:
        """Those of the open document."""
        return self.document.decoding or self._settings.value.new_document_decoding

    def open(self, document: Document) -> None:
        """Opens another document; the one that was open is saved."""
        self.close()
        self._adopt(document)
        self._settings.update(**{self._remembered: document.id}, **self._shown_settings())
        self.opened.emit()
        self.activity_changed.emit()

    def save(self) -> None:
        self._saving.cancel()
        self._storage.save(self.document.snapshot())

    def flush(self) -> None:
        """Saves pending changes now."""
        self._saving.flush()

    def close(self) -> None:
        """Ends what is generated and saves the document."""
        self._interrupt()
        self.flush()

    def set_in_use(self, in_use: bool) -> None:
        """Whether the decoding settings that the window shows are those of this document, which they become."""
        self._in_use = in_use
        self._settings.update(**self._shown_settings())

    def take_settings(self, document: Document) -> None:
        """Takes over the settings of the same document, which another page has changed."""
        self.document.decoding, self.document.chat_template = document.decoding, document.chat_template

    def refuses(self) -> bool:
        """Whether documents can only be read; then says so."""
        if self._storage.read_only:
            self.refused.emit(self._storage.read_only)
        return bool(self._storage.read_only)

    def _adopt(self, document: Document) -> None:
        """Makes a document the open one, before anybody is told."""
        document.decoding = document.decoding or self._settings.value.new_document_decoding
        self.document = document

    def _interrupt(self) -> None:
        """Ends what is generated, with the text so far."""
        raise NotImplementedError

    def _shown_settings(self) -> dict[str, DecodingSettings]:
        """The settings that the window shows, where they are those of this document."""
        return {"decoding": self.decoding} if self._in_use else {}

    @Slot()
    def _on_settings_changed(self) -> None:
        decoding = self._settings.value.decoding
        if self._in_use and self.document.decoding != decoding:
            self.document.decoding = decoding
            self._saving.request()
            self._on_decoding_changed()

    def _on_decoding_changed(self) -> None:
        """Called when the decoding settings of the open document have changed."""

    @Slot()
    def _on_changed(self) -> None:
        self._saving.request()
        self.changed.emit()
