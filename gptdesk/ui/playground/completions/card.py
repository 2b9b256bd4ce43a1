"""Card of one completion: its number, its text as it arrives, figures, and a button that stops it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QTextCursor
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gptdesk.store.provenance.facts import FINISH_REASONS
from gptdesk.ui import number_format
from gptdesk.ui.fonts import prose_font, scaled
from gptdesk.ui.playground.completions.completion import Completion
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.quiet_scroll_bar import make_quiet
from gptdesk.ui.widgets.tooltips import wrapped

WIDTH: Final = 264
"""Least width of a card in pixels at a font of 13 pixels: some 35 letters in a line."""

HEIGHT: Final = 122
"""Least height, in such pixels: three lines of text."""

_TEXT_SIZE: Final = 14
"""Height of its text in pixels."""

_PADDING: Final = 10
_MEAN_HELP: Final = (
    "Mean natural logarithm of the probabilities that the model gave the tokens: nearer to 0 is likelier. A key or a "
    "click goes on with this completion; the others stay as branches."
)
_STEPS: Final = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
"""Columns and rows by which arrow keys move the focus."""


class CompletionCard(QPushButton):
    """A card; pressing it goes on with its completion.

    Attributes:
        number: counted from 1, as its key.
        words: shows the completion.
        state: whether it is being written, or why it ended.
        figures: tokens and mean log-probability.
        stop: ends this completion.

    Signals:
        moved(int, int): emitted by an arrow key: columns and rows by which the focus should move.
    """

    moved = Signal(int, int)

    def __init__(self, theme: Theme, number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.number = number
        self.setProperty("kind", "completion")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.words = _CardText()
        digit = QLabel(str(number))
        digit.setProperty("kind", "heading")
        digit.setToolTip(wrapped(f"Press {number} to go on with this completion"))
        self.state, self.figures = ElidedLabel(), ElidedLabel()
        for label in (self.state, self.figures):
            label.setProperty("kind", "muted")
        self.figures.help = _MEAN_HELP
        self.stop = QPushButton()
        self.stop.setProperty("kind", "chip")
        self.stop.setAccessibleName(f"Stop completion {number}")
        self.stop.setToolTip(wrapped(f"Stop completion {number}; the others go on"))
        theme.set_icon(self.stop, "stop", "muted")
        policy = self.stop.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.stop.setSizePolicy(policy)
        self.setAccessibleName(f"Completion {number}")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(digit)
        head.addWidget(self.state, 1)
        head.addWidget(self.stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(_PADDING + 2, _PADDING - 2, _PADDING - 4, _PADDING - 2)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.words, 1)
        column.addWidget(self.figures)

    def sizeHint(self) -> QSize:
        return QSize(scaled(WIDTH), scaled(HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def show_completion(self, completion: Completion) -> None:
        """Shows what there is of a completion."""
        self.words.show_text(completion.mixed.spelled, writing=not completion.ended)
        if completion.ended:
            state = f"Ended: {FINISH_REASONS[completion.finish_reason]}"
        else:
            state = "Generating…" if completion.started else "Waiting for the model…"
        self.state.setText(state)
        is_running = completion.started and not completion.ended
        if self.stop.hasFocus() and not is_running:
            self.setFocus()
        self.stop.setVisible(is_running)
        figures = number_format.tokens(len(completion.tokens))
        if (mean := completion.mean_logprob) is not None:
            mean_text = number_format.decimal(mean, 2).replace("-", "\N{MINUS SIGN}")
            self.figures.shorter = [f"{figures}  ·  log-probability {mean_text}", f"{figures}  ·  {mean_text}"]
            figures += f"  ·  mean log-probability {mean_text}"
        self.figures.setText(figures)
        self.setAccessibleDescription(f"{state}. {figures}. {completion.mixed.spelled}" if completion.ended else state)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys go to the card beside this one; Page Up and Page Down scroll the text."""
        key = Qt.Key(event.key())
        if key in _STEPS and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            self.moved.emit(*_STEPS[key])
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self.words.scroll_page(1 if key == Qt.Key.Key_PageDown else -1)
        else:
            super().keyPressEvent(event)


class _CardText(QPlainTextEdit):
    """The text of a card. Shows its end while it is being written, and then its beginning; where the person has
    scrolled, it stays. Leaves clicks to the card."""

    def __init__(self) -> None:
        super().__init__()
        self._shown, self._writing = "", True
        self.setReadOnly(True)
        self.setProperty("kind", "completion")
        self.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFont(prose_font(scaled(_TEXT_SIZE)))
        self.document().setDocumentMargin(0)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        make_quiet(self)

    def show_text(self, text: str, *, writing: bool) -> None:
        """Shows a text, which usually begins with the one that is shown, and may be written further."""
        if (text, writing) == (self._shown, self._writing):
            return
        bar = self.verticalScrollBar()
        follows = bar.value() >= bar.maximum()
        if text.startswith(self._shown):
            cursor = QTextCursor(self.document())
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertText(text[len(self._shown) :])
        else:
            self.setPlainText(text)
        self._shown, self._writing = text, writing
        if follows:
            bar.setValue(bar.maximum() if writing else 0)

    def scroll_page(self, pages: int) -> None:
        """Scrolls by so many pages."""
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + pages * bar.pageStep())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.ignore()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.ignore()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.ignore()
