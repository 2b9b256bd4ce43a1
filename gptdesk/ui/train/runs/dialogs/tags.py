"""Dialog that changes the tags of a run."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from gptdesk.errors import UserError
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.input_dialogs.input_dialog import InputDialog
from gptdesk.ui.widgets.inputs.chips import Chips

LONGEST_TAG: Final = 24


class TagsDialog(InputDialog):
    """Changes the tags of a run.

    Signals:
        decided(object): the tags.
    """

    decided = Signal(object)

    def __init__(self, theme: Theme, name: str, tags: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(f"Tags of {name}", "Save", parent)
        self.tags = Chips(theme, show=lambda tag: f"#{tag}", read=_tag, check=lambda _: None)
        self.tags.line.setAccessibleName("New tag")
        self.tags.line.setPlaceholderText("Type a tag and press Enter")
        self.tags.set_values(tags)
        self.tags.refused.connect(self.problem.show_problem)
        self.tags.changed.connect(lambda: self.problem.show_problem(""))
        self.accept_button.setDefault(False)  # Enter ends a tag
        self.accept_button.setAutoDefault(False)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)
        self.add(self.tags)
        self.tags.line.setFocus()

    def decide(self) -> None:
        self.decided.emit(self.tags.values)
        self.accept()


def _tag(text: str) -> str:
    tag = text.strip().removeprefix("#").strip()
    if not tag or not tag.isprintable() or " " in tag:
        raise UserError("A tag is one word.")
    if len(tag) > LONGEST_TAG:
        raise UserError(f"A tag may have at most {LONGEST_TAG} characters.")
    return tag
