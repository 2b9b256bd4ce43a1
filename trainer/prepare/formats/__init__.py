"""The formats that can be read: one table, from which suffixes, help and messages are derived.

A format's module has ``read(source, start, end)``, which yields the documents of a range: of bytes, or of parts where
the format is split by `PARTS`. It is imported when a file of the format is read, and imports its library itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

TEXT, JSONL, JSON, CSV, TSV, PARQUET = "text", "jsonl", "json", "csv", "tsv", "parquet"
HTML, EPUB, DOCX, PDF, ZIP = "html", "epub", "docx", "pdf", "zip"

WHOLE, LINES, DOCUMENTS, PARTS = "whole", "lines", "documents", "parts"
"""How a large file is split among processes: not at all; between lines; at separators of documents; into the parts
whose sizes its module's ``weights(source)`` lists (row groups, members of an archive)."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format.

    Attributes:
        name: in manifests and plans.
        label: in sentences.
        suffixes: of its files, in lower case.
        module: in this package.
        split: one of `WHOLE`, `LINES`, `DOCUMENTS`, `PARTS`; compressed files and other encodings than UTF-8 are not
            split between lines or documents.
        rows: whether each document is a record of its own: a row of a table, an object.
        bulk: whether its files are large pieces of data sets: each is a section of the work by itself, and
            ``--delete-sources`` removes it once it is encoded.
        packed: whether its files are compressed inside, so that one compressed as a whole is refused.
        effort: bytes of plain text that take as long to read as one of its bytes, more or less.
        tokens_per_byte: expected of files that take long to read, so that no sample is read for an estimate; 0: it is.
    """

    name: str
    label: str
    suffixes: tuple[str, ...]
    module: str
    split: str = WHOLE
    rows: bool = False
    bulk: bool = False
    packed: bool = False
    effort: int = 1
    tokens_per_byte: float = 0.0


FORMATS: Final = {
    format.name: format
    for format in (
        Format(
            name=TEXT,
            label="plain text",
            suffixes=(".txt", ".text", ".md", ".markdown"),
            module="text",
            split=DOCUMENTS,
        ),
        Format(name=JSONL, label="JSON lines", suffixes=(".jsonl", ".ndjson"), module="jsonl", split=LINES, rows=True),
        Format(name=JSON, label="JSON", suffixes=(".json",), module="json_array", rows=True),
        Format(name=CSV, label="CSV", suffixes=(".csv",), module="csv_table", rows=True),
        Format(name=TSV, label="TSV", suffixes=(".tsv", ".tab"), module="csv_table", rows=True),
        Format(
            name=PARQUET,
            label="Parquet",
            suffixes=(".parquet",),
            module="parquet",
            split=PARTS,
            rows=True,
            bulk=True,
            packed=True,
        ),
        Format(name=HTML, label="HTML", suffixes=(".html", ".htm", ".xhtml"), module="html"),
        Format(name=EPUB, label="EPUB", suffixes=(".epub",), module="epub", packed=True, effort=4, tokens_per_byte=0.2),
        Format(
            name=DOCX,
            label="Word",
            suffixes=(".docx", ".docm"),
            module="docx",
            packed=True,
            effort=4,
            tokens_per_byte=0.1,
        ),
        Format(name=PDF, label="PDF", suffixes=(".pdf",), module="pdf", packed=True, effort=20, tokens_per_byte=0.03),
        Format(name=ZIP, label="zip archive", suffixes=(".zip",), module="archive", split=PARTS, packed=True),
    )
}

ROW_FORMATS: Final = tuple(format.name for format in FORMATS.values() if format.rows)
"""Formats in which each document is a record of its own."""

COMPRESSIONS: Final = (".gz", ".xz", ".zst")
"""Of files of any format that is not packed."""

SUFFIXES: Final = {suffix: format.name for format in FORMATS.values() for suffix in format.suffixes}
"""The format of each suffix."""

READABLE_SUFFIXES: Final = (*SUFFIXES, *COMPRESSIONS)
"""Of all files that can be read, for file dialogs."""

_UNREADABLE: Final = {
    ".doc": "an old Word file; save it as .docx or .txt",
    ".rtf": "Rich Text; save it as .docx or .txt",
    ".odt": "an OpenDocument text; save it as .docx or .txt",
    ".pages": "a Pages file; export it as .docx or .txt",
    ".mobi": "a Mobipocket book; convert it to .epub",
    ".azw": "a Kindle book; convert it to .epub",
    ".azw3": "a Kindle book; convert it to .epub",
    ".djvu": "DjVu; convert it to .pdf or .txt",
    ".tar": "a tar archive; unpack it and give the folder",
    ".tgz": "a tar archive; unpack it and give the folder",
    ".7z": "a 7-Zip archive; unpack it and give the folder",
    ".rar": "a RAR archive; unpack it and give the folder",
    ".bz2": "compressed with bzip2; unpack it first",
    ".xls": "an old Excel file; save it as .csv",
    ".xlsx": "an Excel file; save it as .csv",
    ".ods": "an OpenDocument table; save it as .csv",
    ".arrow": "an Arrow file; save it as .parquet",
}
"""Suffixes that people bring and that are not read, with what to do."""

_SIGNATURES: Final = {
    b"%PDF-": "a PDF file",
    b"PK\x03\x04": "a zip archive, a Word file or an EPUB",
    b"\x1f\x8b": "compressed with gzip",
    b"\xfd7zXZ": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard",
    b"PAR1": "a Parquet file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\xd0\xcf\x11\xe0": "an old Word or Excel file",
    b"SQLite format 3\0": "a database",
    b"\x7fELF": "a program",
    b"MZ\x90\0": "a program",
    b"{\\rtf": "Rich Text",
}
"""How files begin that call themselves text."""


def format_of(name: str) -> str | None:
    """The format that a file's name tells, None for a suffix that is not known."""
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes[-2:]]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return SUFFIXES.get(suffixes[-1]) if suffixes else None


def compression_of(name: str) -> str:
    """``.gz``, ``.xz``, ``.zst`` or nothing."""
    suffix = PurePath(name).suffix.lower()
    return suffix if suffix in COMPRESSIONS else ""


def unreadable(name: str) -> str:
    """Why a file of this name cannot be read, as a sentence goes on after "is"; empty for any other name."""
    path = PurePath(name)
    inner = PurePath(path.stem).suffix.lower() if compression_of(name) else path.suffix.lower()
    return _UNREADABLE.get(inner, "")


def signature(data: bytes) -> str:
    """What a file is that begins so and is no text; empty where nothing is known."""
    return next((what for start, what in _SIGNATURES.items() if data.startswith(start)), "")


def formats_text() -> str:
    """The formats and their suffixes, for help and sentences."""
    return ", ".join(f"{format.label} ({', '.join(format.suffixes)})" for format in FORMATS.values())
