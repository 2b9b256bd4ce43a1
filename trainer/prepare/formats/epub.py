"""EPUB: a book as one document, chapters in reading order, without navigation."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from trainer.prepare.formats import packages
from trainer.prepare.formats.html import as_document, decoded, text_of_html
from trainer.prepare.formats.input import Document, Input, Unreadable
from trainer.prepare.formats.libraries import local, parse_xml
from trainer.prepare.formats.packages import printable, read_part

_CONTAINER: Final = "META-INF/container.xml"
_ENCRYPTION: Final = "META-INF/encryption.xml"
_PAGES: Final = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")

_LARGEST_BOOK: Final = 256 << 20
"""Bytes of all chapters together."""


@dataclass(frozen=True)
class _Item:
    """A file that the book's package names."""

    path: str
    type: str
    is_navigation: bool


def read(source: Input, start: int, end: int) -> Iterator[Document]:
    """The whole book as one document.

    Raises:
        Unreadable: when it is damaged, protected, or a zip bomb.
    """
    with packages.opened(source) as book:
        chapters = _chapters(book, source)
        if sum(member.file_size for name in chapters if (member := book.NameToInfo.get(name))) > _LARGEST_BOOK:
            raise Unreadable(f"its chapters are larger than {_LARGEST_BOOK >> 20} MiB")
        if set(chapters) & _encrypted(book, source):
            raise Unreadable("is protected against copying (DRM)")
        texts = [_chapter(book, source, name) for name in chapters]
    yield from as_document(source, "\n\n".join(filter(None, texts)))


def _chapter(book: zipfile.ZipFile, source: Input, name: str) -> str:
    try:
        return text_of_html(decoded(source, read_part(book, name)), f"EPUB ({source.name})")
    except Unreadable as reason:
        source.note(str(reason))
        return ""


def _chapters(book: zipfile.ZipFile, source: Input) -> list[str]:
    """The paths of its pages in the order of reading, each once; without a spine in that of their names."""
    package = _package_path(book, source)
    items: dict[str, _Item] = {}
    order, contents = [], set()
    for element in _elements(book, source, package):
        path = _resolve(package, element.get("href", ""))
        match local(element):
            case "item":
                kinds = element.get("properties", "").split()
                items[element.get("id", "")] = _Item(path, element.get("media-type", ""), "nav" in kinds)
            case "itemref":
                order.append(element.get("idref", ""))
            case "reference" if element.get("type") == "toc":
                contents.add(path)
    pages = [item for id in dict.fromkeys(order) if (item := items.get(id))] or sorted(
        items.values(), key=lambda item: item.path
    )
    return list(
        dict.fromkeys(
            item.path for item in pages if item.type in _PAGES and not item.is_navigation and item.path not in contents
        )
    )


def _package_path(book: zipfile.ZipFile, source: Input) -> str:
    names = book.namelist()
    if _CONTAINER in names:
        for element in _elements(book, source, _CONTAINER):
            if local(element) == "rootfile" and element.get("full-path") in names:
                return str(element.get("full-path"))
    found = next((name for name in names if name.endswith(".opf")), None)
    if found is None:
        raise Unreadable("is no EPUB: it has no list of its contents")
    return found


def _encrypted(book: zipfile.ZipFile, source: Input) -> set[str]:
    if _ENCRYPTION not in book.namelist():
        return set()
    elements = _elements(book, source, _ENCRYPTION)
    return {unquote(element.get("URI", "")) for element in elements if local(element) == "CipherReference"}


def _elements(book: zipfile.ZipFile, source: Input, name: str) -> list[Any]:
    """All elements of a part that is XML.

    Raises:
        Unreadable: when it is damaged.
    """
    try:
        root = parse_xml(read_part(book, name), f"EPUB ({source.name})")
    except SyntaxError:
        raise Unreadable(f"its part {printable(name)} is damaged") from None
    return [element for element in root.iter() if isinstance(element.tag, str)]


def _resolve(base: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(href.split("#")[0])))
