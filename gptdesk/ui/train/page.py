"""The Train page: runs, their charts and samples, and the sheet that starts new ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Slot

from gptdesk.training.pydantic_import import import_pydantic
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.services import Services
from gptdesk.ui.train.close_guard import CloseGuard
from gptdesk.ui.train.commands import train_commands
from gptdesk.ui.train.notifications import Notifications
from gptdesk.ui.train.preload import preload
from gptdesk.ui.window.commands.registry import Command
from gptdesk.ui.window.pages import BasePage, PageView, Window

if TYPE_CHECKING:
    from gptdesk.ui.train.view import TrainView


class TrainPage(BasePage):
    """The page; notifications and the question before closing work before its view is made.

    Attributes:
        view: once it is made.
        close_guard: asks before the window closes over active runs.
        notifications: about runs.
    """

    id: ClassVar[str] = "train"
    title: ClassVar[str] = "Train"
    icon: ClassVar[str] = "train"
    is_slow: ClassVar[bool] = True

    def __init__(self, services: Services, window: Window) -> None:
        super().__init__(services, window)
        self.view: TrainView | None = None
        self.close_guard = CloseGuard(services.run_monitor, window.widget)
        self.close_guard.decided.connect(window.leave)
        self.notifications = Notifications(
            services.messages,
            self._shown_run,
            self,
            on_desktop=lambda: services.settings.value.desktop_notifications,
        )
        self.notifications.clicked.connect(self.show_run)
        services.run_monitor.noticed.connect(self.notifications.show_notice)
        self.messages = PageMessages(services.messages, self.id)
        services.run_monitor.failed.connect(lambda text: self.messages.fail(text, "runs"))
        window.links.run_wanted.connect(self.show_run)

    def make_view(self) -> PageView:
        import_pydantic()
        from gptdesk.ui.train.view import TrainView  # numpy and pyqtgraph, late

        window, links = self.window, self.window.links
        self.view = view = TrainView(
            self.services, self.messages, window.commands, window.menu, lambda: links.current_text()
        )
        view.open_model.connect(links.model_wanted)
        view.inspect_model.connect(links.inspection_wanted)
        view.chat_with.connect(links.chat_model_wanted)
        view.compare.connect(lambda folders: links.comparison_wanted.emit(folders, ""))
        view.follow_run.connect(links.follow_wanted)
        view.unfollow_run.connect(links.unfollow_wanted)
        view.run_chosen.connect(self._on_run_chosen)
        self._on_run_chosen()
        return PageView(
            content=view,
            top_bar=view.top_bar,
            status_bar=view.status_bar,
            regions=(view.runs, view.middle, view.panel),
            focus=view.focus,
            message_area=view.middle,
            fold=view.parts.fold,
            columns=view.parts,
        )

    def commands(self) -> Sequence[Command]:
        return train_commands(lambda: self.view, self._shown_view, self.new_run)

    def _shown_view(self) -> TrainView | None:
        self.ensure_shown()
        return self.view

    def set_shown(self, shown: bool) -> None:
        self.services.run_monitor.set_shown(shown)
        self._on_run_chosen()

    def preload(self) -> None:
        self.services.run_monitor.preload(preload)

    def may_close(self) -> bool:
        return self.close_guard.may_close()

    @Slot(object)
    def show_run(self, folder: Path) -> None:
        """Shows the run in that folder."""
        self.window.bring_to_front()
        self.show()
        if self.view is not None:  # it could be made
            self.view.choose(folder)

    @Slot()
    def new_run(self) -> None:
        """Opens the sheet that starts a run."""
        self.show()
        if self.view is not None:
            self.view.new_run()

    def _shown_run(self) -> Path | None:
        """The run that is on the screen."""
        return self.view.current if self.view is not None and self.window.current_page == self.id else None

    @Slot()
    def _on_run_chosen(self) -> None:
        """Messages about a run that is on the screen are not needed."""
        if self.view is not None:
            self.window.set_title(self.id, self.view.top_bar.name.text())
        if (folder := self._shown_run()) is not None:
            self.notifications.forget(folder)
