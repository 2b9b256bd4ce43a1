"""Asks how a model that lies somewhere else is brought in: under which name, copied or linked."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QRadioButton, QVBoxLayout, QWidget

from gptdesk.gpt2.errors import UserError
from gptdesk.library.import_ import PICKLES
from gptdesk.library.names import check_name
from gptdesk.ui.widgets.elided_label import ElidedLabel


class ImportDialog(QDialog):
    """A name and a choice.

    Args:
        path: of the folder or file.
        is_folder: whether it is a folder.
        taken: names that models have, in small letters.

    Attributes:
        name: the line.
        copy, link: the choice.

    Signals:
        decided(object, str, bool): path, name, whether it is linked.
    """

    decided = Signal(object, str, bool)

    def __init__(self, path: Path, is_folder: bool, taken: Collection[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._path, self._taken = path, taken
        self.setWindowTitle("Import a model")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(True)
        self.setMinimumWidth(480)
        where = ElidedLabel(str(path))
        where.setProperty("kind", "muted")
        self.name = QLineEdit(_free(path.name if is_folder else path.stem, taken))
        self.name.setAccessibleName("Name")
        label = QLabel("Name")
        label.setBuddy(self.name)
        self.copy, self.link = (
            QRadioButton("Copy it to gptdesk's models"),
            QRadioButton("Leave it there and link to it"),
        )
        self.copy.setChecked(True)
        self.link.setEnabled(is_folder)
        self.link.setToolTip("A linked model takes no room, and is gone when its folder is")
        pickle = path.suffix.lower() in PICKLES and not is_folder
        note = QLabel(
            "Its weights are converted to safetensors; nothing else that the file may hold is opened or run."
            if pickle
            else "Its weights and its config are taken; other files stay where they are."
        )
        note.setProperty("kind", "muted")
        note.setWordWrap(True)
        self.problem = QLabel()
        self.problem.setProperty("kind", "warn")
        self.problem.setWordWrap(True)
        self.problem.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.problem.setAlignment(Qt.AlignmentFlag.AlignTop)
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
        self.problem.setText(problem)
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
    if name.casefold() in taken:
        raise UserError(f"There is a model called {name} already; take another name.")


def _free(wanted: str, taken: Collection[str]) -> str:
    name, number = wanted, 1
    while name.casefold() in taken:
        number += 1
        name = f"{wanted} {number}"
    return name
