"""Banners when settings or documents cannot be read or saved, removed once they are saved; and of a new version."""

from __future__ import annotations

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices

from gptdesk.program.updates import Release
from gptdesk.ui.services.services import Services

_SETTINGS, _STORAGE, _VERSION = "settings", "storage", "version"
"""Topics."""


class ServiceMessages(QObject):
    """Listens to the services for settings, documents and the program itself."""

    def __init__(self, services: Services, parent: QObject) -> None:
        super().__init__(parent)
        self._messages = services.messages
        services.settings.failed.connect(self._on_settings_failed)
        services.settings.saved.connect(lambda: self._messages.solve(_SETTINGS))
        services.storage.failed.connect(self._on_storage_failed)
        services.storage.saved.connect(lambda: self._messages.solve(_STORAGE))
        services.program.newer_found.connect(self._on_newer_found)
        for problem in (*services.settings.problems, *services.storage.problems):
            self._messages.show(problem, kind="warn")

    @Slot(str)
    def _on_settings_failed(self, text: str) -> None:
        self._messages.show(text, kind="warn", topic=_SETTINGS)

    @Slot(str)
    def _on_storage_failed(self, text: str) -> None:
        self._messages.show(text, topic=_STORAGE)

    @Slot(object)
    def _on_newer_found(self, release: Release) -> None:
        page = QUrl(release.page)
        offers = [("Show in browser", lambda: QDesktopServices.openUrl(page))] if release.page else []
        self._messages.show(release.describe(), kind="info", topic=_VERSION, offers=offers)
