"""Merges requests that come faster than they should be served: throttle, debounce and rate limit."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot


class Delayed(QObject):
    """Work that is done some time after it was asked for, once for many requests.

    Args:
        work: is called in the GUI thread.
        milliseconds: the usual delay.
    """

    def __init__(self, work: Callable[[], object], milliseconds: int, parent: QObject) -> None:
        super().__init__(parent)
        self._work, self._milliseconds = work, milliseconds
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timeout)

    @property
    def pending(self) -> bool:
        """Whether the work was asked for and not done yet."""
        return self._timer.isActive()

    def cancel(self) -> None:
        """Forgets that the work was asked for."""
        self._timer.stop()

    def flush(self) -> None:
        """Does the work now if it is pending."""
        if self.pending:
            self._timer.stop()
            self._work()

    @Slot()
    def _on_timeout(self) -> None:
        self._work()


class Throttle(Delayed):
    """Works at the end of an interval that begins with the first request: at most once per interval."""

    def request(self, milliseconds: int | None = None) -> None:
        """Asks for the work, within the usual or this delay; ignored while it is pending."""
        if not self.pending:
            self._timer.start(self._milliseconds if milliseconds is None else milliseconds)


class Debounce(Delayed):
    """Works once no request has come for an interval."""

    def request(self) -> None:
        """Asks for the work, and delays it by a whole interval again."""
        self._timer.start(self._milliseconds)


class RateLimit(Delayed):
    """Works at once, and then at most once per interval: requests within it are served at its end."""

    def __init__(self, work: Callable[[], object], milliseconds: int, parent: QObject) -> None:
        super().__init__(work, milliseconds, parent)
        self._asked = False

    @property
    def pending(self) -> bool:
        return self._asked

    def cancel(self) -> None:
        self._asked = False

    def flush(self) -> None:
        if self._asked:
            self.work_now()

    def request(self) -> None:
        """Asks for the work: now, or when the interval since the last time has passed."""
        if self._timer.isActive():
            self._asked = True
        else:
            self.work_now()

    def work_now(self) -> None:
        """Works now, whenever it was the last time."""
        self._asked = False
        self._timer.start(self._milliseconds)
        self._work()

    @Slot()
    def _on_timeout(self) -> None:
        self.flush()
