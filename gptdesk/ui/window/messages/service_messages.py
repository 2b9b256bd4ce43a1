"""Banners when settings or documents cannot be read or saved, removed once they are saved; and of a new version."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QLocale, QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices

from gptdesk.program.updates import Release
from gptdesk.ui import number_format
from gptdesk.ui.services.services import Services

_SETTINGS, _STORAGE, _VERSION, _BACKUP = "settings", "storage", "version", "backup"
"""Topics."""


class ServiceMessages(QObject):
    """Listens to the services for settings, documents and the program itself."""

    def __init__(self, services: Services, parent: QObject) -> None:
        super().__init__(parent)
        self._messages, self._storage = services.messages, services.storage
        services.settings.failed.connect(self._on_settings_failed)
        services.settings.saved.connect(lambda: self._messages.solve(_SETTINGS))
        services.storage.failed.connect(self._on_storage_failed)
        services.storage.saved.connect(lambda: self._messages.solve(_STORAGE))
        services.program.newer_found.connect(self._on_newer_found)
        for problem in services.settings.problems:
            self._messages.show(problem, kind="warn")
        for problem in services.storage.problems:
            self._show_problem(problem)

    def _show_problem(self, problem: str) -> None:
        """Shows what is wrong with the documents' file, and offers the newest backup of a damaged one."""
        backup = self._storage.backup
        if backup is None:
            self._messages.show(problem, kind="warn")
            return
        note = f"The newest backup was made on {_date(backup.made)}; restoring it overwrites nothing."
        self._messages.show(
            f"{problem} {note}", kind="warn", topic=_BACKUP, offers=[("Restore from backup", self._restore)]
        )

    def _restore(self) -> None:
        backup = self._storage.backup
        if backup is not None:
            self._storage.restore_backup(backup, self._on_restored, self._on_restore_failed)

    def _on_restored(self, count: int) -> None:
        if count:
            self._messages.toast(f"{number_format.counted(count, 'document')} restored from the backup.")
        else:
            self._messages.toast("The backup has nothing that is missing here.", kind="info")

    def _on_restore_failed(self, sentence: str) -> None:
        offers = [("Try again", self._restore)]
        self._messages.show(f"The backup cannot be restored. {sentence}", kind="warn", topic=_BACKUP, offers=offers)

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


def _date(seconds: float) -> str:
    return QLocale().toString(QDateTime.fromSecsSinceEpoch(int(seconds)), QLocale.FormatType.ShortFormat)
