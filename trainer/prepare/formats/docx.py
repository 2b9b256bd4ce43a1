"""Word files: paragraphs and tables. Runs, fetches and expands nothing in them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Any, Final

from trainer.prepare.formats import packages
from trainer.prepare.formats.html import as_document
from trainer.prepare.formats.input import Document, Input, Unreadable
from trainer.prepare.formats.libraries import document_library, local, parse_xml
from trainer.prepare.formats.packages import read_part

_RELATIONS: Final = "_rels/.rels"
_USUAL: Final = "word/document.xml"

_SKIPPED: Final = frozenset(("del", "moveFrom", "Fallback", "rPr", "sectPr"))
"""What was deleted, or stands there a second time for old programs."""

_CHARACTERS: Final = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}


def read(source: Input, start: int, end: int) -> Iterator[Document]:
    """The whole file as one document.

    Raises:
        Unreadable: when it is damaged, encrypted, too large, or holds what no Word file does.
    """
    with packages.opened(source) as package:
        name = _main_part(package, source)
        data = read_part(package, name)
    try:
        root = parse_xml(data, f"Word ({source.name})")
    except SyntaxError:
        raise Unreadable(f"its part {name} is damaged") from None
    if root.getroottree().docinfo.doctype:
        raise Unreadable("declares entities, as no Word file does")
    etree = document_library("lxml.etree", f"Word ({source.name})")
    yield from as_document(source, _Text(etree, root).whole())


def _main_part(package: zipfile.ZipFile, source: Input) -> str:
    """Where the text is, as the package says."""
    try:
        relations = parse_xml(read_part(package, _RELATIONS), f"Word ({source.name})")
    except (SyntaxError, Unreadable):
        return _USUAL
    for relation in relations.iter():
        if isinstance(relation.tag, str) and relation.get("Type", "").endswith("/officeDocument"):
            return str(relation.get("Target", _USUAL)).lstrip("/")
    return _USUAL


class _Text:
    """The text of a document's body: paragraphs apart by a blank line, items of a list by none, cells by tabs."""

    def __init__(self, etree: Any, root: Any) -> None:
        self._blocks: list[tuple[str, bool]] = []  # with whether it is an item of a list
        self._paragraphs: list[list[str]] = []  # one may hold a text box with others
        self._tables: list[list[list[list[str]]]] = []  # rows, cells, paragraphs
        left_out = None
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            name = local(element)
            if event == "start" and name in _SKIPPED:
                left_out = element
                walk.skip_subtree()
            elif event == "start":
                self._begin(name)
            elif element is not left_out:
                self._end(name, element)

    def _begin(self, name: str) -> None:
        match name:
            case "p":
                self._paragraphs.append([])
            case "tbl":
                self._tables.append([])
            case "tr" if self._tables:
                self._tables[-1].append([])
            case "tc" if self._tables and self._tables[-1]:
                self._tables[-1][-1].append([])

    def _end(self, name: str, element: Any) -> None:
        match name:
            case "p":
                listed = any(local(child) == "numPr" for child in element.iterfind("{*}pPr/*"))
                self._put("".join(self._paragraphs.pop()), listed)
            case "tbl":
                rows = ("\t".join(" ".join(cell) for cell in row).rstrip() for row in self._tables.pop())
                self._put("\n".join(filter(None, rows)), listed=False)
            case "t" if self._paragraphs:
                self._paragraphs[-1].append(element.text or "")
            case _ if self._paragraphs and name in _CHARACTERS and local(element.getparent()) == "r":
                self._paragraphs[-1].append(_CHARACTERS[name])

    def _put(self, text: str, listed: bool) -> None:
        if not text.strip():
            return
        if self._tables and self._tables[-1] and self._tables[-1][-1]:
            self._tables[-1][-1][-1].append(text.strip())
        else:
            self._blocks.append((text.rstrip(), listed))

    def whole(self) -> str:
        parts: list[str] = []
        before = False
        for text, listed in self._blocks:
            parts += ["\n" if listed and before else "\n\n", text]
            before = listed
        return "".join(parts)
