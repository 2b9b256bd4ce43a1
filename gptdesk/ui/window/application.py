"""Runs the application: single instance, services, logs, window, shutdown."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSettings, QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from gptdesk import __version__
from gptdesk.folders import HOME_VARIABLE, SETTINGS_FILE, Folders
from gptdesk.resource_files import resource
from gptdesk.system_memory import share_one_heap
from gptdesk.training.index import RunIndex
from gptdesk.ui.clipboard import release_clipboard
from gptdesk.ui.key_names import use_key_names
from gptdesk.ui.logs import Logs
from gptdesk.ui.number_format import use_readable_locale
from gptdesk.ui.services.comparison.comparisons import Comparisons
from gptdesk.ui.services.deferred_start import DeferredStart
from gptdesk.ui.services.document_storage import DocumentStorage
from gptdesk.ui.services.inference import Inference
from gptdesk.ui.services.inference_messages import State
from gptdesk.ui.services.messages import Messages
from gptdesk.ui.services.models.model_activation import ModelActivation
from gptdesk.ui.services.models.model_library import ModelLibrary
from gptdesk.ui.services.models.model_loader import ModelLoader
from gptdesk.ui.services.program.info import ProgramInfo
from gptdesk.ui.services.runs.run_monitor import RunMonitor
from gptdesk.ui.services.services import MessageService
from gptdesk.ui.services.settings import SavedSettings
from gptdesk.ui.services.token_counter import TokenCounter
from gptdesk.ui.services.window_services import WindowServices
from gptdesk.ui.theme import Theme
from gptdesk.ui.window.main_window import MainWindow
from gptdesk.ui.window.process.collector import Collector
from gptdesk.ui.window.process.crash import CrashDialog, CrashHandler
from gptdesk.ui.window.process.instance import Instance

log = logging.getLogger(__name__)

_END_MS: Final = 15_000
"""Milliseconds given to a thread to end: it may import torch, or compute a token of a large model."""


def run(argv: Sequence[str]) -> int:
    """Shows the window until it is closed, and returns the exit code."""
    share_one_heap()
    app = QApplication([sys.argv[0], *argv])
    app.setApplicationName("gptdesk")
    app.setApplicationDisplayName("gptdesk")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("gptdesk")
    app.setWindowIcon(QIcon(str(resource("icons", "gptdesk.svg"))))
    use_readable_locale()
    folders = Folders.of_this_user()
    files = [Path(name).absolute() for name in app.arguments()[1:]]  # Qt has taken its options
    instance = Instance(folders.data)
    if not instance.take():
        return _give_way(instance, files)
    logs = Logs(folders.logs)
    log.info("gptdesk %s, process %d", __version__, os.getpid())
    try:
        return _show_window(app, folders, logs, instance, files)
    except Exception:  # the person must see why there is no window
        log.exception("no window could be made")
        CrashDialog(traceback.format_exc(), logs.folder).exec()
        return 1
    finally:
        logs.close()
        instance.release()


def _give_way(instance: Instance, files: Sequence[Path]) -> int:
    """Raises the window that is open already, and returns the exit code; says so if it is of another version."""
    from PySide6.QtWidgets import QMessageBox

    version = instance.raise_other(files)
    if version == __version__:
        print("gptdesk is already open; its window is in front now.")
        return 0
    if version is None:
        sentence = (
            "gptdesk is already open, but its window does not respond. End that process, then start gptdesk again."
        )
        print(sentence, file=sys.stderr)
        QMessageBox.critical(None, "gptdesk", sentence)
        return 1
    sentence = (
        f"gptdesk {version} is already open, and its window is in front now. To use version {__version__} with your "
        f"documents, close that window first; {HOME_VARIABLE} gives a version folders of its own."
    )
    print(sentence)
    QMessageBox.information(None, "gptdesk", sentence)
    return 0


def _show_window(app: QApplication, folders: Folders, logs: Logs, instance: Instance, files: Sequence[Path]) -> int:
    collector = Collector()
    services = make_services(app, folders)
    crashes = CrashHandler(logs.folder)
    code = 1
    try:
        window = _make_window(services, crashes)
        instance.raise_wanted.connect(window.bring_to_front)
        instance.files_given.connect(window.open_files)
        if files:
            window.painted.connect(lambda: window.open_files(files))
        if logs.crashed:
            _tell_of_crash(services.messages, logs.crashed)
        _quit_on_signals(app, window)
        window.show()
        code = app.exec()
    finally:  # destroying a QThread that runs aborts the process
        crashes.remove()
        release_clipboard()
        ended = services.end(_END_MS)
        if ended:
            collector.stop()
    if not ended:  # everything is saved already
        log.warning("a thread did not end in time")
        logging.shutdown()
        os._exit(code)
    return code


def _make_window(services: WindowServices, crashes: CrashHandler) -> MainWindow:
    """Restores the window; if that fails, makes one with an empty document and shows the traceback."""
    geometry = QSettings(str(services.folders.config / "window.ini"), QSettings.Format.IniFormat)
    report = ""
    try:
        window = MainWindow(services, geometry)
    except Exception:
        report = traceback.format_exc()
        log.exception("the window cannot be restored")
        services.settings.update(document=None, page="", run=None, follow=None, charts={})
        window = MainWindow(services, geometry)
    crashes.install(window)
    services.messages.crashed.connect(crashes.show_report)
    window.painted.connect(window.start)
    if not services.settings.value.welcome_seen:
        window.painted.connect(window.tools.open_welcome)
    spare_the_collector(services.inference)
    if report:
        QTimer.singleShot(0, window, lambda: crashes.show_report(report))
    return window


def make_services(app: QApplication, folders: Folders) -> WindowServices:
    """Makes the services of the window. `WindowServices.start` starts their threads."""
    use_key_names(app)
    settings = SavedSettings(folders.config / SETTINGS_FILE)
    theme = Theme(app, settings.value.theme)
    runs = RunIndex(folders.data / "runs.json", folders.runs)
    models = ModelLibrary(folders, lambda: runs.watched)
    inference = Inference(partial(_model_folder, models), keep=folders.quantized)
    loader = ModelLoader(settings, inference)
    return WindowServices(
        folders=folders,
        theme=theme,
        messages=Messages(),
        settings=settings,
        inference=inference,
        loader=loader,
        counter=TokenCounter(),
        models=models,
        activation=ModelActivation(settings, inference, models, loader),
        runs=runs,
        run_monitor=RunMonitor(runs, folders),
        program=ProgramInfo(settings),
        deferred=DeferredStart(inference),
        comparisons=Comparisons(lambda: models.folders, inference),
        storage=DocumentStorage(folders.data / "documents.sqlite"),  # the last: its thread already runs
    )


def _model_folder(models: ModelLibrary, name: str) -> Path:
    """The folder of a model by its name, in the present models folder; for the inference worker."""
    from gptdesk.library.catalogue import find_model

    return find_model(name, models.folders).path


def spare_the_collector(inference: Inference) -> None:
    """Excludes all present objects from garbage collection (`gc.freeze`) once a model is ready.

    A full collection holds the interpreter: with torch loaded there are 400,000 objects, and the window froze for 0.2 s
    during a generation. A model that is unloaded later is freed by reference counts.
    """

    def on_changed() -> None:
        if inference.state is State.READY:
            gc.freeze()
            inference.state_changed.disconnect(on_changed)

    inference.state_changed.connect(on_changed)


def _tell_of_crash(messages: MessageService, report: Path) -> None:
    messages.show(f"gptdesk crashed last time. Your text is restored; the crash report is in {report}.", kind="warn")


def _quit_on_signals(app: QApplication, window: MainWindow) -> None:
    """SIGINT and SIGTERM close the window without a question: nobody may be there to answer it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: QTimer.singleShot(0, window.leave))  # the signal may interrupt a paint event
    timer = QTimer(app)  # Python handles signals only while its code runs
    timer.timeout.connect(lambda: None)
    timer.start(500)
