"""The dialog of probable continuations, with a real model."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QTreeWidgetItem
from pytestqt.qtbot import QtBot

from gptdesk.gpt2.checkpoint import save_model
from gptdesk.gpt2.layout import read_config
from gptdesk.inference.continuations.beginnings import Beginning, shared_beginnings
from gptdesk.inference.continuations.continuation import Continuation
from gptdesk.inference.continuations.search import probable_continuations
from gptdesk.inference.engine import Engine
from gptdesk.store.document import Document
from gptdesk.ui.playground.continuations.search_dialog import SearchDialog
from gptdesk.ui.playground.token_card.labels import percent
from gptdesk.ui.services.inference_messages import State
from tests.gpt2.tokenizers.folders import make_folder
from tests.random_models import random_model

from .conftest import Opened

TEXT = "Once upon a time there was a fox."
PROMPT = "Once upon a time"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model of characters whose distributions are peaked."""
    folder = make_folder(tmp_path / "characters", "characters")
    save_model(random_model(read_config(folder), seed=3, std=0.5), folder)
    return folder


@pytest.fixture
def opened(open_window: Callable[..., Opened], model: Path, qtbot: QtBot) -> Opened:
    one = open_window(str(model))
    qtbot.waitUntil(lambda: one.state is State.READY)
    return one


def open_dialog(opened: Opened, qtbot: QtBot) -> SearchDialog:
    """The dialog for the text before " there"."""
    session, editor = opened.window.session, opened.window.playground.editor
    session.edit(0, len(session.document.text), TEXT)
    editor.show_place(len(PROMPT))
    opened.window.commands.run("text.probable_continuations")
    (dialog,) = opened.window.findChildren(SearchDialog)
    search(dialog, 9, 2)
    return dialog  # type: ignore[no-any-return]


def search(dialog: SearchDialog, count: int, length: int) -> None:
    dialog.count.setValue(count)
    dialog.length.setValue(length)
    dialog.search()


def wait_for_end(dialog: SearchDialog, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: dialog.search_button.text() == "Search")


def rows(dialog: SearchDialog) -> list[QTreeWidgetItem]:
    root = dialog.tree.invisibleRootItem()
    items = [root.child(row) for row in range(root.childCount())]
    for item in items:
        items += [item.child(row) for row in range(item.childCount())]
    return items


def flat(tops: tuple[Beginning, ...]) -> list[Beginning]:
    found = list(tops)
    for one in found:
        found += one.children
    return found


def test_it_shows_what_the_search_finds_as_a_tree_with_the_mass(opened: Opened, qtbot: QtBot, model: Path) -> None:
    dialog = open_dialog(opened, qtbot)
    wait_for_end(dialog, qtbot)
    info = opened.services.inference.info
    assert info is not None
    engine = Engine.load(model, device=info.device, precision=info.precision)
    expected = list(probable_continuations(engine, PROMPT, count=9, length=2))
    tree = flat(shared_beginnings(expected))
    assert [item.text(1) for item in rows(dialog)] == [percent(one.probability) for one in tree]
    assert len(tree) > 9, "some of them share their first token"
    mass = percent(math.fsum(one.probability for one in expected))
    assert dialog.mass.text() == f"9 continuations with {mass} of the probability"
    dialog.reject()


def test_enter_takes_one_as_a_generated_branch_that_undo_takes_back(opened: Opened, qtbot: QtBot) -> None:
    dialog = open_dialog(opened, qtbot)
    wait_for_end(dialog, qtbot)
    chosen = dialog.tree.chosen
    assert chosen is not None
    QTest.keyClick(dialog.tree, Qt.Key.Key_Return)
    assert not dialog.isVisible()
    session = opened.window.session
    typed, generated = session.document.runs
    assert typed.text == PROMPT
    assert [(token.id, token.logprob) for token in generated.tokens] == list(
        zip(chosen.ids, chosen.logprobs, strict=True)
    )
    assert (generated.origin.finish_reason, generated.origin.model) == ("chosen", opened.services.inference.info.model)
    assert opened.window.playground.editor.is_at_end
    opened.window.playground.undo.trigger()
    assert session.document.text == TEXT


def test_a_search_can_be_stopped_and_what_it_found_stays(opened: Opened, qtbot: QtBot) -> None:
    dialog = open_dialog(opened, qtbot)
    search(dialog, 100, 20)
    dialog.search_button.click()
    assert dialog.search_button.text() == "Search"
    qtbot.waitUntil(lambda: not opened.services.inference.reads.busy)
    assert dialog.mass.text().startswith("Stopped") or not dialog.mass.text()
    dialog.reject()


def test_closing_ends_the_search(opened: Opened, qtbot: QtBot) -> None:
    dialog = open_dialog(opened, qtbot)
    search(dialog, 100, 20)
    dialog.reject()
    qtbot.waitUntil(lambda: not opened.services.inference.reads.busy)
    assert opened.window.session.document.text == TEXT


def test_it_closes_with_its_document_and_changes_no_other(opened: Opened, qtbot: QtBot) -> None:
    dialog = open_dialog(opened, qtbot)
    wait_for_end(dialog, qtbot)
    opened.window.session.open(Document())
    assert not dialog.isVisible()
    assert opened.window.session.document.text == ""


def test_what_a_model_found_cannot_be_taken_with_another(opened: Opened, qtbot: QtBot) -> None:
    dialog = open_dialog(opened, qtbot)
    wait_for_end(dialog, qtbot)
    opened.services.settings.update(threads=1)
    qtbot.waitUntil(lambda: opened.state is State.READY)
    assert dialog.tree.chosen is None
    dialog.search_button.click()
    wait_for_end(dialog, qtbot)
    assert dialog.tree.chosen is not None
    dialog.reject()


def test_without_a_model_it_says_so(opened: Opened, qtbot: QtBot) -> None:
    dialog = open_dialog(opened, qtbot)
    opened.services.inference.unload()
    qtbot.waitUntil(lambda: not opened.services.inference.reads.busy)
    dialog.search()
    assert "No model is loaded" in dialog.problem.text()
    assert dialog.search_button.text() == "Search"
    dialog.reject()


def test_an_entry_that_the_person_chose_stays_chosen_while_more_are_found(opened: Opened, qtbot: QtBot) -> None:
    dialog = open_dialog(opened, qtbot)
    wait_for_end(dialog, qtbot)
    info = opened.services.inference.info
    found = [
        Continuation(info.tokenizer.decode(ids), ids, (math.log(one), math.log(0.5)))
        for ids, one in (((1, 2), 0.1), ((3, 4), 0.2), ((5, 6), 0.3))
    ]
    dialog.tree.show_found(found[:1], info.tokenizer)
    dialog.tree.show_found(found[:2], info.tokenizer)
    assert dialog.tree.chosen is not None
    assert dialog.tree.chosen.ids == (3, 4), "the most probable one"
    QTest.keyClick(dialog.tree, Qt.Key.Key_Down)
    dialog.tree.show_found(found, info.tokenizer)
    assert dialog.tree.chosen.ids == (1, 2)
    dialog.reject()
