"""Imports pydantic in one thread at a time."""

from __future__ import annotations

import threading

_lock = threading.Lock()


def import_pydantic() -> None:
    """Imports pydantic and the configuration; other threads that call this wait until all of it is there.

    Must run before any import that leads to pydantic and may be the first. pydantic imports most of itself when a name
    is asked for, in circles; Python gives two threads that import a circle from two ends half a module.
    """
    with _lock:
        import trainer.config.schema  # noqa: F401
