"""Qt front end of inference: the session of the Playground, and sessions and leases for other pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject

from gptdesk.ui.services.engines.engine_pool import EnginePool
from gptdesk.ui.services.engines.page_session import PageSession


class Inference(PageSession):
    """The session of the Playground, and the pool of engines that it shares with others.

    Args:
        find: returns the folder of a model by its name; raises `UserError` when there is none. Called in a thread.
        keep: folder for quantized copies of models; ``None`` keeps none.
    """

    def __init__(self, find: Callable[[str], Path], parent: QObject | None = None, *, keep: Path | None = None) -> None:
        engines = EnginePool(find, keep)
        super().__init__(engines, parent)
        engines.setParent(self)

    def start(self) -> None:
        """Begins to import what models need, in the background."""
        self.engines.start()

    def session(self, owner: QObject) -> PageSession:
        """The session of another page; deleting ``owner`` releases its model."""
        return PageSession(self.engines, owner)

    def shut_down(self, milliseconds: int) -> bool:
        """Cancels everything and waits for the threads; returns whether each ended in time."""
        self.cancel_all()
        return self.engines.shut_down(milliseconds)
