"""Question before a run is deleted."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from gptdesk.training.index import RunEntry
from gptdesk.ui import number_format
from gptdesk.ui.widgets.question import Question


class DeleteDialog(Question):
    """The question; the size is added once it is counted.

    Args:
        entry: the run.
        delete: deletes it.
    """

    def __init__(self, entry: RunEntry, delete: Callable[[], object], parent: QWidget | None = None) -> None:
        self._folder = entry.folder
        super().__init__(
            f"Delete “{entry.name}”?", self._text("…"), [("Delete", delete)], dangerous=True, parent=parent
        )

    def show_size(self, size: int) -> None:
        """Shows the size of the run in bytes."""
        self.words.setText(self._text(number_format.memory(size)))

    def _text(self, size: str) -> str:
        return (
            f"Its history, samples and checkpoints ({size}) in {self._folder} are deleted. "
            "This cannot be undone. Models exported elsewhere are kept."
        )
