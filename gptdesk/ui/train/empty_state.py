"""Empty state of the Train page: what the page is for, and how to start."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui.widgets.flow_layout import FlowLayout
from gptdesk.ui.widgets.tooltips import wrapped

_WIDTH = 520


class EmptyRuns(QWidget):
    """Shown while there is no run.

    Signals:
        new_wanted(): start a run.
        example_wanted(): start a run on the example text.
        watch_wanted(): list runs of another folder.
    """

    new_wanted = Signal()
    example_wanted = Signal()
    watch_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title = QLabel("Train a model of your own")
        title.setProperty("kind", "figure")
        words = QLabel(
            "Choose some text, and train a small GPT-2 on it, from scratch or from an existing model. Watch the loss, "
            "read samples, and use any checkpoint in the Playground during training. A run continues when you close "
            "this window."
        )
        words.setWordWrap(True)
        self.new, self.example = QPushButton("New run"), QPushButton("Try it on Shakespeare")
        self.watch = QPushButton("Watch a folder…")
        self.example.setToolTip(wrapped("New run on a small text that comes with gptdesk"))
        self.new.setProperty("kind", "accent")
        self.new.setAccessibleDescription("Start training a model")
        self.watch.setToolTip("List runs that were started elsewhere")
        self.new.clicked.connect(self.new_wanted)
        self.example.clicked.connect(self.example_wanted)
        self.watch.clicked.connect(self.watch_wanted)
        buttons = FlowLayout(spacing=8)
        for button in (self.new, self.example, self.watch):
            buttons.addWidget(button)
        holder = QWidget()
        holder.setMaximumWidth(_WIDTH)
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        column.addWidget(title)
        column.addWidget(words)
        column.addLayout(buttons)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(holder, 1000)
        middle.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(32, 32, 32, 32)
        layout.addStretch(2)
        layout.addLayout(middle)
        layout.addStretch(3)
