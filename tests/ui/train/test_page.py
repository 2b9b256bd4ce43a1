"""The Train page with real trainers: what they do is seen, what they are asked for is done, and they outlive it."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.files import read_json
from gptdesk.folders import Folders
from gptdesk.gpt2.config import END_OF_TEXT
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.training.checkpoints import checkpoints
from gptdesk.training.data.preparations import PreparationState
from gptdesk.training.history.loss_sketch import loss_sketch
from gptdesk.training.index import RunIndex
from gptdesk.training.launch import start_run
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.train.data_labels import data_role
from gptdesk.ui.train.runs.dialogs.change import ChangeDialog
from gptdesk.ui.train.runs.dialogs.delete import DeleteDialog
from gptdesk.ui.train.runs.dialogs.sample import SampleDialog
from gptdesk.ui.train.runs.dialogs.tags import TagsDialog
from gptdesk.ui.train.runs.labels import STATES
from gptdesk.ui.train.runs.log_panel import LogView
from gptdesk.ui.train.view import TrainView
from gptdesk.ui.widgets.input_dialogs.name_dialog import NameDialog
from trainer.prepare.run import Request, prepare
from trainer.run_directory.layout import CHECKPOINTS, EVENTS
from trainer.run_directory.requests import send_request
from trainer.run_directory.state import STATES as RUN_STATES
from trainer.run_directory.state import read_state

from ..conftest import Opened
from ..test_window import nameless

PATIENCE = 600_000
"""Milliseconds for anything that another process does on a busy computer."""

D = TypeVar("D", bound=QWidget)


@pytest.fixture(scope="session")
def values(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Settings of a run that takes a million tiny steps, and saves only when it is asked to."""
    place = tmp_path_factory.mktemp("data")
    text = "\n<|endoftext|>\n".join(f"Once upon a time there were {number} dragons. " * 6 for number in range(60))
    (place / "tales.txt").write_text(text, encoding="utf-8")
    prepare(Request(sources=(str(place / "tales.txt"),), validation_share=0.2), place / "prepared")
    return {
        "model": {"n_layer": 1, "n_head": 2, "n_embd": 16, "n_positions": 16},
        "data": {"path": str(place / "prepared"), "batch_size": 2, "micro_batch_size": 2},
        "schedule": {"steps": 1_000_000, "warmup_steps": 2},
        "run": {
            "device": "cpu",
            "threads": 1,
            "compile": "off",
            "precision": "float32",
            "log_interval": 20,
            "eval_interval": 900_000,
            "eval_tokens": 64,
            "checkpoint_interval": 900_000,
            "sample_tokens": 5,
        },
    }


@dataclass
class Living:
    """A run that a trainer is at work on."""

    folder: Path

    @property
    def state(self) -> str:
        return read_state(self.folder).state

    @property
    def pid(self) -> int:
        return int((read_json(self.folder / "status.json") or {})["pid"])

    def kill(self) -> None:
        with suppress(ProcessLookupError, KeyError):
            os.kill(self.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def living(values: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """One run for all tests that leave it as it was; it stands in a folder that no window of theirs has made."""
    folder = tmp_path_factory.mktemp("elsewhere") / "Läufe von 猫" / "lives"
    start_run(values, folder, name="lives")
    yield Living(folder)
    Living(folder).kill()


@pytest.fixture
def page(
    living: Living, folders: Folders, open_window: Callable[..., Opened], qtbot: QtBot
) -> Callable[[], tuple[Opened, TrainView]]:
    """Opens a window that watches the living run, on its Train page, once the run is seen to learn."""
    RunIndex(folders.data / "runs.json", folders.runs).watch(living.folder.parent)

    def open_page() -> tuple[Opened, TrainView]:
        opened = open_window()
        opened.window.resize(1440, 900)
        opened.window.show_page("train")
        train = opened.window.train
        assert train is not None
        wait(qtbot, lambda: train.current == living.folder and view_state(opened) == "running")
        return opened, train

    return open_page


def wait(qtbot: QtBot, condition: Callable[[], object]) -> None:
    qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE)


def view_state(opened: Opened) -> str:
    view = opened.services.run_monitor.view
    return view.entry.state.state if view and view.read else ""


def pending(opened: Opened, living: Living) -> list[str]:
    return [request.action for request in opened.services.run_monitor.requests.pending(living.folder)]


def dialog(kind: type[D], qtbot: QtBot) -> D:
    def found() -> list[D]:
        return [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, kind) and widget.isVisible()]

    wait(qtbot, found)
    return found()[-1]


