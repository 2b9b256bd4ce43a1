"""Banners about the model and its generations: shown on a failure, removed once it is resolved."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Slot

from gptdesk.library.catalogue import BUNDLED
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.inference_messages import Failure, State
from gptdesk.ui.services.messages import Offer, refused_on
from gptdesk.ui.services.services import Services
from gptdesk.ui.services.token_counter import Counts

_GENERATION, _MODEL, _NOTICE = "generation", "model", "notice"
"""Topics."""


class GenerationMessages(QObject):
    """Listens to the session, the loader and the model.

    Args:
        page: id of the page on which the messages are shown.
        use_model: uses the model of a name or in a folder.
        open_folder: asks for the folder of a model and uses it.
    """

    def __init__(
        self,
        services: Services,
        session: Session,
        page: str,
        use_model: Callable[[str], object],
        open_folder: Callable[[], object],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._services, self._messages, self._page = services, services.messages, page
        self._use_model, self._open_folder = use_model, open_folder
        self._no_model = False  # the last generation failed because no model was loaded
        session.notice.connect(self._on_notice)
        session.failed.connect(self._on_generation_failed)
        session.begun.connect(self._on_begun)
        session.opened.connect(self._messages.leave_document)
        services.counter.counted.connect(self._on_counted)
        services.loader.failed.connect(self._on_load_failed)
        services.loader.fell_back.connect(self._on_fell_back)
        services.inference.state_changed.connect(self._on_model_state)

    @Slot(str)
    def _on_notice(self, text: str) -> None:
        self._messages.show(text, kind="info", topic=_NOTICE, page=self._page, of_document=True)

    @Slot(object)
    def _on_generation_failed(self, failure: Failure) -> None:
        self._no_model = self._services.inference.state is State.EMPTY
        if self._no_model and _MODEL in self._messages.banners:  # it says why there is none, and what to do
            self._messages.show_again(_MODEL)
            return
        self._messages.show(failure.sentence, topic=_GENERATION, page=self._page, of_document=True)
        if failure.traceback:
            self._messages.crash(failure.traceback)

    @Slot()
    def _on_begun(self) -> None:
        self._messages.solve(_GENERATION, _NOTICE, refused_on(self._page))

    @Slot(object)
    def _on_counted(self, counts: Counts) -> None:
        info = self._services.inference.info
        if info is not None and counts.context <= info.context:
            self._messages.solve(_NOTICE)

    @Slot(object)
    def _on_load_failed(self, failure: Failure) -> None:
        model = self._services.settings.value.model
        offers: list[Offer] = [("Try again", self._services.loader.load)]
        if self._offer_of_automatic:
            offers += self._offer_of_automatic
        elif model != BUNDLED:
            offers.append(("Use the bundled model", lambda: self._use_model(BUNDLED)))
        offers.append(("Open folder…", self._open_folder))
        sentence = failure.sentence or f"Loading {model} was cancelled. No model is loaded."
        self._messages.show(sentence, topic=_MODEL, page=self._page, offers=offers)
        if failure.traceback:
            self._messages.crash(failure.traceback)

    @Slot(str)
    def _on_fell_back(self, text: str) -> None:
        sentence = f"{text} The previous device and precision are used again."
        offers = self._offer_of_automatic
        self._messages.show(sentence, kind="warn", topic=_MODEL, page=self._page, offers=offers)

    @property
    def _offer_of_automatic(self) -> list[Offer]:
        """A button that sets device and precision to automatic, unless they are."""
        settings = self._services.settings
        if (settings.value.device, settings.value.precision) == ("auto", "auto"):
            return []
        return [("Use Automatic", lambda: settings.update(device="auto", precision="auto"))]

    @Slot()
    def _on_model_state(self) -> None:
        if self._services.inference.state is State.LOADING:
            self._messages.solve(_MODEL)
        if self._services.inference.state is State.READY and self._no_model:
            self._messages.solve(_GENERATION)
