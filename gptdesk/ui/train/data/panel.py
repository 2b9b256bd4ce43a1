"""Middle of the Train page while data is selected: progress of its preparation, output, and first documents."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from gptdesk.training.data.data_scanner import DataView
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.data.actions import DataActions
from gptdesk.ui.train.data_labels import data_role, describe
from gptdesk.ui.train.new_run.data.preview import Preview
from gptdesk.ui.train.runs.log_panel import LogView
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.flow_layout import FlowLayout
from gptdesk.ui.widgets.status_dot import StatusDot


class DataPanel(QWidget):
    """One preparation.

    Args:
        actions: that its buttons trigger.
    """

    def __init__(self, theme: Theme, actions: DataActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self.dot = StatusDot(theme)
        self.name = ElidedLabel()
        self.name.setProperty("kind", "heading")
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setAccessibleName("Progress")
        self.bar = QProgressBar()
        self.bar.setProperty("kind", "job")
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the preparation")
        self.waiting = QLabel()
        self.waiting.setTextFormat(Qt.TextFormat.PlainText)
        self.waiting.setWordWrap(True)
        self.waiting.setProperty("kind", "muted")
        self.use = _DataButton(actions.use)
        self.use.setProperty("kind", "accent")
        self.pause, self.cancel = _DataButton(actions.pause), _DataButton(actions.cancel)
        self.forget, self.folder = _DataButton(actions.forget), _DataButton(actions.folder)
        self.preview = Preview(theme)
        self.output = LogView("Output", "No output yet.")
        self.output.document().setDocumentMargin(12)
        card = QFrame()
        card.setProperty("kind", "card")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.dot)
        head.addWidget(self.name, 1)
        buttons = FlowLayout(spacing=8)
        for button in (self.use, self.pause, self.forget, self.folder, self.cancel):
            buttons.addWidget(button)
        column = QVBoxLayout(card)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.words)
        column.addWidget(self.bar)
        column.addWidget(self.waiting)
        column.addSpacing(4)
        column.addLayout(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(12)
        layout.addWidget(card)
        layout.addWidget(self.preview)
        layout.addWidget(self.output, 1)

    def show_view(self, view: DataView, waiting: str) -> None:
        """Shows the present state of the preparation.

        Args:
            waiting: name of the run that starts when the data is ready; "" for none.
        """
        entry = view.entry
        state = entry.state
        self._actions.show_data(entry)
        self.name.setText(entry.name)
        self.dot.set_state(data_role(state), ring=entry.active)
        self.words.setText(describe(state))
        self.bar.setVisible(not entry.ready and state.state != "failed")
        self.bar.setRange(0, 0 if state.state == "planning" else 1000)
        self.bar.setValue(round(1000 * state.share))
        self.waiting.setVisible(bool(waiting))
        self.waiting.setText(f"“{waiting}” starts automatically when the data is ready, if this window is open then.")
        self.preview.show_documents(view.documents, view.report)
        self.output.show_lines(view.output)


class _DataButton(ActionButton):
    """A button that is hidden while its action does not apply to the data."""

    def __init__(self, action: QAction) -> None:
        super().__init__(action)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def update_state(self) -> None:
        super().update_state()
        if self.parent() is not None or not self.action.isVisible():  # without a parent it would be a window
            self.setVisible(self.action.isVisible())