def button(root: QWidget, text: str) -> QAbstractButton:
    return next(b for b in root.findChildren(QAbstractButton) if b.text() == text and b.isVisibleTo(root))


# A run from its first step to a crash and on


def test_a_run_appears_by_itself_and_is_gone_on_with_after_a_crash(
    open_window: Callable[..., Opened], folders: Folders, values: dict[str, Any], qtbot: QtBot
) -> None:
    opened = open_window()
    opened.window.show_page("train")
    train = opened.window.train
    assert train is not None
    assert train.empty.isVisible()
    run = Living(folders.runs / "my first")
    start_run({**values, "run": {**values["run"], "checkpoint_interval": 50}}, run.folder, name="my first")
    try:
        wait(qtbot, lambda: view_state(opened) == "running")
        assert train.top_bar.name.text() == "my first"
        assert not train.empty.isVisible()
        run_monitor = opened.services.run_monitor
        wait(qtbot, lambda: run_monitor.view and run_monitor.view.checkpoints)
        run.kill()
        qtbot.waitUntil(lambda: view_state(opened) == "crashed", timeout=600_000)
        wait(qtbot, train.dashboard.crash.isVisible)
        crash = train.dashboard.crash
        assert crash.resume.text().startswith("Resume from step ")
        assert "step" in crash.output.toPlainText()
        assert "crashed at" in train.runs.cards[run.folder].state.text()
        crash.resume.click()
        assert crash.resume.text() == "Resuming…"
        wait(qtbot, lambda: view_state(opened) == "running")
        assert not crash.isVisible()
        train.dashboard.controls.buttons["stop"].click()
        assert train.dashboard.controls.buttons["stop"].text() == "Stopping…"
        wait(qtbot, lambda: view_state(opened) == "stopped")
        assert button(train, "Resume training").isEnabled()
    finally:
        run.kill()


# What a run is asked for


def test_a_pause_is_pending_until_the_trainer_has_answered(
    page: Callable[[], tuple[Opened, TrainView]], living: Living, qtbot: QtBot
) -> None:
    opened, train = page()
    buttons = train.dashboard.controls.buttons
    buttons["pause"].setFocus()
    buttons["pause"].click()
    assert pending(opened, living) == ["pause"]
    assert buttons["pause"].text() == "Pausing…"
    buttons["pause"].click()
    assert pending(opened, living) == ["pause"], "a button that waits asks for nothing again"
    assert opened.window.focusWidget() is buttons["pause"]
    wait(qtbot, lambda: view_state(opened) == "paused")
    wait(qtbot, lambda: not pending(opened, living))
    assert opened.window.focusWidget() is buttons["resume"], "the focus stays in its place"
    assert not buttons["checkpoint"].isEnabled()
    assert "The run is paused." in buttons["checkpoint"].toolTip()
    buttons["resume"].click()
    assert pending(opened, living) == ["resume"]
    wait(qtbot, lambda: view_state(opened) == "running" and not pending(opened, living))
    assert buttons["pause"].isVisible()


def test_a_prompt_is_sampled_at_once(
    page: Callable[[], tuple[Opened, TrainView]], living: Living, qtbot: QtBot
) -> None:
    opened, train = page()
    opened.window.session.edit(0, 0, "A text of mine")
    train.dashboard.controls.buttons["sample"].click()
    asked = dialog(SampleDialog, qtbot)
    asked.use.click()
    asked.seed.setValue(7)
    asked.accept_button.click()
    assert pending(opened, living) == ["sample"]
    wait(qtbot, lambda: train.panel.samples.thread_at_hand == ("A text of mine", 7) or not pending(opened, living))
    samples = train.panel.samples
    wait(qtbot, lambda: any(s.prompt == "A text of mine" and s.seed == 7 for s in view(opened).samples))
    place = samples.prompts.findText("A text of mine", Qt.MatchFlag.MatchStartsWith)
    samples.prompts.setCurrentIndex(place)
    samples.prompts.activated.emit(place)
    assert samples.text.toPlainText().startswith("A text of mine")
    assert "seed 7" in samples.caption.text()


