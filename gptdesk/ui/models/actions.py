"""What can be done with a model besides using it: verify, rename, reveal, export, remove; with keys of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import shiboken6
from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QAction, QDesktopServices, QKeySequence
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from gptdesk.library.catalogue import BUNDLED
from gptdesk.library.entry import LibraryEntry
from gptdesk.ui import number_format
from gptdesk.ui.model_names import setting_of, title_of
from gptdesk.ui.models.detail_panel import card_url_of
from gptdesk.ui.models.import_dialog import check_free
from gptdesk.ui.models.items import Item
from gptdesk.ui.services.model_activation import ModelActivation
from gptdesk.ui.services.model_library import ModelLibrary
from gptdesk.ui.services.settings import SettingsService
from gptdesk.ui.widgets.actions import make_action
from gptdesk.ui.widgets.name_dialog import NameDialog
from gptdesk.ui.widgets.question import Question
from gptdesk.ui.widgets.tooltips import wrapped


class ModelActions(QObject):
    """Actions on the item at hand.

    Args:
        window: parent of dialogs; the actions' keys hold in it.
        current: gives the item at hand.

    Attributes:
        question: that was asked last, if any.
    """

    def __init__(
        self,
        settings: SettingsService,
        models: ModelLibrary,
        using: ModelActivation,
        window: QWidget,
        current: Callable[[], Item | None],
    ) -> None:
        super().__init__(window)
        self._settings, self._models, self._using = settings, models, using
        self._window, self._current = window, current
        self.question: Question | None = None
        self.verify = self._action("Verify", self._verify, "Ctrl+E")
        self.rename = self._action("Rename…", self._rename, "F2")
        self.card = self._action("Model card", self._open_card)
        self.folder = self._action("Show in file manager", self._open_folder)
        self.export = self._action("Export folder…", self._export_folder)
        self.gguf = self._action("Export GGUF…", self._export_gguf)
        self.keep = self._action("Copy to gptdesk's models", self._keep)
        self.unload = self._action("Unload, and free its memory", using.unload)
        self.remove = self._action("Remove…", self._remove, QKeySequence.StandardKey.Delete)
        self.verify.setToolTip(wrapped("Reads its files again and compares them with what they should be"))
        self.gguf.setToolTip(wrapped("One file for llama.cpp and the programs built on it"))

    def _action(self, text: str, act: Callable[[], object], key: str | QKeySequence.StandardKey = "") -> QAction:
        return make_action(self, self._window, text, act, key)

    def show_item(self, item: Item | None) -> None:
        """Offers what makes sense for the item at hand."""
        entry = item.entry if item else None
        free = entry is not None and (item is None or item.job is None)
        here = free and entry is not None and entry.path is not None
        sound = here and entry is not None and entry.state == "ready"
        changeable = free and entry is not None and entry.changeable
        for action, offered in (
            (self.verify, sound),
            (self.rename, changeable),
            (self.card, bool(card_url_of(item))),
            (self.folder, here),
            (self.export, sound),
            (self.gguf, sound),
            (self.keep, free and entry is not None and entry.kind == "cache"),
            (self.unload, entry is not None and setting_of(entry) == self._loaded),
            (self.remove, changeable),
        ):
            action.setEnabled(offered)

    @property
    def _loaded(self) -> str | None:
        now = self._using.now
        return now.model if now.memory else None

    def fill(self, menu: QMenu) -> None:
        """Adds what makes sense for the item at hand."""
        menu.clear()
        menu.setToolTipsVisible(True)
        item = self._current()
        for section in (
            (self.unload,),
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
            menu.addAction(words, lambda: self._models.cancel(number))
        if menu.isEmpty():
            menu.addAction("Nothing to do").setEnabled(False)

    def _entry(self) -> LibraryEntry | None:
        item = self._current()
        return item.entry if item else None

    def _verify(self) -> None:
        if entry := self._entry():
            self._models.verify(entry)

    def _keep(self) -> None:
        """The downloads take what the cache has, and check it."""
        if entry := self._entry():
            self._models.download(entry.repo, entry.revision)

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
            self._settings.update(model=name if value.model == old else value.model, recent_models=recent)
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
        sentence = (
            f"Only the link goes; the model stays in {entry.path}."
            if linked
            else "Its files are removed from the disk."
        )
        again = " You can download it again." if entry.repo and not linked else ""
        more = f" It is in use; the Playground goes on with {BUNDLED}." if used else ""
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
        self._settings.update(model=BUNDLED if value.model == entry.name else value.model, recent_models=recent)
        self._models.remove(entry)


def _file_name(entry: LibraryEntry) -> str:
    return "".join(char if char.isalnum() or char in "-_. " else "-" for char in title_of(entry)).strip()
