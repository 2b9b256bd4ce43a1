"""Guide window: docs/GUIDE.md if it is installed, else pages made from the tables of commands and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QImage, QTextBlockFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

from gptdesk.resource_files import documentation
from gptdesk.store.reference import reference_page
from gptdesk.ui.window.commands.registry import Commands
from gptdesk.ui.window.commands.shortcuts import shown

_SIZE: Final = QSize(880, 720)
_MARGIN, _BETWEEN, _ABOVE_HEADING = 24, 10, 20
"""Pixels around the text, between paragraphs, and above a heading."""

_WIDEST_PICTURE: Final = 760
"""Largest width of a picture, in pixels; screenshots are scaled down to it."""

_SMOOTH: Final = Qt.TransformationMode.SmoothTransformation


class GuideDialog(QDialog):
    """Shows the guide, follows its links to other pages, and opens web pages in the browser."""

    def __init__(self, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Guide")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(_SIZE.boundedTo(parent.size() - QSize(48, 48)) if parent is not None else _SIZE)
        self.text = _Pages()
        self.text.setAccessibleName("Guide")
        self.text.setProperty("kind", "prose")
        self.text.setOpenLinks(False)
        self.text.room = min(
            _WIDEST_PICTURE, self.width() - 2 * _MARGIN - self.text.verticalScrollBar().sizeHint().width()
        )
        self.text.anchorClicked.connect(self._on_link)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        path = documentation("GUIDE.md")
        if path.is_file():
            self._show_file(path)
        else:
            self._show_markdown(f"{shortcuts_page(commands)}\n\n{reference_page()}")

    def _show_file(self, path: Path) -> None:
        self.text.folder = path.parent
        self._show_markdown(path.read_text(encoding="utf-8"))

    def _show_markdown(self, text: str) -> None:
        self.text.setMarkdown(text)
        self.text.document().setDocumentMargin(_MARGIN)
        cursor = QTextCursor(self.text.document())
        while True:  # Qt leaves no space between paragraphs of Markdown
            block = cursor.block()
            spaced = block.blockFormat()
            spaced.setTopMargin(_ABOVE_HEADING if spaced.headingLevel() > 1 else 0)
            spaced.setBottomMargin(_BETWEEN if cursor.currentTable() is None else 0)
            spaced.setLineHeight(130, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            cursor.setBlockFormat(spaced)
            if not cursor.movePosition(QTextCursor.MoveOperation.NextBlock):
                break
        self.text.moveCursor(QTextCursor.MoveOperation.Start)

    def _on_link(self, link: QUrl) -> None:
        path = self.text.folder / link.path()
        if link.scheme() in ("http", "https"):
            QDesktopServices.openUrl(link)
        elif path.suffix == ".md" and path.is_file():
            self._show_file(path)
        elif link.fragment():
            self.text.scrollToAnchor(link.fragment())


class _Pages(QTextBrowser):
    """Loads the pictures of a page and scales them.

    Attributes:
        folder: of the page.
        room: largest width of a picture, in pixels.
    """

    folder: Path = Path()
    room: int = _WIDEST_PICTURE

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        if kind == QTextDocument.ResourceType.ImageResource.value:
            image = QImage(str(self.folder / QUrl(name).path()))
            return image.scaledToWidth(self.room, _SMOOTH) if image.width() > self.room else image
        return super().loadResource(kind, name)


def shortcuts_page(commands: Commands) -> str:
    """The commands with their keys, as Markdown."""
    lines = ["# Commands", "", "| command | where | shortcut | what it does |", "| --- " * 4 + "|"]
    for command in commands:
        if command.fill is None:
            keys = ", ".join(shown(commands.keys(command.id)))
            cells = (commands.full_title(command), commands.scope_title(command.scope), keys, command.description)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)
