"""Lies over the page while something is dragged there, and says what becomes of it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from gptdesk.library.importing.formats import formats_text


class DropFrame(QFrame):
    """A dashed frame with words; the page takes the drop."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("drop")
        self.setProperty("over", "true")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        title = QLabel("Drop a model here to import it")
        title.setProperty("kind", "headline")
        words = QLabel(f"{formats_text()[:1].upper()}{formats_text()[1:]}")
        words.setProperty("kind", "muted")
        words.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addStretch(1)
        for label in (title, words):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(label)
        layout.addStretch(1)
        self.hide()

    def cover(self, widget: QWidget) -> None:
        """Lies over that widget."""
        margin = 12
        self.setGeometry(widget.rect().adjusted(margin, margin, -margin, -margin))
        self.raise_()
        self.show()
