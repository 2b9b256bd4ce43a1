"""The services of a window as they are made: started with it, ended after it."""

from __future__ import annotations

from PySide6.QtCore import QObject

from gptdesk.ui.services.comparison.comparisons import Comparisons
from gptdesk.ui.services.deferred_start import DeferredStart
from gptdesk.ui.services.document_storage import DocumentStorage
from gptdesk.ui.services.inference import Inference
from gptdesk.ui.services.messages import Messages
from gptdesk.ui.services.models.model_activation import ModelActivation
from gptdesk.ui.services.models.model_library import ModelLibrary
from gptdesk.ui.services.models.model_loader import ModelLoader
from gptdesk.ui.services.own_model import OwnModel
from gptdesk.ui.services.program.info import ProgramInfo
from gptdesk.ui.services.runs.run_monitor import RunMonitor
from gptdesk.ui.services.services import Services
from gptdesk.ui.services.settings import SavedSettings
from gptdesk.ui.services.token_counter import TokenCounter


class WindowServices(Services, frozen=True, kw_only=True):
    """`Services` by the classes that implement them, with their threads."""

    messages: Messages
    settings: SavedSettings
    storage: DocumentStorage
    inference: Inference
    counter: TokenCounter
    loader: ModelLoader
    models: ModelLibrary
    activation: ModelActivation
    run_monitor: RunMonitor
    program: ProgramInfo
    comparisons: Comparisons
    deferred: DeferredStart

    def own_model(self, page: QObject) -> OwnModel:
        return OwnModel(self, self.models, self.inference.session(page), page)

    def start(self) -> None:
        """Starts the threads: the model is loaded first, then runs are scanned and models listed."""
        self.storage.back_up()
        self.inference.start()
        self.loader.start()
        self.deferred.defer(self.run_monitor.start, self.models.start, self.program.start)

    def end(self, milliseconds: int) -> bool:
        """Saves everything, pauses downloads and ends all threads.

        Returns:
            Whether each service's threads ended within so many milliseconds.
        """
        self.deferred.cancel()
        self.settings.flush()
        self.storage.close()
        ended = self.run_monitor.shut_down(milliseconds)
        ended = self.comparisons.shut_down(milliseconds) and ended
        ended = self.models.shut_down(milliseconds) and ended
        ended = self.counter.shut_down(milliseconds) and ended
        ended = self.program.shut_down(milliseconds) and ended
        return self.inference.shut_down(milliseconds) and ended
