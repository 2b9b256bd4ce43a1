"""Imports pydantic for whoever comes first."""

from __future__ import annotations

import threading

_lock = threading.Lock()


def import_pydantic() -> None:
    """Must run before an import that a second thread may begin at the same time.

    pydantic makes its names when they are first asked for, and PySide looks into each module as it comes; two threads
    that do so at once find half a module.
    """
    with _lock:
        import trainer.config  # noqa: F401
