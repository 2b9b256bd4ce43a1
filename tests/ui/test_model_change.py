"""The Playground writes with a changed model: from a key to a chip, a generation, its replay, and back."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gptdesk.gpt2.checkpoint import save_model
from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.interventions import network
from gptdesk.inference.interventions.intervention import (
    WHOLE,
    Component,
    Intervention,
    Steering,
    parse_components,
)
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.playground.intervention.dialog import InterventionDialog
from gptdesk.ui.playground.replay.dialog import ReplayDialog
from gptdesk.ui.services.inference_messages import State
from tests.patience import PATIENCE

from .conftest import Opened

PROMPT: Final = "Tom went home. Lily was sad."
SETTINGS: Final = DecodingSettings(max_tokens=6, seed=3)


def change_of(opened: Opened) -> Any:
    return opened.window.session.model_change


def generate(opened: Opened, qtbot: QtBot) -> str:
    """Writes behind the prompt; returns what came."""
    session = opened.window.session
    opened.services.settings.update(decoding=SETTINGS)
    session.edit(0, len(session.document.text), PROMPT)
    opened.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: not session.busy)
    return str(session.document.text[len(PROMPT) :])


def replayed(opened: Opened, qtbot: QtBot) -> ReplayDialog:
    opened.window.commands.run("text.replay")
    dialog: ReplayDialog = opened.window.findChildren(ReplayDialog)[-1]
    qtbot.waitUntil(lambda: dialog.answer.accessibleDescription().startswith(("Identical", "The first", "It parts")))
    return dialog


def dialog_of(opened: Opened) -> InterventionDialog:
    assert opened.window.commands.run("model.change")
    dialog: InterventionDialog = opened.window.findChildren(InterventionDialog)[-1]
    return dialog


def test_a_head_is_switched_off_in_the_map_and_the_text_is_kept_with_it(opened: Opened, qtbot: QtBot) -> None:
    chip, whole = opened.window.playground.changed_model, generate(opened, qtbot)
    assert not chip.isVisible()
    opened.window.commands.run("inspect.heads")
    pane = opened.window.playground.inspect.slot.pane
    qtbot.waitUntil(lambda: not pane.busy and pane.view.table.cells.rowCount() == 2)
    table = pane.view.table
    table.setFocus()
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Delete):
        QTest.keyClick(table, key)
    assert change_of(opened).value == Intervention(without=(Component(1, 1),))
    assert chip.isVisible()
    assert chip.words.text() == "Model changed: without 1.1"
    assert table.currentIndex().data() == "off"
    assert generate(opened, qtbot) != whole
    origin = opened.window.session.document.last_origin()
    assert origin.intervention == change_of(opened).value
    assert (origin.backend, origin.runtime[:5]) == ("torch", "torch")
    dialog = replayed(opened, qtbot)
    assert dialog.answer.accessibleDescription() == "Identical, 6 tokens."
    assert dialog.values["Model changed"].text() == "without 1.1"
    dialog.reject()
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_Delete)
    assert change_of(opened).value == WHOLE
    assert not chip.isVisible()
    assert generate(opened, qtbot) == whole


def test_the_menu_of_a_cell_switches_its_part_or_its_layer_off(opened: Opened, qtbot: QtBot) -> None:
    opened.window.session.edit(0, 0, PROMPT)
    opened.window.commands.run("inspect.heads")
    pane = opened.window.playground.inspect.slot.pane
    qtbot.waitUntil(lambda: not pane.busy and pane.view.table.cells.rowCount() == 2)
    table = pane.view.table

    def chosen(text: str) -> None:
        menu = pane.view.menu_of(1, 0)
        next(action for action in menu.actions() if action.text() == text).trigger()
        menu.deleteLater()

    chosen("Write without head 1.0")
    chosen("Write without layer 1")
    assert change_of(opened).value == Intervention(without=(Component(1),))
    assert table.cells.index(1, 2).data() == "off"
    chosen("Write with layer 1 again")
    assert change_of(opened).value == WHOLE


def test_the_dialog_takes_parts_and_a_direction(opened: Opened, qtbot: QtBot) -> None:
    opened.window.session.edit(0, 0, PROMPT)
    dialog = dialog_of(opened)
    for typed, sentence in {
        "0.x": "is no part of a model",
        "2.0": "The model has the layers 0 to 1, so there is no layer 2.",
        "0.3": "Each layer of the model has the heads 0 to 2, so there is no 0.3.",
    }.items():
        dialog.parts.setText(typed)
        assert sentence in dialog.problem.accessibleName()
        assert not dialog.accept_button.isEnabled()
    dialog.parts.setText("0.1 1.mlp")
    dialog.replacement.setCurrentIndex(1)
    dialog.toward.setText(" happy\\n")
    dialog.layer.setValue(1)
    dialog.strength.slider.setValue(750)
    assert dialog.problem.text() == ""
    dialog.accept_button.click()
    steering = Steering(toward=" happy\n", layer=1, strength=2.0)
    wanted = Intervention(without=parse_components("0.1 1.mlp"), mean_of=PROMPT, steering=(steering,))
    assert change_of(opened).value == wanted
    opened.window.playground.changed_model.words.click()
    again = opened.window.findChildren(InterventionDialog)[-1]
    assert (again.parts.text(), again.toward.text(), again.strength.value) == ("0.1, 1.mlp", " happy\\n", 2.0)
    opened.window.session.edit(0, len(PROMPT), "")
    again.reject()
    third = dialog_of(opened)
    assert third.replacement.currentText() == "Their mean over the text of before"
    third.replacement.setCurrentIndex(1)
    assert "no text over which a mean" in third.problem.accessibleName()
    third.reject()
    opened.window.playground.changed_model.clear.click()
    assert change_of(opened).value == WHOLE


def test_several_completions_are_written_with_it_too(opened: Opened, qtbot: QtBot) -> None:
    generate(opened, qtbot)
    change_of(opened).set(Intervention(steering=(Steering(toward="sun", layer=1, strength=3.0),)))
    completions = opened.window._page("play").completions
    opened.services.settings.update(completions=2)
    opened.window.commands.run("completions.generate")
    qtbot.waitUntil(lambda: bool(completions.all) and all(one.ended for one in completions.all))
    for one in completions.all:
        assert one.run.origin.intervention == change_of(opened).value
        assert one.run.origin.backend == "torch"
    completions.keep_all()


def test_what_the_model_cannot_do_ends_with_a_sentence_and_nothing_is_lost(opened: Opened, qtbot: QtBot) -> None:
    change_of(opened).set(Intervention(steering=(Steering(toward="sun " * 500, layer=1),)))
    with qtbot.waitSignal(opened.window.session.failed) as failed:
        generate(opened, qtbot)
    assert "more than the model's context" in failed.args[0].sentence
    assert opened.window.session.document.text == PROMPT


def test_what_changes_the_model_is_read_with_progress_and_ends_when_cancelled(
    opened: Opened, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, texts, forward_pass = threading.Event(), itertools.count(), network.forward_pass

    def second_text_waits(*arguments: Any, **named: Any) -> Any:
        if next(texts) == 1:
            held.wait(PATIENCE)
        return forward_pass(*arguments, **named)

    monkeypatch.setattr(network, "forward_pass", second_text_waits)
    change_of(opened).set(Intervention(steering=(Steering(toward="sun", layer=1),)))
    session, figures = opened.window.session, opened.window.status.figures
    session.edit(0, 0, PROMPT)
    opened.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: figures.text() == "reading what changes the model, 25 %")  # the second of four blocks
    session.stop()
    held.set()
    qtbot.waitUntil(lambda: not session.busy)
    assert session.document.text == PROMPT
    assert next(texts) == 2, "the second text is not read"
    assert generate(opened, qtbot), "and the next generation begins anew"


@pytest.mark.parametrize("layers", [2, 3])
def test_it_holds_for_models_of_the_same_shape(
    opened: Opened, qtbot: QtBot, tmp_path: Path, layers: int, tiny_model_folder: Path
) -> None:
    value = Intervention(without=(Component(1, 1),))
    change_of(opened).set(value)
    toasts: list[Any] = []
    opened.services.messages.toasted.connect(toasts.append)
    model = GPT2(replace(read_config(tiny_model_folder), n_layer=layers))
    model.init_weights()
    save_model(model, tmp_path)
    opened.services.settings.update(model=str(tmp_path))
    info: Callable[[], Any] = lambda: opened.services.inference.info  # noqa: E731
    qtbot.waitUntil(lambda: info() is not None and info().folder == tmp_path and opened.state is State.READY)
    assert change_of(opened).value == (value if layers == 2 else WHOLE)
    assert any("so it is whole: “without 1.1”" in toast.text for toast in toasts) == (layers == 3)


def test_no_words_of_the_whole_model_are_suggested(opened: Opened, qtbot: QtBot) -> None:
    opened.services.settings.update(suggestions=True)
    opened.window.activateWindow()
    editor, suggestions = opened.window.playground.editor, opened.window.playground.suggestions
    editor.setFocus()
    qtbot.waitUntil(editor.hasFocus)
    QTest.keyClicks(editor, "Once upon")
    qtbot.waitUntil(lambda: suggestions.shown is not None)
    change_of(opened).toggle(Component(0))
    assert suggestions.shown is None
    assert not suggestions._wanted
    change_of(opened).clear()
    qtbot.waitUntil(lambda: suggestions.shown is not None)
