"""The Train page: runs at the left, the one at hand in the middle, what it writes at the right."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QStackedWidget, QVBoxLayout, QWidget

from gptdesk.training.data.data_scanner import DataEntry
from gptdesk.training.index import RunEntry
from gptdesk.training.launch import resume_run
from gptdesk.ui.fonts import scaled
from gptdesk.ui.services.runs.notices import Notice
from gptdesk.ui.services.runs.pending_requests import Pending
from gptdesk.ui.services.services import Services
from gptdesk.ui.train.bars import TrainBar, TrainStatus
from gptdesk.ui.train.charts.settings import ChartSettings
from gptdesk.ui.train.data.actions import DataActions
from gptdesk.ui.train.data.panel import DataPanel
from gptdesk.ui.train.empty_state import EmptyRuns
from gptdesk.ui.train.runs.dashboard import Dashboard
from gptdesk.ui.train.runs.dialogs import ChangeDialog, SampleDialog
from gptdesk.ui.train.runs.run_actions import RunActions
from gptdesk.ui.train.runs.run_list import RunList
from gptdesk.ui.train.side_panel import SidePanel
from gptdesk.ui.widgets.panel_fold import PanelFold
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.widgets.question import Question
from gptdesk.ui.widgets.splitter import Splitter

if TYPE_CHECKING:
    from gptdesk.ui.train.new_run.sheet import NewRunSheet

_LIST: Final = (20, 184, 320)
_PANEL: Final = (27, 244, 640)
"""Percent of the width, and the least and most pixels of it at a font of 13 pixels."""

_PROMPT: Final = "Once upon a time"
_EXAMPLE: Final = "shakespeare"
"""One of `trainer.prepare`'s bundled texts."""


