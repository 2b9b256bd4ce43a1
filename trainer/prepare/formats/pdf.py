"""PDF: the text of all pages as one document."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any, Final

from trainer.prepare.formats.html import as_document
from trainer.prepare.formats.input import DAMAGED, Document, Input, Unreadable
from trainer.prepare.formats.libraries import document_library
from trainer.prepare.formats.pdf_layout import text_of_pages
from trainer.prepare.formats.time_limit import TookTooLong, time_limit

_FAILURES = (Exception, RecursionError)
"""pypdf raises whatever its code ran into: KeyError, TypeError, AttributeError and more for damaged files."""

_SECONDS: Final = 60.0
_SECONDS_PER_BYTE: Final = 1e-4
"""Time of the processor that a file may take. A page of text has some 5 kB and takes some 0.05 s; a file made to stall
its reader can take for ever, and small ones must not take long."""


def read(source: Input, start: int, end: int) -> Iterator[Document]:
    """The whole file.

    Raises:
        Unreadable: when it is damaged, encrypted, too large, takes too long, or holds pictures of pages only.
    """
    pypdf = document_library("pypdf", f"PDF ({source.name})")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of every oddity of a file
    data = source.whole()
    seconds = _SECONDS + len(data) * _SECONDS_PER_BYTE
    try:
        with time_limit(seconds):
            pages = _pages(source, pypdf, data)
    except TookTooLong:
        raise Unreadable(
            f"took over {seconds:,.0f} s to read, which its {len(data):,} bytes do not explain; print it to a new PDF"
        ) from None
    if not any(line.strip() for lines in pages for line in lines):
        raise Unreadable("holds no text, only pictures of pages, it seems; recognise the text first (OCR)")
    yield from as_document(source, text_of_pages(pages))


def _pages(source: Input, pypdf: Any, data: bytes) -> list[list[str]]:
    """The lines of each page; a page that is damaged is noted and empty."""
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not _opens(reader):
            raise Unreadable("is encrypted; save it without a password")
        count = len(reader.pages)
    except _FAILURES as error:
        raise error if isinstance(error, Unreadable) else Unreadable(DAMAGED) from None
    pages = []
    for number in range(count):
        try:
            pages.append(reader.pages[number].extract_text().splitlines())
        except _FAILURES:
            source.note("a page cannot be read", f"page {number + 1}")
            pages.append([])
        source.share = (number + 1) / count
    return pages


def _opens(reader: Any) -> bool:
    """Whether an empty password opens it, as many files have that only forbid printing."""
    try:
        return bool(reader.decrypt(""))
    except _FAILURES:  # a method that needs another library
        return False
