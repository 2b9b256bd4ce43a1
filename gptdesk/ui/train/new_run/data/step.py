"""First step of the New run sheet: choose or prepare data. Preparations continue without the sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QWidget

from gptdesk.folders import Folders
from gptdesk.training.data import preparations
from gptdesk.training.data.preparations import BUNDLED_TEXTS, PreparedSet
from gptdesk.training.data.vocabulary import GPT2_VOCABULARY, Vocabulary
from gptdesk.ui import number_format
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.data_labels import vocabulary_label
from gptdesk.ui.train.new_run.data.drop_zone import DropZone
from gptdesk.ui.train.new_run.data.hub_list import HubList
from gptdesk.ui.train.new_run.data.preparation_list import PreparationList
from gptdesk.ui.train.new_run.data.preview import Preview
from gptdesk.ui.train.new_run.data.tasks import Found, Look, UnderWay, begin, begin_again, look, preview
from gptdesk.ui.train.new_run.data.text_card import TextCard
from gptdesk.ui.train.new_run.start.choice_list import Choice, ChoiceList
from gptdesk.ui.train.new_run.step import Step
from gptdesk.ui.train.new_run.vocabulary.card import VocabularyCard

_EVERY_MS: Final = 500


@dataclass(frozen=True)
class ChosenData:
    """Prepared data that the run is to train on.

    Attributes:
        path: its folder.
        name: of the data.
        train_tokens: tokens to train on; 0 while unknown.
        by_user: whether the user chose it; else it was prepared for this run.
    """

    path: str
    name: str
    train_tokens: int = 0
    by_user: bool = True


class DataStep(Step):
    """Chooses the data.

    Args:
        quick: queue of short tasks.
        slow: queue of tasks that take seconds.

    Attributes:
        vocabulary: that text is prepared with.
        waiting: data in preparation for this run; it is chosen when it is ready.
        waiting_vocabulary: that it is prepared with.

    Signals:
        chosen(object): `ChosenData`.
        picked(list): paths of files and folders chosen in dialogs.
        waiting_changed(): emitted when ``waiting`` or ``failure`` changes.
    """

    chosen = Signal(object)
    picked = Signal(list)
    waiting_changed = Signal()

    def __init__(
        self, theme: Theme, folders: Folders, quick: TaskQueue, slow: TaskQueue, parent: QWidget | None = None
    ) -> None:
        super().__init__("Data", "The text to train on.", parent)
        self._folders, self._quick = folders, quick
        self.vocabulary = self.waiting_vocabulary = GPT2_VOCABULARY
        self.waiting: Path | None = None
        self._path = ""
        self._asked = False
        self._beginning: set[object] = set()
        self._failure = ""
        self._ready: dict[str, PreparedSet] = {}
        self._under_way: dict[Path, UnderWay] = {}
        self.drop = DropZone(theme)
        self.vocabulary_card = VocabularyCard()
        self.preparations = PreparationList(theme, quick, slow)
        self.sets = ChoiceList()
        self.preview = Preview(theme)
        self.texts = {text.name: TextCard(text) for text in BUNDLED_TEXTS.values()}
        self.hub = HubList(folders, slow)
        self._ready_title = _caption("Ready to use")
        self._ready_title.hide()
        self.open = QPushButton("Other prepared folder…")
        self.open.setProperty("kind", "muted")
        shown: list[QWidget] = [self.drop, self.preparations, self.problem_label, self.vocabulary_card]
        shown += [self._ready_title, self.sets, self.preview, _caption("Bundled with gptdesk"), *self.texts.values()]
        shown += [_caption("From the Hugging Face hub"), self.hub]
        for widget in shown:
            self.column.addWidget(widget)
        self.column.addWidget(self.open, 0, Qt.AlignmentFlag.AlignLeft)
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._connect()

    def _connect(self) -> None:
        for text in self.texts.values():
            text.use_wanted.connect(self.use_text)
        self.preparations.asked.connect(self._look)
        self.hub.prepare_wanted.connect(lambda name: self.prepare([name]))
        self.vocabulary_card.prepare_wanted.connect(self._prepare_again)
        self.drop.picked.connect(self.picked)
        self.sets.chosen.connect(self._on_set_chosen)
        self.open.clicked.connect(self._open_folder)
        self._timer.timeout.connect(self._look)

    def start(self) -> None:
        """Starts listing data, twice a second."""
        self.drop.files.setFocus()
        self._timer.start()
        self._look()

    def stop(self) -> None:
        """Stops listing data; preparations continue."""
        self._timer.stop()
        self.hub.stop()

    @property
    def failure(self) -> str:
        """Why preparing ``waiting`` failed; "" if it has not."""
        return self.preparations.failure(self.waiting)

    # Prepare

    @Slot(list)
    def prepare(self, sources: Sequence[str]) -> None:
        """Prepares files, folders or data sets of the hub; the data is chosen when it is ready."""
        options = self.drop.options_for(tuple(sources), self.vocabulary)
        self._begin(options, partial(begin, self._folders, options), options.vocabulary)

    @Slot()
    def _prepare_again(self) -> None:
        """Prepares the text of the chosen data with the present vocabulary."""
        folder = self.waiting or (Path(self._path) if self._path else None)
        if folder is not None:
            vocabulary = self.vocabulary
            work = partial(begin_again, self._folders, folder, vocabulary)
            self._begin((folder, vocabulary), work, vocabulary)

    def _begin(self, what: object, work: Callable[[], Path], vocabulary: Vocabulary) -> None:
        """Starts a preparation, unless the same is being started."""
        if what in self._beginning:
            return
        self._beginning.add(what)
        self.show_problem("")

        def begun(folder: Path) -> None:
            self._beginning.discard(what)
            self.wait_for(folder, vocabulary)
            self._look()

        def failed(sentence: str) -> None:
            self._beginning.discard(what)
            self.show_problem(sentence)

        self._quick.run(work, begun, failed)

    @Slot(str)
    def use_text(self, name: str) -> None:
        """Chooses a bundled text, and prepares it if needed."""
        folder = preparations.data_folder(self._folders, name + self.vocabulary.suffix)
        if (ready := self._ready.get(str(folder))) is not None and ready.vocabulary == self.vocabulary:
            self._on_set_chosen(str(folder))
        elif folder in self._under_way or folder == self.waiting:
            self.wait_for(folder, self.vocabulary)
        else:
            self.prepare([str(BUNDLED_TEXTS[name].path)])  # a folder may have the same name

    def wait_for(self, folder: Path | None, vocabulary: Vocabulary | None = None) -> None:
        """Chooses the data in that folder as soon as it is ready.

        Args:
            vocabulary: that it is prepared with; ``None`` for what its preparation says.
        """
        if folder != self.waiting:
            found = self._under_way.get(folder) if folder else None
            self.waiting = folder
            self.waiting_vocabulary = vocabulary or (found.vocabulary if found else GPT2_VOCABULARY)
            self.waiting_changed.emit()

    # List

    @Slot()
    def _look(self) -> None:
        if not self._asked:
            self._asked = True
            self._quick.run(partial(look, self._folders), self._on_found, self._on_look_failed)

    def _on_look_failed(self, _sentence: str) -> None:
        self._asked = False

    def _on_found(self, found: Found) -> None:
        self._asked = False
        self._ready = {str(data.path): data for data in found.ready}
        self.sets.show_choices([_choice(data) for data in found.ready], self._path)
        self._ready_title.setVisible(bool(found.ready))
        under_way = [each for each in found.under_way if str(each.folder) not in self._ready]
        self._under_way = {each.folder: each for each in under_way}
        self.preparations.show_preparations(under_way)
        self._settle()
        if self.failure != self._failure:
            self._failure = self.failure
            self.waiting_changed.emit()

    def _settle(self) -> None:
        """Chooses ``waiting`` once it is ready; without it, waits for a preparation in progress."""
        if self.waiting and str(self.waiting) in self._ready:
            data = self._ready[str(self.waiting)]
            self.wait_for(None)
            self._choose(data, by_user=False)
        elif self.waiting and self.waiting not in self._under_way:
            self.wait_for(None)
        elif not self.waiting and not self._path:
            active = [folder for folder, each in self._under_way.items() if each.state.active]
            if active:
                self.wait_for(active[0])

    # Choose

    def show_chosen(self, path: str) -> None:
        """Marks the chosen data."""
        if path == self._path:
            return
        self._path = path
        self.sets.mark(path)
        self.preview.show_documents(())
        if path:
            self._quick.run(partial(preview, Path(path)), partial(self._on_preview, path), lambda _: None)

    def _on_preview(self, path: str, seen: Look) -> None:
        if path == self._path:
            self.preview.show_documents(seen.documents, seen.report)

    def _on_set_chosen(self, path: str) -> None:
        self.wait_for(None)
        self._choose(self._ready[path], by_user=True)

    def _choose(self, data: PreparedSet, *, by_user: bool) -> None:
        self.show_problem("")
        self.chosen.emit(ChosenData(str(data.path), data.name, data.train_tokens, by_user))

    def _open_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "A folder that was prepared", str(Path.home()))
        if folder:
            self.use_folder(Path(folder))

    def use_folder(self, folder: Path) -> None:
        """Chooses any folder of prepared data."""
        self.show_problem("")
        self.wait_for(None)
        self.chosen.emit(ChosenData(str(folder), folder.name))


def _choice(data: PreparedSet) -> Choice:
    tokens = data.train_tokens + data.val_tokens
    documents = "1 document" if data.documents == 1 else f"{number_format.count(data.documents)} documents"
    note = f"{documents} · {vocabulary_label(data)}"
    return Choice(str(data.path), data.name, note, f"{number_format.parameters(tokens)} tokens")


def _caption(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("kind", "muted")
    label.setContentsMargins(0, 8, 0, 0)
    return label
