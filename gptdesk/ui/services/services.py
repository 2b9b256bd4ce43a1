"""The services of a window, made once and handed to its pages."""

from __future__ import annotations

from dataclasses import dataclass

from gptdesk.folders import Folders
from gptdesk.training.index import RunIndex
from gptdesk.ui.services.document_storage import DocumentStorage
from gptdesk.ui.services.inference import Inference
from gptdesk.ui.services.messages import Messages
from gptdesk.ui.services.model_activation import ModelActivation
from gptdesk.ui.services.model_library import ModelLibrary
from gptdesk.ui.services.model_loader import ModelLoader
from gptdesk.ui.services.runs.run_monitor import RunMonitor
from gptdesk.ui.services.settings import SettingsService
from gptdesk.ui.services.token_counter import TokenCounter
from gptdesk.ui.theme import Theme


@dataclass(frozen=True, kw_only=True)
class Services:
    """The services of one window."""

    folders: Folders
    theme: Theme
    messages: Messages
    settings: SettingsService
    storage: DocumentStorage
    inference: Inference
    counter: TokenCounter
    loader: ModelLoader
    models: ModelLibrary
    activation: ModelActivation
    runs: RunIndex
    run_monitor: RunMonitor

    def start(self) -> None:
        """Starts the threads, which import torch, load the model, scan runs and list models."""
        self.inference.start()
        self.counter.start()
        self.run_monitor.start()
        self.models.start()
        self.loader.start()
