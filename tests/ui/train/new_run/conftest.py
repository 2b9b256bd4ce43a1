"""A New run sheet on its own folders, with text and prepared data; what it started is ended after the test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.training.data.preparations import preparations
from gptdesk.training.detached import reap
from gptdesk.training.index import RunIndex
from gptdesk.ui.services.services import Services
from gptdesk.ui.train.new_run import measuring
from gptdesk.ui.train.new_run.sheet import NewRunSheet
from gptdesk.ui.window.application import make_services
from trainer.prepare import Request, prepare

from .sheets import close, kill


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
