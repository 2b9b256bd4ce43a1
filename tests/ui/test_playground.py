"""The page with a real model: what is written, stopped, taken back, saved, and what goes wrong."""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QFont
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from safetensors.torch import load_file, save_file

from gptdesk.folders import Folders
from gptdesk.inference.cpu.compiling import CompiledStep, compile_step
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.database import Database
from gptdesk.store.document import Document
from gptdesk.ui import number_format
from gptdesk.ui.playground.empty_state import BEGINNINGS
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.widgets.question import Question

from .conftest import Opened

LONG = DecodingSettings(max_tokens=100_000, seed=1)
SHORT = DecodingSettings(max_tokens=8, seed=1)


def type_text(opened: Opened, text: str) -> None:
    QTest.keyClicks(opened.window.playground.editor, text)


def press(opened: Opened, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(opened.window, key, modifier)


def decode(opened: Opened, settings: DecodingSettings) -> None:
    opened.services.settings.update(decoding=settings)


def generate(opened: Opened, qtbot: QtBot) -> None:
    """One whole generation."""
    opened.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: not opened.window.session.busy, timeout=600_000)


def wait_for_words(opened: Opened, qtbot: QtBot) -> None:
    before = len(text_of(opened))
    qtbot.waitUntil(lambda: len(text_of(opened)) > before, timeout=600_000)


def text_of(opened: Opened) -> str:
    return opened.window.session.document.text


def saved(folders: Folders) -> Document:
    """The newest document as another process would find it."""
    database = Database(folders.data / "documents.sqlite")
    try:
        snapshot = database.load(database.entries()[0].id)
        assert snapshot is not None
        return Document(snapshot)
    finally:
        database.close()


