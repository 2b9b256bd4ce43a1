"""The dialog that scores endings of the text, with a real model."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gptdesk.gpt2.checkpoint import save_model
from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.continuations.continuation import shares
from gptdesk.inference.continuations.endings import score_endings
from gptdesk.inference.engine import Engine
from gptdesk.ui.playground.continuations.dialog import EndingsDialog
from gptdesk.ui.playground.token_card.labels import percent
from tests.gpt2.tokenizers.folders import make_folder

from .conftest import Opened


def open_dialog(opened: Opened, qtbot: QtBot, text: str) -> EndingsDialog:
    """The dialog for this text, opened by its command."""
    qtbot.waitUntil(lambda: opened.services.inference.info is not None)
    session = opened.window.session
    session.edit(0, len(session.document.text), text)
    opened.window.playground.editor.show_end()
    opened.window.commands.action("text.score_continuations").trigger()
    found = opened.window.findChildren(EndingsDialog)
    assert len(found) == 1
    return found[0]


def cells(dialog: EndingsDialog, column: int) -> list[str]:
    items = [dialog.table.item(row, column) for row in range(dialog.table.rowCount())]
    return [item.text() for item in items if item is not None]


def test_endings_that_are_typed_are_scored_and_shown_with_their_shares(
    opened: Opened, qtbot: QtBot, tiny_model_folder: Path
) -> None:
    dialog = open_dialog(opened, qtbot, "Once upon a")
    assert dialog.space.isChecked()
    assert not dialog.accept_button.isEnabled()
    QTest.keyClicks(dialog.endings, "time")
    QTest.keyClick(dialog.endings, Qt.Key.Key_Return)
    QTest.keyClicks(dialog.endings, "winter night")
    dialog.accept_button.click()
    qtbot.waitUntil(dialog.table.isVisible)
    info = opened.services.inference.info
    assert info is not None
    engine = Engine.load(tiny_model_folder, device=info.device, precision=info.precision)
    expected = list(score_endings(engine, "Once upon a", [" time", " winter night"]))
    rows = sorted(zip(expected, shares(expected), strict=True), key=lambda row: -row[1])
    assert cells(dialog, 0) == [one.text.replace(" ", "␣", 1) for one, _ in rows]
    assert cells(dialog, 1) == [percent(share) for _, share in rows]
    assert float(cells(dialog, 2)[0].replace("−", "-")) == pytest.approx(rows[0][0].total, abs=0.0051)
    assert dialog.accept_button.isEnabled()
    dialog.reject()


def test_a_failure_is_said_in_the_dialog_and_keeps_what_was_typed(
    open_window: Callable[..., Opened], qtbot: QtBot, tmp_path: Path
) -> None:
    folder = make_folder(tmp_path / "characters", "characters")
    config = read_config(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        save_model(GPT2(config), folder)
    dialog = open_dialog(open_window(str(folder)), qtbot, "")
    dialog.endings.setPlainText("Once")
    dialog.accept_button.click()
    qtbot.waitUntil(lambda: "no token that begins a text" in dialog.problem.text())
    assert dialog.accept_button.isEnabled()
    assert dialog.endings.toPlainText() == "Once"
    dialog.reject()


def test_without_a_model_the_dialog_says_so_and_keeps_what_was_typed(opened: Opened, qtbot: QtBot) -> None:
    dialog = open_dialog(opened, qtbot, "Once")
    dialog.endings.setPlainText("a\nb")
    opened.services.inference.unload()
    qtbot.waitUntil(lambda: "No model is loaded" in dialog.problem.text())
    assert not dialog.accept_button.isEnabled()
    assert dialog.endings.toPlainText() == "a\nb"
    dialog.reject()
