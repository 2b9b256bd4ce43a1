"""The bar under the text: generate, stop, again, back and forth."""

from __future__ import annotations

import sys

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QKeySequence, QResizeEvent
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
    """The buttons of the page; where there is little room they say less."""

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
        self.stop = ActionButton(stop)
        theme.set_icon(self.stop, "stop")
        self.regenerate = ActionButton(regenerate)
        theme.set_icon(self.regenerate, "regenerate")
        self._show_words(0)
        self.undo, self.redo = ActionButton(undo), ActionButton(redo)
        for button, name in ((self.undo, "undo"), (self.redo, "redo")):
            button.setProperty("icon_only", "true")
            theme.set_icon(button, name)
        self._layout = layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        for button in (self.generate, self.stop, self.regenerate):
            layout.addWidget(button)
        layout.addStretch(1)
        layout.addWidget(self.undo)
        layout.addWidget(self.redo)

    def _show_words(self, brief: int) -> None:
        """How brief the buttons are: 0 with the key, 1 without it, 2 icons where they say enough."""
        key = "⌘ ↵" if sys.platform == "darwin" else "Ctrl ↵"
        self.generate.setText("Generate" if brief else f"Generate   {key}")
        self.stop.setText("" if brief == 2 else " Stop")
        self.regenerate.setText("" if brief == 2 else " Regenerate")

    def minimumSizeHint(self) -> QSize:
        """The bar takes what there is; its words follow."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for brief in range(3):
            self._show_words(brief)
            self._layout.invalidate()
            if self._layout.sizeHint().width() <= self.width():
                break
