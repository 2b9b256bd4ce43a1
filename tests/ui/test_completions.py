"""Several completions side by side, in the real window with a real model."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from gptdesk.gpt2.checkpoint import save_model
from gptdesk.gpt2.layout import read_config
from gptdesk.gpt2.model import GPT2
from gptdesk.inference.engine import Engine
from gptdesk.inference.events import DoneEvent
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.document import Document
from gptdesk.ui.playground.completions.card import CompletionCard
from gptdesk.ui.services.inference_messages import State
from tests.gpt2.tokenizers.folders import make_folder

from .conftest import Opened

PROMPT = "Once upon"
SETTINGS = DecodingSettings(max_tokens=12, seed=7, temperature=0.9, logit_bias={50256: -100.0})
LONG = replace(SETTINGS, max_tokens=100_000)


class Driven:
    """The window, and what there is of several completions."""

    def __init__(self, opened: Opened, qtbot: QtBot, settings: DecodingSettings = SETTINGS) -> None:
        self.opened, self.qtbot = opened, qtbot
        self.window, self.services = opened.window, opened.services
        self.session, self.view = self.window.session, self.window.playground
        self.completions: Any = self.window._page("play").completions
        self.toasts: list[Any] = []
        self.services.messages.toasted.connect(self.toasts.append)
        self.services.settings.update(decoding=settings)
        self.session.edit(0, len(self.session.document.text), PROMPT)

    @property
    def cards(self) -> list[CompletionCard]:
        return self.view.completions.grid.cards  # type: ignore[no-any-return]

    @property
    def texts(self) -> list[str]:
        return [each.mixed.spelled for each in self.completions.all]

    @property
    def text(self) -> str:
        return self.session.document.text  # type: ignore[no-any-return]

    def generate(self, count: int = 4) -> None:
        self.services.settings.update(completions=count)
        assert self.window.commands.run("completions.generate")

    def wait_for_end(self) -> None:
        self.qtbot.waitUntil(lambda: not self.completions.running)

    def wait_for_text(self) -> None:
        self.qtbot.waitUntil(lambda: bool(self.texts) and all(self.texts))

    def press(self, key: Qt.Key) -> None:
        """As a person does: the widget that has the focus gets it."""
        focused = self.window.focusWidget()
        assert focused is not None
        QTest.keyClick(focused, key)


@pytest.fixture
def driven(opened: Opened, qtbot: QtBot) -> Driven:
    return Driven(opened, qtbot)


@pytest.fixture
def endless(opened: Opened, qtbot: QtBot) -> Driven:
    """Completions that do not end by themselves."""
    return Driven(opened, qtbot, LONG)


def branches(document: Document) -> list[str]:
    """What the branches of the document say behind the prompt."""
    nodes = document.snapshot().nodes
    parents = {node.parent for node in nodes.values()}
    texts = [Document(msgspec.structs.replace(document.snapshot(), leaf=id)).text for id in nodes if id not in parents]
    return sorted(text.removeprefix(PROMPT) for text in texts)


def alone(folder: Path, settings: DecodingSettings) -> list[str]:
    """What one call of the engine for each seed gives."""
    engine = Engine.load(folder, device="cpu", precision="float32")
    found = []
    for index in range(4):
        events = engine.generate(PROMPT, replace(settings, seed=7 + index))
        found += [event.text for event in events if isinstance(event, DoneEvent)]
    return found


def test_each_completion_has_the_text_and_the_seed_that_it_has_alone(
    open_window: Callable[..., Opened], qtbot: QtBot, tiny_model_folder: Path
) -> None:
    opened = open_window(None)
    opened.services.settings.update(model=str(tiny_model_folder), precision="float32", device="cpu")
    qtbot.waitUntil(lambda: opened.services.inference.info is not None and opened.state is State.READY)
    driven = Driven(opened, qtbot)
    driven.generate()
    driven.wait_for_end()
    assert driven.texts == alone(tiny_model_folder, SETTINGS)
    assert [card.words.toPlainText() for card in driven.cards] == driven.texts
    assert "12 tokens" in driven.cards[0].figures.text()
    assert "mean log-probability −" in driven.cards[0].figures.text()
    assert driven.cards[0].state.text() == "Ended: max tokens reached"
    assert driven.text == PROMPT, "none is chosen yet"
    driven.window.commands.run("completions.close")
    driven.session.generate()
    qtbot.waitUntil(lambda: driven.session.done is not None)
    assert driven.text == PROMPT + alone(tiny_model_folder, SETTINGS)[0], "the first is what Generate writes"


def test_a_number_key_goes_on_with_a_completion_and_the_others_stay_as_branches(driven: Driven) -> None:
    driven.generate()
    driven.wait_for_end()
    texts, depth = driven.texts, driven.session.document.history.depth
    driven.press(Qt.Key.Key_3)
    assert driven.text == PROMPT + texts[2]
    assert driven.view.completions.isHidden()
    assert driven.session.document.history.depth == depth + 1
    assert branches(driven.session.document) == sorted(texts)
    run = driven.session.document.runs[-1]
    assert (run.origin.seed, run.origin.finish_reason, len(run.tokens)) == (9, "length", 12)
    assert run.origin.settings == SETTINGS
    assert run.origin.model == driven.services.settings.value.model
    assert len(run.tokens[0].top) == 10
    assert driven.session.done.seed == 9
    driven.window.commands.run("text.undo")
    assert driven.text == PROMPT
    assert branches(driven.session.document) == sorted(texts)
    driven.window.commands.run("text.redo")
    assert driven.text == PROMPT + texts[2]


def test_after_a_choice_the_keys_are_those_of_the_text_again(driven: Driven) -> None:
    driven.generate(2)
    assert driven.window.focusWidget() is driven.cards[0]
    driven.wait_for_end()
    text = driven.texts[0]
    driven.press(Qt.Key.Key_1)
    assert driven.window.focusWidget() is driven.view.editor
    QTest.keyClicks(driven.view.editor, "2")
    assert driven.text == PROMPT + text + "2"


def test_after_another_page_the_number_keys_choose_still(driven: Driven) -> None:
    driven.generate(2)
    driven.wait_for_end()
    chosen = driven.texts[1]
    driven.window.show_page("models")
    driven.window.show_page("play")
    driven.press(Qt.Key.Key_2)
    assert driven.text == PROMPT + chosen


def test_they_cannot_begin_before_a_generation_has_ended(endless: Driven) -> None:
    commands = endless.window.commands
    commands.run("text.generate")
    endless.qtbot.waitUntil(lambda: endless.session.document.generating)
    commands.run("text.stop")
    assert commands.reason("completions.generate") == "A generation is running."
    endless.qtbot.waitUntil(lambda: not endless.session.busy)
    assert commands.action("completions.generate").isEnabled()


def test_a_click_on_the_text_of_a_card_chooses_it_while_it_is_written(endless: Driven) -> None:
    endless.generate(3)
    endless.wait_for_text()
    card = endless.cards[1]
    QTest.mouseClick(card.words.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert not endless.completions.all
    assert endless.text.startswith(PROMPT)
    assert len(endless.text) > len(PROMPT)
    assert len(branches(endless.session.document)) == 3
    origins = [node.run.origin for node in endless.session.document.snapshot().nodes.values() if node.run.origin]
    assert {origin.finish_reason for origin in origins} == {"cancelled"}
    assert {origin.seed for origin in origins} == {7, 8, 9}, "known although none came to its end"
    endless.qtbot.waitUntil(lambda: endless.opened.state is State.READY)
    assert len(branches(endless.session.document)) == 3


def test_arrow_keys_and_enter_choose_by_keyboard_alone(driven: Driven) -> None:
    QTest.keyClick(
        driven.view.editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
    )
    driven.wait_for_end()
    texts = driven.texts
    driven.press(Qt.Key.Key_Right)
    assert driven.window.focusWidget() is driven.cards[1]
    driven.press(Qt.Key.Key_Left)
    driven.press(Qt.Key.Key_Left)
    assert driven.window.focusWidget() is driven.cards[0]
    driven.press(Qt.Key.Key_Down if driven.view.completions.grid.columns < 4 else Qt.Key.Key_Right)
    place = driven.cards.index(driven.window.focusWidget())
    driven.press(Qt.Key.Key_Space)
    assert driven.text == PROMPT + texts[place]


def test_one_card_is_stopped_and_the_others_go_on(endless: Driven) -> None:
    endless.generate(3)
    endless.wait_for_text()
    assert endless.cards[1].stop.isVisible()
    endless.cards[1].stop.click()
    endless.qtbot.waitUntil(lambda: endless.completions.all[1].ended)
    stopped, others = endless.texts[1], len(endless.texts[0])
    assert endless.cards[1].state.text() == "Ended: by you"
    assert endless.cards[1].stop.isHidden()
    endless.qtbot.waitUntil(lambda: len(endless.texts[0]) > others)
    assert endless.texts[1] == stopped
    assert branches(endless.session.document) == [stopped], "it is a branch already"


def test_stop_ends_all_and_leaves_them_on_the_screen(endless: Driven) -> None:
    endless.generate(3)
    endless.wait_for_text()
    endless.view.bar.stop.click()
    endless.wait_for_end()
    assert [card.state.text() for card in endless.cards] == ["Ended: by you"] * 3
    assert branches(endless.session.document) == sorted(endless.texts)
    assert not endless.view.bar.stop.isEnabled()
    endless.press(Qt.Key.Key_2)
    assert len(endless.text) > len(PROMPT)


def test_esc_drops_what_has_not_ended_and_offers_to_keep_it(endless: Driven) -> None:
    endless.generate(3)
    endless.wait_for_text()
    endless.cards[0].stop.click()
    endless.qtbot.waitUntil(lambda: endless.completions.all[0].ended)
    completions = endless.completions.all
    endless.press(Qt.Key.Key_Escape)
    assert endless.view.completions.isHidden()
    assert endless.text == PROMPT
    ended = completions[0].mixed.spelled
    assert branches(endless.session.document) == [ended]
    assert endless.toasts[-1].text == "1 completion stays as a branch; the others were cancelled."
    endless.qtbot.waitUntil(lambda: endless.opened.state is State.READY)
    ((title, keep),) = endless.toasts[-1].offers
    assert title == "Keep all as branches"
    keep()
    assert branches(endless.session.document) == sorted(each.mixed.spelled for each in completions)


def test_what_was_dropped_is_not_kept_behind_another_text(endless: Driven) -> None:
    endless.generate(2)
    endless.wait_for_text()
    endless.window.commands.run("completions.close")
    ((_, keep),) = endless.toasts[-1].offers
    endless.session.edit(0, 4, "Twice")
    keep()
    assert "The text has changed" in endless.toasts[-1].text
    assert branches(endless.session.document) == ["Twice upon"]


def test_completions_that_have_ended_stay_as_branches_when_they_are_closed(driven: Driven) -> None:
    driven.generate(2)
    driven.wait_for_end()
    texts = driven.texts
    driven.press(Qt.Key.Key_Escape)
    assert driven.toasts[-1].text == "2 completions stay as branches."
    assert not driven.toasts[-1].offers
    assert branches(driven.session.document) == sorted(texts)
    assert driven.text == PROMPT


def edit(driven: Driven) -> None:
    QTest.keyClicks(driven.view.editor, "!")
    assert driven.text == PROMPT + "!"


def generate(driven: Driven) -> None:
    driven.window.commands.run("text.generate")
    driven.qtbot.waitUntil(lambda: driven.session.document.generating)
    driven.session.stop()
    driven.qtbot.waitUntil(lambda: not driven.session.busy)


@pytest.mark.parametrize("change", [edit, generate])
def test_a_change_of_the_text_ends_them_and_keeps_all(endless: Driven, change: Callable[[Driven], None]) -> None:
    endless.generate(3)
    endless.wait_for_text()
    change(endless)
    assert not endless.completions.all
    kept = branches(endless.session.document)
    assert len(kept) >= 3
    assert "3 completions stay as branches." in [toast.text for toast in endless.toasts]
    endless.qtbot.waitUntil(lambda: endless.opened.state is State.READY)


def test_undo_closes_the_cards_and_undoes_nothing_else(driven: Driven) -> None:
    driven.generate(2)
    driven.wait_for_end()
    texts = driven.texts
    for expected in (PROMPT, ""):
        driven.window.commands.run("text.undo")
        assert driven.text == expected
        assert not driven.completions.all
    assert set(texts) <= set(branches(driven.session.document))


def test_leaving_the_document_saves_all_of_them_with_it(endless: Driven) -> None:
    endless.generate(3)
    endless.wait_for_text()
    left = endless.session.document
    endless.window.commands.run("document.new")
    assert endless.text == ""
    assert len(branches(left)) == 3
    saved = endless.services.storage.load(left.id)
    assert branches(Document(saved)) == branches(left)


def test_closing_the_window_saves_all_of_them(endless: Driven, open_window: Callable[..., Opened]) -> None:
    endless.generate(3)
    endless.wait_for_text()
    document = endless.session.document
    endless.opened.close()
    again = open_window()
    assert again.window.session.document.id == document.id
    assert again.window.session.document.text == PROMPT
    assert len(branches(again.window.session.document)) == 3


def test_another_model_ends_them_and_what_is_there_stays(
    endless: Driven, tiny_model_folder: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(tiny_model_folder, tmp_path / "other")
    endless.generate(2)
    endless.wait_for_text()
    endless.services.settings.update(model=str(other))
    endless.wait_for_end()
    assert [card.state.text() for card in endless.cards] == ["Ended: by you"] * 2
    assert branches(endless.session.document) == sorted(endless.texts)
    endless.qtbot.waitUntil(lambda: endless.opened.state is State.READY)
    endless.services.settings.update(decoding=SETTINGS)
    endless.window.commands.run("completions.another_round")
    endless.wait_for_end()
    assert endless.completions.all[0].run.origin.model == str(other)


def test_a_failure_midway_loses_nothing(open_window: Callable[..., Opened], qtbot: QtBot, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "characters", "characters")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        save_model(GPT2(read_config(folder)), folder)
    opened = open_window(str(folder))
    qtbot.waitUntil(lambda: opened.services.inference.info is not None)
    driven = Driven(opened, qtbot, DecodingSettings(max_tokens=1000, seed=7, no_repeat_ngram=1))
    driven.generate(2)
    driven.wait_for_end()  # when each character was used once
    assert any("ban every token" in message.text for message in driven.services.messages.banners.values())
    assert [card.state.text() for card in driven.cards] == ["Ended: by an error"] * 2
    assert all(driven.texts)
    assert branches(driven.session.document) == sorted(driven.texts)
    assert not driven.session.busy


def test_settings_that_the_model_cannot_use_say_so_and_show_no_cards(driven: Driven) -> None:
    driven.services.settings.update(decoding=replace(SETTINGS, logit_bias={60_000: 1.0}))
    driven.generate()
    driven.wait_for_end()
    assert any("60000" in message.text.replace(",", "") for message in driven.services.messages.banners.values())
    assert driven.view.completions.isHidden()
    assert driven.text == PROMPT


def test_without_a_model_they_are_refused_with_a_sentence(driven: Driven) -> None:
    driven.services.inference.unload()
    driven.generate()
    assert any("No model is loaded" in message.text for message in driven.services.messages.banners.values())
    assert driven.view.completions.isHidden()


def test_another_round_has_other_seeds_and_keeps_the_former_as_branches(driven: Driven) -> None:
    driven.generate(2)
    assert driven.window.commands.reason("completions.another_round") == "Completions are being generated."
    driven.wait_for_end()
    first = driven.texts
    driven.view.completions.another.click()
    driven.wait_for_end()
    assert [each.seed for each in driven.completions.all] == [9, 10]
    assert branches(driven.session.document) == sorted([*first, *driven.texts])


def test_their_number_is_chosen_beside_the_button_and_kept(driven: Driven) -> None:
    button = driven.view.bar.count
    button.menu().aboutToShow.emit()
    assert [action.text() for action in button.menu().actions()] == [f"{n} completions" for n in range(2, 9)]
    button.menu().actions()[-1].trigger()
    assert driven.services.settings.value.completions == 8
    assert button.text() == "× 8"
    driven.view.bar.several.click()
    driven.wait_for_end()
    assert len(driven.cards) == 8
    texts = driven.texts
    driven.press(Qt.Key.Key_8)
    assert driven.text == PROMPT + texts[7]


def test_at_temperature_zero_the_panel_says_why_all_are_alike(driven: Driven) -> None:
    driven.services.settings.update(decoding=replace(SETTINGS, temperature=0.0))
    driven.generate(2)
    driven.wait_for_end()
    assert "Temperature 0" in driven.view.completions.state.text()
    assert len(set(driven.texts)) == 1
    assert len(branches(driven.session.document)) == 1
    second = driven.texts[1]
    driven.press(Qt.Key.Key_2)
    assert driven.text == PROMPT + second
    assert branches(driven.session.document) == [second]


@pytest.mark.parametrize(("size", "columns"), [((1000, 700), 2), ((2560, 1440), 4)])
def test_the_cards_share_the_width_in_rows_of_equal_length(driven: Driven, size: tuple[int, int], columns: int) -> None:
    driven.window.resize(*size)
    driven.generate(4)
    driven.wait_for_end()
    QApplication.processEvents()
    grid = driven.view.completions.grid
    assert grid.columns == columns
    assert len({card.size().toTuple() for card in driven.cards}) == 1
    for card in driven.cards:
        assert grid.widget().rect().contains(card.geometry())
        assert card.words.viewport().height() >= 2 * card.words.fontMetrics().lineSpacing()


@pytest.mark.parametrize("width", [280, 420, 900])
def test_the_head_of_the_panel_hides_what_does_not_fit(driven: Driven, width: int) -> None:
    driven.generate()
    driven.wait_for_end()
    panel = driven.view.completions
    panel.setParent(None)
    panel.resize(width, 300)
    panel.show()
    QApplication.processEvents()
    buttons = [button for button in (panel.another, panel.keep, panel.close_button) if button.isVisible()]
    assert all(button.width() >= button.sizeHint().width() for button in buttons)
    assert panel.close_button in buttons
    assert panel.another.isVisible() or not panel.keep.isVisible()
    assert panel.state.isVisible() == (width == 900)
    panel.deleteLater()


def test_every_control_has_a_name(driven: Driven) -> None:
    driven.generate(2)
    panel = driven.view.completions
    assert all(button.accessibleName() or button.text() for button in panel.findChildren(QPushButton))
    driven.wait_for_end()
    assert driven.texts[0] in driven.cards[0].accessibleDescription()
