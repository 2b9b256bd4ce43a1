"""Preview of prepared data: its first documents token by token, and a report on each source."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from gptdesk.training.data.preparations import DocumentPreview
from gptdesk.ui import number_format
from gptdesk.ui.stylesheet import mix
from gptdesk.ui.theme import Theme

_PARAGRAPH: Final = "margin:0 0 8px 0; line-height:135%; white-space:pre-wrap"
_HEAD: Final = "margin:0 0 2px 0"
_TOKENS: Final = 48
"""Tokens shown of each document: two or three lines."""

_GROUNDS: Final = (0.13, 0.04)
"""Shares of the text colour in the backgrounds of tokens, alternating; visible in both themes."""

_LEARNT_GROUNDS: Final = (0.34, 0.2)
"""Shares of the accent colour in the backgrounds of tokens that are learned, if others are not."""

_TITLE: Final = "As the model reads it: each highlight is a token."
_LEARNT_TITLE: Final = f"{_TITLE} The underlined ones are learned; the others are given."


class Preview(QFrame):
    """Documents with each token highlighted."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._documents: tuple[DocumentPreview, ...] = ()
        self.setProperty("kind", "card")
        self.title = QLabel()
        self.title.setProperty("kind", "muted")
        self.title.setWordWrap(True)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.RichText)
        self.report = QLabel()
        self.report.setTextFormat(Qt.TextFormat.PlainText)
        self.report.setProperty("kind", "muted")
        self.report.setWordWrap(True)
        for label in (self.text, self.report):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        for widget in (self.title, self.text, self.report):
            layout.addWidget(widget)
        theme.changed.connect(self._paint)
        self.hide()

    def show_documents(self, documents: Sequence[DocumentPreview], report: Sequence[str] = ()) -> None:
        """Shows these; hides the preview if there are none.

        Args:
            documents: the first ones.
            report: a line on each source.
        """
        self._documents = tuple(documents)
        self.report.setText("\n".join(report))
        self.report.setVisible(bool(report))
        self.setVisible(bool(documents))
        self._paint()

    def _paint(self) -> None:
        colours = self._theme.colours
        marked = not all(all(document.learnt) for document in self._documents)
        parts = []
        for document_number, document in enumerate(self._documents, 1):
            spans = [
                f'<span style="{self._style(number, marked, learnt)}">{_visible(token)}</span>'
                for number, (token, learnt) in enumerate(zip(document.tokens[:_TOKENS], document.learnt, strict=False))
            ]
            rest = " …" if document.length > _TOKENS else ""
            tokens = "1 token" if document.length == 1 else f"{number_format.count(document.length)} tokens"
            head = f"Document {document_number} · {tokens}"
            parts.append(f'<p style="{_HEAD}; color:{colours.muted}">{head}</p>')
            parts.append(f'<p style="{_PARAGRAPH}">{"".join(spans)}{rest}</p>')
        self.text.setText("".join(parts))
        self.title.setText(_LEARNT_TITLE if marked else _TITLE)

    def _style(self, number: int, marked: bool, learnt: bool) -> str:
        """CSS of a token; learned tokens are marked if the document has others, too."""
        colours = self._theme.colours
        if not marked:
            return f"background-color:{mix(colours.text, colours.surface, _GROUNDS[number % 2])}"
        if not learnt:
            ground = mix(colours.text, colours.surface, _GROUNDS[number % 2])
            return f"background-color:{ground}; color:{colours.muted}"
        ground = mix(colours.accent, colours.surface, _LEARNT_GROUNDS[number % 2])
        return f"background-color:{ground}; text-decoration:underline"


def _visible(token: str) -> str:
    """HTML of a token's text; line ends and tabs are shown as symbols."""
    return html.escape(token).replace("\n", "⏎").replace("\t", "⇥")
