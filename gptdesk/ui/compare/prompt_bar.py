"""The prompt: an editor, the walk through a list of prompts, seed, and the buttons to run and to stop."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRegularExpression, Qt, Slot
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gptdesk.inference.sampling.settings import LIMITS
from gptdesk.ui import number_format
from gptdesk.ui.compare.session import CompareSession
from gptdesk.ui.fonts import prose_font, scaled
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.problem_label import ProblemLabel
from gptdesk.ui.widgets.tooltips import wrapped
from gptdesk.ui.window.commands.registry import Commands

_LINES: Final = 3
_SEED_HELP: Final = (
    "All columns draw with the same random numbers. The same seed, models and settings give the same texts again; "
    "empty: another one each time. Prompt 2 of a list has the seed behind that of prompt 1, and so on."
)


class PromptBar(QWidget):
    """The bar above the columns.

    Attributes:
        field: the prompt.
        seed: of the first prompt; empty for a random one.
        run, stop, blind, previous, next, open: buttons of the commands.
        place: which prompt of the list is shown.
        line: said beforehand of the columns, such as that they are computed one after the other.
    """

    def __init__(
        self, theme: Theme, session: CompareSession, commands: Commands, pixels: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._commands = session, commands
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.field = QPlainTextEdit()
        self.field.setProperty("kind", "composer")
        self.field.setAccessibleName("Prompt")
        self.field.setPlaceholderText("A text that each column continues…")
        self.field.setTabChangesFocus(True)
        self.field.document().setDocumentMargin(2)
        self.open = ActionButton(commands.action("compare.open"))
        self.previous = ActionButton(commands.action("compare.previous"), "")
        self.next = ActionButton(commands.action("compare.next"), "")
        for button, icon in ((self.previous, "chevron-left"), (self.next, "chevron-right")):
            button.setProperty("icon_only", "true")
            theme.set_icon(button, icon)
        self.place = QLabel()
        self.place.setAccessibleName("Prompt that is shown")
        self.place.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.source = ElidedLabel()
        self.source.setProperty("kind", "muted")
        self.forget = QPushButton()
        self.forget.setProperty("kind", "chip")
        self.forget.setAccessibleName("Close the list of prompts")
        self.forget.setToolTip("Close the list; the prompt that is shown stays")
        theme.set_icon(self.forget, "close", "muted")
        self.seed = QLineEdit()
        self.seed.setAccessibleName("Seed")
        self.seed.setPlaceholderText("random")
        self.seed.setFixedWidth(scaled(92))
        self.seed.setToolTip(wrapped(_SEED_HELP))
        self.seed.setValidator(QRegularExpressionValidator(QRegularExpression(r"\d{0,19}"), self))
        self.blind = ActionButton(commands.action("compare.blind"), "Blind")
        self.stop = ActionButton(commands.action("compare.stop"), " Stop")
        theme.set_icon(self.stop, "stop")
        self.run = ActionButton(commands.action("compare.run"))
        self.run.setProperty("kind", "accent")
        self.line = ProblemLabel()
        self._lay_out()
        self.set_text_size(pixels)
        self.field.textChanged.connect(self._on_text_changed)
        self.seed.textChanged.connect(self._on_seed_changed)
        self.forget.clicked.connect(lambda: session.set_prompts([session.prompts[session.index]], ""))
        session.prompts_changed.connect(self._show)
        session.columns_changed.connect(self._show_line)
        if session.seed is not None:
            self.seed.setText(str(session.seed))
        self._show()
        self._show_line()

    def _lay_out(self) -> None:
        frame = QFrame()
        frame.setObjectName("actions")
        label = QLabel("Seed")
        label.setBuddy(self.seed)
        label.setToolTip(self.seed.toolTip())
        self.list = QWidget()
        walk = QHBoxLayout(self.list)
        walk.setContentsMargins(0, 0, 0, 0)
        walk.setSpacing(4)
        for widget in (self.previous, self.place, self.next):
            walk.addWidget(widget)
        walk.addWidget(self.source, 1)
        walk.addWidget(self.forget)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.open)
        row.addWidget(self.list, 1)
        row.addStretch(0)
        for button in (label, self.seed, self.blind, self.stop, self.run):
            row.addWidget(button)
        self._row = row
        column = QVBoxLayout(frame)
        column.setContentsMargins(12, 8, 8, 8)
        column.setSpacing(6)
        column.addWidget(self.field)
        column.addLayout(row)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 4)
        layout.setSpacing(4)
        layout.addWidget(frame)
        layout.addWidget(self.line)
        self.setFocusProxy(self.field)

    def set_text_size(self, pixels: int) -> None:
        self.field.setFont(prose_font(pixels))
        self.field.setFixedHeight(_LINES * self.field.fontMetrics().lineSpacing() + 10)

    def show_busy(self, busy: bool) -> None:
        """Shows Stop while a comparison runs."""
        self.stop.setVisible(busy)

    @Slot()
    def _show(self) -> None:
        session = self._session
        if session.prompt != self.field.toPlainText():
            self.field.setPlainText(session.prompt)
        count = len(session.prompts)
        is_list = count > 1 or bool(session.source)
        self.list.setVisible(is_list)
        self._row.setStretch(2, 0 if is_list else 1)
        self.place.setText(f"{number_format.count(session.index + 1)} of {number_format.count(count)}")
        self.source.setText(session.source)
        self._commands.refresh("compare.previous", "compare.next", "compare.run")

    @Slot()
    def _show_line(self) -> None:
        self.line.show_problem(self._session.why_in_turn)
        self.line.setVisible(bool(self._session.why_in_turn))

    @Slot()
    def _on_text_changed(self) -> None:
        self._session.set_prompt(self.field.toPlainText())
        self._commands.refresh("compare.run")

    @Slot(str)
    def _on_seed_changed(self, text: str) -> None:
        self._session.set_seed(min(int(text), int(LIMITS["seed"].highest)) if text else None)
