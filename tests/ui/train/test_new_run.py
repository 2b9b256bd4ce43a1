"""The sheet of a new run: text is dropped, prepared and trained on; every setting is there; mistakes are told early."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field
from PySide6.QtCore import QMimeData, QPoint, QRect, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QFont, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.files import read_json, write_json
from gptdesk.folders import Folders
from gptdesk.library.catalogue import bundled_folder
from gptdesk.locks import is_locked
from gptdesk.training.data.preparations import READABLE_FORMATS, READABLE_SUFFIXES, preparations
from gptdesk.training.detached import reap
from gptdesk.training.estimate import DryRun
from gptdesk.training.index import RunIndex
from gptdesk.ui.services.services import Services
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.new_run import measuring
from gptdesk.ui.train.new_run.data import drop_zone
from gptdesk.ui.train.new_run.data.drop_parsing import Drop, sort_drop
from gptdesk.ui.train.new_run.draft import FRESH_PRESET, TUNING_PRESET, Base, Draft
from gptdesk.ui.train.new_run.schema import in_words, read_sections
from gptdesk.ui.train.new_run.settings.controls import QuantityBox
from gptdesk.ui.train.new_run.settings.form import SettingsForm
from gptdesk.ui.train.new_run.sheet import NewRunSheet
from gptdesk.ui.train.new_run.start.shapes import SHAPES, count_parameters
from gptdesk.ui.train.new_run.stepper import DONE, OPEN, WRONG
from gptdesk.ui.train.new_run.tasks import run_folder
from gptdesk.ui.window.application import make_services
from trainer.config.schema import ModelSection, RunSection, TrainConfig, build_config
from trainer.config.values import read_toml
from trainer.prepare import Request, prepare
from trainer.run_directory.layout import CHECKPOINT_MANIFEST, CHECKPOINTS, EXIT, RUN, STATUS

LONG = 60_000
PLAN = {"download_bytes": 24 * 10**9, "tokens": 9 * 10**9, "disk_bytes": 43 * 10**9}


class MoreRun(RunSection):
    coffee: Annotated[int, Field(ge=0, le=12)] = Field(3, description="Cups while it trains.")
    roast: Literal["light", "dark"] = Field("dark", description="Of the beans.")


class Garden(BaseModel):
    """What grows beside it."""

    model_config = ConfigDict(extra="forbid")
    trees: tuple[str, ...] = Field(("oak",), description="Names of trees.")
    depth: dict[str, int] = Field({"oak": 2}, description="Of the roots.")


class MoreConfig(TrainConfig):
    run: MoreRun = MoreRun()
    garden: Garden = Garden()


@pytest.fixture
def tale(tmp_path: Path) -> Path:
    """A text as a person has it: one file, no separators, and a name with spaces."""
    file = tmp_path / "my tale.txt"
    file.write_text("Once upon a time there was a cat who could count. 🐈\n\n" * 400, encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def prepared_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data")
    text = "\n<|endoftext|>\n".join(f"Once upon a time there were {number} dragons. " * 6 for number in range(60))
    (place / "tales.txt").write_text(text, encoding="utf-8")
    prepare(Request(sources=(str(place / "tales.txt"),), validation_share=0.2), place / "dragons")
    return place / "dragons"


@pytest.fixture
def prepared(prepared_once: Path, folders: Folders) -> Path:
    """A prepared data set among the person's own."""
    target = folders.data / "datasets" / "dragons"
    target.parent.mkdir(parents=True)
    target.symlink_to(prepared_once, target_is_directory=True)
    return target


@pytest.fixture
def services(qapp: QApplication, folders: Folders) -> Iterator[Services]:
    made = make_services(qapp, folders)
    yield made
    made.end(15_000)
    made.theme.deleteLater()


@pytest.fixture
def open_sheet(
    services: Services, folders: Folders, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], NewRunSheet]]:
    """Opens sheets; what they started is ended after the test. Nothing is measured unasked."""
    monkeypatch.setattr(measuring, "QUIET_MS", 10**8)
    opened: list[NewRunSheet] = []

    def open_one() -> NewRunSheet:
        sheet = NewRunSheet(services, RunIndex(folders.data / "runs.json", folders.runs))
        opened.append(sheet)
        sheet.open()
        return sheet

    yield open_one
    for sheet in opened:
        close(sheet, qtbot)
    for job in preparations(folders):
        kill(job.folder / ".prepare.json")
    for record in folders.runs.glob("*/launch.json"):
        kill(record)
    reap()


