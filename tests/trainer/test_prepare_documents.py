"""HTML, EPUB, Word, PDF and zip archives become text, within bounds; what is odd in them is said."""

import io
import random
import sys
import textwrap
import threading
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pypdf
import pytest

from gptdesk.errors import UserError
from tests.trainer.made_files import paragraph, write_docx, write_epub, write_pdf, write_zip, xhtml
from trainer.prepare import Request, WorkOptions, prepare
from trainer.prepare.account import Account
from trainer.prepare.broken import Broken
from trainer.prepare.cutting import Cutter
from trainer.prepare.formats import packages
from trainer.prepare.formats.input import Settings
from trainer.prepare.formats.pdf_layout import join_lines
from trainer.prepare.formats.time_limit import TookTooLong, time_limit
from trainer.prepare.readers import Reader
from trainer.prepare.sources.files import find_files


class Read:
    """What is read of a file: ``texts``, its ``account``, and ``broken`` by name."""

    def __init__(self, path: Path, *, strict: bool = False) -> None:
        self.texts: list[str] = []
        self.account, broken = Account(), Broken(strict)
        for file in find_files([str(path)], split="", avoid=path / "nothing"):
            for span, _ in Cutter(Settings(), 1 << 20, broken).spans(0, file, Path(file.path)):
                reader = Reader(file, Path(file.path), Settings(), broken, self.account, span.encoding)
                self.texts += ["|".join(part.decode() for part in d) for d in reader.documents(span.start, span.end)]
        self.broken = {entry["file"]: entry["why"] for entry in broken.to_json()}


