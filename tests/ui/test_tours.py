"""Every step of every guided tour opens its view in the real window."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from gptdesk.ui.playground.inspect.views import VIEWS
from gptdesk.ui.playground.tours.table import CARD, TEXT, TOKENS, TOURS, TRAIN, Tour

from .conftest import Opened


@pytest.fixture(params=TOURS, ids=lambda tour: tour.id)
def tour(request: pytest.FixtureRequest) -> Tour:
    found: Tour = request.param
    return found


def test_every_step_opens_its_view_and_the_end_leaves_the_document(opened: Opened, qtbot: QtBot, tour: Tour) -> None:
    window, settings = opened.window, opened.services.settings
    view, card = window.playground, window.playground.tour_card
    window.session.edit(0, 0, "What was written before")
    before = window.session.document.id
    assert not card.isVisible()
    assert window.commands.run(f"tour.{tour.id}")
    document = window.session.document
    assert (document.text, document.title) == (tour.text, tour.title)
    assert document.id != before
    assert opened.services.storage.load(before).nodes, "the document of before stays"
    for number, step in enumerate(tour.steps):
        assert step.view in (TEXT, CARD, TOKENS, TRAIN, *VIEWS)
        assert step.behind in tour.text
        if window.current_page == "play":
            assert card.isVisible()
        assert (card.title.text(), card.text.text()) == (step.title, step.text)
        assert settings.value.token_view == (step.view == TOKENS)
        assert view.inspect.shown == (step.view in VIEWS)
        if step.view in VIEWS:
            assert view.inspect.slot.pane.view is view.inspect.slot.pane.views[step.view]
        place = tour.text.index(step.behind) + len(step.behind) if step.behind else len(tour.text)
        assert view.editor.selection == (place, place)
        if step.view == CARD:
            assert view.tokens.card is not None
            assert view.tokens.card.isVisible()
            view.tokens.card.hide()
        assert window.current_page == ("train" if step.view == TRAIN else "play")
        last = number == len(tour.steps) - 1
        assert card.next.isEnabled() == (not last)
        card.next.click()
    window.show_page("play")
    card.back.click()
    assert card.title.text() == tour.steps[-2].title
    card.end.click()
    assert not card.isVisible()
    assert window.session.document is document
    if view.tokens.card is not None:
        view.tokens.card.hide()


def test_by_keyboard_the_focus_stays_in_the_card_until_the_tour_ends(opened: Opened, qtbot: QtBot) -> None:
    window, card, editor = opened.window, opened.window.playground.tour_card, opened.window.playground.editor
    qtbot.waitUntil(window.isActiveWindow)
    window.commands.run("tour.sinks")
    editor.setFocus()
    window.regions.go(-1)
    assert card.next.hasFocus()
    QTest.keyClick(card.next, Qt.Key.Key_Space)
    assert card.next.hasFocus()
    assert "Why the first token" in card.next.accessibleDescription()
    QTest.keyClick(card.next, Qt.Key.Key_Space)
    assert card.end.hasFocus()
    card.back.setFocus()
    for _ in range(2):
        QTest.keyClick(card.back, Qt.Key.Key_Space)
    assert card.next.hasFocus()
    card.end.setFocus()
    QTest.keyClick(card.end, Qt.Key.Key_Space)
    assert not card.isVisible()
    assert editor.hasFocus()


def test_another_document_ends_the_tour(opened: Opened) -> None:
    opened.window.commands.run(f"tour.{TOURS[0].id}")
    assert opened.window.playground.tour_card.isVisible()
    opened.window.documents.new()
    assert not opened.window.playground.tour_card.isVisible()


def test_menu_and_empty_document_offer_them(opened: Opened) -> None:
    titles = [tour.title for tour in TOURS]
    assert len(titles) == 6
    opened.window.menu.aboutToShow.emit()
    submenu = next(action.menu() for action in opened.window.menu.actions() if action.text() == "Guided tours")
    assert isinstance(submenu, QMenu)
    assert [action.text() for action in submenu.actions()] == titles
    assert [action.text() for action in opened.window.playground.empty._menu.actions()] == titles


def test_a_model_that_a_tour_needs_is_offered(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    opened.window.commands.run("tour.fact")
    card = opened.window.playground.tour_card
    assert card.model.isVisible()
    assert card.model.text() == "Download gpt2"
    asked: list[Any] = []
    downloads = opened.services.models.downloads
    monkeypatch.setattr(downloads, "add", lambda *arguments, **named: asked.append(arguments))
    card.model.click()
    assert asked
    assert asked[0][0].endswith("gpt2")
    assert opened.window.current_page == "models"
