"""The next token under the sliders, and the token card, with a real model."""

import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from gptdesk import power_saver
from gptdesk.gpt2.mixed_text import MixedText
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.engine import DoneEvent, Engine
from gptdesk.inference.reader import TextReader
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.runs import Origin, Token
from gptdesk.ui.decoding.panel import DecodingPanel
from gptdesk.ui.playground.token_card.bars import CandidateBar
from gptdesk.ui.playground.token_card.card import TokenCard
from gptdesk.ui.playground.token_card.labels import token_text
from gptdesk.ui.playground.token_card.next_token import NextToken
from gptdesk.ui.services.reading.background_reads import BackgroundReads
from gptdesk.ui.services.reading.jobs import BackgroundJob, InspectJob
from gptdesk.ui.widgets.inputs.slider_row import SliderRow

from .conftest import Opened

SHORT = DecodingSettings(max_tokens=8, seed=1, top_k=30)


def block_of(opened: Opened) -> NextToken:
    block: NextToken = opened.window.playground.tokens.block
    return block


def write(opened: Opened, text: str) -> None:
    session = opened.window.session
    session.edit(0, len(session.document.text), text)
    opened.window.playground.editor.show_end()


def slider_rows(panel: DecodingPanel) -> list[SliderRow]:
    return [row for row in panel.rows.values() if isinstance(row, SliderRow)]


def insertable(bar: CandidateBar) -> bool:
    return bar.candidate is not None and bar.candidate.insertable


def decode(opened: Opened, settings: DecodingSettings) -> None:
    opened.services.settings.update(decoding=settings)


def generate(opened: Opened, qtbot: QtBot) -> None:
    opened.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: not opened.window.session.busy)


def open_card(opened: Opened, qtbot: QtBot, index: int) -> TokenCard:
    """The card once it is filled."""
    tokens = opened.window.playground.tokens
    tokens.open_at(index, QPoint(10, 10))
    card: TokenCard = tokens.card
    qtbot.waitUntil(card.hint.isVisible)
    return card


def test_the_card_and_the_block_do_not_replace_each_others_requests() -> None:
    begun: list[BackgroundJob] = []
    free: list[bool] = []
    reads = BackgroundReads(begun.append, lambda: bool(free))
    text = MixedText("It was a dark night.")
    jobs = [InspectJob(text, (), DecodingSettings(), None, text, asker=asker) for asker in ("card", "next token")]
    newer = msgspec.structs.replace(jobs[1].again(), seed=1)
    for job in (*jobs, newer):
        reads.inspect(job)
    free.append(True)
    reads.begin()
    while reads.busy:
        reads.on_ended(begun[-1].number, None)
    assert begun == [jobs[0], newer]


def own_engine(opened: Opened, folder: Path) -> Engine:
    info = opened.services.inference.info
    assert info is not None
    return Engine.load(folder, device=info.device, precision=info.precision)


def distribution(engine: Engine, text: str, count: int) -> list[tuple[int, float]]:
    """The most likely next tokens as the engine itself has them."""
    logits = TextReader(engine).logits_at(ids := engine.tokenizer.encode(text), len(ids))
    assert logits is not None
    probs = np.exp(logits - logits.max())
    ids = np.argsort(-probs)[:count]
    return list(zip(ids.tolist(), (probs[ids] / probs.sum()).tolist(), strict=True))


def test_the_block_shows_the_distribution_at_the_caret(opened: Opened, qtbot: QtBot, tiny_model_folder: Path) -> None:
    decode(opened, DecodingSettings())
    write(opened, "Once upon a time")
    block = block_of(opened)
    qtbot.waitUntil(block.bars.isVisible)
    expected = distribution(own_engine(opened, tiny_model_folder), "Once upon a time", 6)
    shown = [bar.candidate for bar in block.bars.bars]
    assert [one.id for one in shown if one] == [id for id, _ in expected]
    for one, (_, probability) in zip(shown, expected, strict=True):
        assert one is not None
        assert one.before == pytest.approx(probability, rel=1e-3)
        assert one.after == pytest.approx(one.before)


