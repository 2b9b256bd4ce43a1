"""Shown in an empty document: what to do, and three example beginnings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui.fonts import prose_font, scaled
from gptdesk.ui.widgets.inputs.boxes import MenuButton
from gptdesk.ui.widgets.popup import Menu

BEGINNINGS: Final = (
    '"Where are you going so early?" said the fox.',
    "Lily and her mom went to the park. Lily saw a big",
    "The princess looked out of the window and saw",
)
_SIZE: Final = 15
_PADDING: Final = 36
"""Left and right of a button's text together, in pixels."""


class EmptyState(QWidget):
    """Lies over the editor until there is text.

    Attributes:
        hint: placeholder at the place of the text.
        how: says which key generates.
        tours: a button with a menu of guided tours.

    Signals:
        chosen(str): emitted with the beginning that was clicked.
    """

    chosen = Signal(str)

    def __init__(self, text_size: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.buttons: list[QPushButton] = []
        self.hint = self._label("Write the beginning of a story…")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.hint)
        layout.addSpacing(32)
        self.how = self._label("")
        layout.addWidget(self.how)
        for beginning in BEGINNINGS:
            button = QPushButton(beginning)
            button.setProperty("kind", "example")
            button.setAccessibleName(f"Begin with: {beginning}")
            button.clicked.connect(lambda _=False, text=beginning: self.chosen.emit(text))
            self.buttons.append(button)
            layout.addWidget(button)
        self._menu = Menu(self)
        self.tours = MenuButton("flat", self._menu)
        self.tours.setText("Take a guided tour")
        layout.addWidget(self.tours, 0, Qt.AlignmentFlag.AlignLeft)
        self.set_text_size(text_size)

    def offer_tours(self, actions: Sequence[QAction]) -> None:
        """Lists the tours."""
        self._menu.addActions(list(actions))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shortens the beginnings to fit."""
        super().resizeEvent(event)
        for beginning, button in zip(BEGINNINGS, self.buttons, strict=True):
            room = self.width() - _PADDING
            button.setText(button.fontMetrics().elidedText(beginning, Qt.TextElideMode.ElideRight, room))

    def set_text_size(self, pixels: int) -> None:
        """Shows hint and examples in the font of the text."""
        self.hint.setFont(prose_font(pixels))
        for button in self.buttons:
            button.setFont(prose_font(scaled(_SIZE)))

    def show_key(self, key: str) -> None:
        """Says which key generates; "" for none."""
        start = f"Press {key} and the model continues it." if key else "Generate continues it."
        self.how.setText(f"{start} Or begin with one of these:")

    def _label(self, text: str) -> QLabel:
        label = QLabel(text)
        label.setProperty("kind", "muted")
        label.setWordWrap(True)
        label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        return label
