"""The hub on loopback, and eyes on downloads."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gptdesk.folders import Folders
from gptdesk.library.downloads.manager import Downloads
from gptdesk.library.downloads.status import DownloadStatus
from gptdesk.library.import_ import import_model
from tests.hub_server import Hub
from tests.patience import PATIENCE
from tests.unexpected_logs import fail_on_logging as fail_on_logging  # a fixture

TOKENIZER = ["generation_config.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "vocab.json"]
"""Files of the tokenizer that every model with OpenAI's vocabulary is given."""


def check_progress_and_cancelling(folders: Folders, source: Path, **arguments: Any) -> None:
    """Imports a model: what is reported rises to its end, and an import that is cancelled leaves nothing."""
    before = {path.name for path in folders.models.iterdir()} if folders.models.exists() else set()
    told: list[float] = []
    import_model(folders, source, name="done", progress=lambda done, total: told.append(done / total), **arguments)
    assert told == sorted(told)
    assert told[-1] == 1

    def cancel(done: int, total: int) -> None:
        if done > total / 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_model(folders, source, name="cancelled", progress=cancel, **arguments)
    assert {path.name for path in folders.models.iterdir()} == before | {"done"}


class Watch:
    """Writes down what downloads report, and waits for it."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.reports = 0
        self._news = threading.Condition()

    def __call__(self, download: DownloadStatus) -> None:
        with self._news:
            self.reports += 1
            if not self.states or self.states[-1] != download.state:
                self.states.append(download.state)
            self._news.notify_all()

    def until(self, condition: Callable[[], bool]) -> None:
        """Waits until a report after which that holds."""
        with self._news:
            assert self._news.wait_for(condition, PATIENCE), self.states


class Followed:
    """One download as it is now: the attributes of its newest `DownloadStatus`, and what can be done with it."""

    def __init__(self, manager: Downloads, status: DownloadStatus) -> None:
        self._manager, self._last = manager, status

    def __getattr__(self, name: str) -> Any:
        if (status := self._manager.status(self._last.number)) is not None:
            self._last = status
            return getattr(status, name)
        return "cancelled" if name == "state" else getattr(self._last, name)

    def start(self) -> None:
        self._manager.start(self._last.number)

    def pause(self) -> None:
        self._manager.pause(self._last.number)

    def cancel(self) -> None:
        self._manager.cancel(self._last.number)


def add(manager: Downloads, name: str) -> Followed:
    return Followed(manager, manager.add(name))


def only(manager: Downloads) -> Followed:
    """The one download that there is."""
    (status,) = manager.list()
    return Followed(manager, status)


@pytest.fixture
def folders(home: Path) -> Folders:
    return Folders.under(home)


@pytest.fixture
def hub(tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with the small model as ``someone/tiny``, which this process and those it starts take for the real one."""
    from huggingface_hub import constants

    with Hub() as server:
        server.add("someone/tiny", tiny_model_folder)
        cache = tmp_path / "hub cache"
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no token"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        for name, value in {
            "HF_ENDPOINT": server.url,
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_CACHE": str(cache),
            "HF_HOME": str(tmp_path / "hf"),
            "NO_PROXY": "127.0.0.1,localhost",
        }.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def downloads(folders: Folders, hub: Hub, watch: Watch) -> Iterator[Downloads]:
    threads = set(threading.enumerate())
    manager = Downloads(folders, on_change=watch)
    yield manager
    manager.close()
    for thread in set(threading.enumerate()) - threads:
        if thread.name.startswith(("download ", "cancel")):
            thread.join(PATIENCE)
            assert not thread.is_alive(), thread


def everything(folder: Path) -> list[str]:
    """All that is in a folder, by name."""
    return sorted(os.path.relpath(path, folder) for path in folder.rglob("*"))
