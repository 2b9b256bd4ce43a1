"""Applies settings that no page reads by itself: theme, font, downloads, hub endpoint, memory of models."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, Slot

from gptdesk.hub.endpoint import use_endpoint
from gptdesk.ui.services.services import Services

_MEGABYTE: Final = 10**6


class SettingEffects(QObject):
    """Applies the settings now and whenever they change."""

    def __init__(self, services: Services, parent: QObject) -> None:
        super().__init__(parent)
        self._services = services
        self._limit, self._endpoint = 0, ""
        services.settings.changed.connect(self._apply)
        self._apply()

    @Slot()
    def _apply(self) -> None:
        value, services = self._services.settings.value, self._services
        services.theme.set_mode(value.theme)
        services.theme.set_reading_face(value.reading_face)
        if value.simultaneous_downloads != self._limit:
            self._limit = value.simultaneous_downloads
            services.models.downloads.set_limit(self._limit)
        services.inference.engines.set_budget(value.model_memory * _MEGABYTE)
        services.inference.engines.set_pins(value.pinned_models)
        if value.endpoint != self._endpoint:
            self._endpoint = value.endpoint
            use_endpoint(value.endpoint)
