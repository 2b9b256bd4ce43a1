"""What the window tells the person: every failure with what to do about it, until it is over."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.library.catalogue import BUNDLED
from gptdesk.ui.banner import Banners, Offer
from gptdesk.ui.jobs import Failure, State
from gptdesk.ui.model_chooser import ModelChooser
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services import Services


class Messages(QObject):
    """Listens to everything that can fail.

    Signals:
        crashed(str): a traceback that a worker caught.
        reload_wanted(): the person wants the model to be read once more.
        models_wanted(): they want the page of models.
    """

    crashed = Signal(str)
    reload_wanted = Signal()
    models_wanted = Signal()

    def __init__(
        self, banners: Banners, services: Services, session: Session, chooser: ModelChooser, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._banners, self._services, self._chooser = banners, services, chooser
        session.notice.connect(self._on_notice)
        session.failed.connect(self._on_generation_failed)
        session.begun.connect(self._on_begun)
        services.inference.load_failed.connect(self._on_load_failed)
        services.inference.state_changed.connect(self._on_model_state)
        services.settings.failed.connect(self._on_settings_failed)
        services.storage.failed.connect(self._on_storage_failed)
        services.storage.saved.connect(self._on_saved)
        services.models.failed.connect(self._on_models_failed)
        services.models.said.connect(self._on_models_said)
        services.models.crashed.connect(self.crashed)
        services.models.unfinished.connect(self._on_unfinished)
        services.watcher.failed.connect(self._on_watcher_failed)
        services.watcher.crashed.connect(self.crashed)
        for problem in (*services.settings.problems, *services.storage.problems):
            banners.show_message(problem, kind="warn")

    @Slot(str)
    def on_refused(self, text: str) -> None:
        """Something that the person typed cannot be used."""
        self._banners.show_message(text, kind="warn", topic="refused")

    @Slot(str)
    def on_told(self, text: str) -> None:
        """Something that the person asked for is done."""
        self._banners.show_message(text, kind="info", topic="told")

    @Slot(str)
    def _on_notice(self, text: str) -> None:
        self._banners.show_message(text, kind="info", topic="notice")

    @Slot(object)
    def _on_generation_failed(self, failure: Failure) -> None:
        self._banners.show_message(failure.sentence, topic="generation")
        if failure.traceback:
            self.crashed.emit(failure.traceback)

    @Slot()
    def _on_begun(self) -> None:
        """What was said of the last generation does not hold for the next."""
        self._banners.close_message("generation")
        self._banners.close_message("notice")

    @Slot(object)
    def _on_load_failed(self, failure: Failure) -> None:
        model = self._services.settings.value.model
        offers: list[Offer] = [("Try again", self.reload_wanted.emit), ("Open folder…", self._chooser.open_folder)]
        if model != BUNDLED:
            offers.insert(1, ("Use the bundled model", self._use_bundled))
        sentence = failure.sentence or f"Loading {model} was cancelled; there is no model to write with."
        self._banners.show_message(sentence, topic="model", offers=offers)
        if failure.traceback:
            self.crashed.emit(failure.traceback)

    @Slot()
    def _on_model_state(self) -> None:
        if self._services.inference.state is State.LOADING:
            self._banners.close_message("model")

    def _use_bundled(self) -> None:
        self._chooser.choose(BUNDLED)

    @Slot(str)
    def _on_settings_failed(self, text: str) -> None:
        self._banners.show_message(text, kind="warn", topic="settings")

    @Slot(str)
    def _on_storage_failed(self, text: str) -> None:
        self._banners.show_message(text, topic="storage")

    @Slot(str)
    def _on_models_failed(self, text: str) -> None:
        self._banners.show_message(text, topic="models")

    @Slot(str)
    def _on_models_said(self, text: str) -> None:
        self._banners.show_message(text, kind="info", topic="models")

    @Slot(object)
    def _on_unfinished(self, names: list[str]) -> None:
        """Downloads of an earlier day."""
        one = len(names) == 1
        sentence = f"The download of {names[0]} is" if one else f"{len(names)} downloads are"
        offers: list[Offer] = [("Show", self.models_wanted.emit), ("Go on", self._services.models.resume_all)]
        self._banners.show_message(f"{sentence} not finished.", kind="info", topic="downloads", offers=offers)

    @Slot(str)
    def _on_watcher_failed(self, text: str) -> None:
        self._banners.show_message(text, topic="runs")

    @Slot()
    def _on_saved(self) -> None:
        self._banners.close_message("storage")
