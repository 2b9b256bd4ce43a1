"""What is said of runs while the person looks elsewhere."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QSystemTrayIcon
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.locks import is_locked
from gptdesk.training.data.data_scanner import DataScanner
from gptdesk.training.index import RunIndex
from gptdesk.training.run_scanner import RunScanner
from gptdesk.training.scan_result import Selection
from gptdesk.ui.services.messages import Messages
from gptdesk.ui.services.runs.notices import Notice, notice_of
from gptdesk.ui.train.notifications import Notifications
from trainer.run_directory.layout import LOCK
from trainer.run_directory.writer import RunWriter


@pytest.fixture
def run(folders: Folders) -> Iterator[RunWriter]:
    """A run that is at work: this process holds its lock."""
    writer = RunWriter(folders.runs / "alive", {"config": {}})
    writer.status(state="running")
    yield writer
    if is_locked(writer.folder / LOCK):
        writer.finish("stopped")


@pytest.fixture
def look(folders: Folders) -> Callable[[], list[Notice]]:
    scanner = RunScanner(RunIndex(folders.data / "runs.json", folders.runs), DataScanner(folders))

    def look_once() -> list[Notice]:
        scanner.scan_soon()
        return [notice_of(event) for event in scanner.scan(Selection()).events]

    return look_once


def test_an_alert_is_told_once_with_its_explanation(run: RunWriter, look: Callable[[], list[Notice]]) -> None:
    run.event("start", step=0, steps=100)
    run.event("step", step=1, loss=3.0, grad_norm=1.0, lr=0.1, tokens=64)
    assert look() == []
    run.event("step", step=2, loss=float("nan"), grad_norm=1.0, lr=0.1, tokens=128)
    (notice,) = look()
    assert notice.title.startswith("alive: ")
    assert len(notice.text) > 20
    for step in range(3, 6):
        run.event("step", step=step, loss=float("nan"), grad_norm=1.0, lr=0.1, tokens=64 * step)
        assert look() == [], "it has been said"


def test_an_end_is_told_when_it_was_not_so_before(run: RunWriter, look: Callable[[], list[Notice]]) -> None:
    assert look() == []
    run.finish("finished")
    (notice,) = look()
    assert (notice.kind, notice.title) == ("info", "alive has finished")
    assert look() == []


def test_a_banner_says_it_once_and_leads_there_and_the_desktop_where_it_can(qtbot: QtBot) -> None:
    messages = Messages()
    at_hand: list[Path | None] = [None]
    notifications = Notifications(messages, lambda: at_hand[0])
    notice = Notice(Path("/runs/mine"), "bad", "mine has crashed", "Out of memory.", shown=True)
    notifications.show_notice(notice)
    notifications.show_notice(notice)
    (message,) = messages.banners.values()
    assert message.text == "mine has crashed. Out of memory."
    tray = notifications.findChild(QSystemTrayIcon)
    assert (tray is not None) == QSystemTrayIcon.isSystemTrayAvailable()
    other = Notice(Path("/runs/other"), "bad", "other has crashed", "Killed.", shown=True)
    at_hand[0] = other.folder
    notifications.show_notice(other)
    assert len(messages.banners) == 1, "the page shows it"
    ((_, show),) = message.offers
    with qtbot.waitSignal(notifications.clicked) as clicked:
        show()
    assert clicked.args == [notice.folder]
    if tray is not None:
        with qtbot.waitSignal(notifications.clicked) as clicked:
            tray.messageClicked.emit()
        assert clicked.args == [other.folder]
    notifications.forget(notice.folder)
    assert messages.banners == {}


def test_a_run_that_has_done_what_it_should_is_said_for_a_moment(qtbot: QtBot) -> None:
    messages = Messages()
    notifications = Notifications(messages, lambda: None)
    with qtbot.waitSignal(messages.toasted) as toasted:
        notifications.show_notice(Notice(Path("/runs/mine"), "info", "mine has finished", "Its loss is 3.1."))
    assert toasted.args[0].text == "mine has finished. Its loss is 3.1."
    assert messages.banners == {}
