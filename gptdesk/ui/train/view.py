"""Widgets of the Train page: list of runs, dashboard of the selected run, its samples and logs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtWidgets import QApplication, QMenu, QStackedWidget, QVBoxLayout, QWidget

from gptdesk.loss_units import loss_unit
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.runs.pending_requests import Pending
from gptdesk.ui.services.services import Services
from gptdesk.ui.train.bars import TrainBar, TrainStatus
from gptdesk.ui.train.charts.panel import ChartPanel
from gptdesk.ui.train.charts.settings import ChartSettings
from gptdesk.ui.train.command_table import DATA, RUN, SCOPE
from gptdesk.ui.train.data.actions import DataActions
from gptdesk.ui.train.data.panel import DataPanel
from gptdesk.ui.train.empty_state import EmptyRuns
from gptdesk.ui.train.menus import TrainMenus
from gptdesk.ui.train.new_run.opener import NewRunOpener
from gptdesk.ui.train.runs.dashboard import Dashboard
from gptdesk.ui.train.runs.run_actions import RunActions
from gptdesk.ui.train.runs.run_list import RunList
from gptdesk.ui.train.runs.run_requests import RunRequests
from gptdesk.ui.train.selection import Selection
from gptdesk.ui.train.side_panel import SidePanel
from gptdesk.ui.widgets.layout.page_columns import PageColumns, SidePart
from gptdesk.ui.window.commands.registry import Commands

if TYPE_CHECKING:
    from gptdesk.ui.train.new_run.sheet import NewRunSheet

_LIST: Final = (20, 184, 320)
_PANEL: Final = (27, 244, 640)
"""Percent of the width, and the least and most pixels of it at a font of 13 pixels."""


class TrainView(QWidget):
    """Shows the selected run, or the selected data in preparation.

    Args:
        services: of the window.
        messages: of the page.
        commands: with those of `train_commands`.
        menu: of the window.
        text: returns the text of the open document.

    Attributes:
        selection: which run or data is shown.
        top_bar: above the page.
        status_bar: below it.
        run_actions: what can be done with the selected run.
        requests: what its trainer can be asked for.
        data_actions: what can be done with the selected data.
        menus: of the page.
        new_runs: opens the sheet that starts a run.

    Signals:
        open_model(str): use the model in that folder in the Playground.
        inspect_model(str): look into the model in that folder.
        chat_with(str): use the model in that folder on the Chat page.
        compare(object): put the checkpoints in these folders side by side.
        follow_run(object): load each newest checkpoint of the run in that folder.
        unfollow_run(object): stop following the run in that folder.
        run_chosen(): emitted when the selection changes.
    """

    open_model = Signal(str)
    inspect_model = Signal(str)
    chat_with = Signal(str)
    compare = Signal(object)
    follow_run = Signal(object)
    unfollow_run = Signal(object)
    run_chosen = Signal()

    def __init__(
        self,
        services: Services,
        messages: PageMessages,
        commands: Commands,
        menu: QMenu,
        text: Callable[[], str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._messages = messages
        self._services, self._run_monitor, self._commands = services, services.run_monitor, commands
        self.selection = Selection(self._run_monitor, services.settings, self)
        theme = services.theme
        self.top_bar = TrainBar(theme, menu, commands)
        self.status_bar = TrainStatus(theme, self._run_monitor)
        self.run_actions = RunActions(
            theme, self._run_monitor, self, lambda: self.selection.run, self._followed, commands
        )
        self.data_actions = DataActions(self._run_monitor, messages, self, lambda: self.selection.data, commands)
        self.requests = RunRequests(
            self._run_monitor, messages, lambda: self.selection.folder, self._sample_thread, text, self
        )
        self.menus = TrainMenus(
            self._run_monitor,
            self.run_actions,
            self.data_actions,
            commands,
            lambda: self.selection.data is not None,
            self,
        )
        self.new_runs = NewRunOpener(services, self)
        self.runs = RunList(theme)
        settings = ChartSettings.from_dict(dict(services.settings.value.charts))
        self.runs.set_unit(loss_unit(settings.loss_unit))
        self.dashboard = Dashboard(theme, commands, settings, self.menus.more)
        self.data = DataPanel(theme, self.data_actions)
        self.panel = SidePanel(theme, commands, self.menus.checkpoints)
        self.empty = EmptyRuns(commands)
        self._lay_out()
        self._connect()
        self.selection.restore()
        self._on_runs_changed()

    def _lay_out(self) -> None:
        self.middle = QStackedWidget()
        for page in (self.empty, self.dashboard, self.data):
            self.middle.addWidget(page)
        left, right = (
            SidePart(widget=widget, share=share, least=least, most=most)
            for widget, (share, least, most) in ((self.runs, _LIST), (self.panel, _PANEL))
        )
        theme = self._services.theme
        self.parts = PageColumns(theme, self.middle, left=left, right=right)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.parts)

    def _connect(self) -> None:
        run_monitor, dashboard, messages = self._run_monitor, self.dashboard, self._messages
        self.selection.changed.connect(self._on_selection_changed)
        run_monitor.runs_changed.connect(self._on_runs_changed)
        run_monitor.view_changed.connect(self._on_view_changed)
        run_monitor.history_changed.connect(self._on_history_changed)
        run_monitor.requests.changed.connect(self._on_view_changed)
        self.requests.changed.connect(self._on_view_changed)
        self.new_runs.created.connect(self.choose)
        run_monitor.waiting.changed.connect(self._on_runs_changed)
        self.runs.chosen.connect(self.choose)
        self.runs.menu_wanted.connect(self._on_menu_wanted)
        dashboard.charts.settings_changed.connect(self._on_charts_changed)
        dashboard.charts.failed.connect(messages.refuse)
        dashboard.charts.saved.connect(lambda path: messages.succeed(f"Saved as {path}."))
        self.panel.samples.opened.connect(self._on_opened)
        self.run_actions.opened.connect(self._on_opened)
        self.run_actions.comparison_wanted.connect(self.compare)
        self.run_actions.follow_wanted.connect(self.follow_run)
        self.run_actions.unfollow_wanted.connect(self.unfollow_run)
        self.data_actions.changed.connect(self._on_view_changed)
        self.data_actions.run_wanted.connect(self.new_runs.open_with)

    # Selection

    @Slot(object)
    def choose(self, folder: Path | None) -> None:
        """Selects the run, or the data, in that folder."""
        self.selection.choose(folder)

    @property
    def current(self) -> Path | None:
        """Folder of the selected run or data."""
        return self.selection.folder

    @Slot()
    def _on_selection_changed(self) -> None:
        self.runs.set_current(self.current)
        self._show_entry()
        self.run_chosen.emit()

    def focus(self) -> None:
        """Gives the focus to the list, or to the button that starts the first run."""
        if self._run_monitor.runs or self._run_monitor.data:
            self.runs.focus_current()
        else:
            self.empty.new.setFocus()

    @property
    def charts(self) -> ChartPanel | None:
        """The charts of the selected run; ``None`` if no run is selected."""
        return self.dashboard.charts if self.selection.run is not None else None

    def why_not_open(self) -> str | None:
        """Why no checkpoint of the selected run can be opened in the Playground; ``None`` if one can."""
        if self.selection.run is None:
            return "Choose a run first."
        if self.panel.samples.target is None:
            return "The run has no checkpoint yet; “Checkpoint now” saves one."
        return None

    def chat(self) -> None:
        """Opens the checkpoint nearest to the shown sample on the Chat page."""
        if (target := self.panel.samples.target) is not None:
            self.chat_with.emit(str(target.path))

    def inspect(self) -> None:
        """Opens the checkpoint nearest to the shown sample in the Playground, with the Inspect pane."""
        if (target := self.panel.samples.target) is not None:
            self.inspect_model.emit(str(target.path))

    def why_no_report(self) -> str | None:
        """Why there is no crash report of the selected run; ``None`` if there is one."""
        entry = self.selection.run
        if entry is None:
            return "Choose a run first."
        return None if entry.state.state == "crashed" else "The run has not crashed."

    def _sample_thread(self) -> tuple[str, int] | None:
        return self.panel.samples.thread_at_hand

    def _followed(self) -> set[Path]:
        value = self._services.settings.value
        return {Path(run) for run in (value.follow, value.chat_follow) if run}

    @Slot()
    def _on_runs_changed(self) -> None:
        run_monitor, runs, data = self._run_monitor, self._run_monitor.runs, self._run_monitor.data
        self.parts.show_side(self.runs, bool(runs or data))
        waiting = {entry.folder: run_monitor.waiting.name(entry.folder) for entry in data}
        self.runs.show_runs(runs, run_monitor.curves, data, waiting)
        if not self.selection.choose_any():
            self.selection.tell_pinned()
            self._show_entry()

    def _show_entry(self) -> None:
        entry, data = self.selection.run, self.selection.data
        self.top_bar.name.setText(entry.name if entry else data.name if data else "")
        self._commands.set_part(SCOPE, RUN if entry else DATA if data else "")
        self.run_actions.show_run()
        self.data_actions.show_data(data)
        self.parts.show_side(self.panel, entry is not None)
        if data is not None:
            self._show_data()
        elif entry is None:
            self._show_middle(self.empty)
            self.panel.show_run(None)

    def _show_middle(self, widget: QWidget) -> None:
        """Shows a widget in the middle; the focus moves from a button of the empty page to the selected card."""
        focused = QApplication.focusWidget()
        leaving = widget is not self.empty and focused is not None and self.empty.isAncestorOf(focused)
        self.middle.setCurrentWidget(widget)
        if leaving:
            self.runs.focus_current()

    def _show_data(self) -> None:
        view = self._run_monitor.data_view
        if view is not None and view.entry.folder == self.current:
            self._show_middle(self.data)
            self.data.show_view(view, self._run_monitor.waiting.name(view.entry.folder))

    @Slot()
    def _on_view_changed(self) -> None:
        view = self._run_monitor.view
        if view is None or view.entry.folder != self.current:
            self._show_data()
            return
        folder = view.entry.folder
        run_monitor = self._run_monitor
        pending: list[Pending] = run_monitor.requests.pending(folder)
        self._show_middle(self.dashboard)
        self.dashboard.show_run(view, pending)
        pinned = [run for run in run_monitor.runs if run.pinned]
        self.dashboard.show_curves(view.entry, pinned, run_monitor.histories, run_monitor.configs)
        self.panel.show_run(view)

    @Slot(object)
    def _on_history_changed(self, folder: Path) -> None:
        entry = self._run_monitor.entry(folder)
        if entry and (entry.folder == self.current or entry.pinned):
            self.dashboard.refresh()

    # The sheet, menus, settings

    @property
    def sheet(self) -> NewRunSheet | None:
        """The sheet that starts a run, while it is open."""
        return self.new_runs.sheet

    @Slot()
    def new_run(self) -> None:
        """Opens the sheet that starts a run."""
        self.new_runs.open()

    @Slot(object, QPoint)
    def _on_menu_wanted(self, folder: Path | None, at: QPoint) -> None:
        if folder is not None and folder != self.current:
            self.choose(folder)
        self.menus.show_context_menu(folder is not None, at)

    @Slot(object)
    def _on_opened(self, checkpoint: Path) -> None:
        self.open_model.emit(str(checkpoint))

    @Slot()
    def _on_charts_changed(self) -> None:
        settings = self.dashboard.charts.settings
        self.runs.set_unit(loss_unit(settings.loss_unit))
        self._services.settings.update(charts=settings.to_dict())
