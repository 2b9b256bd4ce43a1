"""Removes PySide's hook from the import statement, which makes imports in several threads fail."""

from __future__ import annotations

import builtins


def remove_import_hook() -> None:
    """Takes PySide's hook out of the import statement. Call it before the first thread starts.

    The hook serves ``from __feature__ import ...``, which nothing here uses. After each import it looks into the
    module (`inspect.getsource`). Meanwhile it puts the plain import function into `builtins`, for all threads, so that
    it is not called for what the module imports when it is looked into. Another thread whose import ends at that
    moment puts the hook back too early. Then looking into pydantic, which imports ``pydantic._internal._validators``
    to answer ``hasattr(pydantic, "__wrapped__")``, looks into pydantic once more and finds half a module: an
    ImportError, in whatever thread it was (libshiboken's ``feature_import``, PYSIDE-3054).
    """
    plain = getattr(builtins, "__orig_import__", None)
    if plain is not None:
        builtins.__import__ = plain
