"""Turns SQLite's errors into sentences: full or read-only disk, damaged file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gptdesk.errors import UserError


class Damaged(UserError):
    """The file is no database any more, or not one of ours."""


class Newer(UserError):
    """The file was written by a newer gptdesk."""


@contextmanager
def sentences(path: Path | None, doing: str = "save") -> Iterator[None]:
    """Turns SQLite's errors into sentences.

    Args:
        path: of the documents' file.
        doing: ``save`` or ``read``.

    Raises:
        UserError: when the disk is full or the file cannot be reached.
        Damaged: when the file is no database of ours.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # a table or column is not what it was
            raise _damaged(path, error) from error
        reason = "the disk is full" if "full" in str(error) else str(error)
        if doing == "read":
            raise UserError(f"The documents in {path} cannot be read ({reason}); try again in a while.") from error
        raise UserError(
            f"Your text cannot be saved to {path} ({reason}); it stays in this window. Free some space or make the "
            "folder writable, or save it as text elsewhere."
        ) from error
    except OSError as error:
        raise UserError(
            f"A copy of your documents cannot be made beside {path} ({error.strerror}), so they are left as they are. "
            "What you write now is not kept: free some space or make the folder writable, and start gptdesk again."
        ) from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter where SQLite quotes damaged bytes
        raise _damaged(path, error) from error


def _damaged(path: Path | None, error: Exception) -> Damaged:
    return Damaged(f"The file with your documents, {path}, is damaged ({' '.join(str(error).split())[:80]}).")
