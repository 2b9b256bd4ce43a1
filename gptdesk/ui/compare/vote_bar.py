"""The buttons of a blind vote, below the texts."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gptdesk.compare.columns import MOST
from gptdesk.ui.compare.session import CompareSession
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.window.commands.registry import Commands

_ASK, _WAIT = "Which text is better?", "Texts appear when all are written."


class VoteBar(QWidget):
    """Asks which text is better while texts have no names.

    Attributes:
        buttons: of the texts, in the order in which they are shown.
        tie: none is better.
    """

    def __init__(self, session: CompareSession, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._commands = session, commands
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.question = QLabel()
        self.buttons = [
            ActionButton(commands.action(f"compare.vote_{place + 1}"), f"Text {place + 1}") for place in range(MOST)
        ]
        self.tie = ActionButton(commands.action("compare.vote_tie"), "None is better")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 4, 16, 8)
        row.setSpacing(8)
        row.addStretch(1)
        for widget in (self.question, *self.buttons, self.tie):
            row.addWidget(widget)
        row.addStretch(1)

    def show_state(self) -> None:
        """Shows the bar while a vote is asked for."""
        session = self._session
        self.setVisible(session.votes.is_hidden)
        count = len(session.votes.candidates)
        self.question.setText(_ASK if count else _WAIT)
        for place, button in enumerate(self.buttons):
            button.setVisible(place < count)
        self.tie.setVisible(count > 0)
        self._commands.refresh("compare.vote_tie", *(f"compare.vote_{place + 1}" for place in range(MOST)))
