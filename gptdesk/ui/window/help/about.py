"""About dialog."""

from __future__ import annotations

import platform

from PySide6.QtCore import QSize, Qt, qVersion
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk import __version__
from gptdesk.resource_files import resource
from gptdesk.ui.widgets.dialog import Dialog


class AboutDialog(Dialog):
    """Shows name, version, Python, Qt and licences."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("About gptdesk", parent, width=480)
        picture = QLabel()
        picture.setPixmap(QIcon(str(resource("icons", "gptdesk.svg"))).pixmap(QSize(64, 64)))
        picture.setAlignment(Qt.AlignmentFlag.AlignTop)
        name = QLabel(f"gptdesk {__version__}")
        name.setProperty("kind", "heading")
        words = QLabel(
            "Generates text with GPT-2 and trains models on this computer; the network is used for downloads alone."
            "\n\n"
            f"Python {platform.python_version()}, Qt {qVersion()}.\n\n"
            "MIT licence. GPT-2's tokenizer is by OpenAI, MIT licence. Typefaces: Inter and Literata, SIL Open Font "
            "License."
        )
        words.setWordWrap(True)
        close = QPushButton("Close")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        text = QVBoxLayout()
        text.setSpacing(8)
        text.addWidget(name)
        text.addWidget(words)
        text.addSpacing(8)
        text.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(24)
        layout.addWidget(picture)
        layout.addLayout(text)
        self.resize(self.minimumWidth(), 0)  # wrapped text prefers to be wider
