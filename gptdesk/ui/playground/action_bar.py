"""The bar under the text: generate, stop, again, back and forth."""

from __future__ import annotations

import sys

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from gptdesk.ui.theme import Theme


class ActionButton(QPushButton):
    """A button that does what an action does, and is usable when that is."""

    def __init__(self, action: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._action = action
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the cursor in the text
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        self.setEnabled(self._action.isEnabled())
        self.setAccessibleName(self._action.text())
        shortcut = self._action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        self.setToolTip(f"{self._action.toolTip()} ({shortcut})" if shortcut else self._action.toolTip())


class ActionBar(QWidget):
    """The buttons of the page."""

    def __init__(
        self,
        theme: Theme,
        *,
        generate: QAction,
        stop: QAction,
        regenerate: QAction,
        undo: QAction,
        redo: QAction,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("zone", "background")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.generate = ActionButton(generate)
        self.generate.setProperty("kind", "accent")
        self.generate.setText("Generate   ⌘ ↵" if sys.platform == "darwin" else "Generate   Ctrl ↵")
        self.stop = ActionButton(stop)
        self.stop.setText(" Stop")
        theme.set_icon(self.stop, "stop")
        self.regenerate = ActionButton(regenerate)
        self.regenerate.setText(" Regenerate")
        theme.set_icon(self.regenerate, "regenerate")
        self.undo, self.redo = ActionButton(undo), ActionButton(redo)
        for button, name in ((self.undo, "undo"), (self.redo, "redo")):
            button.setProperty("icon_only", "true")
            theme.set_icon(button, name)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        for button in (self.generate, self.stop, self.regenerate):
            layout.addWidget(button)
        layout.addStretch(1)
        layout.addWidget(self.undo)
        layout.addWidget(self.redo)
