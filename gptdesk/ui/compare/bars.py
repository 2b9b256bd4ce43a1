"""Bars of the Compare page: what colours stand for, columns and exports; what is being done."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.compare.columns.colouring import COLOURINGS, colouring_of
from gptdesk.ui.compare.session import CompareSession
from gptdesk.ui.services.services import Services
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.inputs.boxes import ListBox
from gptdesk.ui.widgets.layout.page_bars import PageBar, PageStatus
from gptdesk.ui.widgets.tooltips import wrapped
from gptdesk.ui.window.commands.registry import Commands

_HELP: Final = "What is shown of the texts, and what their colours stand for"


class ColouringBox(QWidget):
    """The list of colourings, and the legend of the one in use.

    Attributes:
        box: the list.
        legend: what the strongest colour stands for.
    """

    def __init__(self, services: Services, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self.box = ListBox()
        self.box.setAccessibleName("Colours")
        for one in COLOURINGS:
            self.box.addItem(one.title, one.id)
        self.box.activated.connect(lambda _: commands.run(f"compare.colours_{self.box.currentData()}"))
        self.legend = ElidedLabel()
        self.legend.setProperty("kind", "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addStretch(1)
        row.addWidget(self.box)
        row.addWidget(self.legend, 2)
        services.settings.changed.connect(self._show)
        self._show()

    @Slot()
    def _show(self) -> None:
        chosen = colouring_of(self._services.settings.value.comparison.get("colours"))
        self.box.setCurrentIndex(self.box.findData(chosen.id))
        self.box.setToolTip(wrapped(f"{_HELP}. {chosen.description}"))
        self.legend.setText(chosen.legend)
        self.legend.help = chosen.description


class CompareBar(PageBar):
    """The top bar.

    Attributes:
        colours: list of the colourings.
        add: adds a column.
        export: writes the results to a file.
    """

    def __init__(self, services: Services, menu: QMenu, commands: Commands, parent: QWidget | None = None) -> None:
        self.colours = ColouringBox(services, commands)
        self.add = ActionButton(commands.action("compare.add_column"), " Column")
        services.theme.set_icon(self.add, "plus")
        self.export = ActionButton(commands.action("compare.export"))
        super().__init__(services.theme, "Compare", menu, (self.add, self.export), self.colours, parent)


class CompareStatus(PageStatus):
    """What is being done, how far it is, and the seed."""

    def __init__(self, services: Services, session: CompareSession, parent: QWidget | None = None) -> None:
        super().__init__(services.theme, ("State", "Progress", "Seed"), parent)
        self._service, self._session = services.comparisons, session
        self._service.changed.connect(self._show)
        self._service.cell_ready.connect(self._show)
        self._show()

    @Slot()
    def _show(self) -> None:
        service, results = self._service, self._service.results
        self.state.setText("Comparing" if service.busy else "Ready")
        self.dot.set_state("accent" if service.busy else "good", ring=service.busy)
        parts = []
        if results is not None:
            total = len(results.prompts) * (len(results.columns) - len(results.failures))
            if service.busy or len(results.cells) < total:
                done = number_format.count(len(results.cells))
                parts.append(f"{done} of {number_format.counted(total, 'text')}")
            if not self._session.votes.is_hidden:
                parts += [f"{results.columns[at].label}: {words}" for at, words in service.doing.items()]
        self.detail.setText("  ·  ".join(parts))
        self.right.setText("" if service.seed is None else f"Seed {service.seed}")
