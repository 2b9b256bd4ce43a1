"""Interface of the settings, for pages and services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import SignalInstance

if TYPE_CHECKING:
    from gptdesk.store.settings import Settings


class SettingsService(Protocol):
    """The settings; implemented by `SavedSettings`."""

    @property
    def value(self) -> Settings: ...
    @property
    def problems(self) -> Sequence[str]: ...
    @property
    def changed(self) -> SignalInstance: ...
    @property
    def saved(self) -> SignalInstance: ...
    @property
    def failed(self) -> SignalInstance: ...
    def update(self, **changes: Any) -> None: ...
    def zoom(self, step: int) -> None: ...
    def flush(self) -> None: ...
