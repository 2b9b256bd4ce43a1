"""The Inspect pane by keyboard: what each view shows, that it gives way, and that a closed one asks for nothing."""

import csv
import io
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.inspection import ablation
from gptdesk.inference.inspection.embeddings import nearest
from gptdesk.inference.inspection.lens import lens
from gptdesk.inference.inspection.neurons import strongest_neurons
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.palette import DARK, LIGHT, Colours
from gptdesk.ui.playground.inspect.maps.heat_painting import colour_of, ink_on
from gptdesk.ui.playground.token_card.labels import token_text
from gptdesk.ui.services.reading.look_jobs import LookedText
from tests.patience import PATIENCE

from .contrast import contrast
from .inspecting import IDS, TEXT, Inspected, spoken, words
from .inspecting import inspected as inspected  # a fixture

KEY = Qt.Key


def test_the_lens_names_the_most_likely_tokens_and_leads_back_into_the_text(inspected: Inspected) -> None:
    window, pieces = inspected.window, [gpt2_tokenizer().piece(id) for id in IDS]
    inspected.editor.setFocus()
    QTest.keyClick(
        QApplication.focusWidget(), KEY.Key_I, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    )
    assert window.playground.inspect.shown
    inspected.wait()
    table, found = inspected.pane.view.table, lens(inspected.run)
    assert [table.cells.headerData(row, Qt.Orientation.Vertical) for row in range(3)] == ["L1", "L0", "start"]
    for column, piece in enumerate(pieces):
        assert table.cells.headerData(column, Qt.Orientation.Horizontal) == token_text(piece)
        for row in range(3):
            top = int(found.top_ids[2 - row, column, 0])
            assert words(table, row, column) == token_text(gpt2_tokenizer().piece(top))
    table.setFocus()
    assert table.currentIndex().column() == len(IDS) - 1  # the caret stands behind the last token
    QTest.keyClick(table, KEY.Key_Home)
    QTest.keyClick(table, KEY.Key_Right)
    QTest.keyClick(table, KEY.Key_Right)
    assert spoken(table).startswith("Behind “␣home”, after layer 1: most likely “")
    assert "In the text “.” follows: " in spoken(table)
    QTest.keyClick(table, KEY.Key_Return)
    assert inspected.editor.selection == (len("Tom went home"),) * 2
    table.setFocus()
    QTest.keyClick(table, KEY.Key_Escape)
    assert inspected.editor.hasFocus()


def test_the_lens_follows_caret_and_text(inspected: Inspected) -> None:
    table = inspected.show("lens").table
    inspected.editor.show_place(len("Tom went"))
    assert table.currentIndex().column() == 1
    inspected.write("Tom went")
    inspected.wait()
    assert table.cells.columnCount() == 2
    inspected.write("")
    inspected.qtbot.waitUntil(lambda: inspected.pane.message.isVisible())
    assert inspected.pane.message.text().startswith("Type a text")


def test_attention_shows_every_head_and_the_chosen_one_large(inspected: Inspected) -> None:
    view = inspected.show("attention")
    assert (view.heads.cells.rowCount(), view.heads.cells.columnCount()) == (2, 3)
    view.heads.setFocus()
    for key in (KEY.Key_Down, KEY.Key_Right, KEY.Key_Right):
        QTest.keyClick(view.heads, key)
        inspected.wait()
    assert inspected.pane.head.state.text() == "L1 H2"
    shown = torch.from_numpy(view.pattern.cells.grid.values).nan_to_num() ** 2  # colours are square roots
    torch.testing.assert_close(shown.float(), inspected.run.pattern(1)[2], atol=1e-5, rtol=1e-4)
    assert spoken(view.pattern).startswith("“␣too” looks at “Tom”: ")


def test_parts_add_up_to_the_lead_of_the_next_token(inspected: Inspected) -> None:
    inspected.editor.show_place(len("Tom went"))  # the model is asked for " home"
    view = inspected.show("parts")
    run = inspected.run
    with torch.inference_mode():
        logits = inspected.model(run.ids[None])[0, 1]
    home = IDS[2]
    rival = next(id for id in logits.topk(2).indices.tolist() if id != home)
    grid = view.table.cells.grid
    total = sum(
        float(grid.text(row, 1).replace("−", "-").replace(",", "")) for row in range(view.table.cells.rowCount())
    )
    assert total == pytest.approx(float(logits[home] - logits[rival]), abs=0.02)  # figures have three digits
    assert inspected.pane.head.state.text().startswith("“␣home” before “")
    inspected.editor.show_place(0)
    inspected.qtbot.waitUntil(lambda: inspected.pane.message.isVisible())
    assert inspected.pane.message.text().startswith("Nothing stands before this token")


