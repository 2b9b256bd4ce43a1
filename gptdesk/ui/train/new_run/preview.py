"""The first documents of the data as the model will read them, token by token."""

from __future__ import annotations

import html
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from gptdesk.training.preparations import DocumentPreview
from gptdesk.ui import figures
from gptdesk.ui.stylesheet import mix
from gptdesk.ui.theme import Theme

_PARAGRAPH = "margin:0 0 8px 0; line-height:135%; white-space:pre-wrap"
_TOKENS = 48
"""Shown of each document: some two or three lines."""


class Preview(QFrame):
    """Some documents; tokens are told apart by their ground, and by a bar where colours are not seen."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._documents: Sequence[DocumentPreview] = ()
        self.setProperty("kind", "card")
        self.title = QLabel()
        self.title.setProperty("kind", "muted")
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.RichText)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addWidget(self.title)
        layout.addWidget(self.text)
        theme.changed.connect(self._paint)
        self.hide()

    def show_documents(self, documents: Sequence[DocumentPreview]) -> None:
        """Shows these, or nothing when there are none."""
        self._documents = tuple(documents)
        self.setVisible(bool(documents))
        self._paint()

    def _paint(self) -> None:
        colours = self._theme.colours
        grounds = (colours.wash, mix(colours.text, colours.surface, 0.07))
        parts = []
        for document in self._documents:
            spans = [
                f'<span style="background-color:{grounds[number % 2]}">{_visible(token)}</span>'
                for number, token in enumerate(document.tokens[:_TOKENS])
            ]
            rest = " …" if document.length > _TOKENS else ""
            parts.append(f'<p style="{_PARAGRAPH}">{"".join(spans)}{rest}</p>')
        self.text.setText("".join(parts))
        lengths = ", ".join(figures.count(document.length) for document in self._documents)
        self.title.setText(f"As the model reads it: every patch of colour is a token. Tokens in each text: {lengths}")
        self.title.setWordWrap(True)


def _visible(token: str) -> str:
    """A token's text; line ends are shown as a mark, spaces kept."""
    return html.escape(token).replace("\n", "⏎").replace("\t", "⇥")
