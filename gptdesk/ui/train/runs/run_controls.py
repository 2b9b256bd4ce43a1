"""The buttons below the charts: what a run can be asked for, and what it has not answered yet."""

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
"""Buttons that a narrow window does without, in this order: the menu beside them has them all."""


class Controls(QWidget):
    """The buttons for the run at hand.

    Attributes:
        buttons: by action.
        restart: goes on with a run that has ended.
        waiting: says what is pending that has no button.

    Signals:
        wanted(str): the person wants that action.
        restart_wanted(): they want a run that has ended to go on.
    """

    wanted = Signal(str)
    restart_wanted = Signal()

    def __init__(self, theme: Theme, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons = {action: self._button(action) for action in TITLES}
        self.restart = QPushButton("Resume training")
        self.restart.setAccessibleName("Resume training")
        self.restart.setToolTip("Go on from the newest checkpoint")
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
        if action not in self._asked:  # a button that waits stays enabled, or the focus would go to the next one
            self.wanted.emit(action)

    def show_run(self, entry: RunEntry, pending: Sequence[Pending], *, restarting: bool) -> None:
        """Offers what the run can be asked for now.

        Args:
            entry: the run at hand.
            pending: what it has not answered.
            restarting: whether a trainer has been started for it that has not said anything yet.
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
        self.restart.setVisible(state == "stopped" and not entry.problem)  # after a crash there is a panel for it
        self.restart.setEnabled(not restarting)
        self.restart.setText("Resuming…" if restarting else "Resume training")
        self.waiting.setText("  ".join(WAITING[action] for action in sorted(asked - self._usable)))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """As narrow as with the buttons that always stay."""
        size = super().minimumSizeHint()
        size.setWidth(self._width({"pause", "stop"}))
        return size

    @property
    def alone(self) -> bool:
        """Whether the menu is all that the run can be asked for: it has finished, crashed or is lost."""
        return not self._usable and self.restart.isHidden() and not self.waiting.text()

    def take_back_menu(self) -> None:
        """Puts the button of the menu behind the others."""
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
        """Where the focus goes when a button leaves: to what stands in its place, never to another action."""
        other = {"pause": "resume", "resume": "pause"}.get(action, "")
        return self.buttons[other] if other in shown else self.more

    def _width(self, shown: set[str]) -> int:
        widths = [self.buttons[action].sizeHint().width() for action in shown]
        widths.append(self.more.sizeHint().width())
        return sum(widths) + _GAP * len(widths)