def test_control_enter_goes_on_with_the_text_and_the_words_are_marked(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    type_text(opened, "Once upon a time")
    press(opened, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: opened.window.session.done is not None, timeout=600_000)
    qtbot.waitUntil(lambda: opened.state is State.READY)
    typed, generated = opened.window.session.document.runs
    assert typed.text == "Once upon a time"
    assert generated.generated
    assert len(generated.tokens) == 8
    assert all(len(token.top) == 10 for token in generated.tokens)
    assert generated.origin is not None
    assert (generated.origin.seed, generated.origin.finish_reason) == (1, "length")
    assert opened.window.playground.editor.shown == text_of(opened)


def test_control_right_at_the_end_writes_one_token_and_undo_takes_it_back(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    editor, session = opened.window.playground.editor, opened.window.session
    type_text(opened, "Once upon a time")
    texts = [text_of(opened)]
    for _ in range(3):
        QTest.keyClick(editor, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
        assert session.busy
        qtbot.waitUntil(lambda: not session.busy, timeout=600_000)
        texts.append(text_of(opened))
    assert [len(run.tokens) for run in session.document.runs] == [0, 1, 1, 1]
    assert editor.shown == texts[-1]
    assert opened.services.settings.value.decoding == SHORT
    for text in reversed(texts[:-1]):
        opened.window.playground.undo.trigger()
        assert text_of(opened) == text


def test_one_token_is_the_first_that_generate_writes(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    type_text(opened, "Once")
    opened.window.commands.run("text.next_token")
    qtbot.waitUntil(lambda: not opened.window.session.busy, timeout=600_000)
    (token,) = opened.window.session.document.runs[-1].tokens
    opened.window.playground.undo.trigger()
    generate(opened, qtbot)
    assert opened.window.session.document.runs[-1].tokens[0].id == token.id


def test_control_right_before_the_end_moves_by_a_word(opened: Opened) -> None:
    editor, session = opened.window.playground.editor, opened.window.session
    type_text(opened, "Once upon a time")
    QTest.keyClick(editor, Qt.Key.Key_Home)
    QTest.keyClick(editor, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert editor.textCursor().position() == len("Once ")
    assert (session.busy, text_of(opened)) == (False, "Once upon a time")
    assert opened.window.commands.reason("text.next_token") == "The caret is not at the end of the text."


def test_the_same_seed_gives_the_same_text_in_the_window(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    type_text(opened, "Once")
    generate(opened, qtbot)
    first = text_of(opened)
    opened.window.playground.undo.trigger()
    generate(opened, qtbot)
    assert text_of(opened) == first


def test_escape_stops_and_keeps_what_was_written(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, LONG)
    type_text(opened, "Once")
    opened.window.playground.generate.trigger()
    wait_for_words(opened, qtbot)
    press(opened, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: opened.state is State.READY)
    done = opened.window.session.done
    assert done is not None
    assert done.finish_reason == "cancelled"
    assert text_of(opened) == "Once" + done.text


def test_typing_while_it_writes_stops_it_and_the_letter_stands_where_it_was_typed(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, LONG)
    type_text(opened, "Once")
    opened.window.playground.generate.trigger()
    wait_for_words(opened, qtbot)
    type_text(opened, "!")
    text = text_of(opened)
    qtbot.waitUntil(lambda: opened.state is State.READY)
    assert text_of(opened) == text
    assert text.endswith("!")
    assert opened.window.playground.editor.shown == text


def test_generate_right_after_an_edit_waits_for_the_old_one_to_end(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, LONG)
    type_text(opened, "Once")
    opened.window.playground.generate.trigger()
    wait_for_words(opened, qtbot)
    decode(opened, SHORT)
    type_text(opened, "!")
    text = text_of(opened)
    opened.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: not opened.window.session.busy, timeout=600_000)
    assert text_of(opened).startswith(text)
    assert len(opened.window.session.document.runs[-1].tokens) == 8


def test_typing_and_generations_are_undone_and_done_again_in_their_order(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    page = opened.window.playground
    texts = [""]
    assert not page.undo.isEnabled()
    type_text(opened, "Once")
    texts.append(text_of(opened))
    generate(opened, qtbot)
    texts.append(text_of(opened))
    type_text(opened, "!")
    texts.append(text_of(opened))
    generate(opened, qtbot)
    texts.append(text_of(opened))
    assert not page.redo.isEnabled()
    for text in reversed(texts[:-1]):
        assert page.undo.isEnabled()
        press(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert text_of(opened) == text == page.editor.shown
        assert page.editor.textCursor().position() == len(text)
    assert not page.undo.isEnabled()
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    keys = [(Qt.Key.Key_Y, control), (Qt.Key.Key_Z, control | shift)] * 2
    for text, key in zip(texts[1:], keys, strict=True):
        assert page.redo.isEnabled()
        press(opened, *key)
        assert text_of(opened) == text == page.editor.shown
    assert not page.redo.isEnabled()


def test_the_arrows_under_the_text_undo_typing_too_and_what_is_out_of_sight_is_shown(opened: Opened) -> None:
    page = opened.window.playground
    page.editor.replace_selection("line\n" * 200)
    page.editor.show_place(0)
    type_text(opened, "x")
    page.editor.show_end()
    page.bar.undo.click()
    assert text_of(opened) == "line\n" * 200
    assert page.editor.textCursor().position() == 0
    assert page.editor.verticalScrollBar().value() < page.editor.viewport().height()


def test_the_arrows_are_both_there_or_both_gone_at_every_width(opened: Opened, qtbot: QtBot) -> None:
    bar, window = opened.window.playground.bar, opened.window
    type_text(opened, "x")
    window.commands.run("document.pane")
    for width in (*range(1300, 720, -20), *range(720, 1300, 20)):
        window.resize(width, 700)
        qtbot.waitUntil(lambda width=width: window.width() == width)
        QCoreApplication.processEvents()
        assert bar.undo.isHidden() == bar.redo.isHidden(), width


def test_undo_while_it_writes_takes_back_what_was_written(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, LONG)
    type_text(opened, "Once")
    opened.window.playground.generate.trigger()
    wait_for_words(opened, qtbot)
    opened.window.playground.undo.trigger()
    qtbot.waitUntil(lambda: opened.state is State.READY)
    assert text_of(opened) == "Once"


def test_figures_of_a_generation_go_when_it_is_undone(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    type_text(opened, "Once")
    generate(opened, qtbot)
    assert "stopped" in opened.window.status.figures.text()
    opened.window.playground.undo.trigger()
    assert opened.window.status.figures.text() == ""


def test_regenerate_writes_the_last_part_anew_and_undo_brings_the_old_one_back(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, DecodingSettings(max_tokens=12))
    type_text(opened, "Once")
    generate(opened, qtbot)
    first = text_of(opened)
    opened.window.playground.regenerate.trigger()
    qtbot.waitUntil(lambda: not opened.window.session.busy, timeout=600_000)
    assert text_of(opened).startswith("Once")
    assert text_of(opened) != first
    opened.window.playground.undo.trigger()
    assert text_of(opened) == first


def test_a_prompt_given_while_the_model_loads_waits_for_it_and_says_so(
    open_window: Callable[..., Opened], qtbot: QtBot
) -> None:
    opened = open_window()
    decode(opened, SHORT)
    type_text(opened, "Once")
    opened.window.playground.generate.trigger()
    assert opened.state is State.LOADING
    assert "as soon as the model is there" in opened.window.status.state.text()
    type_text(opened, "x")
    assert opened.window.session.waiting is None  # an edit takes the wish back
    opened.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: opened.window.session.done is not None, timeout=600_000)
    assert text_of(opened).startswith("Oncex")


def test_an_empty_text_begins_a_document(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    assert opened.window.playground.empty.isVisible()
    generate(opened, qtbot)
    assert len(opened.window.session.document.runs[0].tokens) == 8
    assert not opened.window.playground.empty.isVisible()


def test_a_beginning_that_is_offered_becomes_the_text(opened: Opened) -> None:
    opened.window.playground.empty.buttons[0].click()
    assert text_of(opened) == BEGINNINGS[0]
    assert opened.window.playground.editor.textCursor().position() == len(text_of(opened))


def test_a_text_longer_than_the_context_says_so_and_goes_on(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    opened.window.playground.editor.replace_selection("word " * 200)
    generate(opened, qtbot)
    assert opened.window.session.done is not None
    assert any("context" in text for text in opened.window.banners.texts)
    qtbot.waitUntil(lambda: opened.window.status.tokens.property("kind") == "warn")
    assert "more than the context of 64" in opened.window.status.tokens.text()


def test_a_stop_string_ends_the_text_before_it(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, DecodingSettings(max_tokens=20, temperature=0))
    type_text(opened, "Once")
    generate(opened, qtbot)
    words = text_of(opened)[len("Once") :]
    stop = words[len(words) // 2 :][:3]
    opened.window.playground.undo.trigger()
    decode(opened, DecodingSettings(max_tokens=20, temperature=0, stop=(stop,)))
    generate(opened, qtbot)
    assert opened.window.session.done is not None
    assert opened.window.session.done.finish_reason == "stop"
    assert text_of(opened) == "Once" + words.partition(stop)[0]
    for run in opened.window.session.document.runs[1:]:
        assert sum(token.length for token in run.tokens) == len(run.text)


def test_what_is_written_is_saved_at_once_when_it_ends(opened: Opened, qtbot: QtBot, folders: Folders) -> None:
    decode(opened, SHORT)
    type_text(opened, "Once")
    with qtbot.waitSignal(opened.services.storage.saved):
        generate(opened, qtbot)
    qtbot.waitUntil(lambda: saved(folders).text == text_of(opened))
    first = saved(folders).runs[1].tokens[0]
    assert first.top
    assert first.entropy


def test_text_and_settings_come_back_after_a_restart(open_window: Callable[..., Opened], qtbot: QtBot) -> None:
    first = open_window()
    type_text(first, "Es war einmal")
    first.services.settings.update(text_size=24, decoding=DecodingSettings(temperature=0.3, stop=("\n",)))
    first.close()
    second = open_window(None)
    assert text_of(second) == "Es war einmal" == second.window.playground.editor.shown
    assert second.services.settings.value.decoding.temperature == 0.3
    assert second.window.playground.panel.rows["temperature"].value == 0.3
    assert second.window.playground.editor.text_size == 24


def test_documents_are_kept_apart(opened: Opened, qtbot: QtBot) -> None:
    type_text(opened, "First text")
    first = opened.window.session.document.id
    opened.window.documents.new()
    assert text_of(opened) == "" == opened.window.playground.editor.shown
    type_text(opened, "Second text")
    assert opened.window.title.text() == "Second text"
    opened.window.session.flush()
    qtbot.waitUntil(lambda: len(opened.services.storage.entries()) == 2)
    opened.window.documents.open(first)
    assert text_of(opened) == "First text" == opened.window.playground.editor.shown


def test_a_new_document_ends_what_is_being_written_and_keeps_it(opened: Opened, qtbot: QtBot, folders: Folders) -> None:
    decode(opened, LONG)
    type_text(opened, "Once")
    opened.window.playground.generate.trigger()
    wait_for_words(opened, qtbot)
    opened.window.documents.new()
    qtbot.waitUntil(lambda: opened.state is State.READY)
    assert text_of(opened) == ""
    assert len(saved(folders).text) > len("Once")


def test_closing_while_it_writes_keeps_the_words(opened: Opened, qtbot: QtBot, folders: Folders) -> None:
    decode(opened, LONG)
    type_text(opened, "Once")
    opened.window.playground.generate.trigger()
    wait_for_words(opened, qtbot)
    text = text_of(opened)
    opened.close()
    assert saved(folders).text == text


def test_closing_while_it_loads(open_window: Callable[..., Opened]) -> None:
    opened = open_window()
    assert opened.state is State.LOADING
    opened.close()


def test_another_model_while_it_writes(opened: Opened, qtbot: QtBot, tiny_model_folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(tiny_model_folder, tmp_path / "other model")
    decode(opened, LONG)
    type_text(opened, "Once")
    opened.window.playground.generate.trigger()
    wait_for_words(opened, qtbot)
    opened.window.chooser.choose(str(other))
    qtbot.waitUntil(lambda: opened.state is State.READY, timeout=600_000)
    assert opened.services.inference.info is not None
    assert opened.services.inference.info.model == str(other)
    assert opened.window.chooser.text().startswith("other model")
    assert opened.window.session.document.runs[-1].generated
    decode(opened, SHORT)
    generate(opened, qtbot)
    assert opened.window.session.document.runs[-1].origin.model == str(other)


def test_models_changed_quickly_end_with_the_last(
    opened: Opened, qtbot: QtBot, tiny_model_folder: Path, tmp_path: Path
) -> None:
    others = [shutil.copytree(tiny_model_folder, tmp_path / name) for name in "abc"]
    for other in others:
        opened.window.chooser.choose(str(other))
    qtbot.waitUntil(lambda: opened.state is State.READY, timeout=600_000)
    assert opened.services.inference.info.model == str(others[-1])
    assert opened.window.banners.texts == []
    assert opened.services.settings.value.recent_models[:3] == tuple(str(other) for other in reversed(others))


def test_loading_can_be_cancelled(opened: Opened, qtbot: QtBot, tiny_model_folder: Path) -> None:
    opened.services.settings.update(device="cpu")
    assert opened.state is State.LOADING
    opened.window.status.cancel.click()
    qtbot.waitUntil(lambda: opened.state is State.EMPTY)
    assert "cancelled" in opened.window.banners.texts[0]
    opened.window.playground.generate.trigger()
    assert any("No model is loaded" in text for text in opened.window.banners.texts)


def break_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def cut_weights(folder: Path) -> None:
    os.truncate(folder / "model.safetensors", 1000)


def remove_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def spoil_weights(folder: Path) -> None:
    """Makes numbers of them that are none."""
    tensors = load_file(folder / "model.safetensors")
    tensors = {name: torch.full_like(tensor, torch.nan) for name, tensor in tensors.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("break_it", [break_config, cut_weights, remove_weights, spoil_weights])
def test_a_broken_model_is_a_sentence_with_a_way_out(
    open_window: Callable[..., Opened],
    qtbot: QtBot,
    tiny_model_folder: Path,
    tmp_path: Path,
    break_it: Callable[[Path], None],
) -> None:
    broken = shutil.copytree(tiny_model_folder, tmp_path / "broken")
    break_it(broken)
    opened = open_window(str(broken))
    type_text(opened, "Once")
    opened.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: opened.state is State.EMPTY, timeout=600_000)
    (text,) = opened.window.banners.texts
    assert text.endswith(".")
    assert text_of(opened) == "Once"
    assert not opened.window.session.busy
    opened.window.chooser.choose(str(tiny_model_folder))
    qtbot.waitUntil(lambda: opened.state is State.READY, timeout=600_000)
    assert opened.window.banners.texts == []


def test_a_missing_model_leaves_the_window_usable(open_window: Callable[..., Opened], qtbot: QtBot) -> None:
    opened = open_window("/nowhere/at all")
    qtbot.waitUntil(lambda: opened.state is State.EMPTY, timeout=600_000)
    assert "nowhere" in opened.window.banners.texts[0]
    type_text(opened, "still here")
    assert text_of(opened) == "still here"


def test_a_device_that_is_not_there_is_a_sentence(opened: Opened, qtbot: QtBot) -> None:
    opened.services.settings.update(device="mps")
    qtbot.waitUntil(lambda: opened.window.banners.texts != [], timeout=600_000)
    assert "'mps' is not there" in opened.window.banners.texts[0]
    opened.services.settings.update(device="cpu", precision="bfloat16")
    qtbot.waitUntil(lambda: opened.state is State.READY, timeout=600_000)
    assert "bfloat16" in opened.window.device.text()


def test_the_menu_of_precisions_says_what_they_cost(opened: Opened) -> None:
    opened.window.device._fill()
    names = [action.text() for action in opened.window.device._menu.actions()]
    assert [name for name in names if name.startswith("int")] == [
        f"int8 · perplexity +{number_format.decimal(0.07, 2)} %",
        f"int4 · perplexity +{number_format.decimal(0.9, 2)} %",
    ]


def test_the_window_says_when_compiled_code_has_taken_over(
    opened: Opened, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    from gptdesk.inference import decoder_loader

    compiled: Future[CompiledStep] = Future()
    monkeypatch.setattr(decoder_loader, "find_step", lambda: None)
    monkeypatch.setattr(decoder_loader, "compile_elsewhere", lambda: compiled)
    opened.services.settings.update(threads=2)
    qtbot.waitUntil(lambda: opened.state is State.READY, timeout=600_000)
    assert "int8 ·" in opened.window.device.text()
    assert "compiled" not in opened.window.device.toolTip()
    decode(opened, SHORT)
    type_text(opened, "Once")
    generate(opened, qtbot)
    assert opened.window.session.done is not None
    assert (opened.window.session.done.precision, opened.window.session.done.backend) == ("int8", "numpy")
    compiled.set_result(compile_step())
    qtbot.waitUntil(lambda: _generated_by_compiled_code(opened, qtbot), timeout=600_000)
    qtbot.waitUntil(lambda: "Decoded by compiled code" in opened.window.device.toolTip(), timeout=600_000)


def _generated_by_compiled_code(opened: Opened, qtbot: QtBot) -> bool:
    generate(opened, qtbot)
    done = opened.window.session.done
    return done is not None and (done.precision, done.backend) == ("int8", "numba")


def test_the_status_line_says_how_it_went(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    type_text(opened, "Once")
    generate(opened, qtbot)
    figures = opened.window.status.figures.text()
    assert "tok/s" in figures
    assert "first token" in figures
    assert "stopped: max tokens reached" in figures
    assert "seed 1" in opened.window.status.figures.toolTip()
    qtbot.waitUntil(lambda: "1 of them before the last generation" in opened.window.status.tokens.toolTip())


def test_tokens_are_counted_as_one_types(opened: Opened, qtbot: QtBot) -> None:
    type_text(opened, "Once upon a time")
    qtbot.waitUntil(lambda: opened.window.status.tokens.text() == "4 of 64 tokens of context")


def test_a_million_characters_do_not_hold_up_the_page(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    opened.window.playground.editor.replace_selection("The sea was calm. " * 60_000)
    qtbot.waitUntil(lambda: "300,00" in opened.window.status.tokens.text(), timeout=600_000)
    generate(opened, qtbot)
    assert len(opened.window.session.document.runs[-1].tokens) == 8


def test_the_full_disk_is_said_once_and_forgotten_when_it_is_over(
    opened: Opened, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = opened.services.storage._database._connection
    pages = connection.execute("pragma page_count").fetchone()[0]
    connection.execute(f"pragma max_page_count = {pages}")
    opened.window.playground.editor.replace_selection("x" * 200_000)
    qtbot.waitUntil(lambda: any("disk is full" in text for text in opened.window.banners.texts))
    connection.execute("pragma max_page_count = 100000")
    type_text(opened, "y")
    qtbot.waitUntil(lambda: opened.window.banners.texts == [])


def test_zoom_and_theme_are_remembered(opened: Opened, qapp: QApplication) -> None:
    size = opened.services.settings.value.text_size
    press(opened, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    assert opened.window.playground.editor.text_size == size + 2
    press(opened, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert opened.window.playground.editor.text_size == size
    opened.services.settings.update(theme="dark")
    assert opened.services.theme.dark


def test_regenerate_says_what_it_removed_and_undo_brings_it_back(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, DecodingSettings(max_tokens=6))
    type_text(opened, "Once")
    generate(opened, qtbot)
    type_text(opened, " and so on")
    before = text_of(opened)
    opened.window.playground.regenerate.trigger()
    qtbot.waitUntil(lambda: not opened.window.session.busy, timeout=600_000)
    assert "and so on" not in text_of(opened)
    message = next(card.message for card in opened.window.toasts.cards if "removed 3 words" in card.message.text)
    type_text(opened, " more")
    message.offers[0][1]()
    assert text_of(opened) == before
    opened.window.documents.new()
    type_text(opened, "another")
    message.offers[0][1]()
    assert text_of(opened) == "another"


def test_regenerate_asks_before_it_removes_much_that_was_typed(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, DecodingSettings(max_tokens=6))
    type_text(opened, "Once")
    generate(opened, qtbot)
    opened.window.playground.editor.replace_selection(" word" * 100)
    before = text_of(opened)
    opened.window.playground.regenerate.trigger()
    question = opened.window.findChildren(Question)[-1]
    assert "499 characters" in question.words.text()
    question.reject()
    assert text_of(opened) == before
    opened.window.playground.regenerate.trigger()
    opened.window.findChildren(Question)[-1].buttons[0].click()
    qtbot.waitUntil(lambda: not opened.window.session.busy, timeout=600_000)
    assert " word word" not in text_of(opened)


def test_regenerate_with_a_fixed_seed_says_why_the_text_is_the_same_and_offers_another(
    opened: Opened, qtbot: QtBot
) -> None:
    decode(opened, DecodingSettings(max_tokens=12, seed=7))
    type_text(opened, "Once")
    generate(opened, qtbot)
    before = text_of(opened)
    opened.window.playground.regenerate.trigger()
    qtbot.waitUntil(lambda: not opened.window.session.busy, timeout=600_000)
    assert text_of(opened) == before
    message = next(card.message for card in opened.window.toasts.cards if "fixed at 7" in card.message.text)
    message.offers[0][1]()
    qtbot.waitUntil(lambda: not opened.window.session.busy, timeout=600_000)
    assert text_of(opened) != before
    assert opened.services.settings.value.decoding.seed not in (None, 7)


def test_regenerate_at_temperature_0_says_why_the_text_is_the_same(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, DecodingSettings(max_tokens=4, temperature=0))
    type_text(opened, "Once")
    generate(opened, qtbot)
    opened.window.playground.regenerate.trigger()
    qtbot.waitUntil(lambda: not opened.window.session.busy, timeout=600_000)
    assert any("temperature 0" in card.message.text for card in opened.window.toasts.cards)
    opened.window.documents.delete_current()
    assert not any("temperature 0" in card.message.text for card in opened.window.toasts.cards)


def test_the_seed_of_a_random_generation_is_shown_and_can_be_kept(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, DecodingSettings(max_tokens=8))
    seed = opened.window.playground.panel.seed
    assert not seed.keep.isEnabled()
    type_text(opened, "Once")
    generate(opened, qtbot)
    done = opened.window.session.done
    assert done is not None
    assert seed.used.text() == f"Last used: {done.seed}"
    before = text_of(opened)
    seed.keep.click()
    assert opened.services.settings.value.decoding.seed == done.seed
    assert not seed.keep.isEnabled()
    opened.window.playground.regenerate.trigger()
    qtbot.waitUntil(lambda: not opened.window.session.busy, timeout=600_000)
    assert text_of(opened) == before


def test_a_growing_text_is_followed_whatever_appears_around_it(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, DecodingSettings(max_tokens=60, seed=1))
    editor = opened.window.playground.editor
    editor.replace_selection("The sea was calm.\n" * 400)
    bar = editor.verticalScrollBar()
    opened.window.playground.generate.trigger()
    wait_for_words(opened, qtbot)
    opened.window.playground.bar.setFixedHeight(160)  # as if something had come up below the text
    opened.window.resize(1000, 700)
    qtbot.waitUntil(lambda: not opened.window.session.busy, timeout=600_000)
    QApplication.processEvents()
    assert bar.value() == bar.maximum()
    assert editor.viewport().rect().contains(editor.cursorRect().center())
    opened.window.session.generate()
    wait_for_words(opened, qtbot)
    bar.setValue(0)  # the person reads elsewhere
    qtbot.waitUntil(lambda: not opened.window.session.busy, timeout=600_000)
    assert bar.value() == 0


def test_the_hint_of_an_empty_text_stands_where_the_text_will(opened: Opened) -> None:
    page = opened.window.playground
    for size in (18, 12, 30):  # the first as the window comes up
        opened.services.settings.update(text_size=size)
        QApplication.processEvents()
        caret = page.editor.viewport().mapTo(page.editor, page.editor.cursorRect().topLeft())
        hint = page.empty.hint.mapTo(page.editor, page.empty.hint.rect().topLeft())
        assert abs(caret.y() - hint.y()) <= 1
        assert abs(caret.x() - hint.x()) <= 1


@pytest.mark.parametrize("pixels", [13, 24])
def test_no_button_under_the_text_is_cut_off_in_the_smallest_window(
    open_window: Callable[..., Opened], qapp: QApplication, qtbot: QtBot, pixels: int
) -> None:
    before = qapp.font()
    font = QFont(before)
    opened = open_window()
    font.setPixelSize(pixels)
    qapp.setFont(font)
    try:
        opened.window.resize(900, 600)
        bar = opened.window.playground.bar
        buttons = bar.generate, bar.stop, bar.regenerate, bar.undo, bar.redo
        qtbot.waitUntil(lambda: all(button.width() >= button.sizeHint().width() for button in buttons))  # in two rounds
        assert bar.generate.text().startswith("Generate")
        for button in buttons:
            assert button.geometry().right() < bar.width()
            assert button.accessibleName()
    finally:
        qapp.setFont(before)


def test_one_token_is_one_token(opened: Opened, qtbot: QtBot) -> None:
    type_text(opened, "Once")
    qtbot.waitUntil(lambda: opened.window.status.tokens.text() == "1 of 64 tokens of context", timeout=600_000)
    opened.services.inference.unload()
    qtbot.waitUntil(lambda: opened.window.status.tokens.text() == "1 token", timeout=600_000)
