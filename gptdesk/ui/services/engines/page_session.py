"""The session of a page, with leases on further engines beside its model."""

from __future__ import annotations

from PySide6.QtCore import QObject

from gptdesk.ui.services.engines.lease import EngineLease
from gptdesk.ui.services.engines.plan import EngineChoice
from gptdesk.ui.services.engines.session import EngineSession
from gptdesk.ui.services.loan import Loan, LoanJob


class PageSession(EngineSession):
    """An `EngineSession` for the pages of the window; see there."""

    def lease(self, choice: EngineChoice, owner: QObject) -> EngineLease:
        """Asks for an engine beside the model in use, until the lease is released or ``owner`` is deleted."""
        return EngineLease(self.engines, choice, owner)

    def borrow(self, job: LoanJob, owner: QObject) -> Loan:
        """Has another thread use the engine itself for a turn, behind generations that wait.

        Raises:
            UserError: there is no model, and none is being loaded.
        """
        return self.enqueue(Loan(job, owner))
