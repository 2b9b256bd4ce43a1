"""Buttons of the selected run: requests to its trainer, and which of them it has not answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QSizePolicy, QWidget

from gptdesk.training.index import RunEntry
from gptdesk.ui.services.runs.pending_requests import Pending
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.command_table import REQUESTS
from gptdesk.ui.train.runs.request_labels import TITLES, WAITING
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton
from gptdesk.ui.widgets.style_state import set_property
from gptdesk.ui.window.commands.registry import Commands

_GAP: Final = 8
_FIRST_TO_GO: Final = ("evaluate", "sample", "checkpoint")
"""Buttons that a narrow window hides, in this order; the menu beside them has them all."""


class RequestButton(ActionButton):
    """Stays enabled until the trainer has answered: Qt moves the focus from a disabled button to the next one."""

    is_pending = False

    def is_usable(self) -> bool:
        return self.is_pending or super().is_usable()

    def set_pending(self, pending: bool) -> None:
        """Shows whether the trainer has yet to answer."""
        self.is_pending = pending
        set_property(self, "busy", "true" if pending else "false")
        self.update_state()


class Controls(QWidget):
    """The buttons.

    Args:
        commands: with those of `train_commands`.
        menu: of the "…" button.

    Attributes:
        buttons: by action.
        restart: resumes a run that has ended.
        waiting: shows pending requests that have no button.
    """

    def __init__(self, theme: Theme, commands: Commands, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._commands = commands
        self.buttons = {action: RequestButton(commands.action(f"run.{action}")) for action in TITLES}
        self.restart = ActionButton(commands.action("run.restart"))
        for button in (*self.buttons.values(), self.restart):
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.waiting = QLabel()
        self.waiting.setProperty("kind", "muted")
        self.waiting.setAccessibleName("Waiting for the trainer")
        self.waiting.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.more = IconMenuButton("More", menu)
        theme.set_icon(self.more, "more")
        self._usable: set[str] = set()
        self._row = layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(_GAP)
        layout.addWidget(self.restart)
        for action in ("pause", "resume", "checkpoint", "evaluate", "sample"):
            layout.addWidget(self.buttons[action])
        layout.addWidget(self.waiting, 1)
        layout.addWidget(self.buttons["stop"])
        layout.addWidget(self.more)

    def show_run(self, entry: RunEntry, pending: Sequence[Pending]) -> None:
        """Shows the buttons that apply now.

        Args:
            entry: the selected run.
            pending: requests that it has not answered.
        """
        asked = {request.action for request in pending}
        state = entry.state.state
        paused = state == "paused"
        for button in self.buttons.values():  # until `_fit` has moved the focus of a button that goes
            button.is_pending = True
        self._commands.refresh(*REQUESTS)
        self._usable = set()
        if entry.active:
            self._usable = {"checkpoint", "evaluate", "sample", "stop", "resume" if paused else "pause"}
        self.restart.setVisible(state == "stopped" and not entry.problem)  # else the crash panel has this button
        self.waiting.setText("  ".join(WAITING[action] for action in sorted(asked - self._usable)))
        self._fit()
        for action, button in self.buttons.items():
            button.set_pending(action in asked)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """Width of the buttons that always stay."""
        size = super().minimumSizeHint()
        size.setWidth(self._width({"pause", "stop"}))
        return size

    @property
    def alone(self) -> bool:
        """Whether only the menu applies: the run has finished, crashed or is lost."""
        return not self._usable and self.restart.isHidden() and not self.waiting.text()

    def take_back_menu(self) -> None:
        """Puts the menu's button after the others."""
        self._row.addWidget(self.more)

    def _fit(self) -> None:
        shown = set(self._usable)
        for action in _FIRST_TO_GO:
            if self._width(shown) > self.width():
                shown.discard(action)
        focused = next((action for action, button in self.buttons.items() if button.hasFocus()), None)
        for action in shown:
            self.buttons[action].setVisible(True)
        if focused is not None and focused not in shown:
            self._successor(focused, shown).setFocus(Qt.FocusReason.OtherFocusReason)
        for action in self.buttons.keys() - shown:
            self.buttons[action].setVisible(False)

    def _successor(self, action: str, shown: set[str]) -> QPushButton:
        """Moves the focus of a button that is hidden to the one that replaces it, never to another action."""
        other = {"pause": "resume", "resume": "pause"}.get(action, "")
        return self.buttons[other] if other in shown else self.more

    def _width(self, shown: set[str]) -> int:
        widths = [self.buttons[action].sizeHint().width() for action in shown]
        widths.append(self.more.sizeHint().width())
        return sum(widths) + _GAP * len(widths)