class TrainView(QWidget):
    """The page.

    Args:
        services: of the window.
        menu: of the window.
        text: gives what stands in the Playground.

    Attributes:
        top_bar: stands above the page.
        status_bar: stands below it.
        sheet: on which a run is being put together, if one is.

    Signals:
        open_model(str): the person wants the model in that folder in the Playground.
        follow_run(object): they want the Playground to follow the run in that folder; None: no longer.
        refused(str): something cannot be done; the sentence says why.
        told(str): something is done; the sentence says what.
        run_chosen(): another run is at hand, or none.
    """

    open_model = Signal(str)
    follow_run = Signal(object)
    refused = Signal(str)
    told = Signal(str)
    run_chosen = Signal()

    def __init__(self, services: Services, menu: QMenu, text: Callable[[], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._services, self._run_monitor, self._text = services, services.run_monitor, text
        self._restarting: set[Path] = set()
        self.current: Path | None = None
        self.sheet: NewRunSheet | None = None
        theme = services.theme
        self.top_bar = TrainBar(theme, menu)
        self.status_bar = TrainStatus(theme, self._run_monitor)
        self.actions_ = RunActions(theme, self._run_monitor, self, self._entry, self._followed)
        self.data_actions = DataActions(self._run_monitor, self, self._data_entry)
        self._more, self._checkpoints = Menu(self), Menu(self)
        self.runs = RunList(theme)
        settings = ChartSettings.from_dict(dict(services.settings.value.charts))
        self.dashboard = Dashboard(theme, settings, self._more)
        self.data = DataPanel(theme, self.data_actions)
        self.panel = SidePanel(theme, self._checkpoints)
        self.empty = EmptyRuns()
        self._lay_out()
        self._connect()
        saved = services.settings.value.run
        self.choose(Path(saved) if saved else None)
        self._on_runs_changed()

    def _lay_out(self) -> None:
        self.parts = Splitter(self._services.theme)
        self.middle = QStackedWidget()
        for page in (self.empty, self.dashboard, self.data):
            self.middle.addWidget(page)
        for part in (self.runs, self.middle, self.panel):
            self.parts.addWidget(part)
        self.parts.setStretchFactor(1, 1)
        self.parts.setCollapsible(1, False)
        self._folded = False
        self.fold = PanelFold(self, self._show_panel)
        self._sides: list[int] | None = None
        self.parts.splitterMoved.connect(self._on_moved)
        self.parts.reset.connect(self._reset_widths)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.parts)

    def _show_panel(self, shown: bool) -> None:
        self._folded = not shown
        self._show_entry()

    @property
    def borders(self) -> str:
        """The widths of the list and the panel that somebody chose; empty: nobody did."""
        return " ".join(map(str, self._sides or ()))

    def set_borders(self, borders: object) -> None:
        """Puts the borders where `borders` said; what cannot be read leaves them."""
        widths = str(borders).split()
        if len(widths) == 2 and all(width.isdecimal() and len(width) < 6 for width in widths):
            self._sides = [int(width) for width in widths]
            self._set_widths()

    @Slot()
    def _on_moved(self) -> None:
        sides = self._sides or self._usual_sides()
        now = self.parts.sizes()[::2]
        shown = (self.runs.isVisible(), self.panel.isVisible())
        self._sides = [new if seen else old for new, seen, old in zip(now, shown, sides, strict=True)]

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The curves get what the list and the panel need not have."""
        super().resizeEvent(event)
        self._set_widths()

    @Slot()
    def _reset_widths(self) -> None:
        self._sides = None
        self._set_widths()

    def _usual_sides(self) -> list[int]:
        return [
            min(max(self.width() * share // 100, scaled(least)), scaled(most)) for share, least, most in (_LIST, _PANEL)
        ]

    def _set_widths(self) -> None:
        self.parts.resize(self.size())  # the layout may come to it later
        left, right = self._sides or self._usual_sides()
        self.parts.setSizes([left, max(1, self.width() - left - right), right])

    def _show_part(self, part: QWidget, seen: bool) -> None:
        if part.isHidden() == seen:
            part.setVisible(seen)
            self._set_widths()

    def _connect(self) -> None:
        run_monitor, dashboard = self._run_monitor, self.dashboard
        run_monitor.runs_changed.connect(self._on_runs_changed)
        run_monitor.view_changed.connect(self._on_view_changed)
        run_monitor.history_changed.connect(self._on_history_changed)
        run_monitor.requests.changed.connect(self._on_view_changed)
        run_monitor.requests.refused.connect(self._on_refused)
        run_monitor.waiting.changed.connect(self._on_runs_changed)
        run_monitor.waiting.started.connect(self._on_waiting_started)
        self.top_bar.new.clicked.connect(self.new_run)
        self.empty.new_wanted.connect(self.new_run)
        self.empty.example_wanted.connect(self.new_run_on_example)
        self.empty.watch_wanted.connect(self.actions_.watch.trigger)
        self.runs.chosen.connect(self.choose)
        self.runs.menu_wanted.connect(self._on_menu_wanted)
        dashboard.wanted.connect(self._on_wanted)
        dashboard.restart_wanted.connect(self.restart)
        dashboard.folder_wanted.connect(self.actions_.folder.trigger)
        dashboard.charts.settings_changed.connect(self._on_charts_changed)
        dashboard.charts.failed.connect(self.refused)
        dashboard.charts.saved.connect(lambda path: self.told.emit(f"Saved as {path}."))
        self.panel.samples.opened.connect(self._on_opened)
        self.actions_.opened.connect(self._on_opened)
        self.actions_.follow_wanted.connect(self.follow_run)
        self.data_actions.changed.connect(self._on_view_changed)
        self.data_actions.run_wanted.connect(self.new_run_with)
        self._more.aboutToShow.connect(self._fill_more)
        self._checkpoints.aboutToShow.connect(self._fill_checkpoints)

    # Which run

    @Slot(object)
    def choose(self, folder: Path | None) -> None:
        """Makes the run, or the preparation, in that folder the one at hand."""
        left = self._data_entry()
        if left is not None and left.ready and left.folder != folder:  # it has been seen
            self._run_monitor.leave_out(left.folder)
        self.current = folder
        self._services.settings.update(run=str(folder) if folder else None)
        self._run_monitor.select(folder)
        self._run_monitor.set_pinned(tuple(run.folder for run in self._run_monitor.runs if run.pinned))
        self.runs.set_current(folder)
        self._show_entry()
        self.run_chosen.emit()

    def focus(self) -> None:
        """So that the arrow keys choose runs; where there are none, Enter begins one."""
        if self._run_monitor.runs or self._run_monitor.data:
            self.runs.focus_current()
        else:
            self.empty.new.setFocus()

    def _entry(self) -> RunEntry | None:
        return self._run_monitor.entry(self.current)

    def _data_entry(self) -> DataEntry | None:
        return self._run_monitor.data_entry(self.current)

    def _followed(self) -> Path | None:
        follow = self._services.settings.value.follow
        return Path(follow) if follow else None

    @Slot()
    def _on_runs_changed(self) -> None:
        run_monitor, runs, data = self._run_monitor, self._run_monitor.runs, self._run_monitor.data
        self._restarting -= {run.folder for run in runs if run.active}
        self._show_part(self.runs, bool(runs or data))
        waiting = {entry.folder: run_monitor.waiting.name(entry.folder) for entry in data}
        self.runs.show_runs(runs, run_monitor.curves, data, waiting)
        if (runs or data) and self._entry() is None and self._data_entry() is None:
            folders = [run.folder for run in runs if run.active] + [run.folder for run in runs]
            self.choose([*folders, *(entry.folder for entry in data)][0])
        else:
            run_monitor.set_pinned(tuple(run.folder for run in runs if run.pinned))
            self._show_entry()

    def _show_entry(self) -> None:
        entry, data = self._entry(), self._data_entry()
        self.top_bar.name.setText(entry.name if entry else data.name if data else "")
        self.actions_.show_run(entry)
        self.data_actions.show_data(data)
        self._show_part(self.panel, entry is not None and not self._folded)
        if data is not None:
            self._show_data()
        elif entry is None:
            self.middle.setCurrentWidget(self.empty)
            self.panel.show_run(None)

    def _show_data(self) -> None:
        view = self._run_monitor.data_view
        if view is not None and view.entry.folder == self.current:
            self.middle.setCurrentWidget(self.data)
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
        self.middle.setCurrentWidget(self.dashboard)
        self.dashboard.show_run(view, pending, restarting=folder in self._restarting)
        pinned = [run for run in run_monitor.runs if run.pinned]
        self.dashboard.show_curves(view.entry, pinned, run_monitor.histories, run_monitor.configs)
        self.panel.show_run(view)

    @Slot(object)
    def _on_history_changed(self, folder: Path) -> None:
        entry = self._run_monitor.entry(folder)
        if entry and (entry.folder == self.current or entry.pinned):
            self.dashboard.refresh()

    # What a run is asked for

    @Slot(str)
    def _on_wanted(self, action: str) -> None:
        if self.current is None:
            return
        if action == "sample":
            self._ask_for_sample()
        else:
            self._run_monitor.requests.ask(self.current, action)

    def _ask_for_sample(self) -> None:
        folder = self.current
        assert folder is not None, "a run is at hand"
        prompt, seed = self.panel.samples.thread_at_hand or (_PROMPT, 1)
        dialog = SampleDialog(prompt, seed, self._text(), self)
        ask = self._run_monitor.requests.ask
        dialog.decided.connect(lambda prompt, seed: ask(folder, "sample", prompt=prompt, seed=seed))
        dialog.open()

    def _change(self) -> None:
        """Asks for other intervals, or another factor of the learning rate."""
        folder = self.current
        history = self._run_monitor.histories.get(folder) if folder else None
        if folder is None or history is None:
            return
        values: dict[str, Any] = dict(self._run_monitor.configs.get(folder, {}).get("run", {}))
        for event in list(history.recent):
            args = event.get("args") or {}
            if event.get("ev") == "control" and event.get("action") == "set" and event.get("done"):
                values[str(args.get("name"))] = args.get("value")
        dialog = ChangeDialog(values, self)

        def ask(changes: dict[str, Any]) -> None:
            for name, value in changes.items():
                self._run_monitor.requests.ask(folder, "set", name=name, value=value)

        dialog.decided.connect(ask)
        dialog.open()

    def _abort(self) -> None:
        entry = self._entry()
        if entry is not None:
            folder = entry.folder
            Question(
                f"Abort “{entry.name}”?",
                "It ends without saving; what it has learnt since its last checkpoint is lost.",
                [("Abort", lambda: self._run_monitor.requests.ask(folder, "abort"))],
                dangerous=True,
                parent=self,
            ).open()

    @Slot()
    def restart(self) -> None:
        """Goes on with a run that has ended, from its newest whole checkpoint."""
        folder = self.current
        if folder is None or folder in self._restarting:
            return
        self._restarting.add(folder)
        self._on_view_changed()

        def failed(sentence: str) -> None:
            self._restarting.discard(folder)
            self._on_view_changed()
            self.refused.emit(sentence)

        self._run_monitor.change(partial(resume_run, folder), failed=failed)

    @Slot(object, str)
    def _on_refused(self, pending: Pending, reason: str) -> None:
        entry = self._run_monitor.entry(pending.folder)
        name = entry.name if entry else pending.folder.name
        self.refused.emit(f"{name} did not {pending.action}: {reason.rstrip('.')}.")

    # Menus, dialogs, settings

    @Slot()
    def new_run(self) -> None:
        """Opens the sheet on which a run is put together."""
        from gptdesk.ui.train.new_run.sheet import NewRunSheet  # pydantic, late

        if self.sheet is not None:
            self.sheet.raise_()
            return
        self.sheet = NewRunSheet(self._services, self._services.runs, self)
        self.sheet.started.connect(self._on_started)
        self.sheet.put_off.connect(self.choose)
        self.sheet.finished.connect(self._on_sheet_closed)  # it goes by itself once its threads have ended
        self.sheet.open()

    @Slot(object)
    def new_run_with(self, data: Path) -> None:
        """Opens the sheet with that data, which may be in preparation still."""
        self.new_run()
        assert self.sheet is not None, "it is open"
        self.sheet.data.wait_for(data)

    @Slot()
    def new_run_on_example(self) -> None:
        """Opens the sheet with the text that comes with the program."""
        self.new_run()
        assert self.sheet is not None, "it is open"
        self.sheet.data.use_text(_EXAMPLE)

    @Slot(object)
    def _on_started(self, folder: Path) -> None:
        self._run_monitor.change(lambda: None, lambda _: self.choose(folder))

    @Slot(object, object, str)
    def _on_waiting_started(self, data: Path, run: Path, name: str) -> None:
        if self.current == data:
            self.choose(run)
        else:
            self._run_monitor.leave_out(data)
            self._run_monitor.noticed.emit(Notice(run, "info", f"{name} has started", "Its data is ready."))

    def _on_sheet_closed(self) -> None:
        self.sheet = None

    @Slot(object, QPoint)
    def _on_menu_wanted(self, folder: Path | None, at: QPoint) -> None:
        menu = Menu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if folder is not None:
            if folder != self.current:
                self.choose(folder)
            if self._data_entry() is not None:
                self.data_actions.fill(menu)
            else:
                view = self._run_monitor.view
                self.actions_.fill(menu, view.checkpoints if view else ())
            menu.addSeparator()
        self.actions_.fill_watched(menu)
        menu.popup(at)

    def _fill_more(self) -> None:
        self._more.clear()
        entry, view = self._entry(), self._run_monitor.view
        if entry is None or view is None:
            return
        if entry.active:
            for action, title in (
                ("checkpoint", "Checkpoint now"),
                ("evaluate", "Evaluate now"),
                ("sample", "Sample now…"),
            ):
                self._more.addAction(title, partial(self._on_wanted, action))
            self._more.addAction("Change while training…", self._change)
            self._more.addAction("Abort without saving…", self._abort)
            self._more.addSeparator()
        self.actions_.fill(self._more, view.checkpoints)

    def _fill_checkpoints(self) -> None:
        self._checkpoints.clear()
        view = self._run_monitor.view
        self.actions_.fill_checkpoints(self._checkpoints, view.checkpoints if view else ())

    @Slot(object)
    def _on_opened(self, checkpoint: Path) -> None:
        self.open_model.emit(str(checkpoint))

    @Slot()
    def _on_charts_changed(self) -> None:
        self._services.settings.update(charts=self.dashboard.charts.settings.to_dict())
