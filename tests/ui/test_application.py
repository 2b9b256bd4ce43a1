"""One instance, logs, settings on a bad disk, and the threads below the window."""

import faulthandler
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from gptdesk import __version__
from gptdesk.errors import UserError
from gptdesk.folders import Folders
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.store.document import Document
from gptdesk.store.settings_file import SCHEMA
from gptdesk.ui import app
from gptdesk.ui.logs import Logs
from gptdesk.ui.services.document_storage import DocumentStorage
from gptdesk.ui.services.settings import SavedSettings
from gptdesk.ui.services.token_counter import Counts, TokenCounter
from gptdesk.ui.window.process.instance import LOCK, Instance

from .conftest import Opened


@pytest.fixture
def instance(folders: Folders, qtbot: QtBot) -> Iterator[Instance]:
    made = Instance(folders.data)
    yield made
    made.release()


def test_a_second_start_raises_the_first_window(instance: Instance, folders: Folders, qtbot: QtBot) -> None:
    assert instance.take()
    second = Instance(folders.data)
    assert not second.take()
    program = f"""
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from gptdesk.ui.window.process.instance import LOCK, Instance
app = QCoreApplication([])
print(Instance(Path({str(folders.data)!r})).raise_other())
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    with qtbot.waitSignal(instance.raise_wanted, timeout=600_000):
        pass
    assert process.communicate()[0] == f"{__version__}\n"


def test_a_second_start_hands_its_files_to_the_first_window(
    instance: Instance, folders: Folders, qtbot: QtBot, tmp_path: Path
) -> None:
    assert instance.take()
    files = [tmp_path / "a text.txt", tmp_path / "猫.gguf"]
    program = f"""
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from gptdesk.ui.window.process.instance import Instance
app = QCoreApplication([])
print(Instance(Path({str(folders.data)!r})).raise_other([Path(name) for name in {[str(file) for file in files]!r}]))
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    with qtbot.waitSignal(instance.files_given, timeout=600_000) as given:
        pass
    assert given.args == [files]
    assert process.communicate()[0] == f"{__version__}\n"


@pytest.mark.parametrize("version", ["9.0", "0.0.1"])
def test_a_start_of_another_version_is_told_that_this_one_is_open(
    instance: Instance, folders: Folders, qtbot: QtBot, version: str
) -> None:
    assert instance.take()
    program = f"""
import sys
from pathlib import Path
import gptdesk
gptdesk.__version__ = {version!r}
from PySide6.QtWidgets import QMessageBox
shown = []
QMessageBox.information = lambda parent, title, text: shown.append(text)
from gptdesk.ui.window.application import run
status = run([])
print(*shown)
sys.exit(status)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    with qtbot.waitSignal(instance.raise_wanted, timeout=600_000):
        pass
    said, shown = process.communicate()[0].splitlines()
    assert said == shown
    assert said.startswith(f"gptdesk {__version__} is already open")
    assert f"To use version {version} with your documents, close that window first" in said
    assert process.returncode == 0


def test_two_versions_with_folders_of_their_own_are_open_beside_each_other(
    instance: Instance, folders: Folders, tmp_path: Path
) -> None:
    assert instance.take()
    beside = Instance(Folders.under(tmp_path / "another").data)
    assert beside.take()
    beside.release()


def test_a_start_after_the_end_has_a_window_of_its_own(instance: Instance, folders: Folders) -> None:
    assert instance.take()
    instance.release()
    second = Instance(folders.data)
    assert second.take()
    second.release()


@pytest.mark.parametrize(
    "left",
    [b"", bytes(64), b"1\npython\nlocalhost\n", b"%d\npython3\n\n\n" % os.getpid()],
    ids=["empty", "zeros", "another process", "this process"],
)
def test_what_a_power_cut_left_does_not_keep_the_window_closed(folders: Folders, left: bytes, qtbot: QtBot) -> None:
    """Nothing, zeros, or the process id of another program."""
    folders.data.mkdir(parents=True)
    (folders.data / LOCK).write_bytes(left)
    instance = Instance(folders.data)
    assert instance.take()
    assert not Instance(folders.data).take()
    instance.release()


@pytest.mark.parametrize("kind", ["folder", "dangling link", "no folder for data"])
def test_where_there_can_be_no_lock_the_window_opens_all_the_same(
    folders: Folders, kind: str, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    lock = folders.data / LOCK
    if kind == "no folder for data":
        folders.data.parent.mkdir(parents=True)
        folders.data.write_text("in the way")
    elif kind == "folder":
        lock.mkdir(parents=True)
    else:
        folders.data.mkdir(parents=True)
        lock.symlink_to(folders.data / "gone" / "further")
    instance = Instance(folders.data)
    assert instance.take()
    assert not Instance(folders.data).take(), "there is a lock elsewhere"
    instance.release()
    assert {record.msg for record in caplog.records} == {"no lock in %s: %s"}


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="may write everywhere")
def test_a_folder_that_may_not_be_written_does_not_keep_the_window_closed(
    folders: Folders, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    folders.data.mkdir(parents=True, mode=0o500)
    instance = Instance(folders.data)
    assert instance.take()
    instance.release()
    assert {record.msg for record in caplog.records} == {"no lock in %s: %s"}


def test_a_lock_goes_with_its_process(folders: Folders, qtbot: QtBot) -> None:
    program = f"""
