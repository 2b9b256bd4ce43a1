"""Banners when settings or documents cannot be read or saved; removed once they are saved."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from gptdesk.ui.services.services import Services

_SETTINGS, _STORAGE = "settings", "storage"
"""Topics."""


class ServiceMessages(QObject):
    """Listens to the services for settings and documents."""

    def __init__(self, services: Services, parent: QObject) -> None:
        super().__init__(parent)
        self._messages = services.messages
        services.settings.failed.connect(self._on_settings_failed)
        services.settings.saved.connect(lambda: self._messages.solve(_SETTINGS))
        services.storage.failed.connect(self._on_storage_failed)
        services.storage.saved.connect(lambda: self._messages.solve(_STORAGE))
        for problem in (*services.settings.problems, *services.storage.problems):
            self._messages.show(problem, kind="warn")

    @Slot(str)
    def _on_settings_failed(self, text: str) -> None:
        self._messages.show(text, kind="warn", topic=_SETTINGS)

    @Slot(str)
    def _on_storage_failed(self, text: str) -> None:
        self._messages.show(text, topic=_STORAGE)
