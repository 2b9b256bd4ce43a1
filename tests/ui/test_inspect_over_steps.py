"""Inspect over the checkpoints of a run: the slider, a text as it is learned, and what may go wrong meanwhile."""

import csv
import io
import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.training.checkpoint_views import look_into
from gptdesk.training.checkpoints import checkpoints
from gptdesk.ui.playground.inspect.over_steps import reading
from gptdesk.ui.playground.inspect.over_steps.run_checkpoints import RunCheckpoints
from gptdesk.ui.services.inference_messages import State
from tests.small_run import STEPS
from tests.small_run import small_run as small_run  # a fixture

from .conftest import Opened
from .inspecting import TEXT, Inspected, spoken
from .keyboard_walk import unnamed, walk, without_role

KEY = Qt.Key
IDS = gpt2_tokenizer().encode(TEXT)


@pytest.fixture
def run(small_run: Path, tmp_path: Path) -> Path:
    """A copy of the run, which the window does not scan."""
    return Path(shutil.copytree(small_run, tmp_path / "elsewhere" / "small"))


@pytest.fixture
def inspected(open_window: Callable[..., Opened], run: Path, qtbot: QtBot) -> Inspected:
    """A window whose model is the newest checkpoint of the run."""
    opened = open_window(str(checkpoints(run)[-1].path))
    qtbot.waitUntil(lambda: opened.state is State.READY)
    made = Inspected(opened, qtbot, checkpoints(run)[-1].path)
    made.write(TEXT)
    return made


def read(inspected: Inspected, view: str) -> Any:
    """Shows a view and waits for all checkpoints."""
    found = inspected.show(view)
    inspected.qtbot.waitUntil(lambda: found.reading is not None and not found.busy)
    return found


def bits_of(run: Path, place: int) -> list[float]:
    rows = look_into(checkpoints(run)[place], "surprisal", IDS, "cpu", lambda: False)
    return [float("nan") if row["surprisal"] is None else float(row["surprisal"]) for row in rows]


def backgrounds(view: Any) -> list[str]:
    """The colours behind the letters of the text, in their order."""
    cursor, found = QTextCursor(view.shown.document()), []
    while not cursor.atEnd():
        cursor.movePosition(QTextCursor.MoveOperation.Right)
        brush = cursor.charFormat().background()
        found.append("" if brush.style() == Qt.BrushStyle.NoBrush else brush.color().name())
    return found


def test_the_slider_walks_the_checkpoints_and_every_view_shows_the_one_it_stops_at(
    inspected: Inspected, run: Path
) -> None:
    table = inspected.show("lens").table
    steps = inspected.pane.steps
    inspected.qtbot.waitUntil(steps.isVisible)
    assert steps.step.text() == "Step 12 of 12"
    newest = table.cells.grid.numbers["entropy"]
    steps.slider.setFocus()
    QTest.keyClick(steps.slider, KEY.Key_Home)
    assert steps.step.text() == steps.slider.accessibleDescription() == "Step 4 of 12"
    info = inspected.opened.services.inference
    inspected.qtbot.waitUntil(lambda: info.info is not None and info.info.folder == checkpoints(run)[0].path)
    inspected.wait()
    inspected.qtbot.waitUntil(lambda: table.cells.columnCount() == len(IDS))
    assert not np.allclose(table.cells.grid.numbers["entropy"], newest)
    assert steps.slider.hasFocus()
    assert steps.step.text() == "Step 4 of 12"


def test_a_text_is_coloured_step_by_step_as_it_is_learned(inspected: Inspected, run: Path) -> None:
    view = read(inspected, "learned")
    assert not inspected.pane.steps.isVisible(), "it has a slider of its own"
    assert view.shown.toPlainText() == TEXT
    grid = view.table.cells.grid
    assert list(grid.rows) == ["4", "8", "12"]
    for place in range(3):
        np.testing.assert_allclose(grid.numbers["surprisal"][place], bits_of(run, place), atol=1e-3)
    mean = np.nanmean(bits_of(run, 2))
    assert view.caption.text() == f"Step 12 of 12 · {mean:.2f} bits per token"
    last = backgrounds(view)
    view.player.slider.setFocus()
    QTest.keyClick(view.player.slider, KEY.Key_Home)
    assert view.caption.text().startswith("Step 4 of 12 · ")
    assert backgrounds(view) != last
    assert view.table.currentIndex().row() == 0
    view.table.setFocus()
    QTest.keyClick(view.table, KEY.Key_Down)
    assert view.player.index == 1
    assert view.caption.text().startswith("Step 8 of 12 · ")
    QTest.keyClick(view.table, KEY.Key_Right)
    assert spoken(view.table).startswith("Step 8, “␣went”: ")
    view.player.play.click()
    inspected.qtbot.waitUntil(lambda: view.player.is_at_end)
    assert backgrounds(view) == last
    found = [*unnamed(inspected.pane), *without_role(inspected.pane), *walk(inspected.pane)]
    assert not found


