"""The first step: text is prepared, data chosen, and what fails is said."""

import json
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.training.data.preparations import READABLE_FORMATS, READABLE_SUFFIXES, preparations
from gptdesk.ui.train.new_run.data import drop_zone
from gptdesk.ui.train.new_run.sheet import NewRunSheet
from gptdesk.ui.train.new_run.stepper import DONE, OPEN
from trainer.config.values import read_toml
from trainer.run_directory.layout import RUN

from .sheets import LONG, choose_preset, close, drop, settle

PLAN = {"download_bytes": 24 * 10**9, "tokens": 9 * 10**9, "disk_bytes": 43 * 10**9}


def test_dropped_text_is_prepared_and_trained_on_with_one_press(
    sheet: NewRunSheet, tale: Path, qtbot: QtBot, folders: Folders
) -> None:
    settle(sheet, qtbot)
    assert not sheet.start.isEnabled()
    assert sheet.view.message.text() == "Choose the data to train on."
    choose_preset(sheet, "smoke")
    drop(sheet, tale)
    qtbot.waitUntil(lambda: sheet.data.waiting is not None, timeout=LONG)
    assert "being prepared" in sheet.view.message.text()
    qtbot.waitUntil(lambda: sheet.start.isEnabled() and sheet.start.text() == "Start training", timeout=LONG)
    assert sheet.stepper.buttons[0].state == DONE
    qtbot.waitUntil(sheet.data.preview.isVisible, timeout=LONG)
    assert "Once" in sheet.data.preview.text.text()
    assert sheet.summary.values["epochs"].text() != "–"
    with qtbot.waitSignal(sheet.started, timeout=LONG) as started:
        qtbot.mouseClick(sheet.start, Qt.MouseButton.LeftButton)
    folder = started.args[0]
    assert folder.parent == folders.runs
    assert "my-tale" in folder.name
    assert Path(read_toml(folder / "config.toml")["data"]["path"]) == folders.data / "datasets" / "my-tale"
    qtbot.waitUntil((folder / RUN).exists, timeout=LONG)


def test_shakespeare_is_offered_prepared_once_and_shown_with_what_was_made_of_it(
    sheet: NewRunSheet, qtbot: QtBot, folders: Folders
) -> None:
    card = sheet.data.texts["shakespeare"]
    assert "comes with gptdesk" in " ".join(label.text() for label in card.findChildren(QLabel))
    card.button.click()
    qtbot.waitUntil(lambda: sheet.data.waiting == folders.data / "datasets" / "shakespeare", timeout=LONG)
    card.button.click()
    qtbot.waitUntil(lambda: sheet.start.isEnabled() and sheet.start.text() == "Start training", timeout=LONG)
    qtbot.waitUntil(sheet.data.preview.report.isVisible, timeout=LONG)
    assert "shakespeare.txt" in sheet.data.preview.report.text()
    assert "held out" in sheet.data.preview.report.text()
    assert "Document 1 · " in sheet.data.preview.text.text()
    card.button.click()
    assert sheet.data.waiting is None
    assert [path.name for path in (folders.data / "datasets").iterdir()] == ["shakespeare"]


def test_conversations_are_prepared_with_the_template_that_was_chosen(
    sheet: NewRunSheet, tmp_path: Path, qtbot: QtBot, folders: Folders
) -> None:
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    (tmp_path / "talks.jsonl").write_text(f"{json.dumps({'messages': turns})}\n" * 40)
    settle(sheet, qtbot)
    sheet.data.drop.options.click()
    sheet.data.drop.template.setCurrentIndex(sheet.data.drop.template.findData("chatml"))
    sheet.data.drop.learn_prompts.click()
    drop(sheet, tmp_path / "talks.jsonl")
    manifest = folders.data / "datasets" / "talks" / "manifest.json"
    qtbot.waitUntil(manifest.exists, timeout=LONG)
    records = json.loads(manifest.read_text())["records"]
    assert (records["template"]["name"], records["learn_prompts"]) == ("chatml", True)
    qtbot.waitUntil(sheet.data.preview.isVisible, timeout=LONG)
    assert ">start<" in sheet.data.preview.text.text(), "a token of <|im_start|>"


def test_the_drop_zone_and_its_dialog_name_what_can_be_read(sheet: NewRunSheet) -> None:
    words = " ".join(label.text() for label in sheet.data.drop.findChildren(QLabel))
    for label in READABLE_FORMATS:
        assert label.lower() in words.lower()
    for suffix in READABLE_SUFFIXES:
        assert f"*{suffix}" in drop_zone.FILTER


