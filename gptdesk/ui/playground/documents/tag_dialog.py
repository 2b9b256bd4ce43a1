"""A dialog that asks for the tags of a document."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QWidget

from gptdesk.errors import UserError
from gptdesk.store.catalog.tags import parse_tags
from gptdesk.ui.widgets.flow_layout import FlowLayout
from gptdesk.ui.widgets.input_dialogs.input_dialog import InputDialog

_OFFERED: Final = 16
"""Tags of other documents that have a button."""


class TagDialog(InputDialog):
    """A line with the tags, and a button for each tag that other documents have.

    Args:
        title: of the document.
        tags: that it has.
        known: tags of all documents.

    Signals:
        chosen(object): emitted with the tags, a tuple, when the person confirms them.
    """

    chosen = Signal(object)

    def __init__(self, title: str, tags: Sequence[str], known: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__("Tags", "Save", parent, width=400)
        self.line = QLineEdit("".join(f"{tag} " for tag in tags))
        self.line.setAccessibleName("Tags")
        self.line.setPlaceholderText("draft poem")
        label = QLabel(f"Tags of “{title}”, separated by spaces")
        label.setWordWrap(True)
        label.setBuddy(self.line)
        self.known = {tag: self._known_button(tag) for tag in known[:_OFFERED]}
        offered = QWidget()
        flow = FlowLayout(offered, spacing=4)
        for button in self.known.values():
            flow.addWidget(button)
        offered.setVisible(bool(self.known))
        self.add(label, self.line, offered)
        self.line.textChanged.connect(self._judge)
        self._judge()

    def _known_button(self, tag: str) -> QPushButton:
        button = QPushButton(f"#{tag}")
        button.setProperty("kind", "small")
        button.setCheckable(True)
        button.setAutoDefault(False)
        button.clicked.connect(partial(self._toggle, tag))
        return button

    def _toggle(self, tag: str) -> None:
        words = self.line.text().replace(",", " ").split()
        rest = [word for word in words if word.lstrip("#").casefold() != tag.casefold()]
        self.line.setText("".join(f"{word} " for word in (rest if len(rest) < len(words) else [*words, tag])))

    @Slot()
    def _judge(self) -> None:
        try:
            tags, problem = parse_tags(self.line.text()), ""
        except UserError as error:
            tags, problem = (), str(error)
        given = {tag.casefold() for tag in tags}
        for tag, button in self.known.items():
            button.setChecked(tag.casefold() in given)
        self.problem.show_problem(problem)
        self.accept_button.setEnabled(not problem)

    @Slot()
    def decide(self) -> None:
        """Emits the tags and closes."""
        self.chosen.emit(parse_tags(self.line.text()))
        self.accept()