def test_what_is_read_is_copied_as_a_table_a_picture_and_code(inspected: Inspected) -> None:
    view = read(inspected, "learned")
    commands = inspected.window.commands
    commands.run("inspect.copy_csv")
    rows = list(csv.DictReader(io.StringIO(QApplication.clipboard().text())))
    assert len(rows) == 3 * len(IDS)
    assert [row["row"] for row in rows[:: len(IDS)]] == ["4", "8", "12"]
    commands.run("inspect.copy_png")
    assert not QApplication.clipboard().image().isNull()
    commands.run("inspect.copy_python")
    space: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()):
        exec(compile(QApplication.clipboard().text(), "copied", "exec"), space)
    assert list(space["found"]) == list(STEPS)
    np.testing.assert_allclose(space["found"][8], view.table.cells.grid.numbers["surprisal"][1], atol=1e-4)


def test_scores_of_heads_are_lines_over_the_steps_and_a_table_of_all(inspected: Inspected, run: Path) -> None:
    inspected.write("")  # it needs no text
    view = read(inspected, "heads_by_step")
    expected: list[Any] = [look_into(one, "heads", (), "cpu", lambda: False) for one in checkpoints(run)]
    for number, kind in enumerate(("induction", "previous_token", "duplicate_token")):
        view.choice.setCurrentIndex(number)
        view.choice.activated.emit(number)
        grid = view.table.cells.grid
        assert list(grid.columns) == ["4", "8", "12"]
        assert len(grid.rows) == 4
        largest = grid.numbers[kind].max(1)
        assert list(largest) == sorted(largest, reverse=True)
        for place, name in enumerate(grid.rows):
            scores = [row[kind] for rows in expected for row in rows if f"L{row['layer']} H{row['head']}" == name]
            np.testing.assert_allclose(grid.numbers[kind][place], scores, atol=1e-5)
    assert view.lines.accessibleDescription().startswith(", ".join(grid.rows))
    before = view.lines.grab().toImage()
    view.table.setFocus()
    view.table.setCurrentIndex(view.table.cells.index(1, 2))
    assert spoken(view.table).startswith("Layer ")
    assert "step 12: duplicate token 0." in spoken(view.table)
    assert view.lines.grab().toImage() != before, "the line of the current head is thicker"
    commands = inspected.window.commands
    commands.run("inspect.copy_png")
    assert QApplication.clipboard().image().width() > view.lines.width()
    commands.run("inspect.copy_python")
    space: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()):
        exec(compile(QApplication.clipboard().text(), "copied", "exec"), space)
    np.testing.assert_allclose(
        sorted(space["found"][12].duplicate.flatten().tolist()), sorted(grid.numbers[kind][:, 2]), atol=1e-5
    )
    found = [*unnamed(inspected.pane), *without_role(inspected.pane), *walk(inspected.pane)]
    assert not found


def test_a_changed_text_is_read_when_it_is_asked_for(inspected: Inspected) -> None:
    view = read(inspected, "learned")
    assert not view.button.isVisible()
    inspected.write("Tom went")
    inspected.qtbot.waitUntil(view.button.isVisible)
    assert view.button.text() == "Read the changed text"
    assert view.table.cells.columnCount() == len(IDS)
    view.button.setFocus()
    QTest.keyClick(view.button, KEY.Key_Space)
    inspected.qtbot.waitUntil(lambda: not view.busy)
    assert view.table.cells.columnCount() == 2
    assert view.shown.toPlainText() == "Tom went"
    assert not view.button.isVisible()


