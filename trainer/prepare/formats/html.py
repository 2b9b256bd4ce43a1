"""HTML: the visible text in paragraphs, without scripts, styles, navigation and forms."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any, Final

from trainer.prepare.formats.input import Document, Input, refuse_binary
from trainer.prepare.formats.libraries import document_library
from trainer.prepare.formats.packages import LARGEST_PART
from trainer.prepare.text.encodings import UTF_8, NotText, detect, named
from trainer.prepare.text.separators import LARGEST_DOCUMENT, pieces

_SKIPPED: Final = frozenset((
    "head", "script", "style", "noscript", "template", "nav", "iframe", "object", "embed", "canvas", "svg", "math",
    "audio", "video", "map", "button", "select", "textarea", "input", "datalist", "rp", "rt",
))  # fmt: skip
_BLOCKS: Final = frozenset((
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
    "html", "legend", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr",
    "ul",
))  # fmt: skip
_LINES: Final = frozenset(("li", "tr", "dt", "dd"))
"""Blocks that stand under each other without a blank line."""

_DECLARED: Final = re.compile(rb"""<(?:meta|\?xml)\b[^>]{0,300}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.I)
_DECLARED_WITHIN: Final = 4096
_LATIN: Final = ("iso8859-1", "ascii")
"""Codecs whose names stand for Windows-1252 in HTML (WHATWG, Encoding standard)."""


def read(source: Input, start: int, end: int) -> Iterator[Document]:
    """The whole file as one document.

    Raises:
        Unreadable: when it is too large, or no text.
    """
    text = text_of_html(decoded(source, source.whole(LARGEST_PART)), f"HTML ({source.name})")
    yield from as_document(source, text)


def as_document(source: Input, text: str) -> Iterator[Document]:
    """A text as one document, or as some where it is long; none where it is blank."""
    parts = [part for part in pieces(text.strip().encode(errors="replace"), LARGEST_DOCUMENT) if part.strip()]
    source.cut += max(0, len(parts) - 1)
    yield from ((part,) for part in parts)


def decoded(source: Input, data: bytes) -> str:
    """The text of a file of HTML, by its byte order mark, by what it declares, or as `detect` finds."""
    marked = data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "" if marked else _declared(data)
    try:
        text = data.decode(encoding) if encoding else ""
    except UnicodeDecodeError:
        encoding = ""
    if encoding:
        source.account.saw_encoding(named(encoding, guessed=False))
        return text
    try:
        encoding = detect(data)
    except NotText:
        refuse_binary(data)
    source.account.saw_encoding(named(encoding))
    if encoding != UTF_8 and source.broken.strict:
        source.note(f"its encoding is {named(encoding)}, not UTF-8")
    return data.decode(encoding, "replace").removeprefix("\ufeff")


def _declared(data: bytes) -> str:
    """The encoding that it says it has, in Python's name; empty for none, or one that cannot be."""
    found = _DECLARED.search(data, 0, _DECLARED_WITHIN)
    if found is None:
        return ""
    try:
        name = codecs.lookup(found[1].decode()).name
        "".encode(name)  # LookupError for what is no encoding of text
    except (LookupError, ValueError):
        return ""
    if name in _LATIN:
        return "cp1252"
    return "" if name.startswith(("utf-7", "utf-16", "utf-32")) else name


def text_of_html(html: str, what: str) -> str:
    """The text of a page.

    Args:
        html: its source.
        what: is read, for the sentence when lxml is missing.

    Raises:
        UserError: when lxml is missing.
    """
    etree = document_library("lxml.etree", what)
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, no_network=True, remove_pis=True)
    data = html.replace("\0", "").encode(errors="replace")
    root = etree.fromstring(data, parser) if data.strip() else None
    return _text_of_tree(etree, root) if root is not None else ""


def _text_of_tree(etree: Any, root: Any) -> str:
    text = _Text()
    left_out = None
    walk = etree.iterwalk(root, events=("start", "end", "comment"))
    for event, element in walk:
        tag = element.tag if event != "comment" else ""
        if event == "start":
            if tag in _SKIPPED or element.get("hidden") is not None or element.get("role") == "navigation":
                left_out = element
                walk.skip_subtree()
            else:
                text.begin(tag)
                text.add(element.text)
        else:
            if element is not left_out:
                text.end(tag)
            text.add(element.tail)
    return text.whole()


class _Text:
    """Collects text in blocks; white space is collapsed but in ``pre``."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._line: list[str] = []  # of the block in hand; its parts are collapsed together
        self._lines: list[str] = []
        self._pre = 0

    def begin(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._close(tag)
        self._pre += tag == "pre"
        if tag == "br":
            self._break("\n")

    def end(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._break("\t")
        if tag in _BLOCKS:
            self._close(tag)
        self._pre -= tag == "pre"

    def add(self, text: str | None) -> None:
        if text and self._pre:
            self._break("")
            self._lines.append(text)
        elif text:
            self._line.append(text)

    def _break(self, mark: str) -> None:
        """Ends a stretch in which white space is collapsed."""
        self._lines += [" ".join("".join(self._line).split()), mark]
        self._line = []

    def _close(self, tag: str) -> None:
        self._break("")
        if block := "".join(self._lines).strip("\n" if self._pre else None).rstrip():
            self._blocks += [block, "\n" if tag in _LINES else "\n\n"]
        elif self._blocks and tag not in _LINES:
            self._blocks[-1] = "\n\n"
        self._lines = []

    def whole(self) -> str:
        self._close("")
        return "".join(self._blocks).strip()
