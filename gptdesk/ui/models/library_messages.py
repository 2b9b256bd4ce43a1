"""MessageService about the model library: what failed, what is done, and downloads that are not finished."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Slot

from gptdesk.ui.services.messages import Offer
from gptdesk.ui.services.models.service import ModelService
from gptdesk.ui.services.services import MessageService

_FAILED, _UNFINISHED = "models", "downloads"
"""Topics."""


class LibraryMessages(QObject):
    """Shows the signals of the model library as messages.

    Args:
        page: id of the page on which failures are shown.
        show_models: shows that page.
    """

    def __init__(
        self,
        messages: MessageService,
        models: ModelService,
        page: str,
        show_models: Callable[[], object],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._messages, self._models, self._page, self._show_models = messages, models, page, show_models
        models.failed.connect(self._on_failed)
        models.said.connect(self._on_said)
        models.arrived.connect(lambda _: messages.solve(_FAILED))
        models.downloads.unfinished.connect(self._on_unfinished)
        models.changed.connect(self._on_changed)

    @Slot(str)
    def _on_failed(self, text: str) -> None:
        self._messages.show(text, topic=_FAILED, page=self._page)

    @Slot(str)
    def _on_said(self, text: str) -> None:
        self._messages.solve(_FAILED)
        self._messages.toast(text)

    @Slot(object)
    def _on_unfinished(self, names: list[str]) -> None:
        """Downloads from an earlier session of gptdesk."""
        one = len(names) == 1
        sentence = f"The download of {names[0]} is" if one else f"{len(names)} downloads are"
        offers: list[Offer] = [("Show", self._show_models), ("Resume", self._models.downloads.resume_all)]
        self._messages.show(f"{sentence} not finished.", kind="info", topic=_UNFINISHED, offers=offers)

    @Slot()
    def _on_changed(self) -> None:
        if not any(download.state == "paused" for download in self._models.downloads.statuses):
            self._messages.solve(_UNFINISHED)
