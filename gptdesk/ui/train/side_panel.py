"""Panel of the Train page: samples, console or events of the selected run."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from gptdesk.training.run_scanner import RunView
from gptdesk.ui.fonts import scaled
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.runs.log_panel import EventView, LogView
from gptdesk.ui.train.runs.samples_panel import SamplesPanel


class SidePanel(QWidget):
    """Three tabs; only the visible one is updated.

    Attributes:
        tabs: their buttons, by name.
    """

    def __init__(self, theme: Theme, checkpoints: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view: RunView | None = None
        self.samples = SamplesPanel(theme, checkpoints)
        self.console = LogView("Console", "The trainer has printed nothing yet.")
        self.events = EventView()
        self.tabs: dict[str, QPushButton] = {}
        self.pages = QStackedWidget()
        row = QHBoxLayout()
        row.setContentsMargins(12, 12, 8, 0)
        row.setSpacing(2)
        for name, page in (
            ("Samples", self.samples),
            ("Console", _padded(self.console)),
            ("Events", _padded(self.events)),
        ):
            button = QPushButton(name)
            button.setProperty("kind", "tab")
            button.setCheckable(True)
            button.setAccessibleName(name)
            button.clicked.connect(partial(self.show_tab, self.pages.addWidget(page)))
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            self.tabs[name] = button
            row.addWidget(button)
        row.addStretch(1)
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(scaled(244))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(self.pages, 1)
        self.show_tab(0)

    def show_tab(self, number: int, _checked: bool = True) -> None:
        """Shows samples (0), console (1) or events (2)."""
        self.pages.setCurrentIndex(number)
        for place, button in enumerate(self.tabs.values()):
            button.setChecked(place == number)
        self._show()

    def show_run(self, view: RunView | None) -> None:
        """Shows the present state of the run."""
        self._view = view
        self._show()

    def _show(self) -> None:
        view, tab = self._view, self.pages.currentIndex()
        if view is None:
            self.samples.show_samples(None, (), ())
            self.console.show_lines(())
            self.events.show_lines(())
            return
        if tab == 0:
            self.samples.show_samples(view.entry.folder, view.samples, view.checkpoints)
        elif tab == 1:
            self.console.show_lines(view.console)
        else:
            self.events.show_history(view.history)


def _padded(widget: QWidget) -> QWidget:
    holder = QWidget()
    layout = QVBoxLayout(holder)
    layout.setContentsMargins(12, 8, 4, 8)
    layout.addWidget(widget)
    return holder
