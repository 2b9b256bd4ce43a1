"""Details of a model as lines of name and value, some with a button that copies the value."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QWidget

from gptdesk.library.entry import LibraryEntry
from gptdesk.ui import number_format
from gptdesk.ui.models.items import Item
from gptdesk.ui.models.labels import added_words, licence_words
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.elided_label import ElidedLabel

_COPIED: Final = ("Revision", "SHA-256", "Folder", "Repository", "From")
"""Names of the values that have a Copy button."""


class Facts(QWidget):
    """The lines.

    Attributes:
        values: the shown text, by name.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.values: dict[str, str] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)

    def show_facts(self, values: dict[str, str]) -> None:
        """Shows these details."""
        if values == self.values:
            return
        self.values = values
        while (taken := self._grid.takeAt(0)) is not None:
            if (widget := taken.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for row, (name, value) in enumerate(values.items()):
            label = QLabel(name)
            label.setProperty("kind", "muted")
            words = ElidedLabel(value)
            words.setAccessibleName(name)
            words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            words.setMinimumHeight(24)
            self._grid.addWidget(label, row, 0)
            copied = name.partition(" ")[0] in _COPIED
            self._grid.addWidget(words, row, 1, 1, 1 if copied else 2)
            if copied:
                self._grid.addWidget(self._copy(name, value), row, 2)

    def _copy(self, name: str, value: str) -> QPushButton:
        button = QPushButton()
        button.setProperty("kind", "chip")
        button.setAccessibleName(f"Copy {name}")
        button.setToolTip("Copy")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._theme.set_icon(button, "copy", "muted")
        button.clicked.connect(lambda: QGuiApplication.clipboard().setText(value))
        return button


def facts_of(item: Item) -> dict[str, str]:
    """The details of an item by name; unknown ones are left out."""
    values: dict[str, str] = {}
    config = item.config
    if config is not None:
        values["Parameters"] = number_format.count(config.num_parameters())
        values["Layers"] = number_format.count(config.n_layer)
        values["Heads"] = f"{number_format.count(config.n_head)} in each layer"
        values["Width"] = number_format.count(config.n_embd)
        values["Vocabulary"] = f"{number_format.count(config.vocab_size)} tokens"
        values["Context"] = f"{number_format.count(config.n_positions)} tokens"
    if item.entry is not None:
        values |= _of_entry(item.entry)
    elif item.download is not None:
        view = item.download
        values |= {
            "Size": number_format.memory(view.total) if view.total else "",
            "Licence": licence_words(view.licence or (item.known.licence if item.known else "")),
            "Repository": view.repo,
            "Revision": view.revision,
        }
    return {name: value for name, value in values.items() if value}


def _of_entry(entry: LibraryEntry) -> dict[str, str]:
    values = {
        "On disk": number_format.memory(entry.size) if entry.size else "",
        "To download": number_format.memory(entry.download) if entry.download else "",
        "Left out": entry.left_out,
        "Tokenizer": entry.tokenizer,
        "Licence": "Not known: see the model card" if entry.licence_unknown else licence_words(entry.licence),
        "Repository": entry.repo,
        "Revision": entry.revision,
        "From": entry.source,
        "Folder": str(entry.path) if entry.path else "",
        "Added": added_words(entry.added) if entry.added else "",
    }
    weights = [name for name in entry.sha256 if name.endswith(".safetensors")]
    for number, name in enumerate(weights, 1):
        values["SHA-256" if len(weights) == 1 else f"SHA-256 {number}/{len(weights)}"] = entry.sha256[name]
    return values
