"""About dialog: version, kind of installation, licences, and the question for a newer version."""

from __future__ import annotations

import platform
from html import escape

from PySide6.QtCore import QSize, Qt, Slot, qVersion
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from gptdesk import __version__
from gptdesk.program.installation import KINDS, kind
from gptdesk.program.updates import Release
from gptdesk.resource_files import resource
from gptdesk.ui.services.services import ProgramService
from gptdesk.ui.widgets.dialog import Dialog
from gptdesk.ui.widgets.input_dialogs.buttons import button_row


class AboutDialog(Dialog):
    """Shows name, version, kind of installation, Python, Qt and licences.

    Attributes:
        look: asks for the newest version; nothing is asked before.
        answer: what the answer was.
        licences: opens `LicencesDialog`.
    """

    def __init__(self, program: ProgramService, parent: QWidget | None = None) -> None:
        super().__init__("About gptdesk", parent, width=480)
        self._program = program
        name = QLabel(f"gptdesk {__version__}")
        name.setProperty("kind", "heading")
        words = QLabel(
            "Generates text with GPT-2 and trains models on this computer; the network is used for downloads, and to "
            "ask for the newest version if you want that."
            "\n\n"
            f"Installed as {KINDS[kind()]}; Python {platform.python_version()}, Qt {qVersion()}.\n\n"
            "MIT licence. GPT-2's tokenizer is by OpenAI, MIT licence. Typefaces: Inter and Literata, SIL Open Font "
            "License."
        )
        words.setWordWrap(True)
        self.answer = QLabel()
        self.answer.setAccessibleName("Newest version")
        self.answer.setWordWrap(True)
        self.answer.setOpenExternalLinks(True)
        self.answer.hide()
        self.look = QPushButton("Look for a new version")
        self.look.clicked.connect(self._look)
        self.licences = QPushButton("Licences…")
        self.licences.setAccessibleName("Licences of the libraries")
        self.licences.clicked.connect(self._show_licences)
        self._lay_out(name, words)

    def _lay_out(self, *words: QLabel) -> None:
        picture = QLabel()
        picture.setPixmap(QIcon(str(resource("icons", "gptdesk.svg"))).pixmap(QSize(64, 64)))
        picture.setAlignment(Qt.AlignmentFlag.AlignTop)
        close = QPushButton("Close")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        text = QVBoxLayout()
        text.setSpacing(8)
        for label in (*words, self.answer):
            text.addWidget(label)
        text.addLayout(button_row(close, left=(self.licences, self.look)))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(24)
        layout.addWidget(picture)
        layout.addLayout(text)
        self.resize(self.minimumWidth(), 0)  # wrapped text prefers to be wider

    @Slot()
    def _show_licences(self) -> None:
        LicencesDialog(self._program, self).open()

    @Slot()
    def _look(self) -> None:
        self.look.setEnabled(False)
        self._say("Asking…")
        self._program.newest_release(self._on_release, self._on_failed)

    def _on_release(self, release: Release) -> None:
        sentence = escape(release.describe())
        if release.is_newer and release.page:
            page = escape(release.page)
            sentence = sentence.replace(page, f'<a href="{page}">{page}</a>')
        self.look.setEnabled(True)
        self._say(sentence)

    def _on_failed(self, sentence: str) -> None:
        self.look.setEnabled(True)
        self._say(escape(sentence))

    def _say(self, rich: str) -> None:
        self.answer.setTextFormat(Qt.TextFormat.RichText)
        self.answer.setText(rich)
        self.answer.show()


class LicencesDialog(Dialog):
    """Shows the licences of the libraries that the program uses.

    Attributes:
        text: of the licences.
    """

    def __init__(self, program: ProgramService, parent: QWidget | None = None) -> None:
        super().__init__("Licences", parent)
        self.text = QPlainTextEdit("Reading…")
        self.text.setAccessibleName("Licences of the libraries")
        self.text.setReadOnly(True)
        close = QPushButton("Close")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 16)
        layout.setSpacing(16)
        layout.addWidget(self.text, 1)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
        self.resize(760, 560)
        program.licences(self._show)

    def _show(self, text: str) -> None:
        self.text.setPlainText(text)
