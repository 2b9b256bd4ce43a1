"""Buttons of a run: requests to its trainer, and those that it has not answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QSizePolicy, QWidget

from gptdesk.training.index import RunEntry
from gptdesk.ui.services.runs.pending_requests import Pending
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.runs.request_labels import TITLES, WAITING, is_blocked
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton
from gptdesk.ui.widgets.style_state import set_property
from gptdesk.ui.widgets.tooltips import wrapped

_GAP: Final = 8
_FIRST_TO_GO: Final = ("evaluate", "sample", "checkpoint")
"""Buttons that a narrow window hides, in this order; the menu beside them has them all."""


class Controls(QWidget):
    """The buttons.

    Attributes:
        buttons: by action.
        restart: resumes a run that has ended.
        waiting: names pending requests that have no button.

    Signals:
        wanted(str): ask the trainer for that action.
        restart_wanted(): resume a run that has ended.
    """

    wanted = Signal(str)
    restart_wanted = Signal()

    def __init__(self, theme: Theme, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons = {action: self._button(action) for action in TITLES}
        self.restart = QPushButton("Resume training")
        self.restart.setAccessibleName("Resume training")
        self.restart.setToolTip("Resume from the newest checkpoint")
        self.restart.clicked.connect(self.restart_wanted)
        self.waiting = QLabel()
        self.waiting.setProperty("kind", "muted")
        self.waiting.setAccessibleName("Waiting for the trainer")
        self.waiting.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.more = IconMenuButton("More", menu)
        theme.set_icon(self.more, "more")
        self._usable: set[str] = set()
        self._asked: set[str] = set()
        self._row = layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(_GAP)
        layout.addWidget(self.restart)
        for action in ("pause", "resume", "checkpoint", "evaluate", "sample"):
            layout.addWidget(self.buttons[action])
        layout.addWidget(self.waiting, 1)
        layout.addWidget(self.buttons["stop"])
        layout.addWidget(self.more)

    def _button(self, action: str) -> QPushButton:
        title, tip = TITLES[action]
        button = QPushButton(title)
        button.setAccessibleName(title)
        button.setToolTip(wrapped(tip))
        button.clicked.connect(lambda: self._on_clicked(action))
        return button

    def _on_clicked(self, action: str) -> None:
        if action not in self._asked:  # a waiting button stays enabled, or the focus would move to the next one
            self.wanted.emit(action)

    def show_run(self, entry: RunEntry, pending: Sequence[Pending], *, restarting: bool) -> None:
        """Shows the buttons that apply now.

        Args:
            entry: the selected run.
            pending: requests that it has not answered.
            restarting: whether a trainer was started that has not reported yet.
        """
        asked = self._asked = {request.action for request in pending}
        state = entry.state.state
        paused = state == "paused"
        for action, (title, _) in TITLES.items():
            button = self.buttons[action]
            button.setText(WAITING[action] if action in asked else title)
            button.setEnabled(action in asked or not is_blocked(action, state, asked))
            set_property(button, "busy", "true" if action in asked else "false")
        self._usable = set()
        if entry.active:
            self._usable = {"checkpoint", "evaluate", "sample", "stop", "resume" if paused else "pause"}
        self.restart.setVisible(state == "stopped" and not entry.problem)  # else the crash panel has this button
        self.restart.setEnabled(not restarting)
        self.restart.setText("Resuming…" if restarting else "Resume training")
        self.waiting.setText("  ".join(WAITING[action] for action in sorted(asked - self._usable)))
        self._fit()

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
