"""Brings models into the library: asks for a file, a folder or a repository, and how to import what is found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from gptdesk.library.importing.formats import file_patterns
from gptdesk.ui.models.import_dialog import ImportDialog
from gptdesk.ui.models.repository_dialog import RepositoryDialog
from gptdesk.ui.services.models.service import ModelService

if TYPE_CHECKING:
    from gptdesk.library.import_ import Importable


class ModelImports(QObject):
    """Asks and imports.

    Args:
        window: parent of dialogs.
    """

    def __init__(self, models: ModelService, window: QWidget) -> None:
        super().__init__(window)
        self._models, self._window = models, window

    @Slot()
    def ask_for_repository(self) -> None:
        """Asks for a repository of the Hugging Face hub, and downloads it."""
        dialog = RepositoryDialog(self._window)
        dialog.decided.connect(lambda repo, revision, called: self._models.downloads.add(repo, revision, called=called))
        dialog.open()

    @Slot(object)
    def offer_all(self, paths: list[Path]) -> None:
        """Asks how to import each of these files and folders."""
        for path in paths:
            self.offer(path)

    def offer(self, path: Path) -> None:
        """Asks how to import a file or folder, once it is known to be a model."""
        self._models.look_at(path, self._ask_about)

    def ask_for_folder(self) -> None:
        """Asks for a folder, and imports the model in it."""
        folder = QFileDialog.getExistingDirectory(self._window, "Import a model's folder", str(Path.home()))
        if folder:
            self.offer(Path(folder))

    def ask_for_file(self) -> None:
        """Asks for a file, and imports the model in it."""
        files = f"Models ({' '.join(file_patterns())})"
        path, _ = QFileDialog.getOpenFileName(self._window, "Import a model's file", str(Path.home()), files)
        if path:
            self.offer(Path(path))

    def _ask_about(self, found: Importable) -> None:
        dialog = ImportDialog(found, self._models.taken_names, self._window)
        dialog.decided.connect(
            lambda path, name, link, base: self._models.import_model(path, name=name, link=link, base=base)
        )
        dialog.open()