def write_html(path: Path, body: str, head: str = '<meta charset="utf-8">', encoding: str = "utf-8") -> Path:
    path.write_bytes(f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>".encode(encoding))
    return path


# HTML


def test_html_becomes_paragraphs_without_what_no_reader_reads(tmp_path: Path) -> None:
    body = """<nav><a>Home</a></nav><script>run()</script><style>p {}</style><h1>A   title</h1>
    <p>Some <b>bo</b>ld
    text<br>and a line.</p>tail<!-- no --> of it<ul><li>one</li><li>two</li></ul><p hidden>never</p>
    <table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table><pre>  kept
     as it is</pre>"""
    read = Read(write_html(tmp_path / "a.html", body))
    assert read.texts == [
        "A title\n\nSome bold text\nand a line.\n\ntail of it\n\none\ntwo\n\na\tb\n1\t2\n\n  kept\n     as it is"
    ]
    assert read.broken == {}


@pytest.mark.parametrize(
    ("head", "encoding", "named"),
    [
        ('<meta charset="utf-8">', "utf-8", "utf-8"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">', "cp1252", "cp1252"),
        ('<meta charset="koi8-r">', "koi8-r", "koi8-r"),
        ("", "utf-8-sig", "utf-8"),
        ("", "utf-16", "utf-16"),
        ("", "utf-8", "utf-8"),
        ('<meta charset="no such thing">', "utf-8", "utf-8"),
    ],
)
def test_html_has_the_encoding_that_it_declares(tmp_path: Path, head: str, encoding: str, named: str) -> None:
    text = "Привет, мир" if encoding == "koi8-r" else "Größe und Maß"
    read = Read(write_html(tmp_path / "a.html", f"<p>{text}</p>", head, encoding))
    assert (read.texts, read.account.encodings) == ([text], [named])


def test_html_that_is_nested_deeply_is_read(tmp_path: Path) -> None:
    assert Read(write_html(tmp_path / "a.html", "<div>" * 5_000 + "deep")).texts in ([], ["deep"])


# EPUB


def test_a_book_is_one_document_in_the_order_of_reading_without_its_contents(tmp_path: Path) -> None:
    chapters = {"z.xhtml": "<h1>One</h1><p>It begins.</p>", "a b.xhtml": "<h1>Two</h1><p>It ends &amp; stays.</p>"}
    read = Read(write_epub(tmp_path / "a.epub", chapters))
    assert read.texts == ["One\n\nIt begins.\n\nTwo\n\nIt ends & stays."]
    assert (read.account.encodings, read.broken) == (["utf-8"], {})


def test_a_chapter_that_is_missing_costs_only_itself(tmp_path: Path) -> None:
    whole = write_epub(tmp_path / "whole.epub", {"a.xhtml": "<p>one</p>", "b.xhtml": "<p>two</p>"})
    with zipfile.ZipFile(whole) as package:
        files = {name: package.read(name) for name in package.namelist() if not name.endswith("a.xhtml")}
    read = Read(write_zip(tmp_path / "a.epub", files))
    assert read.texts == ["two"]
    assert read.broken == {"a.epub": "lacks its part OEBPS/a.xhtml"}


def test_a_protected_book_is_refused(tmp_path: Path) -> None:
    encryption = '<encryption><CipherData><CipherReference URI="OEBPS/a.xhtml"/></CipherData></encryption>'
    book = write_epub(tmp_path / "a.epub", {"a.xhtml": "<p>x</p>"}, {"META-INF/encryption.xml": encryption})
    assert Read(book).broken == {"a.epub": "is protected against copying (DRM)"}


def test_a_book_whose_chapter_is_named_a_thousand_times_has_it_once(tmp_path: Path) -> None:
    book = write_epub(tmp_path / "whole.epub", {"a.xhtml": "<p>once</p>"})
    with zipfile.ZipFile(book) as package:
        files = {name: package.read(name) for name in package.namelist()}
    files["OEBPS/book.opf"] = files["OEBPS/book.opf"].replace(
        b'<itemref idref="i0"/>', b'<itemref idref="i0"/>' * 1_000
    )
    assert Read(write_zip(tmp_path / "a.epub", files)).texts == ["once"]


# Word


def test_a_word_file_gives_paragraphs_lists_and_tables(tmp_path: Path) -> None:
    item = "<w:pPr><w:numPr/></w:pPr>"
    cells = ["".join(f"<w:tc>{paragraph(text)}</w:tc>" for text in row) for row in (("a", "b"), ("1", "2"))]
    deleted = "<w:del><w:r><w:delText>gone</w:delText><w:t>gone</w:t></w:r></w:del>"
    body = (
        paragraph("First &amp; foremost")
        + f"<w:p><w:r><w:t>left</w:t><w:tab/><w:t>right</w:t><w:br/><w:t>below</w:t></w:r>{deleted}</w:p>"
        + paragraph("one", item)
        + paragraph("two", item)
        + f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"
        + paragraph("Last")
    )
    read = Read(write_docx(tmp_path / "a.docx", body))
    assert read.texts == ["First & foremost\n\nleft\tright\nbelow\n\none\ntwo\n\na\tb\n1\t2\n\nLast"]


def test_macros_of_a_word_file_are_left_alone(tmp_path: Path) -> None:
    read = Read(write_docx(tmp_path / "a.docm", paragraph("text"), {"word/vbaProject.bin": b"\xd0\xcf\x11\xe0 macro"}))
    assert (read.texts, read.broken) == (["text"], {})


def test_entities_in_a_word_file_are_never_expanded(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    for before, use in (
        (f'<!DOCTYPE x [<!ENTITY s SYSTEM "{(tmp_path / "secret").as_uri()}">]>', "&s;"),
        (f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>', "&l9;"),
    ):
        read = Read(write_docx(tmp_path / "a.docx", paragraph(use), before=before))
        assert read.texts == []
        # libxml2 itself refuses what would grow beyond measure.
        assert read.broken["a.docx"] in (
            "declares entities, as no Word file does",
            "its part word/document.xml is damaged",
        )


# PDF

WORDS = ("river", "mountain", "quiet", "seven", "window", "beneath", "garden", "letter", "silver", "nobody", "stone")


def book_text() -> str:
    choose = random.Random(0)
    return " ".join(" ".join(choose.choices(WORDS, k=12)).capitalize() + "." for _ in range(60))


def pages(count: int) -> list[list[str]]:
    """Pages of a book: a running head (one for left, one for right pages), text that goes on, a number."""
    lines = textwrap.wrap(book_text(), 60)
    size = -(-len(lines) // count)
    return [
        [("A Book" if i % 2 else "Its Author"), *lines[i * size : (i + 1) * size], f"- {i + 1} -"] for i in range(count)
    ]


def test_pdf_loses_running_heads_and_page_numbers(tmp_path: Path) -> None:
    read = Read(write_pdf(tmp_path / "a.pdf", pages(6)))
    assert [text.replace("\n\n", " ") for text in read.texts] == [book_text()]
    assert read.broken == {}


def test_pdf_lines_are_joined_to_paragraphs_and_divided_words_made_whole(tmp_path: Path) -> None:
    lines = [
        "A heading",
        "The first paragraph is long enough to reach the end of a hy-",
        "phenated line, and speaks of well-known things, of which well-",
        "known things are a part. It ends early.",
        "The second paragraph begins here and goes on until there is",
        "no more to say.",
    ]
    (text,) = Read(write_pdf(tmp_path / "a.pdf", [lines])).texts
    heading, first, second = text.split("\n\n")
    assert heading == "A heading"
    assert first.startswith("The first paragraph is long enough to reach the end of a hyphenated line, and speaks")
    assert first.endswith("well-known things, of which well-known things are a part. It ends early.")
    assert second == "The second paragraph begins here and goes on until there is no more to say."


def test_a_blank_line_after_every_line_means_nothing() -> None:
    assert join_lines(["one line that", "", "goes on and", "", "on."]) == "one line that goes on and on."


def test_an_encrypted_pdf_is_refused_and_one_without_a_password_is_read(tmp_path: Path) -> None:
    plain = write_pdf(tmp_path / "plain.pdf", [["Some text."]])
    for name, password in (("locked.pdf", "secret"), ("open.pdf", "")):
        writer = pypdf.PdfWriter(clone_from=plain)
        writer.encrypt(password, owner_password="owner", algorithm="RC4-128")
        writer.write(tmp_path / name)
    assert Read(tmp_path / "locked.pdf").broken == {"locked.pdf": "is encrypted; save it without a password"}
    assert Read(tmp_path / "open.pdf").texts == ["Some text."]


def test_pictures_of_pages_are_told(tmp_path: Path) -> None:
    read = Read(write_pdf(tmp_path / "a.pdf", [[], []]))
    assert read.texts == []
    assert "recognise the text first (OCR)" in read.broken["a.pdf"]


# Where the end comes while Python collects garbage it is only reported, and comes again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_pdf_that_keeps_its_reader_busy_is_left_out_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.prepare.formats.pdf._SECONDS", 0.3)
    stalls = write_pdf(tmp_path / "stalls.pdf", [["a"] * 100_000])
    monkeypatch.setattr("trainer.prepare.formats.pdf._SECONDS_PER_BYTE", 0.0)
    read = Read(stalls)
    assert read.texts == []
    assert "to read, which its" in read.broken["stalls.pdf"]
    assert Read(write_pdf(tmp_path / "good.pdf", [["Some text."]])).texts == ["Some text."]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_work_that_catches_all_errors_is_ended_too() -> None:
    def work() -> None:
        with time_limit(0.1):
            while True:
                with suppress(Exception):
                    [*range(1000)]

    with pytest.raises(TookTooLong):
        work()


def test_time_that_is_not_used_up_ends_nothing() -> None:
    with time_limit(600):
        pass
    assert not [thread for thread in threading.enumerate() if thread.name == "time limit"]


# Zip archives


def test_an_archive_gives_the_documents_of_its_files_and_writes_none(tmp_path: Path) -> None:
    book = write_epub(tmp_path / "a.epub", {"a.xhtml": "<p>six</p>"}).read_bytes()
    archive = write_zip(
        tmp_path / "a.zip",
        {
            "deep/a.txt": "one\n<|endoftext|>\ntwo", "b.jsonl": '{"text": "three"}\n', "c.csv": "id,text\n1,four\n",
            "../../e.txt": "five", "f.epub": book, "g.txt": "größer".encode("utf-16"), "a.htm": xhtml("<p>seven</p>"),
            "__MACOSX/._a.txt": b"\0\0", ".hidden.txt": "x", "picture.png": b"\x89PNG", "empty/": "",
        },
    )  # fmt: skip
    read = Read(archive)
    assert read.texts == ["one", "two", "three", "four", "five", "six", "größer", "seven"]
    assert (read.account.files, sorted(read.account.encodings), read.broken) == (7, ["utf-16", "utf-8"], {})
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.epub", "a.zip"]


def test_what_is_wrong_in_an_archive_costs_only_itself(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as package:
        package.writestr("x.txt", "x")
    archive = write_zip(
        tmp_path / "a.zip", {"a.txt": "fine", "b.zip": inner.getvalue(), "c.txt": b"\x89PNG\0\0", "d.txt": ""}
    )
    read = Read(archive)
    assert read.texts == ["fine"]
    assert read.broken == {
        "a.zip/b.zip": "is an archive inside an archive; unpack it first",
        "a.zip/c.txt": "is not text but a picture",
        "a.zip/d.txt": "is empty",
    }


def test_a_large_archive_is_cut_into_units_and_read_by_any_number_of_workers(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {f"{i}.txt": f"text {i} " * 50 for i in range(60)})
    prints = set()
    for workers in (1, 2):
        request = Request(sources=(str(archive),), validation_share=0.3, unit_bytes=3_000)
        manifest = prepare(request, tmp_path / f"{workers}", WorkOptions(workers=workers))
        prints.add(str(manifest))
    assert len(prints) == 1
    assert (manifest["documents"], manifest["sources"][0]["files"]) == (60, 60)


def test_an_archive_with_nothing_to_read_and_one_that_is_none_are_told(tmp_path: Path) -> None:
    assert Read(write_zip(tmp_path / "a.zip", {"a.png": b"x"})).broken == {"a.zip": "holds no files that can be read"}
    (tmp_path / "b.zip").write_bytes(b"no zip at all")
    assert Read(tmp_path / "b.zip").broken == {"b.zip": "damaged or cut short"}


@pytest.mark.parametrize("name", ["a.zip", "a.epub", "a.docx"])
def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "SMALL", 1 << 20)
    path = tmp_path / name
    more: dict[str, str | bytes] = {"big.txt": b"0" * (4 << 20)}
    if name == "a.epub":
        write_epub(path, {"a.xhtml": "<p>x</p>"}, more)
    elif name == "a.docx":
        write_docx(path, paragraph("x"), more)
    else:
        write_zip(path, more)
    read = Read(path)
    assert read.texts == []
    assert read.broken[name].endswith("as only a zip bomb does")


@pytest.mark.parametrize("name", ["a.zip", "a.epub", "a.docx"])
def test_an_encrypted_package_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    plain = write_epub(path, {"a.xhtml": "<p>x</p>"}) if name == "a.epub" else write_docx(path, paragraph("x"))
    if name == "a.zip":
        write_zip(path, {"a.txt": "x"})
    data = bytearray(plain.read_bytes())
    with zipfile.ZipFile(plain) as package:
        for member in package.infolist():
            data[member.header_offset + 6] |= 1
    at = 0
    while (at := data.find(b"PK\x01\x02", at)) >= 0:
        data[at + 8] |= 1
        at += 4
    path.write_bytes(data)
    read = Read(path)
    assert read.texts == []
    assert "is encrypted" in read.broken.values()


# Anything else


MADE: dict[str, Callable[[Path], Path]] = {
    "a.html": lambda path: write_html(path, "<p>text</p>"),
    "a.epub": lambda path: write_epub(path, {"a.xhtml": "<p>text</p>"}),
    "a.docx": lambda path: write_docx(path, paragraph("text")),
    "a.pdf": lambda path: write_pdf(path, [["text"]]),
}


@pytest.mark.parametrize("name", MADE)
def test_a_missing_library_is_named_with_the_command_that_brings_it(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    MADE[name](tmp_path / name)
    for module in ("lxml", "lxml.etree", "pypdf"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=r'pip install "gptdesk\[documents\]"'):
        Read(tmp_path / name)


@pytest.mark.parametrize("name", [*MADE, "a.zip"])
def test_a_file_that_is_cut_short_or_of_another_kind_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    whole = (MADE[name](path) if name in MADE else write_zip(path, {"a.txt": "text"})).read_bytes()
    for data in (whole[: len(whole) // 2], b"\0\1\2\3" * 100, b"%PDF-1.4\n"):
        path.write_bytes(data)
        read = Read(path)
        assert read.texts == [] or name == "a.html" or data.startswith(b"%PDF")
        assert read.broken or read.texts or name == "a.html"


@pytest.mark.parametrize("name", ["a.html", "a.epub", "a.docx", "a.pdf"])
def test_a_file_that_is_too_large_is_told(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("html", "packages"):
        monkeypatch.setattr(f"trainer.prepare.formats.{module}.LARGEST_PART", 10)
    monkeypatch.setattr(packages.read_part, "__defaults__", (10,))
    monkeypatch.setattr("trainer.prepare.formats.input.Input.whole.__defaults__", (10,))
    read = Read(MADE[name](tmp_path / name))
    assert read.texts == []
    assert "larger than" in read.broken[name]


def mutated(data: bytes, choose: random.Random) -> bytes:
    at, other = choose.randrange(len(data)), choose.randrange(len(data))
    match choose.randrange(4):
        case 0:
            return data[:at] + choose.randbytes(choose.randrange(1, 5)) + data[at + choose.randrange(1, 5) :]
        case 1:
            return data[:at] + data[at + choose.randrange(1, 40) :]
        case 2:
            return data[:at] + data[other : other + 40] + data[at:]
        case _:
            return data[:at]


def mutated_inside(data: bytes, choose: random.Random) -> bytes:
    """The package with one of its parts mutated."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        files: dict[str, str | bytes] = {name: package.read(name) for name in package.namelist()}
    name = choose.choice(sorted(files))
    part = files[name]
    assert isinstance(part, bytes)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        for each, contents in (files | {name: mutated(part, choose)}).items():
            package.writestr(each, contents)
    return packed.getvalue()


@pytest.mark.parametrize("name", [*MADE, "a.zip"])
def test_no_damage_ends_in_a_traceback(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    whole = (
        MADE[name](path) if name in MADE else write_zip(path, {"a.txt": "text", "b.csv": "a,text\n1,x"})
    ).read_bytes()
    choose = random.Random(name)
    for number in range(100):
        inside = number % 2 and zipfile.is_zipfile(io.BytesIO(whole))
        path.write_bytes((mutated_inside if inside else mutated)(whole, choose) or b"x")
        read = Read(path)
        assert all(text.encode().strip() for text in read.texts)
