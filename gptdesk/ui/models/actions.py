"""Actions on the selected model: unload, pin, verify, rename, show, export, remove."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import shiboken6
from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from gptdesk.library.catalogue import BUNDLED
from gptdesk.library.entry import LibraryEntry
from gptdesk.ui import number_format
from gptdesk.ui.model_names import setting_of, title_of
from gptdesk.ui.models.command_table import ON_MODEL, model_id
from gptdesk.ui.models.detail_panel import card_url_of
from gptdesk.ui.models.import_dialog import check_free
from gptdesk.ui.models.items import Item, engine_of
from gptdesk.ui.services.engines.service import EngineService
from gptdesk.ui.services.models.service import ModelService
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.widgets.input_dialogs.name_dialog import NameDialog
from gptdesk.ui.widgets.question import Question
from gptdesk.ui.window.commands.registry import Commands


class ModelActions(QObject):
    """Runs the commands on the selected item, and says why one is not possible.

    Args:
        window: parent of dialogs.
        current: returns the selected item.
        commands: registry that holds those of `model_commands`.

    Attributes:
        question: the confirmation shown last, if any.

    Signals:
        comparison_wanted(str): emitted with the model, by name or folder, to put beside another one.
    """

    comparison_wanted = Signal(str)

    def __init__(
        self,
        settings: SettingsService,
        models: ModelService,
        engines: EngineService,
        window: QWidget,
        current: Callable[[], Item | None],
        commands: Commands,
    ) -> None:
        super().__init__(window)
        self._settings, self._models, self._engines = settings, models, engines
        self._window, self._current = window, current
        self.question: Question | None = None
        self._run = {
            "unload": self._unload,
            "pin": self._pin,
            "unpin": self._unpin,
            "verify": self._verify,
            "rename": self._rename,
            "keep": self._keep,
            "compare": self._compare,
            "card": self._open_card,
            "folder": self._open_folder,
            "export": self._export_folder,
            "gguf": self._export_gguf,
            "remove": self._remove,
        }
        self._commands = commands
        action = {name: commands.action(model_id(name)) for name in self._run}
        self.unload, self.pin, self.unpin = (action[n] for n in ("unload", "pin", "unpin"))
        self.verify, self.rename, self.keep = (action[n] for n in ("verify", "rename", "keep"))
        self.card, self.folder, self.export, self.gguf = (action[n] for n in ("card", "folder", "export", "gguf"))
        self.compare, self.remove = action["compare"], action["remove"]

    def run(self, name: str) -> None:
        """Runs the command of that name on the selected model."""
        self._run[name]()

    def why_not(self, name: str) -> str | None:
        """Why the command of that name is not possible on the selected model; ``None`` if it is."""
        item = self._current()
        entry = item.entry if item else None
        if item is None or entry is None:
            return "Select a model on this computer first."
        if name == "unload":
            return None if engine_of(entry, self._engines.engines) is not None else "The model is not loaded."
        if name == "unpin":
            return None if setting_of(entry) in self._settings.value.pinned_models else "The model is not pinned."
        if name == "card":
            return None if card_url_of(item) else "The model has no model card."
        if item.job is not None:
            return "Another job uses the model; wait until it ends or cancel it."
        if name == "keep":
            return None if entry.kind == "cache" else "The model is not in the cache of Hugging Face."
        if name in ("rename", "remove"):
            return None if entry.changeable else "gptdesk does not manage this model."
        if entry.path is None:
            return "Download the model first."
        if name == "pin" and setting_of(entry) in self._settings.value.pinned_models:
            return "The model is pinned already."
        return None if name == "folder" or entry.state == "ready" else "The model is incomplete or damaged."

    def show_item(self) -> None:
        """Updates the actions for the selected item."""
        self._commands.refresh(*ON_MODEL)

    def fill(self, menu: QMenu) -> None:
        """Fills the menu with the actions that are possible on the selected item."""
        menu.clear()
        self._commands.refresh(*ON_MODEL)
        menu.setToolTipsVisible(True)
        item = self._current()
        for section in (
            (self.unload, self.pin, self.unpin),
            (self.compare,),
            (self.verify, self.rename, self.keep),
            (self.card, self.folder),
            (self.export, self.gguf),
            (self.remove,),
        ):
            offered = [action for action in section if action.isEnabled()]
            if offered and not menu.isEmpty():
                menu.addSeparator()
            menu.addActions(offered)
        if item is not None and item.download is not None:
            number, failed = item.download.number, item.download.state == "failed"
            words = "Dismiss" if failed else "Cancel the download"
            menu.addAction(words, lambda: self._models.downloads.cancel(number))
        if menu.isEmpty():
            menu.addAction("No actions").setEnabled(False)

    def _entry(self) -> LibraryEntry | None:
        item = self._current()
        return item.entry if item else None

    def _unload(self) -> None:
        if entry := self._entry():
            self._engines.unload(str(entry.path))

    def _pin(self) -> None:
        if entry := self._entry():
            self.set_pinned(setting_of(entry), True)

    def _unpin(self) -> None:
        if entry := self._entry():
            self.set_pinned(setting_of(entry), False)

    def set_pinned(self, model: str, pinned: bool) -> None:
        """Pins the model of that name or folder in memory, or unpins it."""
        others = tuple(other for other in self._settings.value.pinned_models if other != model)
        self._settings.update(pinned_models=(*others, model) if pinned else others)

    def _compare(self) -> None:
        if entry := self._entry():
            self.comparison_wanted.emit(setting_of(entry))

    def _verify(self) -> None:
        if entry := self._entry():
            self._models.verify(entry)

    def _keep(self) -> None:
        """Copies the model by a download, which takes its files from the cache and verifies them."""
        if entry := self._entry():
            self._models.downloads.add(entry.repo, entry.revision)

    def _open_card(self) -> None:
        if url := card_url_of(self._current()):
            QDesktopServices.openUrl(QUrl(url))

    def _open_folder(self) -> None:
        entry = self._entry()
        if entry and entry.path:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(entry.path)))

    def _export_folder(self) -> None:
        entry = self._entry()
        if entry is None:
            return
        place = QFileDialog.getExistingDirectory(self._window, "Export into which folder?", str(Path.home()))
        if place:
            self._models.export(entry, Path(place) / _file_name(entry))

    def _export_gguf(self) -> None:
        entry = self._entry()
        if entry is None:
            return
        wanted = str(Path.home() / f"{_file_name(entry)}.gguf")
        path, _ = QFileDialog.getSaveFileName(self._window, "Export GGUF", wanted, "GGUF (*.gguf)")
        if path:
            self._models.export(entry, Path(path if path.lower().endswith(".gguf") else f"{path}.gguf"))

    def _rename(self) -> None:
        entry = self._entry()
        if entry is None:
            return
        taken = self._models.taken_names - {entry.name.casefold()}
        dialog = NameDialog("Rename", entry.name, lambda name: check_free(name, taken), self._window)
        dialog.named.connect(lambda name: self._rename_to(entry, name, dialog))
        dialog.open()

    def _rename_to(self, entry: LibraryEntry, name: str, dialog: NameDialog) -> None:
        def done() -> None:
            value, old = self._settings.value, entry.name
            recent = tuple(name if model == old else model for model in value.recent_models)
            pins = tuple(name if model == old else model for model in value.pinned_models)
            model = name if value.model == old else value.model
            chat = name if value.chat_model == old else value.chat_model
            self._settings.update(model=model, recent_models=recent, pinned_models=pins, chat_model=chat)
            if shiboken6.isValid(dialog):
                dialog.accept()

        def failed(sentence: str) -> None:
            if shiboken6.isValid(dialog):
                dialog.refuse(sentence)

        if name != entry.name:
            dialog.wait()
            self._models.rename(entry, name, done, failed)

    def _remove(self) -> None:
        entry = self._entry()
        if entry is None:
            return
        linked = entry.kind == "linked"
        used = self._settings.value.model == entry.name
        sentence = f"Only the link is removed; the model stays in {entry.path}." if linked else "Its files are deleted."
        again = " You can download it again." if entry.repo and not linked else ""
        more = f" It is in use; the Playground will load {BUNDLED} instead." if used else ""
        self.question = question = Question(
            f"Remove “{title_of(entry)}”?",
            f"{sentence}{again}{more}",
            [("Remove", lambda: self._do_remove(entry))],
            dangerous=True,
            parent=self._window,
        )
        if not linked:

            def show_size(size: int) -> None:
                if shiboken6.isValid(question):  # it may have been answered by now
                    question.words.setText(f"{sentence} That frees {number_format.memory(size)}.{again}{more}")

            self._models.size(entry, show_size)
        question.open()

    def _do_remove(self, entry: LibraryEntry) -> None:
        value = self._settings.value
        recent = tuple(model for model in value.recent_models if model != entry.name)
        pins = tuple(model for model in value.pinned_models if model != entry.name)
        model = BUNDLED if value.model == entry.name else value.model
        chat = "" if value.chat_model == entry.name else value.chat_model
        self._settings.update(model=model, recent_models=recent, pinned_models=pins, chat_model=chat)
        self._models.remove(entry)


def _file_name(entry: LibraryEntry) -> str:
    return "".join(char if char.isalnum() or char in "-_. " else "-" for char in title_of(entry)).strip()