def test_the_learning_rate_is_changed_while_it_learns(
    page: Callable[[], tuple[Opened, TrainView]], living: Living, qtbot: QtBot
) -> None:
    opened, train = page()
    train.requests.change_settings()
    change = dialog(ChangeDialog, qtbot)
    change.boxes["learning_rate_factor"].setValue(0.5)
    change.boxes["log_interval"].setValue(10)
    change.accept_button.click()
    assert pending(opened, living) == ["set", "set"]
    assert train.dashboard.controls.waiting.text() == "Changing settings…"
    wait(qtbot, lambda: not pending(opened, living))
    train.panel.tabs["events"].click()
    wait(qtbot, lambda: "set learning_rate_factor to 0.5: done" in train.panel.events.toPlainText())
    train.requests.change_settings()
    assert dialog(ChangeDialog, qtbot).boxes["learning_rate_factor"].value() == 0.5
    dialog(ChangeDialog, qtbot).reject()


def test_what_the_trainer_refuses_is_said(
    page: Callable[[], tuple[Opened, TrainView]], living: Living, qtbot: QtBot
) -> None:
    opened, _ = page()
    opened.services.run_monitor.requests.ask(living.folder, "set", name="seed", value=3)
    wait(qtbot, lambda: opened.window.banners.texts)
    assert "cannot be changed while training" in opened.window.banners.texts[0]


# Play while it learns


def test_a_checkpoint_is_opened_in_the_playground_and_writes(
    page: Callable[[], tuple[Opened, TrainView]], living: Living, qtbot: QtBot
) -> None:
    opened, train = page()
    known = len(checkpoints(living.folder))
    train.dashboard.controls.buttons["checkpoint"].click()
    assert pending(opened, living) == ["checkpoint"]
    wait(qtbot, lambda: not pending(opened, living) and len(view(opened).checkpoints) > min(known, 1))
    wait(qtbot, train.panel.samples.open.isEnabled)
    train.panel.samples.open.click()
    assert opened.window.contents.currentWidget() is opened.window.playground
    assert Path(opened.services.settings.value.model).parent == living.folder / CHECKPOINTS
    wait(qtbot, lambda: opened.state is State.READY)
    assert "step" in opened.window.chooser.text()
    never_ends = {END_OF_TEXT: -100.0}  # which weights that have learnt so little give now and then
    opened.services.settings.update(decoding=DecodingSettings(max_tokens=3, logit_bias=never_ends))
    opened.window.session.edit(0, 0, "Once")
    opened.window.session.generate()
    wait(qtbot, lambda: opened.window.session.done is not None)
    assert opened.window.session.done is not None
    assert opened.window.session.done.completion_tokens == 3


def test_a_run_that_is_followed_brings_its_newest_weights_and_leaves_text_and_seed(
    page: Callable[[], tuple[Opened, TrainView]], living: Living, qtbot: QtBot, tiny_model_folder: Path
) -> None:
    opened, train = page()
    settings = opened.services.settings
    send_request(living.folder, "checkpoint")
    wait(qtbot, lambda: view(opened).checkpoints)
    settings.update(decoding=DecodingSettings(seed=12, max_tokens=3))
    opened.window.session.edit(0, 0, "My words")
    menu = train.menus.checkpoints
    menu.aboutToShow.emit()
    (follow,) = [action for action in menu.actions() if action.text() == "Follow this run"]
    assert follow.isCheckable()
    assert not follow.isChecked()
    follow.trigger()
    assert follow.isChecked()
    wait(qtbot, lambda: Path(settings.value.model).parent == living.folder / CHECKPOINTS)
    wait(qtbot, lambda: opened.state is State.READY)
    first = settings.value.model
    send_request(living.folder, "checkpoint")
    wait(qtbot, lambda: settings.value.model != first and opened.state is State.READY)
    assert Path(settings.value.model).name > Path(first).name
    assert opened.window.session.document.text == "My words"
    assert settings.value.decoding.seed == 12
    assert opened.window.chooser.text().endswith("following")
    opened.window.chooser.choose(str(tiny_model_folder))
    assert settings.value.follow is None


# The window goes, the run stays


