"""Cards of the data sets on the hub, each with the size of its download on request."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gptdesk.folders import Folders
from gptdesk.training.data import preparations
from gptdesk.ui.services.background import Task, TaskQueue
from gptdesk.ui.train.new_run.data.plan_card import HUB_SETS, PlanCard


class HubList(QWidget):
    """The column of cards.

    Args:
        slow: queue in which the hub is asked.

    Attributes:
        cards: by name of the data set.

    Signals:
        prepare_wanted(str): prepare the data set of that name.
    """

    prepare_wanted = Signal(str)

    def __init__(self, folders: Folders, slow: TaskQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folders, self._slow = folders, slow
        self._tasks: dict[str, Task] = {}
        self.cards = {hub_set.name: PlanCard(hub_set) for hub_set in HUB_SETS}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for card in self.cards.values():
            layout.addWidget(card)
            card.plan_wanted.connect(self._ask)
            card.cancelled.connect(self._cancel)
            card.prepare_wanted.connect(self._prepare)

    def stop(self) -> None:
        """Asks the hub no more."""
        for task in self._tasks.values():
            task.cancel()

    def _ask(self, name: str) -> None:
        card = self.cards[name]
        card.show_asking()
        if name in self._tasks:
            self._tasks[name].cancel()
        folder = preparations.new_data_folder(self._folders, name)
        self._tasks[name] = self._slow.run_task(
            lambda task: preparations.plan([name], folder=folder, stop=task.stop), card.show_plan, card.show_failure
        )

    def _cancel(self, name: str) -> None:
        self._tasks[name].cancel()
        self.cards[name].reset()

    def _prepare(self, name: str) -> None:
        self.cards[name].reset()
        self.prepare_wanted.emit(name)