@pytest.fixture
def sheet(open_sheet: Callable[[], NewRunSheet]) -> NewRunSheet:
    return open_sheet()


def close(sheet: NewRunSheet, qtbot: QtBot) -> None:
    """Closes a sheet and waits until its threads have ended and it is gone."""
    import shiboken6

    if shiboken6.isValid(sheet):
        with qtbot.waitSignal(sheet.destroyed, timeout=LONG):
            sheet.reject()


def kill(record: Path) -> None:
    pid, lock = (read_json(record) or {}).get("pid"), record.with_name(".launch.lock")
    if isinstance(pid, int) and is_locked(lock):
        os.killpg(pid, signal.SIGKILL)
        while is_locked(lock):
            threading.Event().wait(0.01)


def choose_preset(sheet: NewRunSheet, name: str) -> None:
    """Chooses it in the list of presets, as by the mouse."""
    place = sheet.settings.presets.findText(name)
    assert place >= 0
    sheet.settings.presets.setCurrentIndex(place)
    sheet.settings.presets.activated.emit(place)


def settle(sheet: NewRunSheet, qtbot: QtBot) -> None:
    """Waits until what the settings make has been worked out."""
    qtbot.waitUntil(lambda: sheet.evaluation.settled, timeout=LONG)


def choose(sheet: NewRunSheet, data: Path, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: str(data) in sheet.data.sets.rows, timeout=LONG)
    sheet.data.sets.rows[str(data)].click()
    settle(sheet, qtbot)


