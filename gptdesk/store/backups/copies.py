"""Makes copies of the documents' database beside it, once a day, and lists them."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from gptdesk.errors import UserError
from gptdesk.files import replacing
from gptdesk.store.checks import is_sound
from gptdesk.store.database_errors import sentences

KEPT: Final = 3
"""Daily copies; an older one is deleted when there is a new one."""

_DAILY: Final = "backup-"
_DAY: Final = 20 * 3600.0
"""Seconds from one copy to the next: less than a day, so that one who begins a little earlier each day has one, too."""

_PATTERNS: Final = (f"{_DAILY}*", "version-*")
"""Daily copies, and those that were made before a migration."""


class Backup(msgspec.Struct, frozen=True):
    """A copy of the database.

    Attributes:
        path: of the file.
        made: seconds since 1970.
    """

    path: Path
    made: float


def backups(path: Path) -> list[Backup]:
    """The copies of the database in ``path``, newest first."""
    found = []
    for pattern in _PATTERNS:
        for copy in path.parent.glob(f"{path.name}.{pattern}"):
            if copy.is_file() and not copy.name.endswith(("-wal", "-shm", "-journal")):
                found.append(Backup(copy, copy.stat().st_mtime))
    return sorted(found, key=lambda backup: backup.made, reverse=True)


def back_up(path: Path) -> Path | None:
    """Copies the database in ``path`` unless that was done today, it has no documents, or it is damaged.

    Others may read and write the database meanwhile.

    Returns:
        The copy, if one was made.

    Raises:
        UserError: when the disk is full or may not be written.
    """
    daily = [backup for backup in backups(path) if _is_daily(backup, path)]
    if daily and abs(time.time() - daily[0].made) < _DAY:
        return None
    target = path.with_name(f"{path.name}.{_DAILY}{time.strftime('%Y%m%d')}")
    with sentences(path, "read"), closing(sqlite3.connect(path)) as source:
        if not _is_worth_keeping(source):
            return None
        try:
            with replacing(target) as temporary, closing(sqlite3.connect(temporary)) as copy:
                source.backup(copy)
            others = [backup for backup in daily if backup.path != target]  # of this day there may be one already
            for old in others[KEPT - 1 :]:
                old.path.unlink(missing_ok=True)
        except (OSError, sqlite3.OperationalError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UserError(f"The daily copy of your documents cannot be made beside {path} ({reason}).") from error
    return target


def _is_daily(backup: Backup, path: Path) -> bool:
    return backup.path.name.startswith(f"{path.name}.{_DAILY}")


def _is_worth_keeping(source: sqlite3.Connection) -> bool:
    """Whether it has documents and no damage that is found quickly: else a sound copy would give way to it."""
    (count,) = source.execute("select count(*) from documents").fetchone()
    return bool(count) and is_sound(source)
