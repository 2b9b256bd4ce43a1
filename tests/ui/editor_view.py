"""A document and its editor, without a window around them."""

import random

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDropEvent, QTextCursor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText
from gptdesk.store.document import Document
from gptdesk.store.runs import Origin, Token
from gptdesk.ui.playground.editing import view_text
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.theme import Theme


class View:
    """A document and its editor, wired as the page wires them."""

    def __init__(self, theme: Theme) -> None:
        self.document = Document()
        self.editor = Editor(theme, 18)
        self.editor.edited.connect(self.edit)
        self.editor.undo_wanted.connect(lambda: (self.document.undo(), self.show()))
        self.editor.redo_wanted.connect(lambda: (self.document.redo(), self.show()))

    def edit(self, start: int, end: int, text: str, typing: bool, special: tuple[str, ...] = ()) -> None:
        self.document.replace(start, end, text, special=special, typing=typing)
        self.show()

    def show(self) -> None:
        self.editor.show_document(self.document.mixed, self.document.generated_spans(), self.document.last_generation())

    def insert(self, name: str) -> None:
        """Inserts the special token of that name at the caret."""
        self.editor.replace_selection(MixedText(PLACEHOLDER, (name,)))

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.editor, key, modifiers)

    def generate(self, text: str, *special: str) -> None:
        """Appends a text as one token, as if a model had written it."""
        self.document.begin_generation(Origin(generation=str(random.random()), model="tiny"))
        self.document.append_tokens(text, [Token(1, len(text), -1.0)], special=special)
        self.document.end_generation("length")
        self.show()

    def check(self) -> None:
        """The widget shows the document: its text, but for soft breaks, and its special tokens in their order."""
        assert self.editor.shown == self.document.text
        held = self.editor.document().toRawText().encode("utf-16-le")
        for place in reversed(self.editor.soft_breaks):
            assert held[2 * place : 2 * place + 2].decode("utf-16-le") == "\u2029"
            held = held[: 2 * place] + held[2 * place + 2 :]
        text = held.decode("utf-16-le").replace("\u2029", "\n")
        assert len(text) == len(self.document.text)
        assert all(map(view_text.same_in_view, self.document.text, text))
        names = [self.editor.name_at(place) for place in range(self.editor.document().characterCount())]
        assert tuple(filter(None, names)) == self.document.mixed.names

    def select(self, start: int, end: int) -> None:
        cursor = self.editor.textCursor()
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        self.editor.setTextCursor(cursor)


class Drop(QDropEvent):
    """What is dropped comes from the editor itself."""

    def __init__(self, source: Editor, *rest: object) -> None:
        super().__init__(*rest)
        self._source = source

    def source(self) -> Editor:
        return self._source


@pytest.fixture
def view(theme: Theme, qtbot: QtBot) -> View:
    made = View(theme)
    qtbot.addWidget(made.editor)
    made.editor.resize(700, 400)
    made.editor.show()
    return made
