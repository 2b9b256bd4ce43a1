"""One column: what it is, what it wrote, and what it is waiting for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from gptdesk.compare.choices import ColumnChoice
from gptdesk.training.checkpoints import CheckpointInfo
from gptdesk.ui import number_format
from gptdesk.ui.compare.columns.column_menus import ColumnModel, ColumnSettings, is_checkpoint
from gptdesk.ui.compare.columns.compared_text import ComparedText, Mark
from gptdesk.ui.compare.session import CompareSession
from gptdesk.ui.services.services import Services
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.problem_label import ProblemLabel
from gptdesk.ui.widgets.tooltips import wrapped

_NARROWEST: Final = 130


class ColumnView(QFrame):
    """A column of the page.

    Attributes:
        text: what it wrote, or how it read what all columns read.
        model, settings: what it is; hidden while texts have no names.
        slider: walks the checkpoints of its run.
        name: stands in the place of the choosers while texts have no names.
        state: what it is waiting for.
        problem: why it has no text.
    """

    def __init__(
        self, services: Services, session: CompareSession, index: int, pixels: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._index = session, index
        self._any_steps = False
        self.setMinimumWidth(_NARROWEST)
        self.number = QLabel(str(index + 1))
        self.number.setProperty("kind", "heading")
        self.model = ColumnModel(services, session, index)
        self.settings = ColumnSettings(services, session, index)
        self.remove = QPushButton()
        self.remove.setProperty("kind", "chip")
        self.remove.setAccessibleName(f"Remove column {index + 1}")
        self.remove.setToolTip("Remove this column")
        services.theme.set_icon(self.remove, "close", "muted")
        self.remove.clicked.connect(lambda: session.remove_column(index))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(f"Step of column {index + 1}")
        self.slider.setToolTip(wrapped("Walk the checkpoints of the run; the texts follow"))
        self.slider.valueChanged.connect(self._on_walked)
        self.step = QLabel()
        self.step.setProperty("kind", "muted")
        self.name = ElidedLabel()
        self.name.setProperty("kind", "heading")
        self.state = ElidedLabel()
        self.state.setProperty("kind", "muted")
        self.state.setAccessibleName(f"State of column {index + 1}")
        self.problem = ProblemLabel()
        self.problem.setProperty("kind", "bad")
        self.text = ComparedText(f"Text of column {index + 1}", pixels)
        self._lay_out()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.number)
        head.addWidget(self.name, 1)
        head.addWidget(self.model, 1)
        head.addWidget(self.remove)
        self._walk = QWidget()
        walk = QHBoxLayout(self._walk)
        walk.setContentsMargins(0, 0, 0, 0)
        walk.setSpacing(8)
        walk.addWidget(self.slider, 1)
        walk.addWidget(self.step)
        below = QHBoxLayout()
        below.setSpacing(8)
        below.addWidget(self.settings)
        below.addWidget(self.state, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self._walk)
        layout.addLayout(below)
        layout.addWidget(self.problem)
        layout.addWidget(self.text, 1)

    def show_choice(self, choice: ColumnChoice, line: str, *, removable: bool, any_steps: bool) -> None:
        """Shows what the column is; ``any_steps``: whether any column has a slider, so that texts begin level."""
        self.model.show_choice(choice)
        self.settings.show_choice(choice, line)
        self.remove.setVisible(removable)
        self._any_steps = any_steps
        steps = self._session.steps(self._index)
        self._show_step(choice, steps)

    def show_name(self, name: str) -> None:
        """Shows the choosers, or, while texts have no names, ``name`` in their place."""
        self.name.setText(name)
        self.name.setVisible(bool(name))
        self._walk.setVisible(self._any_steps and not name)
        for chooser in (self.number, self.model, self.settings):
            chooser.setVisible(not name)
        self.remove.setVisible(not name and self._session.why_not_remove() is None)

    def show_text(self, text: str, marks: Sequence[Mark] = ()) -> None:
        self.text.show_text(text, marks)

    def show_state(self, words: str = "", *shorter: str, problem: str = "") -> None:
        """Says what the column is waiting for, or less where there is no room, and why it has no text."""
        self.state.setText(words)
        self.state.shorter = shorter
        self.problem.show_problem(problem)
        self.problem.setVisible(bool(problem))

    def _show_step(self, choice: ColumnChoice, steps: Sequence[CheckpointInfo]) -> None:
        walks = is_checkpoint(choice) and len(steps) > 1
        self.slider.setVisible(walks)
        self.step.setVisible(walks)
        if not walks:
            return
        place = next((at for at, one in enumerate(steps) if str(one.path) == choice.model), 0)
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(steps) - 1)
        self.slider.setValue(place)
        self.slider.blockSignals(False)
        words = f"{place + 1} of {number_format.count(len(steps))}"
        self.step.setText(words)
        self.slider.setAccessibleDescription(f"Step {number_format.count(steps[place].step)}, {words}")

    @Slot(int)
    def _on_walked(self, place: int) -> None:
        self._session.walk(self._index, place)