def test_reading_is_cancelled_and_read_on(inspected: Inspected, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    real: Any = look_into

    def wait_for_cancel(checkpoint: Any, *, interrupted: Callable[[], bool], **others: Any) -> Any:
        begun.append(checkpoint.step)
        while checkpoint.step == STEPS[1] and not interrupted():
            pass
        return real(checkpoint, interrupted=interrupted, **others)

    monkeypatch.setattr(f"{reading.__name__}.look_into", wait_for_cancel)
    view = inspected.show("learned")
    inspected.qtbot.waitUntil(lambda: begun == list(STEPS[:2]))
    assert view.bar.isVisible()
    assert view.button.text() == "Cancel"
    view.button.click()
    assert not view.busy
    assert view.sentence.text() == "Cancelled after 1 checkpoint."
    monkeypatch.undo()
    assert view.button.text() == "Read on"
    view.button.click()
    inspected.qtbot.waitUntil(lambda: not view.busy)
    assert view.table.cells.rowCount() == 3
    assert begun == list(STEPS[:2])


def test_a_view_that_is_left_reads_nothing(inspected: Inspected, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    real: Any = look_into

    def wait_for_cancel(checkpoint: Any, *, interrupted: Callable[[], bool], **others: Any) -> Any:
        begun.append(checkpoint.step)
        while not interrupted():
            pass
        return real(checkpoint, interrupted=interrupted, **others)

    monkeypatch.setattr(f"{reading.__name__}.look_into", wait_for_cancel)
    view = inspected.show("learned")
    inspected.qtbot.waitUntil(lambda: begun == [STEPS[0]])
    inspected.show("lens")
    assert not view.busy
    monkeypatch.undo()
    assert read(inspected, "learned").table.cells.rowCount() == 3


def test_what_is_deleted_meanwhile_is_said_in_a_sentence(inspected: Inspected, run: Path) -> None:
    view = read(inspected, "learned")
    inspected.show("lens")
    newest = checkpoints(run)[1].path
    shutil.rmtree(run / "inspection")
    shutil.rmtree(newest)
    view = read(inspected, "learned")
    inspected.write("Tom went")
    inspected.qtbot.waitUntil(view.button.isVisible)
    view.button.click()
    inspected.qtbot.waitUntil(lambda: not view.busy)
    assert view.sentence.text() == "The checkpoint of step 8 was deleted before it was read."
    assert list(view.table.cells.grid.rows) == ["4", "12"]
    shutil.rmtree(run)
    inspected.write("Tom")
    inspected.qtbot.waitUntil(view.button.isVisible)
    view.button.click()
    inspected.qtbot.waitUntil(lambda: not view.busy)
    assert view.sentence.text() == "The run “small” was deleted while its checkpoints were read."


def test_a_model_that_is_no_checkpoint_has_no_steps(inspected: Inspected, tiny_model_folder: Path) -> None:
    opened, pane = inspected.opened, read(inspected, "learned")
    opened.services.settings.update(model=str(tiny_model_folder))
    pane = inspected.pane
    inspected.qtbot.waitUntil(lambda: "Inspect this checkpoint" in pane.message.text() and pane.message.isVisible())
    view = inspected.show("lens")
    inspected.qtbot.waitUntil(lambda: view.table.cells.columnCount() == len(IDS))
    assert not pane.steps.isVisible()


def test_the_train_page_leads_to_the_pane_which_follows_what_becomes_of_the_run(
    open_window: Callable[..., Opened], small_run: Path, folders: Folders, qtbot: QtBot
) -> None:
    run = Path(shutil.copytree(small_run, folders.runs / "small"))
    newest = checkpoints(run)[-1].path
    opened = open_window()
    opened.window.show_page("train")
    qtbot.waitUntil(lambda: opened.window.commands.reason("run.inspect") is None)
    opened.window.commands.run("run.inspect")
    assert opened.window.current_page == "play"
    assert opened.window.playground.inspect.shown
    info = opened.services.inference
    qtbot.waitUntil(lambda: info.info is not None and info.info.folder == newest)
    inspected = Inspected(opened, qtbot, newest)
    qtbot.waitUntil(lambda: inspected.pane.steps.is_useful)
    view = read(inspected, "heads_by_step")
    assert view.table.cells.columnCount() == 3
    shutil.rmtree(run)
    qtbot.waitUntil(lambda: view.sentence.text() == "The run has no complete checkpoint any more.")


def test_a_run_that_is_deleted_before_anything_else_changes_in_it_is_missed_at_once(
    open_window: Callable[..., Opened], small_run: Path, folders: Folders, qtbot: QtBot
) -> None:
    run = Path(shutil.copytree(small_run, folders.runs / "small"))
    opened = open_window()
    opened.window.show_page("train")
    runs = opened.services.run_monitor
    qtbot.waitUntil(lambda: (entry := runs.entry(run)) is not None and "checkpoint_time" in entry.state.status)
    followed = RunCheckpoints(runs, opened.window)  # begins when nothing about the run is left to be told
    followed.use(checkpoints(run)[-1].path)
    qtbot.waitUntil(lambda: bool(followed.found))
    shutil.rmtree(run)
    qtbot.waitUntil(lambda: not followed.found)
