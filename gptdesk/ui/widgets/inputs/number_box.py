"""A number box that can show a word, such as "off", for one value."""

from __future__ import annotations

import math

from PySide6.QtCore import QMetaMethod, Qt, Signal
from PySide6.QtGui import QKeyEvent, QValidator, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QWidget

from gptdesk.ui.widgets.note import hide_note, show_note

OFF = "off"


class NumberBox(QDoubleSpinBox):
    """A number between two limits; one value can be shown and typed as a word.

    Args:
        lowest: smallest value.
        highest: largest value.
        decimals: digits after the decimal point; 0 for whole numbers.
        off: value shown as a word, if any.
        off_text: the word.

    Attributes:
        limits: clause that names the allowed values when an input is refused; "" for one made of the two limits.

    Signals:
        refused(str): emitted when an input was refused and the value before it restored; the sentence says so.
    """

    refused = Signal(str)

    def __init__(
        self,
        lowest: float,
        highest: float,
        decimals: int,
        *,
        off: float | None = None,
        off_text: str = OFF,
        parent: QWidget | None = None,
    ) -> None:
        self._off = off
        self._off_text = off_text
        self.limits = ""
        super().__init__(parent)
        self.setDecimals(decimals)
        self.setRange(lowest, highest)
        self.setSingleStep(10**-decimals if decimals else 1)
        if decimals >= 2:
            self.setSingleStep(0.05)
        self.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setKeyboardTracking(False)
        self.setGroupSeparatorShown(decimals == 0)

    def textFromValue(self, value: float) -> str:
        return self._off_text if self._is_off(value) else super().textFromValue(value)

    def valueFromText(self, text: str) -> float:
        if self._off is not None and text.strip().lower() == self._off_text:
            return self._off
        return super().valueFromText(text)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        typed = text.strip().lower()
        if self._off is not None and typed and self._off_text.startswith(typed):
            whole = typed == self._off_text
            return (QValidator.State.Acceptable if whole else QValidator.State.Intermediate, text, position)
        state, text, position = super().validate(text, position)
        if state == QValidator.State.Invalid and self.locale().toDouble(text.strip())[1]:
            state = QValidator.State.Intermediate  # too large: may be typed, and is refused with a sentence
        return state, text, position

    def fixup(self, text: str) -> str:
        """Reports why the input is refused, in a note unless ``refused`` is connected; Qt restores the value."""
        if not self._taken(text):
            sentence = self._refusal(text.strip())
            self.refused.emit(sentence)
            if not self.isSignalConnected(QMetaMethod.fromSignal(self.refused)):
                show_note(self, sentence)
        return text

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keeps Enter on a refused input from the dialog, whose default button it would press."""
        hide_note(self)
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        taken = not enter or self._taken(self.lineEdit().text())
        super().keyPressEvent(event)
        if not taken:
            event.accept()

    def _taken(self, text: str) -> bool:
        return self.validate(text, 0)[0] == QValidator.State.Acceptable

    def _refusal(self, typed: str) -> str:
        low, high = (super(NumberBox, self).textFromValue(limit) for limit in (self.minimum(), self.maximum()))
        limits = self.limits or f"at least {low}, at most {high}"
        if self.locale().toDouble(typed)[0] > self.maximum() and "at most" not in limits:
            limits = f"at most {high}"
        what = f"{typed} cannot be used" if typed else "A number is needed"
        return f"{what}: {limits}. The value is {self.textFromValue(self.value())} again."

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Ignores the wheel unless the box has the focus: scrolling a panel must not change a value."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def _is_off(self, value: float) -> bool:
        return self._off is not None and math.isclose(value, self._off, abs_tol=10 ** -(self.decimals() + 2))
