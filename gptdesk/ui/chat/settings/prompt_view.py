"""Shows the exact prompt: its tokens in turn on two grounds, special tokens as chips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QTextEdit, QWidget

from gptdesk.chat.prompt import ChatPrompt
from gptdesk.gpt2.mixed_text import PLACEHOLDER, MixedText, spans_mixed
from gptdesk.ui.fonts import fixed_font
from gptdesk.ui.stylesheet import mix
from gptdesk.ui.theme import Theme

if TYPE_CHECKING:
    from gptdesk.gpt2.tokenizer import Tokenizer

_MOST: Final = 4000
"""Tokens that are told apart; of a longer prompt, the last ones."""

_TINT: Final = 0.14


class PromptView(QTextEdit):
    """A text that can be read and copied."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: tuple[MixedText, Tokenizer] | None = None
        self.setProperty("kind", "prompt")
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.setAccessibleName("Prompt")
        self.setFont(fixed_font())
        self.setPlaceholderText("What the model reads appears here.")
        theme.changed.connect(self._render)

    def show_prompt(self, prompt: ChatPrompt | None, tokenizer: Tokenizer | None) -> None:
        """Shows a prompt; none for ``None``."""
        shown = (prompt.mixed, tokenizer) if prompt is not None and tokenizer is not None else None
        if shown != self._shown:
            self._shown = shown
            self._render()

    def _render(self) -> None:
        self.clear()
        if self._shown is None:
            return
        mixed, tokenizer = self._shown
        spans = spans_mixed(tokenizer, mixed)[-_MOST:]
        names = iter(mixed.names[mixed.text.count(PLACEHOLDER, 0, spans[0][0]) :] if spans else ())
        colours = self._theme.colours
        plain, tinted, special = QTextCharFormat(), QTextCharFormat(), QTextCharFormat()
        tinted.setBackground(QColor(mix(colours.accent, colours.background, _TINT)))
        special.setForeground(QColor(colours.on_accent))
        special.setBackground(QColor(colours.accent))
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        end = spans[0][0] if spans else 0
        for number, (start, stop) in enumerate(spans):
            text = mixed.text[max(start, end) : stop]  # tokens that are parts of one character share it
            end = max(end, stop)
            if PLACEHOLDER in text:
                cursor.insertText(text.replace(PLACEHOLDER, next(names, "")), special)
            elif text:
                cursor.insertText(text, tinted if number % 2 else plain)
        cursor.endEditBlock()
        self.moveCursor(QTextCursor.MoveOperation.End)