@pytest.mark.qt_log_ignore("does not support raise")
def test_closing_the_window_asks_once_and_the_run_lives_on(
    page: Callable[[], tuple[Opened, TrainView]], living: Living, qtbot: QtBot
) -> None:
    opened, _ = page()
    assert not opened.window.close()
    question = opened.window.close_guard.question
    assert question is not None
    assert not opened.window.close()
    assert opened.window.close_guard.question is question
    question.cancel.click()
    assert opened.window.isVisible()
    assert not opened.window.close()
    assert opened.window.close_guard.question is not None
    button(opened.window.close_guard.question, "Keep running").click()
    assert not opened.window.isVisible()
    opened.close()
    assert living.state == "running"
    again, train = page()
    assert again.window.contents.currentWidget() is train
    assert train.current == living.folder


def test_closing_the_window_can_stop_and_save_even_what_is_only_starting(
    open_window: Callable[..., Opened], folders: Folders, values: dict[str, Any], qtbot: QtBot
) -> None:
    run = Living(folders.runs / "ends")
    process = start_run(values, run.folder, name="ends")
    os.kill(process, signal.SIGSTOP)  # it goes on starting until the person has answered
    opened = open_window()
    try:
        wait(qtbot, lambda: opened.services.run_monitor.active)
        assert opened.services.run_monitor.active[0].state.state == "starting"
        opened.window.close()
        assert opened.window.close_guard.question is not None
        button(opened.window.close_guard.question, "Stop and save").click()
        os.kill(process, signal.SIGCONT)
        wait(qtbot, lambda: not opened.window.isVisible())
        wait(qtbot, lambda: run.state == "stopped")
        assert checkpoints(run.folder)
    finally:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)
        run.kill()


# The list


@pytest.fixture
def ended(folders: Folders) -> Callable[[str], Path]:
    """Makes a run that has ended, as it looks on the disk."""

    def make(name: str, losses: list[float] | None = None) -> Path:
        folder = folders.runs / name
        (folder / "checkpoints").mkdir(parents=True)
        config = {"schedule": {"steps": 30}, "optim": {"grad_clip": 1.0}}
        (folder / "run.json").write_text(json.dumps({"format": 1, "id": name, "t": 1.0, "config": config}))
        (folder / "status.json").write_text(
            json.dumps({"format": 1, "state": "finished", "step": 30, "best_loss": 3.5, "best_step": 30})
        )
        (folder / "exit.json").write_text(json.dumps({"state": "finished", "t": 2.0}))
        (folder / "run.lock").write_text("")
        with (folder / EVENTS).open("w") as file:
            for step, loss in enumerate(losses or [9.0, 8.0, 7.0], 1):
                event = {"v": 1, "seq": step, "seg": 0, "t": float(step), "ev": "step", "step": step, "tokens": step}
                file.write(
                    json.dumps({**event, "loss": loss, "grad_norm": 1.0, "lr": 0.1}, separators=(",", ":")) + "\n"
                )
        return folder

    return make


@pytest.fixture
def listed(
    ended: Callable[[str], Path], open_window: Callable[..., Opened], qtbot: QtBot
) -> tuple[Opened, TrainView, list[Path]]:
    """A window with three runs that have ended."""
    runs = [ended(name) for name in ("alpha", "beta", "gamma")]
    opened = open_window()
    opened.window.resize(1440, 900)
    opened.window.show_page("train")
    train = opened.window.train
    assert train is not None
    wait(qtbot, lambda: len(train.runs.cards) == 3 and view_state(opened) == "finished")
    return opened, train, runs


def view(opened: Opened) -> Any:
    return opened.services.run_monitor.view


def entry(opened: Opened, folder: Path) -> Any:
    return opened.services.run_monitor.entry(folder)


def test_a_run_that_the_sheet_has_started_is_the_one_at_hand(
    listed: tuple[Opened, TrainView, list[Path]], ended: Callable[[str], Path], qtbot: QtBot
) -> None:
    _, train, _ = listed
    train.top_bar.new.click()
    assert train.sheet is not None
    train.sheet.started.emit(ended("new"))
    train.sheet.close()
    wait(qtbot, lambda: train.top_bar.name.text() == "new")
    wait(qtbot, lambda: train.sheet is None)


def test_runs_are_chosen_with_the_arrow_keys(listed: tuple[Opened, TrainView, list[Path]], qtbot: QtBot) -> None:
    opened, train, _ = listed
    shown = train.runs.shown
    train.choose(shown[0])
    train.focus()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Down)
    assert train.current == shown[1]
    assert train.runs.cards[shown[1]].isChecked()
    assert not train.runs.cards[shown[0]].isChecked()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_End)
    assert train.current == shown[2]
    wait(qtbot, lambda: view(opened) and view(opened).entry.folder == shown[2])
    assert opened.services.settings.value.run == str(shown[2])