def test_a_slider_changes_the_distribution_and_a_sentence_says_how(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, DecodingSettings())
    write(opened, "Once upon a time")
    block = block_of(opened)
    qtbot.waitUntil(block.bars.isVisible)
    panel = opened.window.playground.panel
    assert all(row.note.isHidden() for row in slider_rows(panel))
    panel.rows["top_k"].box.setValue(3)
    qtbot.waitUntil(lambda: panel.rows["top_k"].note.text().startswith("keeps 3 of "))
    assert panel.rows["top_k"].note.isVisible()
    assert block.summary.text() == "3 tokens can be chosen with the settings."
    assert [bool(bar.candidate and bar.candidate.cut_by) for bar in block.bars.bars] == [False] * 3 + [True] * 3
    assert block.bars.bars[5].candidate is not None
    assert block.bars.bars[5].candidate.outcome == "Top-k"
    panel.rows["temperature"].box.setValue(0.5)
    qtbot.waitUntil(lambda: panel.rows["temperature"].note.text().startswith("most likely "))
    panel.rows["temperature"].box.setValue(0)
    qtbot.waitUntil(lambda: panel.rows["top_k"].note.text() == "without effect at temperature 0")
    assert panel.rows["temperature"].note.text().startswith("takes “")
    block.section.button.click()
    assert all(row.note.isHidden() for row in slider_rows(panel)), "nobody asks, so nothing is known"


def test_a_closed_block_asks_nothing_and_stays_closed(opened: Opened, qtbot: QtBot) -> None:
    block = block_of(opened)
    block.section.button.click()
    assert "Next token" in opened.services.settings.value.closed_groups
    opened.window.playground.panel.sections[next(iter(opened.window.playground.panel.sections))].button.click()
    assert "Next token" in opened.services.settings.value.closed_groups
    with qtbot.assertNotEmitted(opened.services.inference.reads.inspected, wait=600):
        write(opened, "Once upon a time")


def test_the_block_says_that_reading_ahead_is_off(opened: Opened, qtbot: QtBot) -> None:
    block = block_of(opened)
    write(opened, "")
    qtbot.waitUntil(block.bars.isVisible)  # the start token of the vocabulary stands before an empty text
    opened.services.settings.update(read_ahead=False)
    qtbot.waitUntil(lambda: block.note.text() == "Not shown while reading ahead is off.")
    assert block.note.isVisible()
    assert not block.bars.isVisible()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows is asked itself, not a file")
