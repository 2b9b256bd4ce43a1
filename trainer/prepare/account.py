"""Counts what became of each source file, for the manifest and the final report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from trainer.prepare.broken import Broken
from trainer.prepare.formats import ROW_FORMATS, TEXT
from trainer.prepare.sources.files import SourceFile


@dataclass
class Account:
    """What was read from one file, or a stretch of it.

    Attributes:
        documents, tokens: in it, the end of each document counted.
        files: read in an archive.
        encodings: that its text was read in.
        kinds: of its records, with how many of each.
        column: of text in a table, where it was guessed.
        notes: further remarks for the report, each once.
    """

    documents: int = 0
    tokens: int = 0
    files: int = 0
    encodings: list[str] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)
    column: str = ""
    notes: list[str] = field(default_factory=list)

    def saw_encoding(self, name: str) -> None:
        if name not in self.encodings:
            self.encodings.append(name)

    def saw_kind(self, kind: str) -> None:
        self.kinds[kind] = self.kinds.get(kind, 0) + 1

    def add_note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def add(self, other: Account) -> None:
        """Adds another stretch of the same file."""
        self.documents += other.documents
        self.tokens += other.tokens
        self.files += other.files
        for name in other.encodings:
            self.saw_encoding(name)
        for kind, count in other.kinds.items():
            self.kinds[kind] = self.kinds.get(kind, 0) + count
        self.column = self.column or other.column
        for note in other.notes:
            self.add_note(note)

    def to_json(self) -> dict[str, Any]:
        """As the manifest has it, without empty entries."""
        values: dict[str, Any] = {"documents": self.documents, "tokens": self.tokens}
        if self.files:
            values["files"] = self.files
        if self.encodings:
            values["encoding"] = ", ".join(sorted(self.encodings))
        if self.kinds:
            values["records"] = dict(sorted(self.kinds.items()))
        if self.column:
            values["column"] = self.column
        if self.notes:
            values["notes"] = sorted(self.notes)
        return values


def add_up(parts: Iterable[Mapping[int, Account]]) -> dict[int, Account]:
    """The accounts of files from those of their stretches."""
    total: dict[int, Account] = {}
    for part in parts:
        for file, account in part.items():
            total.setdefault(file, Account()).add(account)
    return total


_EMPTY: Final = {
    TEXT: "holds only white space",
    **dict.fromkeys(ROW_FORMATS, "holds only empty texts"),
}


def note_files_without_text(files: Sequence[SourceFile], accounts: Mapping[int, Account], broken: Broken) -> None:
    """Notes files that gave no document and of which nothing else was noted.

    Raises:
        UserError: for the first of them when ``broken`` is strict.
    """
    noted = broken.files()
    for i, file in enumerate(files):
        account = accounts.get(i)
        if not (account and account.documents) and file.name not in noted:
            broken.note(file.name, _EMPTY.get(file.format, "holds no text"))
