"""The vocabulary of a new run: chosen, measured, made with the data, kept with a model, and never mixed up."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.gpt2.checkpoint import save_model
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.model import GPT2
from gptdesk.training.data.datasets import describe_set
from gptdesk.training.data.vocabulary import BPE, CHARACTER, GPT2_VOCABULARY, Vocabulary
from gptdesk.ui import number_format
from gptdesk.ui.train.new_run.sheet import NewRunSheet
from gptdesk.ui.train.new_run.stepper import WRONG
from gptdesk.ui.train.new_run.vocabulary import measuring
from trainer.data.tokenizer import place_tokenizer
from trainer.prepare.tokenizer_training.train import TokenizerRequest, make_tokenizer

from .sheets import LONG, choose, choose_preset, drop, settle


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Nothing is measured, except where that is tested: it takes seconds."""
    if "measure" not in request.node.name:
        monkeypatch.setattr(measuring, "measure_text", lambda data, stop: None)


@pytest.fixture
def model(tmp_path: Path, tale: Path) -> Path:
    """A model with 280 tokens of its own."""
    made = make_tokenizer(TokenizerRequest(sources=(str(tale),), vocab_size=280), tmp_path / "tokens")
    with torch.random.fork_rng(devices=[]):
        save_model(
            GPT2(GPT2Config(vocab_size=made.vocab_size, n_positions=64, n_embd=8, n_layer=1, n_head=1)),
            tmp_path / "own",
        )
    place_tokenizer(tmp_path / "tokens", tmp_path / "own", context=64, chat=None)
    return tmp_path / "own"


def wait_until_ready(sheet: NewRunSheet, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: sheet.start.isEnabled() and sheet.start.text() == "Start training", timeout=LONG)


def test_text_is_prepared_with_a_vocabulary_of_its_own(
    sheet: NewRunSheet, tale: Path, qtbot: QtBot, folders: Folders
) -> None:
    card = sheet.data.vocabulary_card
    choose_preset(sheet, "smoke")
    settle(sheet, qtbot)
    assert card.kinds["gpt2"].isChecked()
    assert card.slider.isHidden() or not card.slider.isVisible()
    whole, memory = (sheet.summary.values[name].text() for name in ("parameters", "memory"))
    card.kinds["bpe"].click()
    settle(sheet, qtbot)
    assert (card.size_label.text(), card.slider.isVisible()) == (f"{number_format.count(8192)} tokens", True)
    card.slider.setValue(0)
    settle(sheet, qtbot)
    assert card.bytes.text() == "About 2.1 bytes per token (estimate)"
    assert card.share.text() == "The vocabulary takes 16K of the model's 44K parameters (37 %)"
    assert sheet.summary.values["parameters"].text() == sheet.start_from.size_card.count.text() == "44K" != whole
    assert sheet.summary.values["memory"].text() != memory
    drop(sheet, tale)
    wait_until_ready(sheet, qtbot)
    folder = folders.data / "datasets" / "my-tale-512"
    assert sheet.draft.get("data.path") == str(folder)
    found = describe_set(folder)
    assert found.vocabulary == Vocabulary(BPE, 512)
    assert sheet.draft.vocabulary.size == found.tokenizer.vocab_size < 512, "the text gives no more"
    assert f"vocabulary of {found.tokenizer.vocab_size} tokens" in (
        sheet.data.sets.rows[str(folder)].accessibleDescription()
    )


def test_another_vocabulary_than_the_datas_is_prepared_again_and_the_data_stays(
    sheet: NewRunSheet, tale: Path, qtbot: QtBot, folders: Folders
) -> None:
    card = sheet.data.vocabulary_card
    choose_preset(sheet, "smoke")
    drop(sheet, tale)
    wait_until_ready(sheet, qtbot)
    first = sheet.draft.get("data.path")
    assert "GPT-2's vocabulary" in sheet.data.sets.rows[first].accessibleDescription()
    assert card.prepare.isHidden()
    card.kinds["characters"].click()
    settle(sheet, qtbot)
    assert card.problem.text().startswith("“my-tale” has another vocabulary than the chosen one")
    assert sheet.view.message.text() == card.problem.text()
    assert not sheet.start.isEnabled()
    assert sheet.stepper.buttons[0].state == WRONG
    card.prepare.click()
    wait_until_ready(sheet, qtbot)
    second = sheet.draft.get("data.path")
    assert Path(second).name == "my-tale-characters"
    assert describe_set(Path(second)).vocabulary == Vocabulary(CHARACTER)
    assert describe_set(Path(first)).vocabulary == GPT2_VOCABULARY
    sheet.data.sets.rows[first].click()
    wait_until_ready(sheet, qtbot)
    assert card.kinds["gpt2"].isChecked(), "the choice follows the data"
    card.kinds["characters"].click()
    settle(sheet, qtbot)
    card.prepare.click()
    wait_until_ready(sheet, qtbot)
    assert sheet.draft.get("data.path") == second, "what is there is used"
    assert len(list((folders.data / "datasets").iterdir())) == 2


