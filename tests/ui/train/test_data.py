"""Data in preparation on the Train page: with real preparations that are watched, paused, cancelled and trained on."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.files import read_json
from gptdesk.folders import Folders
from gptdesk.locks import FileLock, is_locked
from gptdesk.training.data.data_scanner import DataScanner, DataView
from gptdesk.training.data.preparations import Preparation, PrepareOptions
from gptdesk.training.detached import reap
from gptdesk.ui.train.view import TrainView
from gptdesk.ui.widgets.question import Question
from tests.patience import wait_for
from trainer.run_directory.state import read_state

from ..conftest import Opened
from .new_run.sheets import choose_preset

PATIENCE = 600_000


@pytest.fixture
def prepare(folders: Folders, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Begins to prepare so many thousand documents."""
    made = []

    def begin(name: str, thousands: int) -> Path:
        text = "".join(f"{n} {n * 7919} {n * 104729} was written.\n<|endoftext|>\n" * 8 for n in range(thousands * 125))
        (tmp_path / f"{name}.txt").write_text(text)
        folder = folders.data / "datasets" / name
        Preparation(folder).start(PrepareOptions((str(tmp_path / f"{name}.txt"),)))
        made.append(folder)
        return folder

    yield begin
    for folder in made:
        end(folder / ".prepare.json")
    for record in folders.runs.glob("*/launch.json"):
        end(record)
    reap()


def end(record: Path) -> None:
    signal_to(record, signal.SIGKILL)


def signal_to(record: Path, number: signal.Signals) -> None:
    """Sends a signal to what was launched by that record, if it lives."""
    pid = (read_json(record) or {}).get("pid")
    if isinstance(pid, int) and is_locked(record.with_name(".launch.lock")):
        with suppress(ProcessLookupError):
            os.killpg(pid, number)


@pytest.fixture
def open_page(open_window: Callable[..., Opened]) -> Callable[[], tuple[Opened, TrainView]]:
    def open_one() -> tuple[Opened, TrainView]:
        opened = open_window()
        opened.window.resize(1440, 900)
        opened.window.show_page("train")
        assert opened.window.train is not None
        return opened, opened.window.train

    return open_one


def wait(qtbot: QtBot, condition: Callable[[], object]) -> None:
    qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE)


def state(opened: Opened) -> str:
    view: DataView | None = opened.services.run_monitor.data_view
    return view.entry.state.state if view else ""


def question() -> Question:
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, Question) and w.isVisible())


def button(root: QWidget, text: str) -> QAbstractButton:
    return next(b for b in root.findChildren(QAbstractButton) if b.text() == text)


def test_a_preparation_is_in_the_list_and_is_paused_gone_on_with_and_cancelled(
    open_page: Callable[[], tuple[Opened, TrainView]], prepare: Callable[..., Path], qtbot: QtBot
) -> None:
    opened, train = open_page()
    assert train.empty.isVisible()
    folder = prepare("library", 320)
    wait(qtbot, lambda: state(opened) == "encoding")
    assert train.current == folder
    assert train.data.isVisible()
    assert not train.panel.isVisible()
    assert train.runs.data_cards[folder].state.text().startswith("preparing")
    train.data.pause.click()
    assert (train.data.pause.text(), train.data.pause.isEnabled()) == ("Pausing…", False)
    wait(qtbot, lambda: state(opened) == "paused" and train.data.pause.text() == "Resume")
    assert train.runs.data_cards[folder].state.text().startswith("paused")
    train.data_actions.pause.trigger()
    wait(qtbot, lambda: state(opened) in ("planning", "encoding") and train.data.pause.text() == "Pause")
    assert opened.window.close_guard.may_close(), "it goes on by itself"
    train.data_actions.cancel.trigger()
    button(question(), "Remove").click()
    wait(qtbot, lambda: not train.runs.data_cards and train.empty.isVisible())
    assert not folder.exists()


def test_data_that_is_ready_is_offered_and_then_leaves_the_list(
    open_page: Callable[[], tuple[Opened, TrainView]], prepare: Callable[..., Path], qtbot: QtBot
) -> None:
    opened, train = open_page()
    other = prepare("other", 320)
    Preparation(other).pause()
    wait(qtbot, lambda: train.current == other)
    toasts: list[str] = []
    opened.services.messages.toasted.connect(lambda message: toasts.append(message.text))
    folder = prepare("tale", 2)
    wait(qtbot, lambda: folder in train.runs.data_cards)
    wait(qtbot, lambda: any(text.startswith("tale is ready") for text in toasts))
    train.choose(folder)
    wait(qtbot, train.data.preview.isVisible)
    assert train.runs.data_cards[folder].state.text() == "ready"
    assert "was" in train.data.preview.text.text()
    assert train.data.output.toPlainText()
    train.data.use.click()
    sheet = train.sheet
    assert sheet is not None
    wait(qtbot, lambda: sheet.draft.get("data.path") == str(folder))
    sheet.reject()
    train.choose(other)
    wait(qtbot, lambda: list(train.runs.data_cards) == [other])
    assert folder.exists()


