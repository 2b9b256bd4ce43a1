"""Engines of the pool for a comparison: columns share them with pages, in turns, and within the memory budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Qt, Signal, Slot

from gptdesk.errors import UserError
from gptdesk.system_memory import free_memory
from gptdesk.ui.services.engines.page_session import PageSession
from gptdesk.ui.services.inference import Inference
from gptdesk.ui.services.inference_messages import Failure
from gptdesk.ui.services.loan import LoanJob

if TYPE_CHECKING:
    from gptdesk.compare.columns import Column
    from gptdesk.compare.engines import InUse

_UNLOADED: Final = "The model was unloaded; compare again to load it."


class LentEngines(QObject):
    """Lends engines of the pool to comparisons, which run in another thread.

    Args:
        inference: whose engines are lent.
    """

    _asked = Signal(object, object)
    _let_go = Signal(object)

    def __init__(self, inference: Inference, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._inference = inference
        self._asked.connect(self._lend, Qt.ConnectionType.QueuedConnection)
        self._let_go.connect(self._release, Qt.ConnectionType.QueuedConnection)

    def room(self) -> int | None:
        """Bytes that engines of a comparison may take together: all but the pinned ones give way to them."""
        engines = self._inference.engines
        budget = engines.budget(free_memory())
        return None if budget is None else budget - sum(one.memory for one in engines.engines if one.pinned)

    def load(self, column: Column, progress: Callable[[int, int], None]) -> LentEngine:
        """As `gptdesk.compare.engines.Load`; for the comparison's thread."""
        engine = LentEngine(column, self._asked.emit, self._let_go.emit)
        try:
            with engine.borrowed(lambda: progress(*engine.read)):
                return engine
        except BaseException:
            engine.close()
            raise

    @Slot(object, object)
    def _lend(self, engine: LentEngine, job: LoanJob) -> None:
        session = engine.session
        if session is None:
            session = engine.session = self._inference.session(self)
            session.progress.connect(engine.note_progress)
            session.load_failed.connect(engine.note_failure)
            column = engine.column
            session.load(str(column.folder), device=column.device, precision=column.precision)
        try:
            loan = session.borrow(job, self)
        except UserError:
            job.refuse(_UNLOADED)
            return
        loan.failed.connect(lambda failure: job.refuse(engine.failure or failure.sentence))
        loan.finished.connect(lambda _: job.refuse(_UNLOADED))  # where it never began

    @Slot(object)
    def _release(self, engine: LentEngine) -> None:
        session, engine.session = engine.session, None
        if session is not None:
            session.release()
            session.deleteLater()


class LentEngine:
    """An engine of the pool, for the columns of a comparison that have the same weights.

    Args:
        column: one of them.
        ask: asks for a loan: gets this object and a `LoanJob`.
        let_go: is told when the engine is not needed any more.

    Attributes:
        column: as given.
        read: bytes of the weights that are read, and in all.
        session: that holds the engine; for the thread of the window.
        failure: why it could not be loaded; "" where it could.
    """

    def __init__(
        self, column: Column, ask: Callable[[LentEngine, LoanJob], object], let_go: Callable[[LentEngine], object]
    ) -> None:
        self.column, self._ask, self._let_go = column, ask, let_go
        self.read = (0, 0)
        self.session: PageSession | None = None
        self.failure = ""

    @contextmanager
    def use(self, cancelled: Callable[[], bool]) -> Iterator[InUse]:
        """As `gptdesk.compare.engines.ColumnEngine.use`."""
        from gptdesk.compare.completing import Cancelled

        def ask() -> None:
            if cancelled():
                raise Cancelled

        with self.borrowed(ask) as used:
            yield used._replace(stopped=lambda: cancelled() or used.stopped())

    @contextmanager
    def borrowed(self, ask: Callable[[], object]) -> Iterator[InUse]:
        """The engine, as soon as it is loaded and its turn has come; ``ask`` as for `LoanJob.borrowed`."""
        from gptdesk.compare.engines import InUse

        job = LoanJob()
        self._ask(self, job)
        with job.borrowed(ask) as engine:
            yield InUse(engine, lambda: job.cancelled)

    def close(self) -> None:
        """As `gptdesk.compare.engines.ColumnEngine.close`."""
        self._let_go(self)

    def note_progress(self, read: int, total: int) -> None:
        self.read = (read, total)

    def note_failure(self, failure: Failure) -> None:
        self.failure = failure.sentence