def test_a_run_from_a_model_keeps_its_vocabulary_and_data_is_prepared_with_it(
    sheet: NewRunSheet, prepared: Path, tale: Path, model: Path, qtbot: QtBot, folders: Folders
) -> None:
    card = sheet.data.vocabulary_card
    drop(sheet, tale)
    wait_until_ready(sheet, qtbot)
    drop(sheet, model)
    qtbot.waitUntil(lambda: sheet.draft.vocabulary.tokenizer is not None, timeout=LONG)
    settle(sheet, qtbot)
    assert card.note.text() == "The run starts from own and keeps the vocabulary of that model (280 tokens)."
    assert not any(button.isEnabled() for button in card.kinds.values())
    assert "has another vocabulary than own" in sheet.view.message.text()
    assert not sheet.start.isEnabled()
    card.prepare.click()
    wait_until_ready(sheet, qtbot)
    data = Path(sheet.draft.get("data.path"))
    assert data.name == "my-tale-own"
    assert sheet.draft.vocabulary.tokenizer is not None
    assert describe_set(data).tokenizer.sha256 == sheet.draft.vocabulary.tokenizer.sha256
    sheet.start_from.kinds["fresh"].click()
    settle(sheet, qtbot)
    assert card.kinds["other"].isChecked()
    assert not sheet.readiness.problems
    choose(sheet, prepared, qtbot)
    assert card.kinds["gpt2"].isChecked()


def test_a_preparation_that_finds_no_text_for_its_vocabulary_fails_and_is_dismissed(
    sheet: NewRunSheet, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "few.jsonl").write_text('{"text": ""}\n')
    sheet.data.vocabulary_card.kinds["bpe"].click()
    drop(sheet, tmp_path / "few.jsonl")
    qtbot.waitUntil(lambda: "No text was found" in sheet.data.failure, timeout=LONG)
    (card,) = sheet.data.preparations.cards.values()
    card.cancel.click()
    qtbot.waitUntil(lambda: not sheet.data.preparations.cards, timeout=LONG)


def test_a_preparation_that_makes_its_vocabulary_is_cancelled(
    sheet: NewRunSheet, tmp_path: Path, qtbot: QtBot, folders: Folders
) -> None:
    lines = (f"{n} {n * 7919} {n * 104729} was written.\n<|endoftext|>\n" for n in range(200_000))
    (tmp_path / "library.txt").write_text("".join(lines))
    sheet.data.vocabulary_card.kinds["bpe"].click()
    drop(sheet, tmp_path / "library.txt")
    cards = sheet.data.preparations.cards
    qtbot.waitUntil(lambda: any("Making the vocabulary" in card.words.text() for card in cards.values()), timeout=LONG)
    (card,) = cards.values()
    card.cancel.click()
    qtbot.waitUntil(lambda: not cards and sheet.data.waiting is None, timeout=LONG)
    assert not list((folders.data / "datasets").iterdir())


def test_bytes_per_token_are_measured_on_the_text_and_the_measurement_is_stopped(
    open_sheet: Callable[[], NewRunSheet], tale: Path, qtbot: QtBot
) -> None:
    sheet = open_sheet()
    card = sheet.data.vocabulary_card
    drop(sheet, tale)
    wait_until_ready(sheet, qtbot)
    card.kinds["bpe"].click()
    assert card.bytes.text() == "Measuring on the text…"
    card.measure.click()
    assert card.bytes.text().endswith("(estimate)")
    assert card.measure.text() == "Measure"
    card.slider.setValue(2)
    assert card.bytes.text().endswith("(estimate)"), "what was stopped does not begin again"
    card.measure.click()
    qtbot.waitUntil(lambda: "; the text gives no more than " in card.bytes.text(), timeout=LONG)
    assert not card.measure.isVisible()
    card.kinds["characters"].click()
    assert " bytes per token; " in card.bytes.text()
    card.kinds["gpt2"].click()
    assert "estimate" not in card.bytes.text()


def test_why_nothing_was_measured_is_said(sheet: NewRunSheet, tale: Path, qtbot: QtBot) -> None:
    drop(sheet, tale)
    wait_until_ready(sheet, qtbot)
    tale.write_text("")
    sheet.data.vocabulary_card.kinds["bpe"].click()
    qtbot.waitUntil(lambda: sheet.data.vocabulary_card.bytes.text().startswith("Not measured: "), timeout=LONG)
