"""Panel of the Train page: samples, console or events of the selected run."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from gptdesk.training.scan_result import RunView
from gptdesk.ui.fonts import scaled
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.command_table import TABS
from gptdesk.ui.train.runs.log_panel import EventView, LogView
from gptdesk.ui.train.runs.samples_panel import SamplesPanel
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.window.commands.registry import Commands


class SidePanel(QWidget):
    """Three tabs; only the visible one is updated.

    Args:
        commands: with those of `train_commands`.
        checkpoints: menu of the checkpoints.

    Attributes:
        tab: the visible one, a key of `TABS`.
        tabs: their buttons, by key.
    """

    def __init__(self, theme: Theme, commands: Commands, checkpoints: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._commands = commands
        self._view: RunView | None = None
        self.tab = next(iter(TABS))
        self.samples = SamplesPanel(theme, commands, checkpoints)
        self.console = LogView("Console", "The trainer has printed nothing yet.")
        self.events = EventView()
        self.tabs: dict[str, ActionButton] = {}
        self.pages = QStackedWidget()
        row = QHBoxLayout()
        row.setContentsMargins(12, 12, 8, 0)
        row.setSpacing(2)
        for tab, page in zip(TABS, (self.samples, _padded(self.console), _padded(self.events)), strict=True):
            button = ActionButton(commands.action(f"panel.{tab}"))
            button.setProperty("kind", "tab")
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            self.tabs[tab] = button
            self.pages.addWidget(page)
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

    def show_tab(self, tab: str) -> None:
        """Shows a tab, a key of `TABS`."""
        self.tab = tab
        self.pages.setCurrentIndex(list(self.tabs).index(tab))
        self._refresh_tabs()
        self._show()

    def _refresh_tabs(self) -> None:
        self._commands.refresh(*(f"panel.{tab}" for tab in self.tabs))

    def show_run(self, view: RunView | None) -> None:
        """Shows the present state of the run."""
        self._view = view
        self._refresh_tabs()
        self._show()

    def _show(self) -> None:
        view = self._view
        if view is None:
            self.samples.show_samples(None, (), ())
            self.console.show_lines(())
            self.events.show_lines(())
            return
        if self.tab == "samples":
            self.samples.show_samples(view.entry.folder, view.samples, view.checkpoints)
        elif self.tab == "console":
            self.console.show_lines(view.console)
        else:
            self.events.show_history(view.history)


def _padded(widget: QWidget) -> QWidget:
    holder = QWidget()
    layout = QVBoxLayout(holder)
    layout.setContentsMargins(12, 8, 4, 8)
    layout.addWidget(widget)
    return holder