def drop(sheet: NewRunSheet, *paths: Path, on: QWidget | None = None) -> None:
    """Drops files on a part of the sheet, which hands the event to whoever takes it."""
    target = on or sheet
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    action, button, keys = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), action, data, button, keys)
    QApplication.sendEvent(target, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(target, QDropEvent(QPoint(5, 5).toPointF(), action, data, button, keys))


def set_number(sheet: NewRunSheet, key: str, text: str) -> None:
    """Types a number as a person does."""
    box = sheet.settings.form.rows[key].control.focus
    box.setFocus()
    box.selectAll()  # type: ignore[attr-defined]
    QTest.keyClicks(box, text)
    QTest.keyClick(box, Qt.Key.Key_Return)


# The form


def test_a_setting_and_a_section_that_the_schema_gains_are_on_the_page(theme: Theme, qtbot: QtBot) -> None:
    form = SettingsForm(theme, read_sections(MoreConfig), ["schedule.steps"])
    qtbot.addWidget(form)
    form.show()
    form.show_values(Draft(MoreConfig).values())
    row = form.reveal("run.coffee")
    assert row is not None
    assert row.isVisible()
    assert "Cups while it trains. At least 0, at most 12." in [label.text() for label in row.findChildren(QLabel)]
    assert (row.control.focus.minimum(), row.control.focus.maximum()) == (0, 12)  # type: ignore[attr-defined]
    assert row.control.focus.value() == 3  # type: ignore[attr-defined]
    assert form.rows["run.roast"].control.focus.currentText() == "dark"  # type: ignore[attr-defined]
    assert form.folds["garden"].rows[0].control.chips.values == ("oak",)  # type: ignore[attr-defined]
    with qtbot.waitSignal(form.changed) as changed:
        form.rows["run.coffee"].control.focus.setValue(5)  # type: ignore[attr-defined]
    assert changed.args == ["run.coffee", 5]


def test_every_setting_of_the_trainer_has_a_row_with_its_help_its_default_and_a_name(
    theme: Theme, qtbot: QtBot
) -> None:
    form = SettingsForm(theme, read_sections(TrainConfig), [])
    qtbot.addWidget(form)
    for section, field in TrainConfig.model_fields.items():
        for name, setting in field.annotation.model_fields.items():  # type: ignore[union-attr]
            row = form.rows[f"{section}.{name}"]
            assert setting.description
            assert row.help.text()
            assert f"{section}.{name}" in row.label.toolTip()
            assert row.control.focus.accessibleName()
            assert row.setting.kind != "other"
    assert TrainConfig.model_validate(Draft().values())


def test_a_setting_is_found_by_a_word_of_its_help(theme: Theme, qtbot: QtBot) -> None:
    form = SettingsForm(theme, read_sections(TrainConfig), ["schedule.steps"])
    qtbot.addWidget(form)
    form.show()
    assert not form.rows["optim.grad_clip"].isVisible()
    QTest.keyClicks(form.search, "clip norm")
    assert form.rows["optim.grad_clip"].isVisible()
    assert not form.rows["schedule.steps"].isVisible()


@pytest.mark.parametrize(("typed", "value"), [("6e-4", 6e-4), ("0.00000001", 1e-8), ("1.5e1", 15.0), ("250", 250.0)])
def test_a_quantity_may_be_typed_as_small_as_it_is(typed: str, value: float, qtbot: QtBot) -> None:
    box = QuantityBox(0, 1e12)
    qtbot.addWidget(box)
    box.selectAll()
    QTest.keyClicks(box, typed)
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert box.value() == pytest.approx(value)
    assert float(box.text()) == pytest.approx(value)


def test_the_arrows_of_a_quantity_change_its_first_digit(qtbot: QtBot) -> None:
    box = QuantityBox(0, 1)
    qtbot.addWidget(box)
    box.setValue(6e-4)
    box.stepBy(1)
    assert box.value() == pytest.approx(7e-4)
    box.setValue(1e-4)
    box.stepBy(-1)
    assert box.value() == pytest.approx(9e-5)


def test_sentences_name_settings_as_the_form_does() -> None:
    sections = read_sections(TrainConfig)
    said = in_words("data.batch_size (12) must be a multiple of micro_batch_size (7); /a/n_layer stays.", sections)
    assert said == "Batch size (12) must be a multiple of micro-batch size (7); /a/n_layer stays."


# The draft


def test_the_slider_counts_as_the_model_does() -> None:
    for shape in SHAPES:
        section = ModelSection(n_layer=shape.n_layer, n_head=shape.n_head, n_embd=shape.n_embd)
        assert count_parameters(section.model_dump(), shape) == section.gpt2_config().num_parameters()


def test_another_preset_keeps_data_and_start_and_forgets_the_rest() -> None:
    draft = Draft()
    draft.choose_data("/data", "tales", 10**9)
    draft.start_from(Base("gpt2", "/models/gpt2", 1024))
    draft.set("optim.learning_rate", 1.0)
    assert draft.preset == TUNING_PRESET
    draft.choose_preset("smoke")
    assert (draft.get("data.path"), draft.get("model.init_from")) == ("/data", "/models/gpt2")
    assert draft.get("optim.learning_rate") == 3e-3


def test_a_preset_that_the_person_chose_is_not_taken_away() -> None:
    draft = Draft()
    draft.choose_preset("smoke")
    draft.start_from(Base("gpt2", "/models/gpt2", 1024))
    assert draft.preset == "smoke"


def test_a_small_text_is_not_read_a_hundred_times_unless_asked() -> None:
    draft = Draft()
    draft.choose_data("/data", "tales", 300_000)
    steps = draft.get("schedule.steps")
    assert steps == 980 < 2400  # 20 readings of 300,000 tokens by steps of 6,144
    assert draft.get("schedule.warmup_steps") < steps
    draft.set("schedule.steps", 2400)
    assert draft.get("schedule.steps") == 2400
    assert build_config(draft.values())


def test_a_presets_settings_give_way_to_what_was_chosen_and_to_the_data() -> None:
    draft = Draft()
    draft.set("schedule.steps", 10)
    assert draft.get("schedule.warmup_steps") == 1
    assert "schedule.warmup_steps is 1 instead of 100: a tenth of the 10 steps." in draft.notes
    draft.set("schedule.warmup_steps", 9)
    assert draft.get("schedule.warmup_steps") == 9, "what was chosen stays"
    draft.choose_data("/data", "list", 300)
    assert draft.get("model.n_positions") == 64
    assert build_config(draft.values())
    draft.start_from(Base("gpt2", "/models/gpt2", 1024))
    assert draft.get("schedule.early_stop_evaluations") == 4
    assert draft.know_data(300, 0)
    assert not draft.know_data(300, 0)
    assert draft.get("schedule.early_stop_evaluations") == 0


# The sheet


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
    (card,) = sheet.data.cards.values()
    assert card.cancel.text() == "Dismiss"
    card.cancel.click()
    qtbot.waitUntil(lambda: not sheet.data.cards, timeout=LONG)
    qtbot.waitUntil(lambda: sheet.view.message.text() == "Choose the data to train on.", timeout=LONG)


def test_closing_the_sheet_leaves_the_preparation_and_the_next_sheet_finds_it(
    open_sheet: Callable[[], NewRunSheet], tmp_path: Path, qtbot: QtBot, folders: Folders
) -> None:
    file = tmp_path / "library.txt"
    file.write_text("".join(f"{n} {n * 7919} {n * 104729} was written.\n<|endoftext|>\n" * 8 for n in range(40_000)))
    first = open_sheet()
    drop(first, file)
    qtbot.waitUntil(lambda: bool(first.data.cards), timeout=LONG)
    close(first, qtbot)
    (job,) = preparations(folders)
    assert job.state().active
    second = open_sheet()
    qtbot.waitUntil(lambda: second.data.waiting == job.folder, timeout=LONG)
    card = second.data.cards[job.folder]
    qtbot.waitUntil(lambda: second.start.isEnabled() and second.start.text() == "Start when ready", timeout=LONG)
    card.pause.click()
    qtbot.waitUntil(lambda: card.state.state == "paused", timeout=LONG)
    assert card.pause.text() == "Resume"
    card.pause.click()
    qtbot.waitUntil(lambda: card.state.active, timeout=LONG)
    card.cancel.click()
    qtbot.waitUntil(lambda: not second.data.cards and second.data.waiting is None, timeout=LONG)
    assert not job.folder.exists()
    assert second.stepper.buttons[0].state == OPEN


def test_a_preparation_that_fails_says_why_on_its_card(
    sheet: NewRunSheet, tmp_path: Path, qtbot: QtBot, folders: Folders
) -> None:
    (tmp_path / "few.jsonl").write_text('{"text": ""}\n')
    drop(sheet, tmp_path / "few.jsonl")
    qtbot.waitUntil(lambda: any(c.state.state == "failed" for c in sheet.data.cards.values()), timeout=LONG)
    (card,) = sheet.data.cards.values()
    assert "No text was found" in card.words.text()
    assert card.pause.text() == "Try again"
    settle(sheet, qtbot)
    assert not sheet.start.isEnabled()


def test_text_that_is_not_there_is_refused_at_the_data(sheet: NewRunSheet, tmp_path: Path, qtbot: QtBot) -> None:
    sheet.data.prepare([str(tmp_path / "gone.txt")])
    qtbot.waitUntil(lambda: bool(sheet.data.cards) or bool(sheet.data.problem), timeout=LONG)
    qtbot.waitUntil(
        lambda: bool(sheet.data.problem) or any(c.state.state == "failed" for c in sheet.data.cards.values()),
        timeout=LONG,
    )


def test_the_size_of_a_hub_set_is_asked_for_refused_and_cancelled(sheet: NewRunSheet, qtbot: QtBot) -> None:
    card = sheet.data.plans["openwebtext"]
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


def test_what_cannot_work_is_said_at_its_field_and_the_message_leads_there(
    sheet: NewRunSheet, prepared: Path, qtbot: QtBot
) -> None:
    choose(sheet, prepared, qtbot)
    choose_preset(sheet, "smoke")
    settle(sheet, qtbot)
    assert sheet.start.isEnabled()
    sheet.settings.form.reveal("data.micro_batch_size")
    set_number(sheet, "data.micro_batch_size", "7")
    settle(sheet, qtbot)
    row = sheet.settings.form.rows["data.batch_size"]
    assert not row.problem, "a preset's value gives way"
    assert sheet.draft.get("data.batch_size") == 7
    assert "Batch size: 7 instead of 8 (it must be a multiple of" in sheet.settings.fitted.text()
    set_number(sheet, "data.batch_size", "9")
    settle(sheet, qtbot)
    assert row.problem == "Batch size (9) must be a multiple of micro-batch size (7)."
    assert sheet.stepper.buttons[2].state == WRONG
    assert not sheet.start.isEnabled()
    assert sheet.view.message.text() == row.problem
    sheet.view.message.click()
    assert sheet.focusWidget() is row.control.focus
    set_number(sheet, "data.micro_batch_size", "9")
    settle(sheet, qtbot)
    assert not row.problem
    assert sheet.start.isEnabled()


def test_a_model_that_exists_hides_the_shape_and_brings_its_preset(
    sheet: NewRunSheet, folders: Folders, tmp_path: Path, qtbot: QtBot
) -> None:
    rows = sheet.settings.form.rows
    own = tmp_path / "own"
    own.symlink_to(bundled_folder(), target_is_directory=True)
    assert sheet.draft.preset == FRESH_PRESET
    assert not rows["model.n_positions"].isHidden()
    assert rows["model.lora_rank"].isHidden()
    qtbot.waitUntil(lambda: bool(sheet.start_from.models.rows), timeout=LONG)
    sheet.start_from.kinds["model"].click()
    settle(sheet, qtbot)
    assert Path(sheet.draft.get("model.init_from")).name == "stories"
    assert sheet.draft.preset == TUNING_PRESET
    assert rows["model.n_positions"].isHidden()
    assert not rows["model.lora_rank"].isHidden()
    assert sheet.summary.values["parameters"].text() == "12M"
    sheet.settings.form.changed.emit("model.init_from", str(own))
    settle(sheet, qtbot)
    assert str(own) in sheet.start_from.models.rows
    assert sheet.start_from.models.rows[str(own)].isChecked()
    sheet.settings.form.changed.emit("model.init_from", "/nowhere")
    settle(sheet, qtbot)
    assert "/nowhere" in sheet.start_from.problem
    assert sheet.stepper.buttons[1].state == WRONG
    sheet.start_from.kinds["fresh"].click()
    assert sheet.draft.preset == FRESH_PRESET


def test_newest_and_best_checkpoint_of_a_run_are_offered_to_start_from(
    open_sheet: Callable[[], NewRunSheet], folders: Folders, qtbot: QtBot
) -> None:
    run = folders.runs / "tales"
    for step in (10, 20, 30):
        checkpoint = run / CHECKPOINTS / f"step-{step:08d}"
        checkpoint.mkdir(parents=True)
        config = (bundled_folder() / "config.json").read_bytes()
        (checkpoint / "config.json").write_bytes(config)
        write_json(checkpoint / CHECKPOINT_MANIFEST, {"config.json": {"bytes": len(config), "sha256": ""}})
    write_json(run / RUN, {"format": 1, "id": "a", "t": 1.0, "config": {}})
    write_json(run / STATUS, {"format": 1, "state": "stopped", "best_step": 10})
    write_json(run / EXIT, {"reason": "stopped"})
    sheet = open_sheet()
    qtbot.waitUntil(lambda: bool(sheet.start_from.checkpoints.rows), timeout=LONG)
    assert [Path(folder).name[-2:] for folder in sheet.start_from.checkpoints.rows] == ["30", "10"]
    sheet.start_from.kinds["checkpoint"].click()
    assert sheet.draft.get("model.init_from").endswith("30")
    settle(sheet, qtbot)
    assert sheet.stepper.buttons[1].note.text().endswith("-30")
    assert "its best" in list(sheet.start_from.checkpoints.rows.values())[1].accessibleDescription()


def test_the_slider_makes_the_model_and_the_count_follows(sheet: NewRunSheet, qtbot: QtBot) -> None:
    sheet.start_from.size_card.slider.setValue(5)
    assert sheet.draft.get("model.n_layer") == 12
    assert sheet.start_from.size_card.count.text() == "124M"
    settle(sheet, qtbot)
    assert sheet.summary.values["parameters"].text() == "124M"


def test_a_toml_that_is_dropped_is_taken_over_and_a_wrong_one_changes_nothing(
    sheet: NewRunSheet, prepared: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    choose(sheet, prepared, qtbot)
    (tmp_path / "mine.toml").write_text("[schedule]\nsteps = 77\nwarmup_steps = 7\n[run]\nseed = 5\n")
    drop(sheet, tmp_path / "mine.toml")
    qtbot.waitUntil(lambda: sheet.draft.get("run.seed") == 5, timeout=LONG)
    assert sheet.settings.form.rows["schedule.steps"].control.focus.value() == 77  # type: ignore[attr-defined]
    assert sheet.draft.get("data.path") == str(prepared)
    settle(sheet, qtbot)
    (tmp_path / "wrong.toml").write_text("[schedule]\nstepz = 77\n")
    drop(sheet, tmp_path / "wrong.toml")
    qtbot.waitUntil(lambda: "stepz" in sheet.view.message.text(), timeout=LONG)
    assert sheet.draft.get("schedule.steps") == 77


def test_a_toml_is_settings_wherever_it_is_dropped(sheet: NewRunSheet, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "mine.toml").write_text("[run]\nseed = 1\n")
    targets: list[QWidget] = [sheet.data.drop, sheet.data.drop.files, sheet.summary.name, sheet.settings.form.search]
    targets += [sheet.settings.form.rows[key].control.focus for key in ("schedule.steps", "run.folder")]
    for seed, target in enumerate(targets, 2):
        (tmp_path / "mine.toml").write_text(f"[run]\nseed = {seed}\n")
        drop(sheet, tmp_path / "mine.toml", on=target)
        qtbot.waitUntil(lambda seed=seed: sheet.draft.get("run.seed") == seed, timeout=LONG)  # type: ignore[misc]
    assert not sheet.data.cards
    settle(sheet, qtbot)
    assert sheet.view.message.text() == "The settings in mine.toml are used. Choose the data to train on."


def test_a_toml_with_good_data_makes_a_failed_preparation_forgotten(
    sheet: NewRunSheet, prepared: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "bad.jsonl").write_text('{"other": "only one"}\n')
    drop(sheet, tmp_path / "bad.jsonl")
    qtbot.waitUntil(lambda: bool(sheet.data.failure), timeout=LONG)
    qtbot.waitUntil(lambda: sheet.view.message.text().startswith("Preparing “bad” failed: "), timeout=LONG)
    assert not sheet.start.isEnabled()
    (tmp_path / "good.toml").write_text(f"[data]\npath = '{prepared}'\n")
    drop(sheet, tmp_path / "good.toml", on=sheet.data.drop)
    qtbot.waitUntil(sheet.start.isEnabled, timeout=LONG)
    assert sheet.view.message.text().startswith("The settings in good.toml are used.")


def test_what_is_dropped_is_used_for_what_it_is(prepared: Path, tmp_path: Path, tale: Path) -> None:
    for name, inside in (("run", ["run.json"]), ("gpt2", ["config.json", "model.safetensors", "manifest.json"])):
        (tmp_path / name).mkdir()
        for file in inside:
            (tmp_path / name / file).write_text("{}")
    (tmp_path / "a.toml").write_text("")
    (tmp_path / "b.TOML").write_text("")
    (tmp_path / "texts").mkdir()
    paths = {name: str(tmp_path / name) for name in ("run", "gpt2", "a.toml", "b.TOML", "texts")}
    assert sort_drop([str(tale)]) == Drop(texts=(str(tale),))
    assert sort_drop([paths["texts"]]) == Drop(texts=(paths["texts"],))
    mix = sort_drop([paths["a.toml"], paths["b.TOML"], str(tale), paths["texts"]])
    assert mix.settings == tmp_path / "a.toml"
    assert mix.texts == (str(tale), paths["texts"])
    assert mix.sentence == (
        "The settings in a.toml are used. my tale.txt and texts are prepared to train on. b.TOML is not used."
    )
    assert sort_drop([str(prepared), str(tale)]).sentence == (
        "dragons is prepared data already and is used as it is. my tale.txt is not used."
    )
    assert sort_drop([paths["gpt2"]]).model == tmp_path / "gpt2"
    assert sort_drop([paths["run"]]) == Drop(sentence="run holds a run; its checkpoints are listed under “Start from”.")


def test_a_folder_of_prepared_data_and_a_model_are_used_when_they_are_dropped(
    sheet: NewRunSheet, prepared: Path, tiny_model_folder: Path, qtbot: QtBot
) -> None:
    drop(sheet, prepared, tiny_model_folder)
    qtbot.waitUntil(lambda: sheet.draft.get("model.init_from") == str(tiny_model_folder), timeout=LONG)
    assert sheet.draft.get("data.path") == str(prepared)
    assert not sheet.data.cards


def test_a_number_that_cannot_be_is_said_at_its_field_and_starts_nothing(
    sheet: NewRunSheet, prepared: Path, qtbot: QtBot
) -> None:
    choose(sheet, prepared, qtbot)
    choose_preset(sheet, "smoke")
    settle(sheet, qtbot)
    row = sheet.settings.form.rows["schedule.steps"]
    set_number(sheet, "schedule.steps", "0")
    assert row.problem_label.text() == "0 cannot be used: at least 1. The value is 60 again."
    assert row.problem_label.isVisible()
    assert not sheet.starter.starting
    set_number(sheet, "schedule.steps", "40")
    assert row.problem_label.isHidden()


def test_the_reason_is_there_in_full_and_the_field_is_marked(sheet: NewRunSheet, prepared: Path, qtbot: QtBot) -> None:
    choose(sheet, prepared, qtbot)
    choose_preset(sheet, "smoke")
    set_number(sheet, "model.n_positions", "99999")
    set_number(sheet, "data.context_length", "99999")
    settle(sheet, qtbot)
    message = sheet.view.message
    row = sheet.settings.form.rows["data.context_length"]
    assert row.control.focus.property("invalid") == "true"
    assert " GB " in row.problem
    assert "GiB" not in row.problem
    assert "choose a shorter context length" in message.text()
    sheet.resize(sheet.minimumSize())
    room = QRect(0, 0, message.width() - 16, 10_000)
    wrap = int(Qt.TextFlag.TextWordWrap)
    needed = message.fontMetrics().boundingRect(room, wrap, message.text())
    assert needed.height() <= message.height()
    assert message.toolTip().startswith("<qt>")


def test_command_line_and_toml_on_the_clipboard_make_the_same_settings(
    sheet: NewRunSheet, prepared: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    choose(sheet, prepared, qtbot)
    set_number(sheet, "schedule.steps", "321")
    sheet.summary.copy_toml.click()
    (tmp_path / "copied.toml").write_text(QGuiApplication.clipboard().text(), encoding="utf-8")
    assert build_config(read_toml(tmp_path / "copied.toml")) == build_config(sheet.draft.values())
    sheet.summary.copy_command.click()
    command = QGuiApplication.clipboard().text()
    assert "--schedule.steps=321" in command
    assert "-m trainer train" in command
    assert sheet.summary.copied.text() == "Command copied"


def test_launchers_are_checked_before_they_are_used(sheet: NewRunSheet, prepared: Path, qtbot: QtBot) -> None:
    choose(sheet, prepared, qtbot)
    choose_preset(sheet, "smoke")
    card = sheet.settings.launcher
    card.box.setCurrentIndex(1)
    card.box.activated.emit(1)
    card.processes.setValue(3)
    settle(sheet, qtbot)
    assert sheet.draft.get("data.batch_size") == 6, "a preset's value gives way"
    set_number(sheet, "data.batch_size", "10")
    settle(sheet, qtbot)
    assert "10" in sheet.settings.form.rows["data.batch_size"].problem  # not a multiple of 3
    card.box.setCurrentIndex(2)
    card.box.activated.emit(2)
    settle(sheet, qtbot)
    assert not sheet.start.isEnabled()
    card.template.setText("ssh host 'cd x && {command}'")
    settle(sheet, qtbot)
    assert sheet.start.isEnabled()
    sheet.summary.copy_command.click()
    assert QGuiApplication.clipboard().text().startswith("ssh host 'cd x && ")


def test_a_run_that_cannot_be_started_says_why_and_nothing_is_lost(
    sheet: NewRunSheet, prepared: Path, folders: Folders, qtbot: QtBot
) -> None:
    choose(sheet, prepared, qtbot)
    choose_preset(sheet, "smoke")
    settle(sheet, qtbot)
    folders.runs.parent.mkdir(parents=True, exist_ok=True)
    folders.runs.write_text("a file in its place")
    sheet.start.click()
    qtbot.waitUntil(lambda: "cannot be made" in sheet.view.message.text(), timeout=LONG)
    assert sheet.isVisible()
    assert sheet.start.isEnabled()


def test_the_time_is_measured_and_another_setting_ends_that(sheet: NewRunSheet, prepared: Path, qtbot: QtBot) -> None:
    choose(sheet, prepared, qtbot)
    choose_preset(sheet, "smoke")
    settle(sheet, qtbot)
    sheet.summary.measure.click()
    assert sheet.summary.measuring
    set_number(sheet, "schedule.steps", "50")
    assert not sheet.summary.measuring
    settle(sheet, qtbot)
    sheet.summary.measure.click()
    sheet.summary.measure.click()
    assert not sheet.summary.measuring
    sheet.summary.measure.click()
    qtbot.waitUntil(lambda: sheet.summary.values["time"].text().startswith("about"), timeout=LONG)
    assert sheet.summary.values["device"].text() == "CPU, float32"


def test_the_name_is_made_up_until_the_person_gives_one(
    sheet: NewRunSheet, prepared: Path, folders: Folders, qtbot: QtBot
) -> None:
    choose(sheet, prepared, qtbot)
    assert sheet.summary.name.placeholderText() == "dragons-story-10m"
    QTest.keyClicks(sheet.summary.name, "Smaug")
    assert sheet.draft.run_name == "Smaug"


def test_a_window_that_closes_takes_its_sheet_and_threads_along(
    services: Services, folders: Folders, qtbot: QtBot
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(900, 600)
    window.show()
    sheet = NewRunSheet(services, RunIndex(folders.data / "runs.json", folders.runs), window)
    sheet.open()
    assert sheet.width() <= 900
    with qtbot.waitSignal(sheet.destroyed, timeout=LONG):
        window.close()


@pytest.mark.parametrize(("width", "points"), [(640, 0), (820, 0), (1160, 0), (1160, 16)])
def test_no_part_of_the_sheet_is_cut_off(
    open_sheet: Callable[[], NewRunSheet], qapp: QApplication, qtbot: QtBot, width: int, points: int
) -> None:
    before = qapp.font()
    try:
        if points:
            font = QFont(before)
            font.setPointSize(points)
            qapp.setFont(font)
        sheet = open_sheet()
        sheet.resize(width, 720)
        settle(sheet, qtbot)
        page = sheet.view.area.widget()
        qtbot.waitUntil(lambda: page.width() <= sheet.view.area.viewport().width(), timeout=LONG)
        sheet.summary.show_time(DryRun(seconds=42_360, device="cpu", precision="float32", compiled=False, memory=1,
                                       memory_available=0, disk_free=0))  # fmt: skip
        assert sheet.summary.values["time"].text() == "about 11 h 46 min"
        value = sheet.summary.values["time"]
        qtbot.waitUntil(lambda: value.heightForWidth(value.width()) <= value.height(), timeout=LONG)
    finally:
        qapp.setFont(before)


def test_everything_on_the_sheet_has_a_name_for_screen_readers(sheet: NewRunSheet, qtbot: QtBot) -> None:
    from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QSlider

    settle(sheet, qtbot)
    for kind in (QAbstractButton, QComboBox, QLineEdit, QSlider):
        for widget in sheet.findChildren(kind):
            text = widget.text() if isinstance(widget, QAbstractButton) else ""
            inside = widget.objectName().startswith("qt_") or widget.focusPolicy() == Qt.FocusPolicy.NoFocus
            assert inside or widget.accessibleName() or text, widget


def test_a_home_that_is_nobodys_is_a_folder_like_any_other(tmp_path: Path) -> None:
    assert run_folder({"run": {"folder": "~nobody-at-all/x"}}, tmp_path, "x") == Path("~nobody-at-all/x")
