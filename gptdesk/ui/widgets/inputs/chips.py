"""Chips: a short list of texts, each with a button to remove it, and a field to add one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from gptdesk.errors import UserError
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.flow_layout import FlowLayout
from gptdesk.ui.widgets.tooltips import wrapped

_LONGEST_SHOWN = 24


class Chips(QWidget):
    """An editable list of texts.

    Args:
        show: returns the text of a value's chip.
        read: returns the value of a typed text; raises `UserError` if there is none.
        check: raises `UserError` if the list of values is not allowed.

    Attributes:
        line: field for another value.

    Signals:
        changed(): emitted when the person added or removed a value.
        refused(str): emitted when an input cannot be used; the sentence says why.
    """

    changed = Signal()
    refused = Signal(str)

    def __init__(
        self,
        theme: Theme,
        *,
        show: Callable[[str], str],
        read: Callable[[str], str],
        check: Callable[[tuple[str, ...]], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._show, self._read, self._check = show, read, check
        self._values: tuple[str, ...] = ()
        self.line = QLineEdit()
        self.line.returnPressed.connect(self._add)
        self.line.editingFinished.connect(self._add)
        self._chips = QWidget()
        self._flow = FlowLayout(self._chips, spacing=4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._chips)
        layout.addWidget(self.line)
        self._chips.hide()

    @property
    def values(self) -> tuple[str, ...]:
        return self._values

    def set_values(self, values: tuple[str, ...]) -> None:
        """Shows these values without a signal."""
        if values != self._values:
            self._values = values
            self.refresh()

    def refresh(self) -> None:
        """Makes the chips anew: what ``show`` says of the values has changed."""
        for chip in self._chips.findChildren(QFrame, "chip"):
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        for value in self._values:
            self._flow.addWidget(self._chip(value))
        self._chips.setVisible(bool(self._values))
        self._chips.updateGeometry()

    def _chip(self, value: str) -> QWidget:
        shown = self._show(value)
        chip = QFrame()
        chip.setObjectName("chip")
        label = QLabel(shown if len(shown) <= _LONGEST_SHOWN else shown[: _LONGEST_SHOWN - 1] + "…")
        label.setTextFormat(Qt.TextFormat.PlainText)
        chip.setToolTip(wrapped(shown))
        remove = QPushButton()
        remove.setProperty("kind", "chip")
        remove.setAccessibleName(f"Remove {shown}")
        remove.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        remove.clicked.connect(lambda: self._remove(value))
        self._theme.set_icon(remove, "close", "muted")
        row = QHBoxLayout(chip)
        row.setContentsMargins(8, 4, 4, 4)
        row.setSpacing(2)
        row.addWidget(label)
        row.addWidget(remove)
        return chip

    def _add(self) -> None:
        if not self.line.text():
            return
        try:
            value = self._read(self.line.text())
            values = (*(v for v in self._values if v != value), value)
            self._check(values)
        except UserError as error:
            self.refused.emit(str(error))
            return
        self.line.clear()
        self.set_values(values)
        self.changed.emit()

    def _remove(self, value: str) -> None:
        self.set_values(tuple(v for v in self._values if v != value))
        self.line.setFocus()
        self.changed.emit()