import os, signal
from pathlib import Path
from gptdesk.ui.window.process.instance import LOCK, Instance
instance = Instance(Path({str(folders.data)!r}))
assert instance.take()
print("taken", flush=True)
signal.pause()
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "taken\n"
    instance = Instance(folders.data)
    assert not instance.take()
    process.kill()
    process.communicate()
    assert instance.take()
    instance.release()


def test_a_second_start_says_so_on_the_terminal(instance: Instance, folders: Folders, qtbot: QtBot) -> None:
    assert instance.take()
    process = subprocess.Popen([sys.executable, "-m", "gptdesk"], stdout=subprocess.PIPE, text=True)
    with qtbot.waitSignal(instance.raise_wanted, timeout=100_000):
        pass
    assert "gptdesk is already open" in process.communicate()[0]
    assert process.returncode == 0


def test_two_people_have_two_windows(instance: Instance, tmp_path: Path) -> None:
    other = Instance(tmp_path / "somebody else")
    assert instance.take()
    assert other.take()
    other.release()


def test_without_a_screen_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(app.sys, "platform", "linux")
    with pytest.raises(UserError, match="gptdesk complete"):
        app.main([])


@pytest.fixture
def restored_faulthandler() -> Iterator[None]:
    enabled = faulthandler.is_enabled()
    yield
    if enabled:
        faulthandler.enable()


def test_the_log_is_written_and_a_crash_is_kept(folders: Folders, restored_faulthandler: None) -> None:
    logs = Logs(folders.logs)
    logging.getLogger("gptdesk.test").info("hello")
    logs.close()
    assert "hello" in (folders.logs / "gptdesk.log").read_text()
    assert logs.crashed is None
    (folders.logs / "crash.log").write_text("Fatal Python error: Aborted")
    logs = Logs(folders.logs)
    logs.close()
    assert logs.crashed is not None
    assert logs.crashed.read_text() == "Fatal Python error: Aborted"
    assert (folders.logs / "crash.log").read_text() == ""


def test_a_log_that_cannot_be_written_does_not_matter(tmp_path: Path, restored_faulthandler: None) -> None:
    (tmp_path / "file").write_text("")
    logs = Logs(tmp_path / "file" / "logs")
    logging.getLogger("gptdesk.test").info("hello")
    logs.close()


def test_settings_that_cannot_be_saved_last_until_the_end(tmp_path: Path, qtbot: QtBot) -> None:
    settings = SavedSettings(tmp_path / "config" / "settings.json")
    (tmp_path / "config").write_text("in the way")
    settings.update(theme="dark")
    with qtbot.waitSignal(settings.failed) as failed:
        settings.flush()
    assert str(tmp_path) in failed.args[0]
    assert settings.value.theme == "dark"


def test_settings_are_written_once_for_many_changes(folders: Folders, qtbot: QtBot) -> None:
    settings = SavedSettings(folders.config / "settings.json")
    for size in range(12, 40):
        settings.update(text_size=size)
    assert not (folders.config / "settings.json").exists()
    qtbot.waitUntil(lambda: (folders.config / "settings.json").exists())
    assert SavedSettings(folders.config / "settings.json").value.text_size == 39


@pytest.mark.parametrize("content", ["{", f'{{"schema": {SCHEMA + 1}}}'])
def test_settings_that_cannot_be_read_are_told_in_the_window(
    open_window: Callable[..., Opened], folders: Folders, content: str
) -> None:
    folders.config.mkdir(parents=True)
    (folders.config / "settings.json").write_text(content)
    opened = open_window()
    assert len(opened.window.banners.texts) == 1
    kept = [path.read_text() for path in folders.config.glob("settings.json*")]
    assert content in kept


def test_what_waits_is_written_before_the_end(folders: Folders, qtbot: QtBot) -> None:
    storage = DocumentStorage(folders.data / "documents.sqlite")
    document = Document()
    for _ in range(100):
        document.replace(0, 0, "x")
        storage.save(document.snapshot())
    storage.close()
    again = DocumentStorage(folders.data / "documents.sqlite")
    snapshot = again.load(document.id)
    again.close()
    assert snapshot is not None
    assert Document(snapshot).text == "x" * 100


def test_only_the_newest_text_is_counted(qtbot: QtBot) -> None:
    counter = TokenCounter()
    counter.use(gpt2_tokenizer())
    counted: list[Counts] = []
    counter.counted.connect(counted.append)
    for number in range(50):
        counter.count("word " * number, 4)
    qtbot.waitUntil(lambda: counted != [], timeout=600_000)
    assert counted == [Counts(prompt=1, context=50)]
    assert counter.shut_down(10_000)


def test_the_window_and_the_model_live_in_different_threads(opened: Opened) -> None:
    worker = opened.services.inference._host.worker
    assert worker.thread() is not QThread.currentThread()
    assert opened.window.thread() is QThread.currentThread()
