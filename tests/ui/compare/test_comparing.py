"""Comparing on the page: texts, figures, where they part, colours, columns that are missing, stopping."""

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from gptdesk.compare import engines
from gptdesk.inference.engine import Engine
from gptdesk.ui.services.comparison import lent_engines
from gptdesk.ui.services.inference_messages import State
from tests.patience import PATIENCE
from tests.ui.compare.conftest import CompareDriver


@pytest.mark.qt_log_ignore("This plugin does not support")  # tooltips of the offscreen platform
def test_columns_stream_and_figures_colours_and_distributions_follow(
    compare: CompareDriver, two_models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One window for all of it: what the columns show, and what is said of a token that one points at."""
    seen: list[str] = []
    compare.service.grown.connect(lambda *_: seen.append(compare.texts[0]))
    compare.choose(*two_models, two_models[0], precision="float32")
    compare.view.prompt.field.setFocus()
    QTest.keyClick(compare.view.prompt.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    compare.wait()
    results = compare.service.results
    texts = [results.cells[0, column].text for column in range(3)]
    assert compare.texts == texts
    assert texts[0] == texts[2] != texts[1]
    assert all(texts[0].startswith(one) for one in seen)
    panel = compare.view.panel
    figures = {row[0]: row[1:] for row in compare.table(panel.figures)}
    assert figures["Tokens"] == ["8", "8", "8"]
    assert {"Tokens/s", "Log-probability", "Distinct-1", "Repetition", "Characters"} <= set(figures)
    assert figures["KL, nats/token"][0] == "–"
    assert float(figures["KL, nats/token"][2]) <= 1e-6 < float(figures["KL, nats/token"][1])

    # Where they part is marked, and both distributions are beside each other.
    place = results.parting(0, 0, 1)
    assert place is not None
    marked = compare.columns[1].text.extraSelections()
    start = int(results.cells[0, 1].starts[place.second])
    assert [one.cursor.selectionStart() for one in marked] == [start]
    panel.show_tab(1)
    rows = compare.table(panel.token)
    assert sum("▸" in row[1] for row in rows) == sum("▸" in row[2] for row in rows) == 1
    assert next(row for row in rows if "▸" in row[1]) != next(row for row in rows if "▸" in row[2])
    said = hover(compare, 1, start)
    assert "Text 1: “" in said
    assert "Text 2: “" in said

    # The same text, read by each: colours of divergence, selection and caret in all of them.
    assert compare.opened.window.commands.run("compare.colours_kl")
    shared = results.shared_text(0)
    assert compare.texts == [shared] * 3
    assert len(compare.columns[0].text.extraSelections()) == 0
    assert len(compare.columns[1].text.extraSelections()) > 2
    text = compare.columns[1].text
    text.setFocus()
    text.moveCursor(QTextCursor.MoveOperation.End)
    text.moveCursor(QTextCursor.MoveOperation.StartOfLine, QTextCursor.MoveMode.KeepAnchor)
    selections = [column.text.textCursor().selectedText() for column in compare.columns]
    assert selections[0] == selections[1] == selections[2] != ""
    facts = {row[0]: row[1:] for row in compare.table(panel.token)}
    assert facts["KL, nats"][0] == "–"
    assert facts["Change, bits"][1][0] in "+−"
    assert "KL, nats: " in hover(compare, 1, len(shared) - 1)
    for theme in ("dark", "light"):
        compare.opened.services.settings.update(theme=theme)
    assert compare.opened.window.commands.run("compare.colours_change")
    assert len(compare.columns[1].text.extraSelections()) > 2

    # A column that is another one now has no text of the former one.
    compare.session.set_column(1, preset="Greedy")
    assert compare.texts == [shared, "", shared]
    assert compare.columns[1].state.text() == "Compare again"
    assert all(len(row) == 3 for row in compare.table(panel.figures))


def hover(compare: CompareDriver, column: int, character: int) -> str:
    """What the tooltip at a character says."""
    text = compare.columns[column].text
    cursor = QTextCursor(text.document())
    cursor.setPosition(character)
    at = text.cursorRect(cursor).center() + QPoint(2, 0)
    QApplication.sendEvent(text.viewport(), QHelpEvent(QEvent.Type.ToolTip, at, text.viewport().mapToGlobal(at)))
    said = str(text.tip(text.character_at(character)))
    QToolTip.hideText()
    return said


def test_scrolling_is_linked(compare: CompareDriver) -> None:
    compare.opened.window.resize(1000, 700)
    for column in compare.columns:
        column.text.show_text("\n".join(map(str, range(200))))
    bars = [column.text.verticalScrollBar() for column in compare.columns]
    bars[1].setValue(bars[1].maximum() // 2)
    assert bars[0].value() == bars[1].value() > 0


def test_a_model_that_disappears_between_two_columns_costs_one_sentence_in_its_column(
    compare: CompareDriver, two_models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    shutil.copytree(two_models[1], gone)
    compare.choose(two_models[0], gone, two_models[1], precision="float32")
    whole = Engine.load

    def losing(folder: Path, **options: Any) -> Engine:
        if folder == gone:
            shutil.rmtree(gone)
        return whole(folder, **options)

    monkeypatch.setattr(Engine, "load", losing)
    compare.run()
    assert compare.texts[0] != "" != compare.texts[2]
    assert compare.texts[1] == ""
    assert str(gone) in compare.problems[1]
    assert compare.problems[0] == compare.problems[2] == ""

    # It is missed beforehand, too, the others go on without it, and the export says why it has no text.
    compare.session.look_again()
    compare.qtbot.waitUntil(lambda: compare.session.found is not None and 1 in compare.session.found.problems)
    compare.run()
    assert "gone" in compare.problems[1]
    assert compare.texts[2] != ""
    compare.page.files.export(tmp_path / "a.json")
    compare.qtbot.waitUntil((tmp_path / "a.json").exists)
    written = json.loads((tmp_path / "a.json").read_text())
    assert list(written["failures"]) == ["gone · float32"]
    assert len(written["prompts"][0]["cells"]) == 2


def test_what_does_not_fit_is_said_beforehand_and_stop_keeps_what_is_there(
    compare: CompareDriver, two_models: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = engines.memory_together(compare.session.found.columns)
    monkeypatch.setattr(lent_engines, "free_memory", lambda: needed - 1)
    compare.session.look_again()
    compare.qtbot.waitUntil(lambda: "one after the other" in compare.view.prompt.line.accessibleName())
    compare.prompts("Once", "Twice", "Thrice")
    may_go_on = threading.Event()
    whole = Engine.load

    def slow(folder: Path, **options: Any) -> Engine:
        if folder == two_models[1]:
            may_go_on.wait(PATIENCE)
        return whole(folder, **options)

    monkeypatch.setattr(Engine, "load", slow)
    assert compare.opened.window.commands.run("compare.run")
    compare.qtbot.waitUntil(lambda: compare.columns[1].state.text().startswith("Loading"))
    QTest.keyClick(compare.view.prompt.field, Qt.Key.Key_Escape)
    busy = compare.service.busy
    may_go_on.set()
    assert not busy
    assert sorted(compare.service.results.cells) == [(0, 0), (1, 0), (2, 0)]
    for prompt in range(3):
        assert compare.texts == [compare.service.results.cells[prompt, 0].text, ""]
        compare.opened.window.commands.run("compare.next")
    assert compare.opened.window.commands.reason("compare.next") == "This is the last prompt."


def test_full_memory_is_one_sentence_and_the_page_works_on(
    compare: CompareDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, **options: Any) -> Engine:
        raise MemoryError("no room")

    compare.qtbot.waitUntil(lambda: compare.opened.state is State.READY)
    with monkeypatch.context() as patched:
        patched.setattr(Engine, "load", full)
        compare.run()
    assert all("memory is full" in problem for problem in compare.problems)
    compare.run()
    assert all(compare.texts)
