"""Says in messages what services report, and takes each message away as soon as it holds no longer."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.library.catalogue import BUNDLED
from gptdesk.ui.playground.model_chooser import ModelChooser
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.inference_messages import Failure, State
from gptdesk.ui.services.messages import Offer
from gptdesk.ui.services.model_loader import ModelLoader
from gptdesk.ui.services.services import Services
from gptdesk.ui.services.token_counter import Counts


class ServiceMessages(QObject):
    """Listens to everything that can fail.

    Signals:
        models_wanted(): they want the page of models.
    """

    models_wanted = Signal()

    def __init__(
        self, services: Services, session: Session, chooser: ModelChooser, loader: ModelLoader, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._messages, self._services, self._chooser = services.messages, services, chooser
        self._loader = loader
        self._no_model = False  # was the last thing that kept a generation from beginning
        session.notice.connect(self._on_notice)
        session.failed.connect(self._on_generation_failed)
        session.begun.connect(self._on_begun)
        session.opened.connect(self._messages.leave_document)
        services.counter.counted.connect(self._on_counted)
        loader.failed.connect(self._on_load_failed)
        loader.fell_back.connect(self._on_fell_back)
        services.inference.state_changed.connect(self._on_model_state)
        services.settings.failed.connect(self._on_settings_failed)
        services.settings.saved.connect(lambda: self._messages.solve("settings"))
        services.storage.failed.connect(self._on_storage_failed)
        services.storage.saved.connect(lambda: self._messages.solve("storage"))
        services.models.failed.connect(self._on_models_failed)
        services.models.said.connect(self._on_models_said)
        services.models.arrived.connect(lambda _: self._messages.solve("models"))
        services.models.unfinished.connect(self._on_unfinished)
        services.models.changed.connect(self._on_models_changed)
        services.run_monitor.failed.connect(self._on_watcher_failed)
        for problem in (*services.settings.problems, *services.storage.problems):
            self._messages.show(problem, kind="warn")

    def show_refusal(self, text: str, page: str) -> None:
        """Something that the person gave on that page cannot be used; holds until they try again or go."""
        self._messages.show(text, kind="warn", topic=f"refused on {page}", page=page, of_document=page == "play")

    def show_success(self, text: str, page: str) -> None:
        """Something that the person asked for on that page is done."""
        self._messages.solve(f"refused on {page}")
        self._messages.toast(text)

    @Slot(str)
    def _on_notice(self, text: str) -> None:
        self._messages.show(text, kind="info", topic="notice", page="play", of_document=True)

    @Slot(object)
    def _on_generation_failed(self, failure: Failure) -> None:
        self._no_model = self._services.inference.state is State.EMPTY
        why = self._messages.banners.get("model")
        if self._no_model and why is not None:  # that there is none has a reason, which says what to do
            self._messages.show_again("model")
            return
        self._messages.show(failure.sentence, topic="generation", page="play", of_document=True)
        if failure.traceback:
            self._messages.crash(failure.traceback)

    @Slot()
    def _on_begun(self) -> None:
        """What was said of the last generation does not hold for the next."""
        self._messages.solve("generation", "notice", "refused on play")

    @Slot(object)
    def _on_counted(self, counts: Counts) -> None:
        info = self._services.inference.info
        if info is not None and counts.context <= info.context:
            self._messages.solve("notice")

    @Slot(object)
    def _on_load_failed(self, failure: Failure) -> None:
        value = self._services.settings.value
        model = value.model
        offers: list[Offer] = [("Try again", self._loader.load)]
        if (value.device, value.precision) != ("auto", "auto"):
            offers.append(("Use Automatic", self._use_automatic))
        elif model != BUNDLED:
            offers.append(("Use the bundled model", self._use_bundled))
        offers.append(("Open folder…", self._chooser.open_folder))
        sentence = failure.sentence or f"Loading {model} was cancelled. There is no model to write with."
        self._messages.show(sentence, topic="model", page="play", offers=offers)
        if failure.traceback:
            self._messages.crash(failure.traceback)

    @Slot(str)
    def _on_fell_back(self, text: str) -> None:
        value = self._services.settings.value
        offers: list[Offer] = []
        if (value.device, value.precision) != ("auto", "auto"):
            offers.append(("Use Automatic", self._use_automatic))
        self._messages.show(
            f"{text} What worked is used again.", kind="warn", topic="model", page="play", offers=offers
        )

    @Slot()
    def _on_model_state(self) -> None:
        if self._services.inference.state is State.LOADING:
            self._messages.solve("model")
        if self._services.inference.state is State.READY and self._no_model:
            self._messages.solve("generation")

    def _use_automatic(self) -> None:
        self._services.settings.update(device="auto", precision="auto")

    def _use_bundled(self) -> None:
        self._chooser.choose(BUNDLED)

    @Slot(str)
    def _on_settings_failed(self, text: str) -> None:
        self._messages.show(text, kind="warn", topic="settings")

    @Slot(str)
    def _on_storage_failed(self, text: str) -> None:
        self._messages.show(text, topic="storage")

    @Slot(str)
    def _on_models_failed(self, text: str) -> None:
        self._messages.show(text, topic="models", page="models")

    @Slot(str)
    def _on_models_said(self, text: str) -> None:
        self._messages.solve("models")
        self._messages.toast(text)

    @Slot(object)
    def _on_unfinished(self, names: list[str]) -> None:
        """Downloads of an earlier day."""
        one = len(names) == 1
        sentence = f"The download of {names[0]} is" if one else f"{len(names)} downloads are"
        offers: list[Offer] = [("Show", self.models_wanted.emit), ("Resume", self._services.models.resume_all)]
        self._messages.show(f"{sentence} not finished.", kind="info", topic="downloads", offers=offers)

    @Slot()
    def _on_models_changed(self) -> None:
        """The banner of unfinished downloads goes when none of them waits any longer."""
        if not any(download.state == "paused" for download in self._services.models.downloads):
            self._messages.solve("downloads")

    @Slot(str)
    def _on_watcher_failed(self, text: str) -> None:
        self._messages.show(text, topic="runs", page="train")