def test_heads_are_scored_and_switched_off(inspected: Inspected) -> None:
    view = inspected.show("heads")
    assert (view.table.cells.rowCount(), view.table.cells.columnCount()) == (2, 3)
    view.table.setCurrentIndex(view.table.cells.index(0, 1))
    assert spoken(view.table).startswith("Layer 0, head 1: previous token 0.")
    for number in (1, 2):
        view.choice.setCurrentIndex(number)
        view.choice.activated.emit(number)
        inspected.wait()
        assert view.table.cells.columnCount() == 4
        assert all(words(view.table, row, column) for row in range(2) for column in range(4))
    assert "log-probability of" in inspected.pane.head.state.text()


def test_neurons_and_embeddings_are_those_of_the_token_before_the_caret(inspected: Inspected) -> None:
    view = inspected.show("neurons")
    expected = strongest_neurons(inspected.run, len(IDS) - 1)
    for row, neuron in enumerate(expected):
        assert words(view.table, row, 0).startswith(f"L{neuron.layer} N{neuron.unit} ")
    assert inspected.pane.head.state.text() == "at “␣too”"
    view = inspected.show("embeddings")
    near = nearest(inspected.model, IDS[-1])
    assert [words(view.table, row, 0) for row in range(len(near))] == [
        token_text(gpt2_tokenizer().piece(one.id)) for one in near
    ]
    view.table.setCurrentIndex(view.table.cells.index(0, 1))
    QTest.keyClick(view.table, KEY.Key_C, Qt.KeyboardModifier.ControlModifier)
    rows = list(csv.DictReader(io.StringIO(QApplication.clipboard().text())))
    assert len(rows) == 2 * len(near)
    assert rows[1]["text"] == words(view.table, 0, 1)
    assert rows[1]["meaning"] == spoken(view.table)


def test_it_gives_way_to_a_generation_and_is_finished_after_it(inspected: Inspected, qtbot: QtBot) -> None:
    view = inspected.show("heads")
    inspected.opened.services.settings.update(decoding=DecodingSettings(seed=1, max_tokens=3))
    view.choice.setCurrentIndex(2)
    view.choice.activated.emit(2)
    inspected.window.commands.run("text.generate")
    qtbot.waitUntil(lambda: not inspected.session.busy and len(inspected.session.document.text) > len(TEXT))
    inspected.wait()
    assert all(words(view.table, row, column) for row in range(2) for column in range(4))
    qtbot.waitUntil(lambda: not inspected.opened.services.inference.reads.busy)


def test_an_interrupted_ablation_leaves_nothing_running(
    inspected: Inspected, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, found, ended, ablate = threading.Event(), [], [], ablation.ablate

    def waits_behind_the_first_part(*arguments: Any, **named: Any) -> Iterator[ablation.Ablated]:
        try:
            for one in ablate(*arguments, **named):
                found.append(one)
                yield one
                held.wait(PATIENCE)
        except Interrupted:
            ended.append("interrupted")
            raise

    monkeypatch.setattr(ablation, "ablate", waits_behind_the_first_part)
    view, reads = inspected.show("heads"), inspected.opened.services.inference.reads
    view.choice.setCurrentIndex(2)
    view.choice.activated.emit(2)
    qtbot.waitUntil(lambda: inspected.pane.head.state.text().endswith(", 1 of 8 parts"))
    inspected.pane.head.close_button.click()
    assert not inspected.pane.busy
    held.set()
    qtbot.waitUntil(lambda: not reads.busy)
    assert ended == ["interrupted"]
    assert len(found) < 8


def test_a_closed_pane_asks_for_nothing(inspected: Inspected, qtbot: QtBot) -> None:
    inspected.show("lens")
    reads = inspected.opened.services.inference.reads
    looked: list[object] = []
    inspected.pane.head.close_button.click()
    assert not inspected.window.playground.inspect.shown
    assert inspected.editor.hasFocus()
    reads.looked.connect(looked.append)
    inspected.write(TEXT[:20])
    with qtbot.waitSignal(reads.read):
        reads.read_text(inspected.session.document.mixed)
    assert looked == []
    assert not inspected.pane.busy
    inspected.window.commands.run("inspect.show")
    inspected.wait()
    assert inspected.pane.view.table.cells.columnCount() == len(gpt2_tokenizer().encode(TEXT[:20]))


def test_another_model_is_looked_into_anew(inspected: Inspected) -> None:
    table = inspected.show("lens").table
    inspected.opened.services.inference.unload()
    assert inspected.pane.message.text() == "Load a model to look into it."
    assert table.cells.columnCount() == 0


def test_the_token_that_is_asked_about_is_found_by_the_caret() -> None:
    text = LookedText((1, 2, 3), ((10, 12), (12, 12), (12, 15)), 0)
    assert [text.position_at(caret) for caret in (9, 10, 11, 12, 14, 15, 16)] == [None, -1, -1, 1, 1, 2, None]


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_words_can_be_read_on_every_colour(colours: Colours) -> None:
    for step in range(-12, 13):
        fill = colour_of(step / 12, colours)
        assert contrast(ink_on(fill), fill) >= 4.5
