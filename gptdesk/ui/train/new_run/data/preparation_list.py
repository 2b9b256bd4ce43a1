"""Cards of the preparations on this computer that are not finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gptdesk.training.data.preparations import Preparation
from gptdesk.ui.services.background import TaskQueue
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.new_run.data.preparation_card import PreparationCard
from gptdesk.ui.train.new_run.data.tasks import UnderWay


class PreparationList(QWidget):
    """The column of cards, hidden while there is none.

    Args:
        quick: queue of short tasks.
        slow: queue of tasks that take seconds.

    Attributes:
        cards: by folder.

    Signals:
        asked(): a preparation has done what it was asked for; its state is to be read.
    """

    asked = Signal()

    def __init__(self, theme: Theme, quick: TaskQueue, slow: TaskQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._quick, self._slow = theme, quick, slow
        self._cancelling: set[Path] = set()
        self.cards: dict[Path, PreparationCard] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(8)
        self.hide()

    def show_preparations(self, found: Sequence[UnderWay]) -> None:
        """Shows these, each with its progress."""
        folders = {each.folder for each in found}
        for folder in [folder for folder in self.cards if folder not in folders]:
            card = self.cards.pop(folder)
            self._layout.removeWidget(card)
            card.hide()
            card.deleteLater()
        for each in found:
            if each.folder not in self.cards:
                self._add_card(each.folder)
            if each.folder not in self._cancelling:
                self.cards[each.folder].show_state(each.state)
        self.setVisible(bool(self.cards))

    def failure(self, folder: Path | None) -> str:
        """Why preparing that data failed; "" if it has not."""
        card = self.cards.get(folder) if folder else None
        if card is None or card.state.state != "failed":
            return ""
        return card.state.error or "see its output on the Train page."

    def _add_card(self, folder: Path) -> None:
        card = PreparationCard(self._theme, folder)
        card.pause_wanted.connect(lambda folder: self._ask(folder, Preparation(folder).pause))
        card.resume_wanted.connect(lambda folder: self._ask(folder, Preparation(folder).resume))
        card.cancel_wanted.connect(self._cancel)
        self.cards[folder] = card
        self._layout.addWidget(card)

    def _ask(self, folder: Path, work: Callable[[], None]) -> None:
        self._quick.run(work, lambda _: self.asked.emit(), partial(self._on_refused, folder))

    def _cancel(self, folder: Path) -> None:
        self._cancelling.add(folder)

        def over(_: object) -> None:
            self._cancelling.discard(folder)
            self.asked.emit()

        def failed(sentence: str) -> None:
            self._cancelling.discard(folder)
            self._on_refused(folder, sentence)

        self._slow.run(Preparation(folder).cancel, over, failed)

    def _on_refused(self, folder: Path, sentence: str) -> None:
        if folder in self.cards:
            self.cards[folder].show_problem(sentence)
