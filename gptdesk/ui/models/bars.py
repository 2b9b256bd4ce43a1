"""Bars of the Models page: buttons that add models, and a status line with downloads, memory and disk."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from gptdesk.library.downloads.status import DownloadStatus
from gptdesk.ui import number_format
from gptdesk.ui.models.labels import SEPARATOR, speed_words
from gptdesk.ui.services.models.model_activation import InUse
from gptdesk.ui.services.models.service import ModelService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.layout.page_bars import PageBar, PageStatus
from gptdesk.ui.widgets.tooltips import wrapped


class ModelsBar(PageBar):
    """The bar at the top.

    Attributes:
        import_: imports a model from this computer; its menu offers a file or a folder.
        repository: opens the dialog for any model of the hub.
    """

    def __init__(
        self, theme: Theme, menu: QMenu, imports: QMenu, download: QAction, parent: QWidget | None = None
    ) -> None:
        self.import_ = QPushButton("Import…")
        self.import_.setAccessibleName("Import a model")
        self.import_.setMenu(imports)
        self.import_.setToolTip(wrapped("Import a folder or file from this computer; you can also drop it on the page"))
        self.repository = ActionButton(download)
        super().__init__(theme, "Models", menu, (self.import_, self.repository), parent=parent)


class ModelsStatus(PageStatus):
    """The line at the bottom."""

    def __init__(self, theme: Theme, models: ModelService, parent: QWidget | None = None) -> None:
        super().__init__(theme, ("Downloads", "Speed and time left", "Memory and disk"), parent)
        self._models = models

    def show_now(self, in_use: InUse, free_memory: int | None) -> None:
        """Shows downloads, memory and disk as they are now."""
        downloads = self._models.downloads.statuses
        active = [view for view in downloads if view.active]
        failed = [view for view in downloads if view.state == "failed"]
        paused = len(downloads) - len(active) - len(failed)
        here = [entry for entry in self._models.entries if entry.kind in ("bundled", "installed", "linked")]
        size = sum(entry.size for entry in here)
        if active:
            words, role = f"Downloading {number_format.counted(len(active), 'model')}", "accent"
        elif failed:
            words, role = f"{number_format.counted(len(failed), 'download')} failed", "bad"
        elif paused:
            words, role = f"{number_format.counted(paused, 'download')} paused", "warn"
        else:
            words, role = f"{number_format.counted(len(here), 'model')} installed", "good" if here else "muted"
        self.dot.set_state(role, ring=bool(active))
        self.state.setText(words)
        self.detail.setText(
            _detail(active) if active else (f"{SEPARATOR.lstrip()}{number_format.memory(size)}" if size else "")
        )
        right = [f"memory {number_format.memory(free_memory)} free"] if free_memory is not None else []
        free = self._models.free_disk
        right += [f"disk {number_format.memory(free)} free"] if free is not None else []
        self.right.setText(SEPARATOR.join(right))


def _detail(active: Sequence[DownloadStatus]) -> str:
    speed = sum(view.bytes_per_s for view in active)
    if not speed:
        return ""
    left = sum(max(0, view.total - view.done) for view in active)
    parts = [speed_words(speed), f"{number_format.span(left / speed)} left"]
    return SEPARATOR.lstrip() + SEPARATOR.join(parts)
