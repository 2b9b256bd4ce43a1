"""Pages know interfaces of services alone: the Models page works with ones of a few lines."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.folders import Folders
from gptdesk.library.catalogue import find_known
from gptdesk.library.entry import LibraryEntry
from gptdesk.ui.models.commands import model_commands
from gptdesk.ui.models.view import ModelsView
from gptdesk.ui.services.engines.service import EngineView
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.models.memory_check import Room
from gptdesk.ui.services.models.model_activation import InUse
from gptdesk.ui.services.settings import SavedSettings
from gptdesk.ui.theme import Theme
from gptdesk.ui.window.commands.registry import Commands


class NoDownloads(QObject):
    """A `DownloadService` that only notes what was asked for."""

    unfinished = Signal(object)
    statuses = ()

    def __init__(self) -> None:
        super().__init__()
        self.added: list[str] = []

    def add(self, name: str, revision: str = "", *, called: str = "", failed: Any = None) -> None:
        self.added.append(name)

    def resume(self, number: int) -> None: ...
    def pause(self, number: int) -> None: ...
    def cancel(self, number: int) -> None: ...
    def resume_all(self) -> None: ...
    def set_limit(self, limit: int) -> None: ...


class NoJobs:
    """A `JobService` without jobs."""

    views = ()

    def cancel(self, number: int) -> None: ...


class TwoModels(QObject):
    """A `ModelService` with a model on this computer and one to download, and neither thread nor disk."""

    changed = Signal()
    measured = Signal()
    progressed = Signal(str)
    arrived = Signal(str)
    said = Signal(str)
    failed = Signal(str)
    looked = True
    free_disk = free_memory = None

    def __init__(self, folders: Folders) -> None:
        super().__init__()
        known = find_known("gpt2")
        assert known is not None
        self.folders, self.downloads, self.jobs = folders, NoDownloads(), NoJobs()
        self.checked: dict[str, Any] = {}
        self.taken_names: set[str] = set()
        self.entries = (
            LibraryEntry(kind="installed", name="mine", path=Path("/mine"), config=known.config, size=10**9),
            LibraryEntry(kind="known", name="gpt2", state="missing", config=known.config, repo=known.repo),
        )

    def entry(self, key: str) -> LibraryEntry | None:
        return None

    def look(self) -> None: ...
    def measure(self) -> None: ...
    def look_at(self, path: Path, done: Callable[[Any], object]) -> None: ...
    def import_model(
        self, path: Path, *, name: str = "", link: bool = False, base: LibraryEntry | None = None
    ) -> None: ...
    def export(self, entry: LibraryEntry, target: Path) -> None: ...
    def verify(self, entry: LibraryEntry) -> None: ...
    def size(self, entry: LibraryEntry, done: Callable[[int], object]) -> None: ...
    def rename(self, entry: LibraryEntry, name: str, done: Any, failed: Any) -> None: ...
    def remove(self, entry: LibraryEntry) -> None: ...
    def set_defaults(
        self, entry: LibraryEntry, *, precision: str | None = None, decoding: Mapping[str, Any] | None = None
    ) -> None: ...
    def change_folder(self, folder: Path, done: Any, failed: Any) -> None: ...


class Chooser(QObject):
    """An `ActivationService` that only notes which model is chosen."""

    changed = Signal()
    chosen = Signal()
    now = InUse("stories", State.READY)

    def __init__(self) -> None:
        super().__init__()
        self.used: list[str] = []

    def room(self, free: int | None) -> Room:
        return Room(free)

    def use(self, model: str, window: QWidget) -> None:
        self.used.append(model)

    def cancel(self) -> None: ...
    def unload(self) -> None: ...


class NoEngines(QObject):
    """An `EngineService` of which nothing is loaded."""

    changed = Signal()
    engines: tuple[EngineView, ...] = ()
    pins: tuple[str, ...] = ()
    setting = evictable = 0
    generating = False

    def budget(self, free: int | None) -> int | None:
        return free

    def set_budget(self, setting: int) -> None: ...
    def set_pins(self, models: Any) -> None: ...
    def unload(self, model: str) -> None: ...


def test_the_models_page_works_with_services_of_a_few_lines(
    theme: Theme, folders: Folders, tmp_path: Path, qtbot: QtBot
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    settings, models, chooser = SavedSettings(tmp_path / "settings.json"), TwoModels(folders), Chooser()
    commands = Commands(window, settings)
    views: list[ModelsView] = []
    commands.add(*model_commands(lambda: next(iter(views), None), lambda: next(iter(views), None)))
    views.append(view := ModelsView(theme, settings, models, chooser, NoEngines(), commands, QMenu(window), window))
    window.resize(1000, 700)
    window.show()
    qtbot.waitUntil(lambda: {card.face.title for card in view.list.cards.values()} == {"mine", "gpt2"})
    for card in view.list.cards.values():
        card.act.click()
    assert models.downloads.added == ["gpt2"]
    assert chooser.used == ["mine"]
    settings.flush()
