"""Shows a message as Markdown: nothing is ever loaded, and links are only told of."""

from __future__ import annotations

import re
from math import ceil
from typing import Any, Final

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QResizeEvent, QTextBlock, QTextCursor, QTextDocument, QTextFormat, QWheelEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextBrowser, QWidget

from gptdesk.ui.fonts import prose_font

_IMAGE: Final = re.compile(r"!(?=\[)")
_FENCE: Final = re.compile(r"\s*(```|~~~)")
_HEADING: Final = re.compile(r"\s*#{1,6}\s")
_OWN_LINE: Final = re.compile(r"\s*([-*+]\s|\d+[.)]\s|#{1,6}\s|>|\||(-{3,}|={3,})\s*$|```|~~~)")
"""How a line begins that is no continuation of the one before it."""

_LINE: Final = "\u2028"
"""A line end within a paragraph."""

_FEATURES: Final = (
    QTextDocument.MarkdownFeature.MarkdownNoHTML | QTextDocument.MarkdownFeature.MarkdownDialectCommonMark
)


class MessageText(QTextBrowser):
    """A message, as high as its text. ``anchorClicked`` is emitted for a link; nothing else happens.

    Attributes:
        text: what is shown, as Markdown.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = ""
        self.setProperty("kind", "prose")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        self.setUndoRedoEnabled(False)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # the card has the keys
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(0)
        self.document().contentsChanged.connect(self._fit)

    def show_text(self, text: str) -> None:
        """Shows a message."""
        if text != self.text:
            self.text = text
            self._render()

    def set_text_size(self, pixels: int) -> None:
        """Shows it in the face of prose of that height."""
        self.setFont(prose_font(pixels))
        self.document().setDefaultFont(prose_font(pixels))
        self._render()

    def loadResource(self, type: int, name: QUrl | str) -> Any:
        """Nothing: a message comes from a model or from a file of somebody."""
        return None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the list scrolls

    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    def render_again(self) -> None:
        """Shows it in the colours that hold now."""
        self._render()

    def _render(self) -> None:
        self.document().setMarkdown(to_markdown(self.text), _FEATURES)
        before = self.document().begin()
        block = before.next()
        while block.isValid():  # Qt leaves no space between paragraphs, lists and code of Markdown
            if not (block.textList() and before.textList()) and not (_is_code(block) and _is_code(before)):
                form = block.blockFormat()
                form.setTopMargin(self.fontMetrics().lineSpacing() / 2)
                cursor = QTextCursor(block)
                cursor.setBlockFormat(form)
            before, block = block, block.next()

    def _fit(self) -> None:
        self.setFixedHeight(max(ceil(self.document().size().height()), self.fontMetrics().lineSpacing()))


def _is_code(block: QTextBlock) -> bool:
    return block.blockFormat().hasProperty(QTextFormat.Property.BlockCodeFence)


def to_markdown(text: str) -> str:
    """A message as Markdown that shows its line ends, and images as links."""
    lines, is_code, can_go_on = list[str](), False, False
    for line in text.split("\n"):
        if _FENCE.match(line):
            is_code = not is_code
            lines.append(line)
            can_go_on = False
        elif is_code:
            lines.append(line)
        else:
            line = _IMAGE.sub("", line)
            if can_go_on and line.strip() and not _OWN_LINE.match(line):
                lines[-1] += _LINE + line
            else:
                lines.append(line)
            can_go_on = bool(line.strip()) and not _HEADING.match(line)
    return "\n".join(lines)