def test_the_block_says_that_the_computer_saves_power(
    opened: Opened, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = block_of(opened)
    profile = tmp_path / "profile"
    profile.write_text("low-power", encoding="ascii")
    monkeypatch.setattr(power_saver, "PROFILE", profile)
    write(opened, "Once")
    qtbot.waitUntil(lambda: block.note.text() == "Not shown while the computer saves power.")
    assert block.note.isVisible()
    profile.write_text("balanced", encoding="ascii")
    write(opened, "Once upon")
    qtbot.waitUntil(block.bars.isVisible)
    assert not block.note.isVisible()


def test_the_block_shows_nothing_of_a_text_that_has_changed(opened: Opened, qtbot: QtBot) -> None:
    block = block_of(opened)
    qtbot.waitUntil(block.bars.isVisible)
    height = block.height()
    opened.window.session.edit(0, 0, "There")
    assert not block.bars.isVisible()
    assert block.summary.text() == "Asking the model…"
    assert block.height() == height
    qtbot.waitUntil(block.bars.isVisible)
    assert block.summary.text() != "Asking the model…"


def test_a_candidate_of_the_block_is_put_into_the_text(opened: Opened, qtbot: QtBot) -> None:
    write(opened, "Once upon a time")
    block = block_of(opened)
    qtbot.waitUntil(block.bars.isVisible)
    bar = next(bar for bar in block.bars.bars if bar.candidate and bar.candidate.insertable)
    assert bar.candidate is not None
    piece = bar.candidate.piece
    bar.click()
    assert opened.window.session.document.text == "Once upon a time" + piece


def test_a_candidate_of_another_place_is_not_put_into_the_text(opened: Opened, qtbot: QtBot) -> None:
    write(opened, "Once upon a time")
    block = block_of(opened)
    qtbot.waitUntil(block.bars.isVisible)
    bar = next(bar for bar in block.bars.bars if insertable(bar))
    write(opened, "Once")
    bar.click()
    assert opened.window.session.document.text == "Once"
    write(opened, "Once upon a time")
    bar.click()
    assert bar.candidate is not None
    assert opened.window.session.document.text == "Once upon a time" + bar.candidate.piece


def test_the_card_of_a_generated_token_says_what_was_drawn(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    write(opened, "Once upon a time")
    generate(opened, qtbot)
    run = opened.window.session.document.runs[-1]
    index = len("Once upon a time") + run.spans()[3][0]
    card = open_card(opened, qtbot, index)
    token = run.tokens[3]
    assert f"id {token.id} " in card.facts.text()
    assert "bytes " in card.facts.text()
    assert "rank " in card.facts.text()
    assert any(sentence.startswith("Top-k 30 keeps 30 of ") for sentence in card.steps.sentences)
    assert card.reason.text().startswith("30 tokens were left, and this one had ")
    assert "the random number 0." in card.reason.text()
    card.hide()


def test_the_card_of_a_token_by_another_model_says_so(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    write(opened, "Once")
    document = opened.window.session.document
    document.begin_generation(Origin(generation="1", model="/models/elsewhere", tokenizer=gpt2_tokenizer().sha256))
    document.append_tokens(" upon", [Token(gpt2_tokenizer().encode(" upon")[0], 5, -1.0)])
    document.end_generation("length", seed=1)
    opened.window.session.changed.emit()
    card = open_card(opened, qtbot, 5)
    assert card.reason.text() == "It was generated by elsewhere; the figures are those of the model in use."
    card.hide()


def test_the_card_of_a_typed_token_says_that_it_was_typed(opened: Opened, qtbot: QtBot) -> None:
    write(opened, "Once upon a time")
    card = open_card(opened, qtbot, 6)
    assert card.heading.text() == "“␣upon”"
    assert card.reason.text().startswith("It was typed or picked by hand. The settings would ")
    card.hide()


def test_the_number_of_an_alternative_goes_on_from_there_as_a_branch_and_nothing_is_lost(
    opened: Opened, qtbot: QtBot, tiny_model_folder: Path
) -> None:
    decode(opened, SHORT)
    write(opened, "Once upon a time")
    generate(opened, qtbot)
    before = opened.window.session.document.text
    span = opened.window.session.document.runs[-1].spans()[2]
    start = len("Once upon a time") + span[0]
    card = open_card(opened, qtbot, start)
    number = next(number for number, bar in enumerate(card.bars.bars, start=1) if number > 1 and insertable(bar))
    candidate = card.bars.bars[number - 1].candidate
    assert candidate is not None
    QTest.keyClick(card, Qt.Key(Qt.Key.Key_0 + number))
    assert not card.isVisible()
    session = opened.window.session
    qtbot.waitUntil(lambda: not session.busy)
    prompt = before[:start] + candidate.piece
    engine = own_engine(opened, tiny_model_folder)
    (done,) = [event for event in engine.generate(prompt, replace(SHORT, n=1)) if isinstance(event, DoneEvent)]
    assert session.document.text == prompt + done.text
    session.undo()
    session.undo()
    assert session.document.text == before


def test_a_text_that_changes_under_the_card_closes_it(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    write(opened, "Once upon a time")
    generate(opened, qtbot)
    card = open_card(opened, qtbot, len("Once upon a time") + 2)
    opened.window.session.note(lambda document: document.set_bookmark(document.outline.leaf, "start"))
    assert card.isVisible(), "the text is the same"
    opened.window.commands.run("text.undo")
    assert not card.isVisible()


def test_the_card_opens_at_the_caret_by_its_command(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    write(opened, "Once upon a time")
    QTest.keyClick(opened.window, Qt.Key.Key_I, Qt.KeyboardModifier.ControlModifier)
    card = opened.window.playground.tokens.card
    assert card is not None
    qtbot.waitUntil(card.hint.isVisible)
    assert card.heading.text() == "Next token"
    said = card.reason.text()
    assert said.startswith("30 tokens can be chosen with the settings; the seed 1 draws “")
    QTest.keyClick(card, Qt.Key.Key_Escape)
    assert not card.isVisible()
    generate(opened, qtbot)
    first = opened.window.session.document.runs[-1].tokens[0]
    assert said.endswith(f"“{token_text(gpt2_tokenizer().piece(first.id))}”.")


def test_a_sampler_that_acts_by_chance_is_shown_as_acting(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, DecodingSettings(top_k=5, xtc_probability=0.5, xtc_threshold=0.01))
    write(opened, "Once upon a time")
    row = opened.window.playground.panel.rows["xtc_probability"]
    qtbot.waitUntil(lambda: row.note.text().startswith("where it acts, keeps 1 of 5 ("))


def test_a_line_that_is_dragged_shows_what_would_change_and_esc_puts_it_back(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    write(opened, "Once upon a time")
    generate(opened, qtbot)
    run = opened.window.session.document.runs[-1]
    card = open_card(opened, qtbot, len("Once upon a time") + run.spans()[3][0])
    before, bars = card.reason.text(), [bar.candidate for bar in card.bars.bars]
    with qtbot.assertNotEmitted(opened.services.inference.reads.inspected):
        line = card.steps.rows["top_k"].line
        assert line is not None
        QTest.mousePress(line, Qt.MouseButton.LeftButton, pos=QPoint(line.width() // 2, 8))
        QTest.mouseMove(line, QPoint(6, 8))
        QTest.mouseRelease(line, Qt.MouseButton.LeftButton, pos=QPoint(6, 8))
    assert card.steps.sentences[0].startswith("Top-k 1 keeps 1 of ")
    assert [bool(bar.candidate and bar.candidate.cut_by) for bar in card.bars.bars[:9]] == [False] + [True] * 8
    assert card.reason.text().startswith(("Top-k would remove this token", "This token would have 100 %"))
    assert "The same random number would draw “" in card.reason.text()
    assert card.take.isVisible()
    assert opened.services.settings.value.decoding == SHORT
    QTest.keyClick(line, Qt.Key.Key_Escape)
    assert card.isVisible()
    assert (card.reason.text(), [bar.candidate for bar in card.bars.bars]) == (before, bars)
    assert not card.take.isVisible()
    QTest.keyClick(card, Qt.Key.Key_Escape)
    assert not card.isVisible()


def test_a_value_that_was_tried_by_keys_is_taken_over_into_the_document(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    write(opened, "Once upon a time")
    card = open_card(opened, qtbot, len("Once upon a time"))
    line = card.steps.rows["temperature"].line
    assert line is not None
    line.setFocus()
    assert card.isVisible()
    for _ in range(5):
        QTest.keyClick(line, Qt.Key.Key_Left)
    assert line.hasFocus()
    assert card.reason.text().startswith("30 tokens could be chosen, instead of 30 tokens.")
    card.take.click()
    taken = opened.services.settings.value.decoding
    assert 0 < taken.temperature < 1
    assert taken == replace(SHORT, temperature=taken.temperature)
    assert card.isVisible()
    assert not card.take.isVisible()
    assert card.reason.text().startswith("30 tokens can be chosen with the settings; the seed 1 draws “")
    card.hide()


@pytest.mark.parametrize("name", ["top_p", "min_p", "top_k", "temperature"])
def test_every_common_line_can_be_moved_and_equals_the_settings_in_force(
    opened: Opened, qtbot: QtBot, name: str
) -> None:
    decode(opened, DecodingSettings())
    write(opened, "Once upon a time")
    card = open_card(opened, qtbot, len("Once upon a time"))
    value = {"top_p": 0.3, "min_p": 0.5, "top_k": 4, "temperature": 0.0}[name]
    card.try_value(name, value)
    tried = card.steps.sentences, [bar.candidate for bar in card.bars.bars]
    assert tried[0]
    card.take.click()
    card.hide()
    assert getattr(opened.services.settings.value.decoding, name) == value
    again = open_card(opened, qtbot, len("Once upon a time"))
    assert (again.steps.sentences, [bar.candidate for bar in again.bars.bars]) == tried
    again.hide()


def bias_menu(card: TokenCard) -> list[QAction]:
    card.bias.menu().aboutToShow.emit()
    return card.bias.menu().actions()


def test_a_token_is_banned_from_its_card_and_shown_as_a_chip_that_lifts_the_ban(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, SHORT)
    write(opened, "Once upon a time")
    id = gpt2_tokenizer().encode(" upon")[0]
    card = open_card(opened, qtbot, 6)
    next(action for action in bias_menu(card) if action.text().startswith("Ban")).trigger()
    decoding = opened.services.settings.value.decoding
    assert (decoding.logit_bias, decoding.logit_bias_tokenizer) == ({id: -100.0}, gpt2_tokenizer().sha256)
    assert card.reason.text().endswith("The settings would not choose it: Logit bias removes it.")
    assert [action.text() for action in bias_menu(card) if action.isEnabled() and action.text()] == ["Lift the ban"]
    card.hide()
    panel = opened.window.playground.panel
    assert panel.rows  # all groups are made
    assert [label.text() for label in panel.bias.chips.findChildren(QLabel) if not label.parent().isHidden()] == [
        "␣upon banned"
    ]
    generate(opened, qtbot)
    assert id not in [token.id for token in opened.window.session.document.runs[-1].tokens]
    (remove,) = panel.bias.chips.findChildren(QPushButton)
    assert remove.accessibleName() == "Remove ␣upon banned"
    remove.click()
    assert opened.services.settings.value.decoding == SHORT


@pytest.mark.qt_log_ignore("This plugin does not support")  # a popup of the offscreen platform
def test_a_token_that_cannot_be_inserted_can_be_banned_from_its_bar_by_the_menu_key(
    opened: Opened, qtbot: QtBot
) -> None:
    end = gpt2_tokenizer().special_tokens["<|endoftext|>"]
    decode(opened, DecodingSettings(logit_bias={end: 90.0}))
    write(opened, "Once upon a time")
    decode(opened, DecodingSettings())
    card = open_card(opened, qtbot, len("Once upon a time"))
    bar = card.bars.bars[1]
    assert bar.candidate is not None
    bar.setFocus()
    QApplication.sendEvent(bar, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(9, 9), QPoint(9, 9)))
    (menu,) = (menu for menu in card.findChildren(QMenu) if menu.isVisible())
    assert card.isVisible()
    assert [action.text() for action in menu.actions()] == [
        "More likely (bias +2)",
        "Less likely (bias −2)",
        "Ban in this document",
    ]
    menu.actions()[1].trigger()
    menu.close()
    assert opened.services.settings.value.decoding.logit_bias == {bar.candidate.id: -2.0}
    assert any(sentence.startswith("Logit bias most likely ") for sentence in card.steps.sentences)
    card.hide()


def test_biases_of_another_vocabulary_are_shown_as_such_and_change_nothing(opened: Opened, qtbot: QtBot) -> None:
    decode(opened, DecodingSettings(logit_bias={262: -100.0}, logit_bias_tokenizer="0" * 64))
    write(opened, "Once upon a time")
    panel = opened.window.playground.panel
    assert panel.rows
    qtbot.waitUntil(lambda: panel.bias.note.text() == "of another vocabulary, without effect")
    (label,) = panel.bias.chips.findChildren(QLabel)
    assert "token 262 banned (another vocabulary)" in label.parent().toolTip()


@pytest.mark.parametrize(
    ("typed", "bias"),
    [("␣cat", -100.0), (" cat=-2.5", -2.5), ("␣cat=+7", 7.0), ("<|endoftext|>", -100.0), ("\\n", -100.0)],
)
def test_a_token_can_be_typed_to_bias_it(opened: Opened, typed: str, bias: float) -> None:
    decode(opened, DecodingSettings())
    panel = opened.window.playground.panel
    assert panel.rows
    panel.bias.chips.line.setText(typed)
    QTest.keyClick(panel.bias.chips.line, Qt.Key.Key_Return)
    ids = {"<|endoftext|>": 50256, "\\n": 198}
    assert opened.services.settings.value.decoding.logit_bias == {ids.get(typed, 3797): bias}


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("uncommonest", "tokens of this model"),
        ("cat=500", "number from -100 to 100"),
        ("\\q", "means nothing"),
    ],
)
def test_a_token_that_cannot_be_biased_is_refused(opened: Opened, qtbot: QtBot, typed: str, why: str) -> None:
    decode(opened, DecodingSettings())
    panel = opened.window.playground.panel
    assert panel.rows
    panel.bias.chips.line.setText(typed)
    with qtbot.waitSignal(panel.refused) as refused:
        QTest.keyClick(panel.bias.chips.line, Qt.Key.Key_Return)
    assert why in refused.args[0]
    assert panel.bias.chips.line.text() == typed
    assert opened.services.settings.value.decoding == DecodingSettings()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (DecodingSettings(temperature=0), "Temperature 0 takes the most likely token."),
        (DecodingSettings(top_k=1), "It was the only token left."),
        (DecodingSettings(), "the random number 0."),
        (DecodingSettings(mirostat_tau=8.0), "the random number 0."),
        (DecodingSettings(logit_bias={262: 100.0}, temperature=0), "without Logit bias that would be “"),
    ],
    ids=["greedy", "one left", "sampled", "Mirostat", "biased"],
)
def test_the_reason_is_that_of_the_way_of_choosing(
    opened: Opened, qtbot: QtBot, settings: DecodingSettings, reason: str
) -> None:
    decode(opened, replace(settings, max_tokens=3, seed=1))
    write(opened, "Once upon a time")
    generate(opened, qtbot)
    card = open_card(opened, qtbot, len(opened.window.session.document.text) - 1)
    assert reason in card.reason.text()
    card.hide()
