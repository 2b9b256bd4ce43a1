"""Settings page with the folders in which gptdesk keeps what: shown, copied, opened."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.errors import UserError
from gptdesk.folders import HOME_VARIABLE, Folders, ensure_folder
from gptdesk.ui.widgets.long_words import wrappable
from gptdesk.ui.widgets.problem_label import ProblemLabel

FOLDERS: Final = {
    "models": ("Models", "Downloaded and imported models, one folder each"),
    "runs": ("Runs", "Training runs with their checkpoints, one folder each"),
    "data": ("Documents", "Documents and presets"),
    "config": ("Settings", "settings.json, and the place of the window"),
    "logs": ("Logs", "Logs and crash reports"),
    "cache": ("Cache", "What can be made again; it may be deleted while gptdesk is closed"),
}
"""Title and contents of the folders, by their name in `Folders`."""


class FoldersPage(QWidget):
    """Lists the folders.

    Attributes:
        buttons: that open them, by name.
    """

    def __init__(self, folders: Folders, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[str, QPushButton] = {}
        self.problem = ProblemLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 12, 0)
        layout.setSpacing(16)
        for name, (title, contents) in FOLDERS.items():
            layout.addLayout(self._row(name, title, contents, getattr(folders, name)))
        note = QLabel(
            f"To keep everything in another folder, set the environment variable {HOME_VARIABLE} before gptdesk starts."
        )
        note.setProperty("kind", "muted")
        note.setWordWrap(True)
        layout.addWidget(note)
        layout.addWidget(self.problem)
        layout.addStretch(1)

    def _row(self, name: str, title: str, contents: str, folder: Path) -> QHBoxLayout:
        path = QLabel(wrappable(str(folder)))
        path.setWordWrap(True)
        path.setTextFormat(Qt.TextFormat.PlainText)
        about = QLabel(contents)
        about.setProperty("kind", "muted")
        about.setWordWrap(True)
        words = QVBoxLayout()
        words.setSpacing(2)
        for label in (QLabel(title), path, about):
            words.addWidget(label)
        button = self.buttons[name] = QPushButton("Open")
        button.setAutoDefault(False)
        button.setAccessibleName(f"Open the folder {title}")
        button.clicked.connect(lambda: self._open(folder))
        row = QHBoxLayout()
        row.setSpacing(24)
        row.addLayout(words, 1)
        row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        return row

    def _open(self, folder: Path) -> None:
        sentence = ""
        try:
            if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(ensure_folder(folder)))):
                sentence = f"No program opens folders here; open {folder} by hand."
        except UserError as error:
            sentence = str(error)
        self.problem.show_problem(sentence)
