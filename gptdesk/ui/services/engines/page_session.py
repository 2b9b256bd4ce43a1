"""The session of a page, with leases on further engines beside its model."""

from __future__ import annotations

from PySide6.QtCore import QObject

from gptdesk.ui.services.engines.lease import EngineLease
from gptdesk.ui.services.engines.plan import EngineChoice
from gptdesk.ui.services.engines.session import EngineSession


class PageSession(EngineSession):
    """An `EngineSession` for the pages of the window; see there."""

    def lease(self, choice: EngineChoice, owner: QObject) -> EngineLease:
        """Asks for an engine beside the model in use, until the lease is released or ``owner`` is deleted."""
        return EngineLease(self.engines, choice, owner)
