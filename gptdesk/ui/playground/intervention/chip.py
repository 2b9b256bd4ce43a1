"""The chip above the action bar that says what is changed in the model: a click edits it, its cross clears it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QWidget,
)

from gptdesk.inference.interventions.intervention import WHOLE
from gptdesk.ui.fonts import scaled
from gptdesk.ui.playground.intervention.model_change import ModelChange
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.tooltips import wrapped
from gptdesk.ui.window.commands.registry import Commands

_SIDE: Final = 16
_ABOVE: Final = 6
_PADDING: Final = 8
_LEAST: Final = 80
"""Least width of the words, in pixels at a font of 13 pixels."""

_HELP: Final = (
    "The model that writes is not whole. PyTorch computes it, which is slower than usual; what it writes is marked in "
    "the document and can be replayed."
)


class ChangedModelChip(QWidget):
    """Hidden while the model is whole.

    Attributes:
        words: a button with what is changed, which opens the dialog.
        clear: makes the model whole.
    """

    def __init__(self, theme: Theme, change: ModelChange, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Changed model")
        self._change = change
        self.words = _ElidedButton()
        self.words.clicked.connect(commands.action("model.change").trigger)
        self.clear = QPushButton()
        self.clear.setProperty("kind", "chip")
        self.clear.setAccessibleName("Make the model whole again")
        self.clear.setToolTip("Make the model whole again")
        self.clear.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clear.clicked.connect(commands.action("model.whole").trigger)
        theme.set_icon(self.clear, "close", "muted")
        chip = QFrame()
        chip.setObjectName("chip")
        row = QHBoxLayout(chip)
        row.setContentsMargins(4, 2, 4, 2)
        row.setSpacing(2)
        row.addWidget(self.words)
        row.addWidget(self.clear)
        self._outer = QHBoxLayout(self)
        self._outer.setContentsMargins(_SIDE, _ABOVE, _SIDE, 2)
        self._outer.addWidget(chip)
        self._outer.addStretch(1)
        change.changed.connect(self._show)
        self._show()

    def set_column(self, left: int, width: int) -> None:
        """Aligns the chip with the left edge of the text.

        Args:
            left: of the text, in pixels of this widget.
            width: of the text, in pixels.
        """
        left = max(_SIDE, left)
        self._outer.setContentsMargins(left, _ABOVE, max(_SIDE, self.width() - left - width), 2)

    def minimumSizeHint(self) -> QSize:
        """No least width: the words are cut to fit."""
        return QSize(0, super().minimumSizeHint().height())

    @Slot()
    def _show(self) -> None:
        value = self._change.value
        said = f"Model changed: {value.name}"
        self.words.setText(said)
        self.words.setAccessibleName(f"{said}. Edit")
        self.words.setToolTip(wrapped(f"{said}.\n{_HELP}"))
        self.setVisible(value != WHOLE)


class _ElidedButton(QPushButton):
    """A flat button whose text is cut to fit."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "flat")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        return QSize(scaled(_LEAST), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionButton()
        self.initStyleOption(option)
        painter.drawControl(QStyle.ControlElement.CE_PushButtonBevel, option)
        room = self.rect().adjusted(_PADDING, 0, -_PADDING, 0)
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width())
        align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawItemText(room, align, self.palette(), self.isEnabled(), text, QPalette.ColorRole.ButtonText)
        painter.end()
