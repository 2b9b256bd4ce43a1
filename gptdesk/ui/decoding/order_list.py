"""The order in which samplers apply, as a list that a person rearranges."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.own_keys import OwnKeys

_NAME: Final = Qt.ItemDataRole.UserRole
_HINT: Final = "Drag a sampler, or press Alt+Up and Alt+Down. Those in muted text are off."


class OrderList(QWidget):
    """All samplers, first to last; muted where the settings leave them off.

    Attributes:
        list: the samplers.
        earlier, later, default: buttons that move the current one, and restore the default order.

    Signals:
        changed(): emitted when the person changed the order.
    """

    changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # Imports NumPy, which the window does without until somebody opens this list.
        from gptdesk.inference.sampling import registry

        self._registry, self._theme = registry, theme
        self._default = [sampler.settings[0] for sampler in registry.SAMPLERS]
        self._names = self._shown = self._default
        self._given: tuple[str, ...] = ()
        self.list = _Rows()
        self.list.setObjectName("order")
        self.list.setAccessibleName("Order of samplers")
        self.list.setAccessibleDescription(_HINT)
        self.list.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.list.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.moved.connect(self._move)
        # Later: the list is filled anew, which must not happen while Qt moves a row.
        self.list.model().rowsMoved.connect(self._on_dragged, Qt.ConnectionType.QueuedConnection)
        self.earlier, self.later, self.default = (QPushButton(text) for text in ("Earlier", "Later", "Default"))
        self.earlier.setAccessibleName("Apply the sampler earlier")
        self.later.setAccessibleName("Apply the sampler later")
        self.default.setAccessibleName("Default order of samplers")
        self.earlier.clicked.connect(lambda: self._move(-1))
        self.later.clicked.connect(lambda: self._move(1))
        self.default.clicked.connect(self._restore)
        self.list.currentRowChanged.connect(self._show_buttons)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.earlier, self.later, self.default):
            button.setProperty("kind", "compact")
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.list)
        layout.addLayout(buttons)

    @property
    def value(self) -> tuple[str, ...]:
        """``sampler_order``: as it was given until the person changes it; nothing where it is the default one."""
        if self._names == self._shown:
            return self._given
        return () if self._names == self._default else tuple(self._names)

    def show_settings(self, settings: DecodingSettings) -> None:
        """Shows the order of ``settings`` without a signal, and which samplers they switch on."""
        colours = self._theme.colours
        current = self.list.currentItem()
        name = current.data(_NAME) if current else None
        self._names = []
        self.list.blockSignals(True)
        self.list.clear()
        for sampler in self._registry.in_order(settings.sampler_order):
            item = QListWidgetItem(self._registry.title_of(sampler))
            item.setData(_NAME, sampler.settings[0])
            self._names.append(sampler.settings[0])
            on = bool(self._registry.switched_on(sampler, settings))
            item.setForeground(QColor(colours.text if on else colours.muted))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{item.text()}, {'on' if on else 'off'}")
            self.list.addItem(item)
            if sampler.settings[0] == name:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)
        self.list.setFixedHeight(self.list.sizeHintForRow(0) * self.list.count() + 2 * self.list.frameWidth())
        self._shown, self._given = self._names, settings.sampler_order
        self.default.setEnabled(self._names != self._default)
        self._show_buttons()

    def _move(self, step: int) -> None:
        row = self.list.currentRow()
        if row >= 0 and 0 <= row + step < len(self._names):
            names = list(self._names)
            names.insert(row + step, names.pop(row))
            self._change(names)

    def _restore(self) -> None:
        self._change(self._default)

    def _on_dragged(self) -> None:
        self._change([self.list.item(row).data(_NAME) for row in range(self.list.count())])

    def _change(self, names: list[str]) -> None:
        self._names = names
        self.changed.emit()

    def _show_buttons(self) -> None:
        row = self.list.currentRow()
        self.earlier.setEnabled(row > 0)
        self.later.setEnabled(0 <= row < self.list.count() - 1)


class _Rows(QListWidget):
    """Signals:
    moved(int): Alt+Up (-1) or Alt+Down (1) was pressed.
    """

    moved = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        OwnKeys(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        if event.modifiers() == Qt.KeyboardModifier.AltModifier and event.key() in steps:
            self.moved.emit(steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)