def test_a_run_is_renamed_tagged_and_pinned(listed: tuple[Opened, TrainView, list[Path]], qtbot: QtBot) -> None:
    opened, train, _ = listed
    last = train.runs.shown[-1]
    train.choose(last)
    train.run_actions.rename.trigger()
    rename = dialog(NameDialog, qtbot)
    rename.line.setText("Erstes Märchen")
    rename.accept_button.click()
    wait(qtbot, lambda: train.top_bar.name.text() == "Erstes Märchen")
    train.run_actions.tags.trigger()
    tags = dialog(TagsDialog, qtbot)
    tags.tags.line.setText("#muon")
    tags.tags.line.returnPressed.emit()
    tags.accept_button.click()
    wait(qtbot, lambda: entry(opened, last).tags == ("muon",))
    assert "#muon" in train.runs.cards[last].detail.text()
    train.run_actions.pin.trigger()
    wait(qtbot, lambda: train.runs.shown[0] == last)
    train.choose(train.runs.shown[1])
    wait(qtbot, lambda: len(train.dashboard.charts.runs) == 2)
    assert [run.name for run in train.dashboard.charts.runs][1] == "Erstes Märchen"
    train.runs.filter.setText("muon")
    assert train.runs.shown == [last]


def test_a_run_is_deleted_after_a_question_that_says_its_size(
    listed: tuple[Opened, TrainView, list[Path]], qtbot: QtBot
) -> None:
    _, train, _ = listed
    folder = train.current
    assert folder is not None
    train.run_actions.delete.trigger()
    asked = dialog(DeleteDialog, qtbot)
    wait(qtbot, lambda: "(…)" not in asked.words.text())
    button(asked, "Delete").click()
    wait(qtbot, lambda: len(train.runs.cards) == 2)
    assert not folder.exists()
    assert train.current in train.runs.cards


def test_a_folder_is_watched_until_that_is_stopped(
    listed: tuple[Opened, TrainView, list[Path]], tmp_path: Path, qtbot: QtBot
) -> None:
    opened, train, runs = listed
    elsewhere = tmp_path / "anderswo & fern"
    shutil.copytree(runs[0], elsewhere / "delta")
    opened.services.run_monitor.change(lambda: opened.services.runs.watch(elsewhere))
    wait(qtbot, lambda: len(train.runs.cards) == 4)
    menu = QMenu(train)
    train.run_actions.fill_watched(menu)
    stop = next(action.menu() for action in menu.actions() if action.text() == "Stop watching")
    assert isinstance(stop, QMenu)
    (action,) = stop.actions()
    assert action.text().endswith("anderswo && fern")
    action.trigger()
    wait(qtbot, lambda: len(train.runs.cards) == 3)
    assert (elsewhere / "delta").exists()


def test_a_run_that_vanishes_leaves_the_list(listed: tuple[Opened, TrainView, list[Path]], qtbot: QtBot) -> None:
    _, train, runs = listed
    for folder in runs:
        shutil.rmtree(folder)
    wait(qtbot, lambda: not train.runs.cards)
    assert train.empty.isVisible()


def test_a_run_of_a_newer_version_says_so(
    ended: Callable[[str], Path], open_window: Callable[..., Opened], qtbot: QtBot
) -> None:
    folder = ended("tomorrow")
    (folder / "run.json").write_text(json.dumps({"format": 99, "id": "x", "t": 1.0}))
    opened = open_window()
    opened.window.show_page("train")
    train = opened.window.train
    assert train is not None
    wait(qtbot, lambda: train.dashboard.problem.isVisible())
    assert "newer version" in train.dashboard.problem.text()
    assert not train.dashboard.crash.isVisible()
    assert train.runs.cards[folder].state.text() == "cannot be read"


