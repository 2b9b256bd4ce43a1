"""About: version, licences, and the question for a newer version, which nobody asks unasked."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot

import gptdesk
from gptdesk.folders import SETTINGS_FILE, Folders
from gptdesk.ui.services.program.info import ProgramInfo
from gptdesk.ui.services.settings import SavedSettings
from gptdesk.ui.theme import Theme
from gptdesk.ui.window.help.about import AboutDialog, LicencesDialog
from tests.patience import PATIENCE
from tests.release_server import PAGE, ReleaseServer
from tests.release_server import server as server  # a fixture

from .conftest import Opened


@pytest.fixture
def program(tmp_path: Path, server: ReleaseServer, qapp: object) -> Iterator[ProgramInfo]:
    settings = SavedSettings(tmp_path / SETTINGS_FILE)
    settings.update(update_address=server.address)
    settings.flush()
    made = ProgramInfo(settings)
    yield made
    assert made.shut_down(int(PATIENCE * 1000))
    made.deleteLater()
    settings.deleteLater()


@pytest.fixture
def about(program: ProgramInfo, theme: Theme, qtbot: QtBot) -> AboutDialog:
    dialog = AboutDialog(program)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def texts(about: AboutDialog) -> str:
    return " ".join(label.text() for label in about.findChildren(type(about.answer)))


def test_it_says_version_and_kind_of_installation_and_asks_nobody(about: AboutDialog, server: ReleaseServer) -> None:
    assert f"gptdesk {gptdesk.__version__}" in texts(about)
    assert "Installed as source tree" in texts(about)
    assert not about.answer.isVisible()
    assert server.requests == []


def test_its_button_asks_once_and_shows_where_the_newer_version_is(
    about: AboutDialog, server: ReleaseServer, qtbot: QtBot
) -> None:
    about.look.click()
    assert not about.look.isEnabled()
    qtbot.waitUntil(about.look.isEnabled)
    assert "gptdesk 9.0 is out" in about.answer.text()
    assert f'<a href="{PAGE}">{PAGE}</a>' in about.answer.text()
    assert len(server.requests) == 1


def test_foreign_text_is_no_markup(about: AboutDialog, server: ReleaseServer, qtbot: QtBot) -> None:
    server.answers({"tag_name": "<b>9</b>"})
    about.look.click()
    qtbot.waitUntil(about.look.isEnabled)
    assert "&lt;b&gt;9&lt;/b&gt;" in about.answer.text()


def test_offline_a_sentence_says_so_and_it_can_be_asked_again(
    about: AboutDialog, server: ReleaseServer, program: ProgramInfo, qtbot: QtBot
) -> None:
    program._settings.update(update_address="http://127.0.0.1:1/newest")
    about.look.click()
    qtbot.waitUntil(about.look.isEnabled)
    assert "127.0.0.1 cannot be reached" in about.answer.text()
    program._settings.update(update_address=server.address)
    about.look.click()
    qtbot.waitUntil(about.look.isEnabled)
    assert "9.0 is out" in about.answer.text()


def test_a_dialog_that_was_closed_meanwhile_is_told_nothing(
    program: ProgramInfo, server: ReleaseServer, theme: Theme, qtbot: QtBot
) -> None:
    dialog = AboutDialog(program)
    dialog.show()
    dialog.look.click()
    dialog.accept()
    qtbot.waitUntil(lambda: not program._tasks.busy)


def test_the_licences_are_shown(about: AboutDialog, qtbot: QtBot) -> None:
    about.licences.click()
    (dialog,) = about.findChildren(LicencesDialog)
    qtbot.waitUntil(lambda: "Apache License" in dialog.text.toPlainText())
    assert "PySide6" in dialog.text.toPlainText()
    dialog.accept()


@pytest.mark.parametrize(("wanted", "requests"), [(False, 0), (True, 1)])
def test_the_start_asks_only_where_the_settings_say_so(
    program: ProgramInfo, server: ReleaseServer, qtbot: QtBot, wanted: bool, requests: int
) -> None:
    program._settings.update(update_check=wanted)
    found: list[object] = []
    program.newer_found.connect(found.append)
    program.start()
    qtbot.waitUntil(lambda: not program._tasks.busy)
    assert (len(found), len(server.requests)) == (requests, requests)


def test_a_newer_version_is_a_banner_of_the_window_that_opens_its_page(
    open_window: Callable[..., Opened],
    folders: Folders,
    server: ReleaseServer,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = SavedSettings(folders.config / SETTINGS_FILE)
    settings.update(update_check=True, update_address=server.address)
    settings.flush()
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    window = open_window()
    qtbot.waitUntil(lambda: any("gptdesk 9.0 is out" in text for text in window.window.banners.texts))
    (message,) = window.services.messages.banners.values()
    assert message.kind == "info"
    message.offers[0][1]()
    assert [url.toString() for url in opened] == [PAGE]
    dialog = window.window.tools.open_about()
    window.window.commands.run("help.update")
    qtbot.waitUntil(lambda: len(server.requests) == 2)
    for shown in window.window.findChildren(AboutDialog):
        qtbot.waitUntil(shown.look.isEnabled)
        shown.accept()
    assert dialog is not None
    settings.deleteLater()
