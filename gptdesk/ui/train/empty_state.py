"""Empty state of the Train page: what the page is for, and how to start."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from gptdesk.ui.fonts import scaled
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.flow_layout import FlowLayout
from gptdesk.ui.widgets.layout.centred import centre
from gptdesk.ui.window.commands.registry import Commands

_WIDTH = 520
"""Of the text, in pixels at a font of 13 pixels."""


class EmptyRuns(QWidget):
    """Shown while there is no run.

    Args:
        commands: with those of `train_commands`.
    """

    def __init__(self, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title = QLabel("Train a model of your own")
        title.setProperty("kind", "figure")
        words = QLabel(
            "Choose some text, and train a small GPT-2 on it, from scratch or from an existing model. Watch the loss, "
            "read samples, and use any checkpoint in the Playground during training. A run continues when you close "
            "this window."
        )
        words.setWordWrap(True)
        self.new = ActionButton(commands.action("run.new"), "New run")
        self.example = ActionButton(commands.action("run.example"), "Try it on Shakespeare")
        self.watch = ActionButton(commands.action("runs.watch"), "Watch a folder…")
        self.new.setProperty("kind", "accent")
        buttons = FlowLayout(spacing=8)
        for button in (self.new, self.example, self.watch):
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            buttons.addWidget(button)
        holder = QWidget()
        holder.setMaximumWidth(scaled(_WIDTH))
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        column.addWidget(title)
        column.addWidget(words)
        column.addLayout(buttons)
        centre(holder, self, side=32, above=32)