def test_damaged_runs_are_shown_as_damaged_beside_the_others(
    ended: Callable[[str], Path], open_window: Callable[..., Opened], qtbot: QtBot, folders: Folders
) -> None:
    broken = {
        "odd": '{"format": "x", "config": true, "best_loss": "low"}',
        "half": '{"format": 1, "id": "h',
        "empty": "",
        "deep": "[" * 10_000,
    }
    for name, content in broken.items():
        (folders.runs / name).mkdir(parents=True)
        (folders.runs / name / "run.json").write_text(content)
    odd_status = ended("odd-status")
    (odd_status / "status.json").write_text(json.dumps({"format": 1, "state": 7, "step": "x", "best_loss": [1]}))
    whole = ended("whole")
    opened = open_window()
    opened.window.show_page("train")
    train = opened.window.train
    assert train is not None
    wait(qtbot, lambda: len(train.runs.cards) == len(broken) + 2)
    for name in broken:
        card = train.runs.cards[folders.runs / name]
        assert card.state.text() == "damaged"
        assert "ago" not in card.detail.text(), "nobody knows when it was begun"
        card.click()
        wait(qtbot, lambda: train.dashboard.problem.isVisible())
        assert train.dashboard.problem.text().startswith("This run is damaged: ")
        assert train.run_actions.folder.isEnabled()
        assert train.run_actions.delete.isEnabled()
    train.runs.cards[odd_status].click()
    wait(qtbot, lambda: train.current == odd_status and "status.json" in train.dashboard.problem.text())
    train.runs.cards[whole].click()
    wait(qtbot, lambda: train.current == whole and not train.dashboard.problem.isVisible())


def test_control_n_begins_a_run_on_this_page_and_a_document_elsewhere(
    listed: tuple[Opened, TrainView, list[Path]], qtbot: QtBot
) -> None:
    opened, train, _ = listed
    window = opened.window
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    wait(qtbot, lambda: train.sheet is not None)
    assert train.sheet is not None
    train.sheet.reject()
    window.show_page("play")
    wait(qtbot, lambda: train.sheet is None)
    window.playground.editor.insertPlainText("Once")
    QTest.keyClick(window.playground.editor, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    wait(qtbot, lambda: window.session.document.text == "")
    assert train.sheet is None


def test_a_run_that_waits_does_not_look_like_one_that_failed() -> None:
    assert STATES["paused"].role == STATES["stopped"].role == "muted"
    assert tuple(STATES) == RUN_STATES
    assert data_role(PreparationState(state="paused")) == "muted"


def test_tiles_and_list_follow_the_unit_of_the_chart_also_after_a_restart(
    listed: tuple[Opened, TrainView, list[Path]], open_window: Callable[..., Opened], qtbot: QtBot
) -> None:
    opened, train, _ = listed
    last = train.runs.shown[-1]
    train.choose(last)
    charts, tiles = train.dashboard.charts, train.dashboard.tiles
    charts.choose(replace(charts.settings, loss_unit="perplexity"))
    wait(qtbot, lambda: "in perplexity" in tiles.loss.accessibleDescription())
    assert "best perplexity" in train.runs.cards[last].detail.text()
    opened.close()
    again = open_window()
    wait(qtbot, lambda: again.window.train and again.window.train.current == last and view(again))
    assert again.window.train is not None
    restored = again.window.train.dashboard.tiles
    wait(qtbot, lambda: "in perplexity" in restored.loss.accessibleDescription())
    assert "best perplexity" in again.window.train.runs.cards[last].detail.text()


def test_the_page_and_the_run_are_there_again_after_a_restart(
    listed: tuple[Opened, TrainView, list[Path]], open_window: Callable[..., Opened], qtbot: QtBot
) -> None:
    opened, train, _ = listed
    last = train.runs.shown[-1]
    train.choose(last)
    charts = train.dashboard.charts
    charts.settings_changed.emit(charts.settings)
    opened.close()
    again = open_window()
    assert again.window.train is not None
    assert again.window.contents.currentWidget() is again.window.train
    wait(qtbot, lambda: again.window.train and again.window.train.current == last and view(again))


def test_borders_stand_after_a_restart_where_somebody_moved_them(
    listed: tuple[Opened, TrainView, list[Path]], open_window: Callable[..., Opened], qtbot: QtBot
) -> None:
    opened, train, _ = listed
    before = train.parts.sizes()
    handle = train.parts.handle(1)
    middle = handle.rect().center()
    QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(handle, middle + QPoint(70, 0))
    QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=middle + QPoint(70, 0))
    moved = train.parts.sizes()
    assert moved[0] > before[0]
    size = opened.window.size()
    opened.close()
    again = open_window()
    again.window.resize(size)  # the screen of the tests is smaller
    wait(qtbot, lambda: again.window.train and again.window.train.panel.isVisible())
    assert again.window.train is not None
    assert again.window.train.parts.sizes() == moved
    again.window.train.parts.reset.emit()  # a double click
    assert again.window.train.parts.sizes() == before
    assert again.window.train.parts.borders == ""


