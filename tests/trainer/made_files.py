"""PDF, EPUB and Word files as small as they come, for tests."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

CONTAINER = """<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">
<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""

RELATIONS = """<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
Target="word/document.xml"/></Relationships>"""

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def write_pdf(path: Path, pages: Iterable[Sequence[str]], extra: str = "") -> Path:
    """Pages of lines in Helvetica; ``extra`` goes into the trailer."""
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", font]
    kids = []
    for lines in pages:
        shown = b" ".join(b"(" + escape(line) + b") Tj T*" for line in lines)
        stream = b"BT /F1 12 Tf 14 TL 50 780 Td " + shown + b" ET"
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream))
        kids.append(b"%d 0 R" % (len(objects) + 1))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
    objects[1] = b"<< /Type /Pages /Kids [%b] /Count %d >>" % (b" ".join(kids), len(kids))
    body, places = b"%PDF-1.4\n", []
    for number, contents in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, contents)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer << /Size %d /Root 1 0 R %b >>\nstartxref\n%d\n%%%%EOF" % (size, extra.encode(), len(body))
    path.write_bytes(body + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer)
    return path


def escape(line: str) -> bytes:
    return line.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def write_zip(path: Path, files: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, contents in files.items():
            package.writestr(name, contents)
    return path


def write_epub(path: Path, chapters: Mapping[str, str], more: Mapping[str, str | bytes] | None = None) -> Path:
    """A book: chapters by name, in the order of reading, each the body of a page; a table of contents before them."""
    items = "".join(
        f'<item id="i{i}" href="{name}" media-type="application/xhtml+xml"/>' for i, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="i{i}"/>' for i in range(len(chapters)))
    package = f"""<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0"><manifest>
<item id="n" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>{items}</manifest>
<spine><itemref idref="n"/>{spine}</spine></package>"""
    pages = {f"OEBPS/{name}": xhtml(body) for name, body in reversed(chapters.items())}
    contents = xhtml("<h1>Contents</h1><ol><li>One</li></ol>")
    files = {"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": package, "OEBPS/nav.xhtml": contents}
    return write_zip(path, {"mimetype": "application/epub+zip"} | files | pages | dict(more or {}))


def xhtml(body: str) -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Title</title></head><body>{body}</body></html>"""


def paragraph(text: str, properties: str = "") -> str:
    return f'<w:p>{properties}<w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def write_docx(path: Path, body: str, more: Mapping[str, str | bytes] | None = None, before: str = "") -> Path:
    """A Word file with this body; ``before`` stands between the declaration and the root."""
    document = f'<?xml version="1.0"?>{before}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    return write_zip(path, {"_rels/.rels": RELATIONS, "word/document.xml": document} | dict(more or {}))
