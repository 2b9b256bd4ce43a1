"""Dialog that asks how to import a model: its name, copy or link, and the base model of an adapter."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QLineEdit, QRadioButton, QSizePolicy, QWidget

from gptdesk.errors import UserError
from gptdesk.library.catalogue import BUNDLED
from gptdesk.library.import_ import Importable
from gptdesk.library.importing.base_models import BaseChoice
from gptdesk.library.names import check_name
from gptdesk.ui.model_names import title_of
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.input_dialogs.input_dialog import InputDialog
from gptdesk.ui.widgets.inputs.boxes import ListBox
from gptdesk.ui.widgets.problem_label import ProblemLabel
from gptdesk.ui.widgets.tooltips import wrapped


class ImportDialog(InputDialog):
    """A name, a choice between copy and link, and for an adapter its base model.

    Args:
        found: what is there; it was looked at before, so that nobody is asked about what is no model.
        taken: names that models have, in small letters.

    Attributes:
        name: the line.
        copy, link: the choice.
        base: list of the models that an adapter fits; empty for a model that is whole.

    Signals:
        decided(object, str, bool, object): path, name, whether it is linked, the `LibraryEntry` of the base or None.
    """

    decided = Signal(object, str, bool, object)

    def __init__(self, found: Importable, taken: Collection[str], parent: QWidget | None = None) -> None:
        super().__init__("Import a model", "Import", parent, width=480)
        self._found, self._taken = found, taken
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
        self.base = ListBox()
        choice = (self.copy, self.link) if found.base is None else self._base_choice(found.base)
        left_out = f" The language model is used; {found.left_out} is left out." if found.left_out else ""
        self.add(where, label, self.name)
        self.add_below(*choice, _muted(found.note + left_out))
        self.name.textChanged.connect(self._judge)
        self._judge()

    def _base_choice(self, choice: BaseChoice) -> tuple[QWidget, ...]:
        """The list of base models with its label, and what is to be said of them."""
        if not choice.entries:
            problem = ProblemLabel()
            download = f"; download {choice.name} first" if choice.name else ""
            problem.show_problem(f"No model here has the shape that the adapter needs{download}.")
            return (problem,)
        label = QLabel("Base model")
        label.setBuddy(self.base)
        self.base.setAccessibleName("Base model")
        self.base.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for entry in choice.entries:
            self.base.addItem(title_of(entry), entry)
        if choice.is_here:
            return label, self.base
        words = f"The adapter was trained on {choice.name}, which is not here. " if choice.name else ""
        return label, self.base, _muted(f"{words}These models have the shape that it needs.")

    def _judge(self) -> None:
        name, problem = self.name.text().strip(), ""
        try:
            if name:
                check_free(name, self._taken)
        except UserError as error:
            problem = str(error)
        self.problem.show_problem(problem)
        has_base = self._found.base is None or self.base.count() > 0
        self.accept_button.setEnabled(bool(name) and not problem and has_base)

    def decide(self) -> None:
        """Emits the choice and closes."""
        self.decided.emit(self._found.path, self.name.text().strip(), self.link.isChecked(), self.base.currentData())
        self.accept()


def _muted(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("kind", "muted")
    label.setWordWrap(True)
    return label


def check_free(name: str, taken: Collection[str]) -> None:
    """Refuses a name that no model may have, or that one has.

    Raises:
        UserError: when it cannot be had.
    """
    check_name(name)
    if name.casefold() in taken or name.casefold() == BUNDLED:
        raise UserError(f"There is a model called {name} already; take another name.")