def test_a_short_text_is_trained_on_with_what_fits_it_and_that_is_said(
    sheet: NewRunSheet, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "note.txt").write_text("Once upon a time there was a cat who could count.\n\n" * 20)
    drop(sheet, tmp_path / "note.txt")
    qtbot.waitUntil(lambda: sheet.start.isEnabled() and sheet.start.text() == "Start training", timeout=LONG)
    qtbot.waitUntil(lambda: "Context length: " in sheet.view.message.text(), timeout=LONG)
    assert "instead of 512 (the text has only " in sheet.view.message.text()
    assert "Context length: " in sheet.settings.fitted.text()
    sheet.view.message.click()
    assert sheet.stepper.buttons[2].isChecked()


def test_a_failed_preparation_is_dismissed(sheet: NewRunSheet, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "few.jsonl").write_text('{"text": ""}\n')
    drop(sheet, tmp_path / "few.jsonl")
    qtbot.waitUntil(lambda: bool(sheet.data.failure), timeout=LONG)
    (card,) = sheet.data.preparations.cards.values()
    assert card.cancel.text() == "Dismiss"
    card.cancel.click()
    qtbot.waitUntil(lambda: not sheet.data.preparations.cards, timeout=LONG)
    qtbot.waitUntil(lambda: sheet.view.message.text() == "Choose the data to train on.", timeout=LONG)


def test_closing_the_sheet_leaves_the_preparation_and_the_next_sheet_finds_it(
    open_sheet: Callable[[], NewRunSheet], tmp_path: Path, qtbot: QtBot, folders: Folders
) -> None:
    file = tmp_path / "library.txt"
    file.write_text("".join(f"{n} {n * 7919} {n * 104729} was written.\n<|endoftext|>\n" * 8 for n in range(40_000)))
    first = open_sheet()
    drop(first, file)
    qtbot.waitUntil(lambda: bool(first.data.preparations.cards), timeout=LONG)
    close(first, qtbot)
    (job,) = preparations(folders)
    assert job.state().active
    second = open_sheet()
    qtbot.waitUntil(lambda: second.data.waiting == job.folder, timeout=LONG)
    card = second.data.preparations.cards[job.folder]
    qtbot.waitUntil(lambda: second.start.isEnabled() and second.start.text() == "Start when ready", timeout=LONG)
    card.pause.click()
    qtbot.waitUntil(lambda: card.state.state == "paused", timeout=LONG)
    assert card.pause.text() == "Resume"
    card.pause.click()
    qtbot.waitUntil(lambda: card.state.active, timeout=LONG)
    card.cancel.click()
    qtbot.waitUntil(lambda: not second.data.preparations.cards and second.data.waiting is None, timeout=LONG)
    assert not job.folder.exists()
    assert second.stepper.buttons[0].state == OPEN


def test_a_preparation_that_fails_says_why_on_its_card(
    sheet: NewRunSheet, tmp_path: Path, qtbot: QtBot, folders: Folders
) -> None:
    (tmp_path / "few.jsonl").write_text('{"text": ""}\n')
    drop(sheet, tmp_path / "few.jsonl")
    qtbot.waitUntil(
        lambda: any(c.state.state == "failed" for c in sheet.data.preparations.cards.values()), timeout=LONG
    )
    (card,) = sheet.data.preparations.cards.values()
    assert "No text was found" in card.words.text()
    assert card.pause.text() == "Try again"
    settle(sheet, qtbot)
    assert not sheet.start.isEnabled()


def test_text_that_is_not_there_is_refused_at_the_data(sheet: NewRunSheet, tmp_path: Path, qtbot: QtBot) -> None:
    sheet.data.prepare([str(tmp_path / "gone.txt")])
    qtbot.waitUntil(lambda: bool(sheet.data.preparations.cards) or bool(sheet.data.problem), timeout=LONG)
    qtbot.waitUntil(
        lambda: (
            bool(sheet.data.problem) or any(c.state.state == "failed" for c in sheet.data.preparations.cards.values())
        ),
        timeout=LONG,
    )


def test_the_size_of_a_hub_set_is_asked_for_refused_and_cancelled(sheet: NewRunSheet, qtbot: QtBot) -> None:
    card = sheet.data.hub.cards["openwebtext"]
    card.button.click()
    assert card.button.text() == "Cancel"
    qtbot.waitUntil(lambda: "HF_HUB_OFFLINE" in card.words.text(), timeout=LONG)  # tests have no network
    assert card.button.text() == "Size…"
    card.button.click()
    card.button.click()
    assert card.words.text() == card.hub_set.note
    card.show_plan({**PLAN, "free_bytes": 10 * 10**9})
    assert not card.button.isEnabled()
    card.show_plan({**PLAN, "free_bytes": 90 * 10**9})
    assert card.button.isEnabled()
    assert card.button.text() == "Prepare"
    assert "43.0 GB of disk" in card.words.text()