def test_the_panel_is_folded_away_and_stays_so_while_runs_change(
    listed: tuple[Opened, TrainView, list[Path]],
) -> None:
    opened, train, folders = listed
    fold = next(action for action in opened.window.actions() if action.shortcut().toString() == "Ctrl+.")
    assert not train.panel.isHidden()
    trigger(fold)
    train.choose(folders[0])
    assert train.panel.isHidden()
    trigger(fold)
    assert not train.panel.isHidden()


def test_keys_switch_pages(listed: tuple[Opened, TrainView, list[Path]]) -> None:
    opened, train, _ = listed
    window = opened.window
    actions = {key.toString(): action for action in window.actions() for key in action.shortcuts()}
    trigger(actions["Ctrl+1"])
    assert window.contents.currentWidget() is window.playground
    trigger(actions["Ctrl+5"])
    assert window.contents.currentWidget() is train
    assert window.windowTitle().startswith(train.top_bar.name.text())


def trigger(action: QAction) -> None:
    action.trigger()


def test_every_control_of_the_page_has_a_name(listed: tuple[Opened, TrainView, list[Path]]) -> None:
    opened, _, _ = listed
    assert nameless(opened.window) == []


def test_a_run_that_has_ended_keeps_no_row_for_its_menu(
    listed: tuple[Opened, TrainView, list[Path]], qtbot: QtBot
) -> None:
    _, train, _ = listed
    controls = train.dashboard.controls
    wait(qtbot, lambda: not controls.isVisible())
    assert controls.more.isVisible()


@pytest.mark.parametrize("size", [(900, 600), (1000, 700), (2560, 1440)])
def test_nothing_is_cut_off_at_any_size(
    page: Callable[[], tuple[Opened, TrainView]], size: tuple[int, int], qtbot: QtBot
) -> None:
    opened, train = page()
    opened.window.resize(*size)
    wait(qtbot, lambda: train.dashboard.tiles.width() <= train.dashboard.width())
    assert (opened.window.width(), opened.window.height()) == size
    controls = train.dashboard.controls
    for child in controls.findChildren(QAbstractButton):
        if child.isVisible():
            assert child.geometry().right() <= controls.width()
            assert child.width() >= child.sizeHint().width() - 1
    assert train.runs.width() >= 176


# The sketch of a loss


def test_a_sketch_shows_the_whole_history_however_long(ended: Callable[..., Path]) -> None:
    folder = ended("long", [10.0 - 9.0 * step / 5_000 for step in range(5_000)])
    sketch = loss_sketch(folder)
    assert 20 <= len(sketch) <= 80
    assert list(sketch) == sorted(sketch, reverse=True)
    assert sketch[0] > 9.7
    assert sketch[-1] < 1.5


def test_a_sketch_passes_over_half_lines_and_files_that_are_not_there(
    ended: Callable[..., Path], tmp_path: Path
) -> None:
    folder = ended("half", [3.0, 2.0])
    with (folder / EVENTS).open("a") as file:
        file.write('{"v":1,"ev":"step","step":3,"loss":1')
    assert loss_sketch(folder) == (3.0, 2.0)
    assert loss_sketch(tmp_path / "nowhere") == ()


# The console


def test_the_console_grows_at_its_end_and_forgets_its_beginning(qtbot: QtBot) -> None:
    view = LogView("Console", "nothing")
    qtbot.addWidget(view)
    lines = [f"line {number}" for number in range(4_000)]
    view.show_lines(lines[:1_999])
    view.show_lines(lines[:2_000])
    view.show_lines(lines[300:2_300])
    assert view.toPlainText() == "\n".join(lines[300:2_300])
    view.show_lines([*lines[301:2_300], "rewritten"])
    assert view.toPlainText().splitlines()[-2:] == [lines[2_299], "rewritten"]
    view.show_lines(lines[3_000:3_010])
    assert view.toPlainText() == "\n".join(lines[3_000:3_010])
