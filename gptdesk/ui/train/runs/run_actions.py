"""Actions on the selected run other than requests to its trainer: rename, tag, pin, open, follow, delete."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from gptdesk.training.checkpoints import CheckpointInfo
from gptdesk.training.index import RunEntry
from gptdesk.ui import number_format
from gptdesk.ui.services.runs.service import RunService
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.runs.dialogs.delete import DeleteDialog
from gptdesk.ui.train.runs.dialogs.tags import TagsDialog
from gptdesk.ui.train.runs.run_names import check_run_name
from gptdesk.ui.train.runs.samples_panel import newest_first
from gptdesk.ui.widgets.input_dialogs.name_dialog import NameDialog
from gptdesk.ui.widgets.tooltips import wrapped
from gptdesk.ui.window.commands.registry import Commands

_LONGEST_PATH: Final = 4
"""Parts of a path that a menu shows."""


class RunActions(QObject):
    """Runs the commands on the selected run, and says why they are not possible.

    Args:
        window: parent of dialogs.
        current: returns the selected run.
        followed: returns the folders of runs that a page follows.
        commands: with those of `train_commands`.

    Signals:
        opened(object): emitted to open the checkpoint in that folder in the Playground.
        comparison_wanted(object): emitted with the folders of checkpoints to put side by side.
        follow_wanted(object): emitted to have the run in that folder followed.
        unfollow_wanted(object): emitted to stop that.
    """

    opened = Signal(object)
    comparison_wanted = Signal(object)
    follow_wanted = Signal(object)
    unfollow_wanted = Signal(object)

    def __init__(
        self,
        theme: Theme,
        run_monitor: RunService,
        window: QWidget,
        current: Callable[[], RunEntry | None],
        followed: Callable[[], Collection[Path]],
        commands: Commands,
    ) -> None:
        super().__init__(window)
        self._theme, self._run_monitor, self._window = theme, run_monitor, window
        self._current, self._followed, self._commands = current, followed, commands
        self._run = {
            "rename": self._rename,
            "tags": self._tag,
            "pin": self._pin,
            "folder": self._open_folder,
            "delete": self._delete,
            "follow": self._follow,
            "compare": self._compare,
        }
        action = {name: commands.action(f"run.{name}") for name in self._run}
        self.rename, self.tags, self.pin = action["rename"], action["tags"], action["pin"]
        self.folder, self.delete, self.watch = action["folder"], action["delete"], commands.action("runs.watch")

    def run(self, name: str) -> None:
        """Runs the command of that name on the selected run."""
        self._run[name]()

    def why_not(self, name: str) -> str | None:
        """Why the command of that name is not possible; ``None`` if it is."""
        entry = self._current()
        if entry is None:
            return "Choose a run first."
        if name == "compare":
            return None if len(self._checkpoints) > 1 else "The run has fewer than two checkpoints."
        return "The run is active; stop it first." if name == "delete" and entry.active else None

    @property
    def is_pinned(self) -> bool:
        """Whether the selected run is pinned."""
        entry = self._current()
        return entry is not None and entry.pinned

    @property
    def is_followed(self) -> bool:
        """Whether a page follows the selected run."""
        entry = self._current()
        return entry is not None and entry.folder in self._followed()

    def show_run(self) -> None:
        """Brings the actions up to date with the selected run."""
        self._commands.refresh(*(f"run.{name}" for name in self._run), "runs.watch")

    def fill(self, menu: QMenu, checkpoints: Sequence[CheckpointInfo] = ()) -> None:
        """Adds everything to a menu."""
        self.show_run()
        menu.setToolTipsVisible(True)
        self.fill_checkpoints(menu.addMenu("Open in Playground"), checkpoints)
        menu.addSeparator()
        for action in (self.rename, self.tags, self.pin, self.folder):
            menu.addAction(action)
        menu.addSeparator()
        menu.addAction(self.delete)

    def fill_watched(self, menu: QMenu) -> None:
        """Adds the entries on watched folders."""
        menu.addAction(self.watch)
        watched = self._run_monitor.index.watched
        if not watched:
            return
        folders = menu.addMenu("Stop watching")
        folders.setToolTipsVisible(True)
        for folder in watched:
            stop = folders.addAction(_short(folder))
            stop.setToolTip(wrapped(f"{folder}\nIts runs stay as they are, and are not listed here any more."))
            stop.triggered.connect(partial(self._unwatch, folder))

    def _unwatch(self, folder: Path, _checked: bool = False) -> None:
        self._run_monitor.change(partial(self._run_monitor.index.unwatch, folder))

    def fill_checkpoints(self, menu: QMenu, checkpoints: Sequence[CheckpointInfo]) -> None:
        """Lists the checkpoints of the selected run, and whether it is followed."""
        for checkpoint in newest_first(checkpoints):
            best = ", best" if checkpoint.best else ""
            text = f"Step {number_format.count(checkpoint.step)}{best}\t{number_format.memory(checkpoint.bytes)}"
            menu.addAction(text, partial(self.opened.emit, checkpoint.path))
        if not checkpoints:
            menu.addAction("No checkpoint yet").setEnabled(False)
        menu.addSeparator()
        ids = ("run.chat", "run.inspect", "run.compare", "run.follow")
        self._commands.refresh(*ids)
        menu.addActions([self._commands.action(id) for id in ids])
        menu.setToolTipsVisible(True)

    @property
    def _checkpoints(self) -> Sequence[CheckpointInfo]:
        view = self._run_monitor.view
        return view.checkpoints if view is not None else ()

    def _compare(self) -> None:
        """The first checkpoint beside the last one; sliders walk to the others."""
        found = sorted(self._checkpoints, key=lambda checkpoint: checkpoint.step)
        self.comparison_wanted.emit([str(found[0].path), str(found[-1].path)])

    def _follow(self) -> None:
        if entry := self._current():
            (self.unfollow_wanted if self.is_followed else self.follow_wanted).emit(entry.folder)

    def _rename(self) -> None:
        entry = self._current()
        if entry:
            dialog = NameDialog("Rename", entry.name, check_run_name, self._window)
            dialog.named.connect(
                lambda name: self._run_monitor.change(partial(self._run_monitor.index.rename, entry.id, name))
            )
            dialog.open()

    def _tag(self) -> None:
        entry = self._current()
        if entry:
            dialog = TagsDialog(self._theme, entry.name, entry.tags, self._window)
            dialog.decided.connect(
                lambda tags: self._run_monitor.change(partial(self._run_monitor.index.set_tags, entry.id, tags))
            )
            dialog.open()

    def _pin(self) -> None:
        entry = self._current()
        if entry:
            self._run_monitor.change(partial(self._run_monitor.index.set_pinned, entry.id, not entry.pinned))

    def _open_folder(self) -> None:
        entry = self._current()
        if entry:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(entry.folder)))

    def ask_for_folder(self) -> None:
        """Asks for a folder whose runs are listed, too."""
        folder = QFileDialog.getExistingDirectory(self._window, "Watch a folder of runs", str(Path.home()))
        if folder:
            self._run_monitor.change(partial(self._run_monitor.index.watch, Path(folder)))

    def _delete(self) -> None:
        entry = self._current()
        if entry is None:
            return
        index, folder = self._run_monitor.index, entry.folder
        dialog = DeleteDialog(entry, lambda: self._remove(folder), self._window)
        self._run_monitor.run_long(partial(index.size, folder), dialog.show_size, lambda _: None)
        dialog.open()

    def _remove(self, folder: Path) -> None:
        delete = partial(self._run_monitor.index.delete, folder)
        self._run_monitor.run_long(delete, lambda _: self._run_monitor.change(lambda: None))


def _short(folder: Path) -> str:
    """A folder's place as a menu has room for it."""
    parts = folder.parts
    text = str(folder) if len(parts) <= _LONGEST_PATH else str(Path("…", *parts[1 - _LONGEST_PATH :]))
    return text.replace("&", "&&")
