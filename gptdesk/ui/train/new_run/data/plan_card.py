"""Card of a data set on the hub: description, size, and the button that prepares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.widgets.style_state import set_kind


@dataclass(frozen=True)
class HubSet:
    """A known data set."""

    name: str
    title: str
    note: str


HUB_SETS: Final = (
    HubSet("openwebtext", "OpenWebText", "Web pages linked from Reddit: an open reproduction of GPT-2's training data"),
    HubSet("fineweb-edu", "FineWeb-Edu", "Educational web pages; models learn faster from them than from other text"),
)


class PlanCard(QFrame):
    """One data set.

    Attributes:
        plan: size of the download and of the data, once known.

    Signals:
        plan_wanted(str), cancelled(str), prepare_wanted(str): the data set's name.
    """

    plan_wanted = Signal(str)
    cancelled = Signal(str)
    prepare_wanted = Signal(str)

    def __init__(self, hub_set: HubSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hub_set = hub_set
        self.plan: Mapping[str, Any] | None = None
        self._asking = False
        self.setProperty("kind", "card")
        title = QLabel(hub_set.title)
        title.setProperty("kind", "title")
        self.words = QLabel(hub_set.note)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setProperty("kind", "muted")
        self.button = QPushButton()
        lines = QVBoxLayout()
        lines.setSpacing(2)
        lines.addWidget(title)
        lines.addWidget(self.words)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 12, 12, 12)
        layout.setSpacing(16)
        layout.addLayout(lines, 1)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)
        self.button.clicked.connect(self._on_clicked)
        self._show_button()

    def show_asking(self) -> None:
        """Shows that the hub is being asked."""
        self._asking = True
        self._say("Asking the hub for its size", "muted")

    def show_plan(self, plan: Mapping[str, Any]) -> None:
        """Shows the sizes, and whether the disk has enough space."""
        self._asking, self.plan = False, plan
        download, disk, free = (number_format.memory(plan[f"{name}_bytes"]) for name in ("download", "disk", "free"))
        tokens = number_format.parameters(plan["tokens"])
        said = f"{download} to download, about {tokens} tokens; needs {disk} of disk, {free} are free"
        fits = plan["disk_bytes"] <= plan["free_bytes"]
        self._say(said, "muted" if fits else "bad")
        self.button.setEnabled(fits)

    def show_failure(self, sentence: str) -> None:
        """Shows why the size is unknown, with a button that tries again."""
        self._asking, self.plan = False, None
        self._say(sentence, "bad")

    def reset(self) -> None:
        """Resets the card."""
        self._asking, self.plan = False, None
        self._say(self.hub_set.note, "muted")

    def _say(self, text: str, kind: str) -> None:
        self.words.setText(text)
        set_kind(self.words, kind)
        self._show_button()

    def _show_button(self) -> None:
        self.button.setEnabled(True)
        self.button.setText("Cancel" if self._asking else "Prepare" if self.plan else "Size…")
        self.button.setAccessibleName(f"{self.button.text().rstrip('…')}: {self.hub_set.title}")

    def _on_clicked(self) -> None:
        name = self.hub_set.name
        if self._asking:
            self.cancelled.emit(name)
        elif self.plan:
            self.prepare_wanted.emit(name)
        else:
            self.plan_wanted.emit(name)
