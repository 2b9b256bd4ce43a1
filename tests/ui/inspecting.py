"""The Inspect pane of a window, and what tests ask it."""

from pathlib import Path
from typing import Any, Final

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.in_torch.shared_weights import load_quantized
from gptdesk.inference.inspection.forward_pass import ForwardPass, forward_pass
from gptdesk.ui.playground.inspect.maps.heat_table import HeatTable
from gptdesk.ui.playground.inspect.pane import InspectPane
from gptdesk.ui.services.inference_messages import State

from .conftest import Opened

TEXT: Final = "Tom went home. Lily was sad. Tom was sad, too"
IDS: Final = gpt2_tokenizer().encode(TEXT)


class Inspected:
    """The pane of a window, and what tests ask it."""

    def __init__(self, opened: Opened, qtbot: QtBot, model: Path) -> None:
        self.opened, self.qtbot, self.window = opened, qtbot, opened.window
        self.session, self.editor = opened.window.session, opened.window.playground.editor
        self.model = load_quantized(model, "int8")

    @property
    def pane(self) -> InspectPane:
        pane: InspectPane = self.window.playground.inspect.slot.pane
        return pane

    @property
    def run(self) -> ForwardPass:
        return forward_pass(self.model, IDS)

    def write(self, text: str) -> None:
        self.session.edit(0, len(self.session.document.text), text)
        self.editor.show_place(len(text))

    def show(self, view: str) -> Any:
        """Shows a view and waits for all of its answer."""
        self.window.commands.run(f"inspect.{view}")
        self.wait()
        return self.pane.view

    def wait(self) -> None:
        self.qtbot.waitUntil(lambda: not self.pane._asking.pending)
        self.qtbot.waitUntil(lambda: not self.pane.busy and self.opened.state is State.READY)


@pytest.fixture
def inspected(opened: Opened, qtbot: QtBot, tiny_model_folder: Path) -> Inspected:
    """The pane of a window whose document has `TEXT`."""
    made = Inspected(opened, qtbot, tiny_model_folder)
    made.write(TEXT)
    return made


def words(table: HeatTable, row: int, column: int) -> str:
    return str(table.cells.index(row, column).data())


def spoken(table: HeatTable) -> str:
    """What a screen reader says of the current cell."""
    return str(table.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole))
