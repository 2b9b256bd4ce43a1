"""Card of a bundled text."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.training.data.preparations import BundledText


class TextCard(QFrame):
    """One text.

    Signals:
        use_wanted(str): train on the text of that name.
    """

    use_wanted = Signal(str)

    def __init__(self, text: BundledText, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        title, words = QLabel(text.title), QLabel(text.description)
        title.setProperty("kind", "title")
        words.setProperty("kind", "muted")
        words.setTextFormat(Qt.TextFormat.PlainText)
        words.setWordWrap(True)
        self.button = QPushButton("Use")
        self.button.setAccessibleName(f"Train on {text.title}")
        self.button.clicked.connect(lambda: self.use_wanted.emit(text.name))
        lines = QVBoxLayout()
        lines.setSpacing(2)
        lines.addWidget(title)
        lines.addWidget(words)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 12, 12, 12)
        layout.setSpacing(16)
        layout.addLayout(lines, 1)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)
