"""The schema of the documents' database as numbered steps from an empty file to the newest version."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from gptdesk.files import replacing

STEPS: Final = (
    # 1: the first gptdesk.
    """
    create table documents (
        id text primary key, title text not null, created real not null, modified real not null, leaf integer not null
    );
    create table nodes (
        document text not null references documents(id) on delete cascade,
        id integer not null, parent integer not null, text text not null, first integer not null, origin text,
        primary key (document, id)
    );
    create table tokens (
        document text not null, node integer not null, chunk integer not null, tokens text not null,
        primary key (document, node, chunk),
        foreign key (document, node) references nodes(document, id) on delete cascade
    );
    create index documents_by_time on documents(modified)
    """,
    # 2: a title that a person gave, decoding settings as JSON, the file it was saved as; when it was deleted.
    """
    alter table documents add column own_title text;
    alter table documents add column decoding text;
    alter table documents add column file text;
    alter table documents add column deleted real
    """,
    # 3: rows that could not be used, kept as JSON when their document was saved again.
    """
    create table set_aside (
        document text not null references documents(id) on delete cascade, time real not null, rows text not null
    )
    """,
    # 4: pins, tags, the reading position; a full-text index. What was deleted before could not be restored any more.
    """
    alter table documents add column pinned real;
    alter table documents add column caret integer;
    alter table documents add column top integer;
    create table tags (
        document text not null references documents(id) on delete cascade, tag text not null,
        primary key (document, tag)
    );
    create table indexed (
        number integer primary key, document text not null unique references documents(id) on delete cascade,
        modified real not null
    );
    create virtual table search using fts5(
        title, text, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
    );
    insert into search(search, rank) values ('rank', 'bm25(5.0, 1.0)');
    create trigger indexed_deleted after delete on indexed begin
        delete from search where rowid = old.number;
    end;
    delete from documents where typeof(deleted) = 'real'
    """,
    # 5: bookmarks of branches.
    """
    alter table nodes add column bookmark text
    """,
    # 6: the prompt template of a chat.
    """
    alter table documents add column chat_template text
    """,
)
"""What makes a file of version n one of version n + 1, for n from 0. A step that was released is never changed."""

SCHEMA: Final = len(STEPS)
"""Version of the tables; a file of a newer one is left alone."""


def version_of(connection: sqlite3.Connection) -> int:
    """The version of a file's tables; 0 when there are none yet."""
    return int(connection.execute("pragma user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, path: Path | None) -> None:
    """Brings a file to the newest version in one transaction, after a copy of it was laid beside it.

    Args:
        connection: in autocommit mode; to a file whose version is not newer than ``SCHEMA``.
        path: of the file; without one there is no copy.

    Raises:
        sqlite3.Error, OSError: when the copy or a step fails; the file is as it was.
    """
    before = version_of(connection)
    if before == SCHEMA:
        return
    if before and path:
        _copy_aside(connection, backup_path(path, before))
    connection.execute("begin immediate")
    try:
        # Another thread of ours may have been here since the version was read.
        for step in STEPS[version_of(connection) :]:
            for statement in _statements(step):
                connection.execute(statement)
        connection.execute(f"pragma user_version = {SCHEMA}")
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def _statements(step: str) -> Iterator[str]:
    """The statements of a step; those within a trigger belong to it."""
    statement = ""
    for part in step.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def backup_path(path: Path, version: int) -> Path:
    """Where the copy is kept that was made of a file of that version."""
    return path.with_name(f"{path.name}.version-{version}")


def _copy_aside(connection: sqlite3.Connection, target: Path) -> None:
    with replacing(target) as temporary, closing(sqlite3.connect(temporary)) as copy:
        connection.backup(copy)
