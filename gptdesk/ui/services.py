"""What the window's parts share, made once and handed down."""

from __future__ import annotations

from dataclasses import dataclass

from gptdesk.folders import Folders
from gptdesk.training.index import RunIndex
from gptdesk.ui.inference import Inference
from gptdesk.ui.messages import Messages
from gptdesk.ui.models.service import ModelsService
from gptdesk.ui.settings_service import SettingsService
from gptdesk.ui.storage import Storage
from gptdesk.ui.theme import Theme
from gptdesk.ui.token_counter import TokenCounter
from gptdesk.ui.train.watcher import Watcher


@dataclass(frozen=True, kw_only=True)
class Services:
    """The services of one window."""

    folders: Folders
    theme: Theme
    messages: Messages
    settings: SettingsService
    storage: Storage
    inference: Inference
    counter: TokenCounter
    models: ModelsService
    runs: RunIndex
    watcher: Watcher
