"""What the page shows where there is no run to show: what it is for, and what to do first."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui.widgets.flow_layout import FlowLayout
from gptdesk.ui.widgets.tooltips import wrapped

_WIDTH = 520


class EmptyRuns(QWidget):
    """An invitation.

    Signals:
        new_wanted(): the person wants to start a run.
        example_wanted(): they want to start one on the text that comes with the program.
        watch_wanted(): they have runs elsewhere.
    """

    new_wanted = Signal()
    example_wanted = Signal()
    watch_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title = QLabel("Train a model of your own")
        title.setProperty("kind", "figure")
        words = QLabel(
            "Give it some text, and a small GPT-2 learns to write like it, from nothing or from a model that exists. "
            "Here you watch the loss fall, read what it writes, and try any checkpoint in the Playground while it "
            "still learns. A run goes on when you close this window."
        )
        words.setWordWrap(True)
        self.new, self.example = QPushButton("New run"), QPushButton("Try it on Shakespeare")
        self.watch = QPushButton("Watch a folder…")
        self.example.setToolTip(wrapped("New run with a small text that comes with gptdesk"))
        self.new.setProperty("kind", "accent")
        self.new.setAccessibleDescription("Start training a model")
        self.watch.setToolTip("Show runs that were started elsewhere")
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
