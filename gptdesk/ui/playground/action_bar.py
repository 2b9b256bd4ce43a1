"""Action bar below the text: generate, generate several, stop, regenerate, branches, speed, undo and redo."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gptdesk.ui.playground.completions.count_button import CountButton
from gptdesk.ui.playground.generation_place import HERE
from gptdesk.ui.playground.speed_label import SpeedLabel
from gptdesk.ui.playground.walking.branch_switch import BranchSwitch
from gptdesk.ui.services.services import InferenceService, SettingsService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.window.commands.registry import Commands

_PADDING: Final = 7
_FRAME: Final = _PADDING + 1
"""From the edge of the frame, border included, to its first button, in pixels."""

_RETURN: Final = {"⌘↩": "⌘ ↵", "Ctrl+Enter": "Ctrl ↵"}
"""Shortcuts that the button abbreviates."""

_TURNS: Final = 3
"""How often labels are chosen at most: showing a button may have this widget resized meanwhile."""

_BRIEFEST: Final = 7
"""The last step of shortening: Generate, Stop and the arrows of branches are left."""

_SIDE: Final = 8
"""Least space between the frame and the edge of the page, in pixels."""


class ActionBar(QWidget):
    """Buttons in one frame aligned with the text; their labels are shorter in a narrow window.

    Args:
        branches: shows which of the branches at the caret is shown.

    Attributes:
        frame: holds the buttons.
        branches: as given.
        speed: tokens per second while text is generated.
    """

    def __init__(
        self,
        theme: Theme,
        inference: InferenceService,
        settings: SettingsService,
        commands: Commands,
        branches: BranchSwitch,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._column: tuple[int, int] | None = None
        self._words = ""  # of the button that generates
        self._needed = 0  # width of the row, in pixels, when its labels were chosen
        self._is_fitting = False
        action = commands.action
        self.generate = ActionButton(action("text.generate"), "")
        self.generate.setProperty("kind", "accent")
        action("text.generate").changed.connect(self._on_generate_changed)
        self.stop = ActionButton(action("text.stop"), "")
        theme.set_icon(self.stop, "stop")
        self.several = ActionButton(action("completions.generate"), "")
        theme.set_icon(self.several, "columns")
        self.count = CountButton(settings)
        self.regenerate = ActionButton(action("text.regenerate"), "")
        theme.set_icon(self.regenerate, "regenerate")
        self.branches = branches
        self.speed = SpeedLabel(inference)
        self.undo, self.redo = ActionButton(action("text.undo"), ""), ActionButton(action("text.redo"), "")
        for button, name in ((self.undo, "undo"), (self.redo, "redo")):
            button.setProperty("icon_only", "true")
            button.setProperty("kind", "flat")
            theme.set_icon(button, name)
        self.frame = QFrame()
        self.frame.setObjectName("actions")
        self._row = row = QHBoxLayout(self.frame)
        row.setContentsMargins(_PADDING, _PADDING, _PADDING, _PADDING)
        row.setSpacing(8)
        for widget in (self.generate, self.several, self.count, self.stop, self.regenerate, branches):
            row.addWidget(widget)
        row.addWidget(self.speed, 1)
        row.addWidget(self.undo)
        row.addWidget(self.redo)
        self._outer = QVBoxLayout(self)
        self._outer.addWidget(self.frame)
        commands.shortcuts_changed.connect(self._fit)
        self._fit()
        self.frame.installEventFilter(self)

    def set_column(self, left: int, width: int) -> None:
        """Aligns the first button with the left edge of the text and the last one with its right edge.

        Args:
            left: of the text, in pixels of this widget.
            width: of the text, in pixels.
        """
        if (left, width) != self._column:
            self._column = left, width
            self._fit()

    def minimumSizeHint(self) -> QSize:
        """No least width: the labels are shortened to fit."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Chooses the labels again when the font has made buttons wider."""
        if event.type() == QEvent.Type.LayoutRequest and self._row.sizeHint().width() != self._needed:
            self._fit()
        return super().eventFilter(watched, event)

    @Slot()
    def _on_generate_changed(self) -> None:
        if self.generate.action.text() != self._words:
            self._fit()

    def _fit(self) -> None:
        """Chooses the longest labels that fit, and the margins of the frame."""
        if self._is_fitting:  # a button that is shown or hidden asks for it at once
            return
        self._is_fitting = True
        try:
            for _ in range(_TURNS):
                place = self.width(), self._column
                self._choose_words()
                for layout in (self._outer, self._row):
                    layout.activate()  # Qt would not where it was just doing so: buttons would keep their places
                if place == (self.width(), self._column):
                    break
        finally:
            self._is_fitting = False

    def _choose_words(self) -> None:
        room = self.width() - 2 * _SIDE
        wanted = min(room, self._column[1] + 2 * _FRAME) if self._column else room
        for brief in range(-1, _BRIEFEST + 1):
            self._show_words(brief)
            self._row.invalidate()
            self._needed = self._row.sizeHint().width()
            needed = self._needed + 2 * (_FRAME - _PADDING)
            if needed <= (wanted if brief < 4 else room):  # rather wider than the text than without more buttons
                break
        left = min(self._column[0] - _FRAME, self.width() - _SIDE - needed) if self._column else _SIDE
        left = max(_SIDE, left)
        right = max(_SIDE, self.width() - left - max(wanted, needed))
        self._outer.setContentsMargins(left, 4, right, 12)

    def _show_words(self, brief: int) -> None:
        """Sets how short labels are: 0 with the shortcut, 1 without it, 2 icons for some, from 3 on one thing less.

        With -1 there is room for the longest label of Generate, so that no other button moves when the caret does.
        """
        key = self.generate.shortcut_text
        key = _RETURN.get(key, key)
        self._words = self.generate.action.text()
        self.generate.setMinimumWidth(0)
        for words in (HERE, self._words):
            self.generate.setText(f"{words}   {key}" if key and brief <= 0 else words)
            if words == HERE and brief < 0:
                self.generate.setMinimumWidth(self.generate.sizeHint().width())
        self.several.setText("" if brief >= 2 else " Several")
        self.count.setHidden(brief >= 3)
        self.stop.setText("" if brief >= 2 else " Stop")
        self.regenerate.setText("" if brief >= 2 else " Regenerate")
        for button in (self.undo, self.redo):
            button.setHidden(brief >= 4)
        self.several.setHidden(brief >= 5)
        self.branches.show_number(brief < 6)
        self.regenerate.setHidden(brief >= 7)
