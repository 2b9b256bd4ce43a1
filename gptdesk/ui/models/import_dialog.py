"""Asks how a model that lies somewhere else is brought in: under which name, copied or linked."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QRadioButton, QVBoxLayout, QWidget

from gptdesk.errors import UserError
from gptdesk.library.catalogue import BUNDLED
from gptdesk.library.import_ import Importable
from gptdesk.library.names import check_name
from gptdesk.ui.widgets.dialog import Dialog
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.problem_label import ProblemLabel
from gptdesk.ui.widgets.tooltips import wrapped


class ImportDialog(Dialog):
    """A name and a choice.

    Args:
        found: what is there; it was looked at before, so that nobody is asked about what is no model.
        taken: names that models have, in small letters.

    Attributes:
        name: the line.
        copy, link: the choice.

    Signals:
        decided(object, str, bool): path, name, whether it is linked.
    """

    decided = Signal(object, str, bool)

    def __init__(self, found: Importable, taken: Collection[str], parent: QWidget | None = None) -> None:
        super().__init__("Import a model", parent, width=480)
        self._path, self._taken = found.path, taken
        self.setModal(True)
        where = ElidedLabel(str(found.path))
        where.setProperty("kind", "muted")
        self.name = QLineEdit(found.name)
        self.name.selectAll()
        self.name.setAccessibleName("Name")
        label = QLabel("Name")
        label.setBuddy(self.name)
        self.copy, self.link = (
            QRadioButton("Copy it to gptdesk's models"),
            QRadioButton("Leave it there and link to it"),
        )
        self.copy.setChecked(True)
        self.link.setEnabled(found.linkable)
        self.link.setToolTip(
            wrapped(
                "Uses no disk space; unavailable if the folder moves"
                if found.linkable
                else "Only a folder with config.json and safetensors can be linked"
            )
        )
        words = (
            "Its weights are converted to safetensors; nothing else that the file may hold is opened or run."
            if found.converted
            else "Its weights, config and tokenizer are taken; other files stay where they are."
        )
        if found.left_out:
            words += f" The language model is used; {found.left_out} is left out."
        note = QLabel(words)
        note.setProperty("kind", "muted")
        note.setWordWrap(True)
        self.problem = ProblemLabel()
        self.start, cancel = QPushButton("Import"), QPushButton("Cancel")
        self.start.setProperty("kind", "accent")
        self.start.setDefault(True)
        self.start.clicked.connect(self._decide)
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.start)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(8)
        for widget in (where, label, self.name, self.problem, self.copy, self.link, note):
            layout.addWidget(widget)
        layout.addSpacing(8)
        layout.addLayout(buttons)
        self.name.textChanged.connect(self._judge)
        self._judge()

    def _judge(self) -> None:
        name, problem = self.name.text().strip(), ""
        try:
            if name:
                check_free(name, self._taken)
        except UserError as error:
            problem = str(error)
        self.problem.show_problem(problem)
        self.start.setEnabled(bool(name) and not problem)

    def _decide(self) -> None:
        self.decided.emit(self._path, self.name.text().strip(), self.link.isChecked())
        self.accept()


def check_free(name: str, taken: Collection[str]) -> None:
    """Refuses a name that no model may have, or that one has.

    Raises:
        UserError: when it cannot be had.
    """
    check_name(name)
    if name.casefold() in taken or name.casefold() == BUNDLED:
        raise UserError(f"There is a model called {name} already; take another name.")