def test_data_that_was_ready_before_the_next_look_is_listed(folders: Folders, prepare: Callable[..., Path]) -> None:
    scanner = DataScanner(folders)
    scanner.scan()
    (folders.data / "datasets" / "tale").mkdir(parents=True)
    scanner.scan()  # the folder is there, its record is not yet
    folder = prepare("tale", 1)
    wait_for(lambda: Preparation(folder).state().state == "finished")
    assert [entry.folder for entry in scanner.scan()] == [folder]
    assert [(entry.folder, entry.ready) for entry in scanner.entries] == [(folder, True)]


def test_data_whose_program_is_about_to_end_is_told_of_when_it_has(
    folders: Folders, prepare: Callable[..., Path]
) -> None:
    scanner = DataScanner(folders)
    scanner.scan()
    (folders.data / "datasets").mkdir(parents=True, exist_ok=True)
    scanner.scan()
    folder = prepare("tale", 1)
    wait_for(lambda: Preparation(folder).state().state == "finished")
    with closing(os.fdopen(FileLock(folder / ".lock").fileno())):  # its manifest is written, its program at work
        assert scanner.scan() == []
        assert [(entry.folder, entry.active) for entry in scanner.entries] == [(folder, True)]
        assert scanner.scan() == []
    assert [entry.folder for entry in scanner.scan()] == [folder]
    assert scanner.scan() == []


def test_a_run_starts_by_itself_when_its_data_is_ready(
    open_page: Callable[[], tuple[Opened, TrainView]], prepare: Callable[..., Path], qtbot: QtBot
) -> None:
    opened, train = open_page()
    folder = prepare("library", 30)
    wait_for(lambda: Preparation(folder).state().state == "encoding")
    signal_to(folder / ".prepare.json", signal.SIGSTOP)  # until all is asked that is asked while it is not ready
    wait(qtbot, lambda: train.current == folder and train.data.isVisible())
    train.data.use.click()
    sheet = train.sheet
    assert sheet is not None
    choose_preset(sheet, "smoke")
    wait(qtbot, lambda: sheet.start.text() == "Start when ready" and sheet.start.isEnabled())
    sheet.start.click()
    wait(
        qtbot,
        lambda: (
            folder in train.runs.data_cards
            and "then starts library-smoke" in train.runs.data_cards[folder].detail.text()
        ),
    )
    assert not opened.window.close()
    assert "library-smoke” will not start automatically" in question().words.text()
    question().cancel.click()
    signal_to(folder / ".prepare.json", signal.SIGCONT)
    wait(qtbot, lambda: opened.services.run_monitor.active)
    run = opened.services.run_monitor.active[0]
    wait(qtbot, lambda: train.current == run.folder)
    assert run.name == "library-smoke"
    wait(qtbot, lambda: not train.runs.data_cards)
    wait(qtbot, lambda: (run.folder / "run.json").exists())
    opened.window.close_guard.allowed = True


def test_a_run_that_waits_can_be_called_off_and_says_when_its_data_is_gone(
    open_page: Callable[[], tuple[Opened, TrainView]], prepare: Callable[..., Path], qtbot: QtBot
) -> None:
    opened, train = open_page()
    folder = prepare("library", 320)
    wait(qtbot, lambda: train.current == folder and train.data.isVisible())
    run_monitor = opened.services.run_monitor

    def start() -> Path:
        raise AssertionError("it is called off")

    run_monitor.start_when_ready(folder, "mine", start)
    wait(qtbot, train.data.forget.isVisible)
    assert "“mine” starts automatically" in train.data.waiting.text()
    train.data.forget.click()
    wait(qtbot, lambda: not train.data.forget.isVisible())
    run_monitor.start_when_ready(folder, "mine", start)
    wait(qtbot, lambda: run_monitor.waiting.names)
    Preparation(folder).cancel()
    wait(qtbot, lambda: any("“mine” has not been started" in text for text in opened.window.banners.texts))
    assert not run_monitor.waiting.names
    assert read_state(folder).state == "crashed", "there is no run"
