"""A button for the action of a command."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton, QWidget

from gptdesk.ui.key_names import key_name
from gptdesk.ui.widgets.tooltips import wrapped


class ActionButton(QPushButton):
    """Triggers an action, and is enabled and checked as it is.

    The tooltip shows description and shortcut, and why the command is not possible.

    Args:
        action: that it triggers.
        text: on the button; by default that of the action.
    """

    def __init__(self, action: QAction, text: str | None = None, parent: QWidget | None = None) -> None:
        super().__init__(text or "", parent)
        self.action = action
        self.setCheckable(action.isCheckable())
        self._own_text = text is not None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the cursor in the text
        self.clicked.connect(action.trigger)
        action.changed.connect(self.update_state)
        self.update_state()

    @property
    def shortcut_text(self) -> str:
        """The first shortcut as this system writes it; "" for none."""
        return key_name(self.action.shortcut())

    def is_usable(self) -> bool:
        """Whether the button is enabled; subclasses may keep it so while the action is not."""
        return self.action.isEnabled()

    @Slot()
    def update_state(self) -> None:
        """Shows the action as it is now."""
        action, key = self.action, self.shortcut_text
        self.setEnabled(self.is_usable())
        self.setChecked(action.isChecked())
        self.setAccessibleName(action.text().removesuffix("…"))
        if not self._own_text:
            self.setText(action.text())
        words = f"{action.whatsThis()} ({key})" if key else action.whatsThis()
        reason = "" if action.isEnabled() else action.statusTip()
        self.setToolTip(wrapped(f"{words}\n{reason}" if reason else words))
