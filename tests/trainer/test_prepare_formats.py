"""Text, JSON, CSV and TSV in the encodings that people have; what is wrong with them; and the account at the end."""

import gzip
import json
import lzma
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from gptdesk.errors import UserError
from gptdesk.training.data.preparations import READABLE_SUFFIXES
from tests.trainer.test_prepare import LINE, all_documents, make, texts, write_text
from trainer.prepare import WorkOptions
from trainer.prepare.broken import Broken
from trainer.prepare.formats import FORMATS
from trainer.prepare.report import account_lines
from trainer.prepare.text.encodings import NotText, detect

ROOT = Path(__file__).parents[2]
FEW = texts(30)


def reasons(manifest: dict[str, Any]) -> dict[str, str]:
    """Why something was left out, by file, with the place of the first."""
    return {entry["file"]: f"{entry['why']} @ {entry['first']}" for entry in manifest["broken"]["list"]}


def source(manifest: dict[str, Any], number: int = 0) -> dict[str, Any]:
    return manifest["sources"][number]


def zst(contents: bytes) -> bytes:
    return bytes(pyarrow.Codec("zstd").compress(contents, asbytes=True))


COMPRESS = {".gz": gzip.compress, ".xz": lzma.compress, ".zst": zst}


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("format", ["txt", "jsonl", "json", "csv"])
def test_of_a_compressed_file_that_is_cut_short_what_comes_before_is_kept(
    tmp_path: Path, format: str, compression: str
) -> None:
    draw = random.Random(1)
    written = [f"{number} {draw.randbytes(100).hex()}" for number in range(4_000)]  # in several blocks of Zstandard
    contents = {
        "txt": "\n\n".join(written),
        "jsonl": "".join(json.dumps({"text": text}) + "\n" for text in written),
        "json": json.dumps([{"text": text} for text in written]),
        "csv": "".join(f"{text}\n" for text in ["text,id", *(f"{text},1" for text in written)]),
    }[format]
    packed = COMPRESS[compression](contents.encode())
    path = tmp_path / f"a.{format}{compression}"
    path.write_bytes(packed[: len(packed) // 2])
    data = make(tmp_path / "out", path)
    kept = "\n\n".join(all_documents(data)) if format == "txt" else all_documents(data)
    found = sum(text in kept for text in written)
    assert 0.2 * len(written) < found < 0.7 * len(written)
    assert reasons(data.manifest) == {path.name: "damaged or cut short; only what comes before the damage was read @ "}


# JSON


@pytest.mark.parametrize(
    "contents",
    [
        json.dumps([{"text": text} for text in FEW]),
        json.dumps(FEW),
        "\ufeff" + json.dumps({"version": 1, "data": [{"text": text} for text in FEW]}, indent=1),
        "".join(json.dumps({"text": text}) + "\n" for text in FEW),
        "\n".join(json.dumps({"text": text}, indent=2) for text in FEW),
    ],
    ids=["an array", "bare texts", "an array in an object", "JSON lines", "objects one after the other"],
)
def test_json_is_read_in_each_of_its_shapes(tmp_path: Path, contents: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.prepare.formats.json_array._BLOCK", 100)
    (tmp_path / "a.json").write_text(contents, encoding="utf-8")
    data = make(tmp_path / "out", tmp_path / "a.json")
    assert all_documents(data) == sorted(FEW)
    assert data.manifest["broken"]["count"] == 0


def test_json_that_breaks_off_keeps_what_comes_before(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    whole = json.dumps([{"text": text} for text in FEW])[:-1]
    ends = {
        ', {"text": "x': "Unterminated string",
        " 5]": "the array goes on without a comma",
        ', {"a": tru}]': "Expecting value",
        "": "ends without a bracket",
    }
    for number, (end, reason) in enumerate(ends.items()):
        path.write_text(whole + end)
        data = make(tmp_path / f"{number}", path)
        assert all_documents(data) == sorted(FEW)
        assert "is not JSON from character" in reasons(data.manifest)["a.json"]
        assert reason in reasons(data.manifest)["a.json"]


def test_json_nested_without_end_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"text": "fine"}, ' + "[" * 100_000)
    data = make(tmp_path / "out", path, write_text(tmp_path / "b.txt", FEW))
    assert "nested too deeply" in reasons(data.manifest)["a.json"]
    assert "fine" in all_documents(data)


def test_a_broken_line_of_many_costs_only_itself(tmp_path: Path) -> None:
    lines = [json.dumps({"text": text}) for text in texts(500)]
    lines[321] = '{"text": "cut sh'
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    for unit_bytes in (2_000, 1 << 20):
        data = make(tmp_path / f"{unit_bytes}", tmp_path / "a.jsonl", unit_bytes=unit_bytes)
        assert data.manifest["documents"] == 499
        assert reasons(data.manifest) == {"a.jsonl": "a line is not JSON @ line 322"}


# Tables


def write_csv(path: Path, rows: Sequence[Sequence[str]], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    quoted = [[f'"{field.replace(chr(34), chr(34) * 2)}"' for field in row] for row in rows]
    path.write_bytes("\r\n".join(map(delimiter.join, quoted)).encode(encoding))
    return path


@pytest.mark.parametrize(
    ("name", "delimiter", "encoding"),
    [("a.csv", ",", "utf-8"), ("a.csv", ";", "cp1252"), ("a.csv", "\t", "utf-16"), ("a.tsv", "\t", "utf-8-sig")],
)
def test_a_table_gives_the_column_of_its_text(tmp_path: Path, name: str, delimiter: str, encoding: str) -> None:
    contents = [f'“Größe” {i}, with commas;\nlines, and "marks"' for i in range(30)]
    rows = [["id", "text", "lang"], *([str(i), text, "de"] for i, text in enumerate(contents))]
    data = make(tmp_path / "out", write_csv(tmp_path / name, rows, delimiter, encoding))
    assert all_documents(data) == sorted(contents)
    assert data.manifest["broken"]["count"] == 0


@pytest.mark.parametrize(
    ("header", "row", "column"),
    [
        (["id", "Body", "title"], ["1", "some words here", "a title of it"], "Body"),
        (["id", "poem", "year"], ["1", "some words here, number", "1999"], "poem"),
        (["name", "plot"], ["A short title", "some words here " * 30], "plot"),
    ],
    ids=["a usual name", "the only prose", "far the longest"],
)
@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_the_column_is_guessed_where_one_is_the_obvious_choice(
    tmp_path: Path, header: list[str], row: list[str], column: str, format: str
) -> None:
    rows = [[f"{field} {i}" if field in row[1:] else str(i) for field in row] for i in range(30)]
    path = tmp_path / f"a.{format}"
    if format == "csv":
        write_csv(path, [header, *rows])
    else:
        columns = {name: [row[i] for row in rows] for i, name in enumerate(header)}
        pyarrow.parquet.write_table(pyarrow.table(columns), path)
    data = make(tmp_path / "out", path)
    assert all_documents(data) == sorted(row[header.index(column)] for row in rows)
    assert source(data.manifest)["column"] == column
    assert f'text in column "{column}"' in account_lines(data.manifest)[0]


def test_a_table_without_an_obvious_text_names_its_columns(tmp_path: Path) -> None:
    rows = [["question", "hint"], *([f"What is thing number {i}?", f"It is a word {i}"] for i in range(30))]
    path = write_csv(tmp_path / "a.csv", rows)
    with pytest.raises(UserError, match=r'a\.csv: has no column "text"; its columns are question, hint: name the one'):
        make(tmp_path / "out", path)
    data = make(tmp_path / "named", path, column="hint")
    assert all_documents(data) == sorted(row[1] for row in rows[1:])
    with pytest.raises(UserError, match='has no column "answer"'):  # named: never guessed
        make(tmp_path / "other", path, column="answer")


def test_rows_that_are_broken_cost_only_themselves(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(f"{i},text {i} é\n" for i in range(300))
    path.write_bytes(b"id,text\n" + rows.encode() + b"1\n2,bad \xff byte\n\n3,a,b\n4,last")
    data = make(tmp_path / "out", path)
    assert data.manifest["documents"] == 301
    found = {entry["why"]: (entry["count"], entry["first"]) for entry in data.manifest["broken"]["list"]}
    assert found == {
        "a row has not the 2 fields of the header": (2, "row 302"),
        "not UTF-8 text": (1, "row 303"),
    }


def test_a_quotation_mark_that_is_never_closed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    good = "".join(f"{i},text {i}\n" for i in range(30))
    path.write_text(f'id,text\n{good}31,"open\n' + "32,swallowed\n" * 1_000)
    data = make(tmp_path / "short", path)
    assert data.manifest["documents"] == 30
    assert reasons(data.manifest) == {"a.csv": "a quotation mark is open to the end, or for too long @ row 32"}
    monkeypatch.setattr("trainer.prepare.formats.csv_table.LONGEST_FIELD", 1_000)
    data = make(tmp_path / "long", path)
    assert 30 < data.manifest["documents"] < 1_000
    assert reasons(data.manifest) == {"a.csv": "a quotation mark is open to the end, or for too long @ row 32"}


# Encodings

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "cp1251", "cp932")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "cp1251", "cp932"]
)
@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.jsonl"])
def test_text_of_any_encoding_is_read_and_the_encoding_named(tmp_path: Path, encoding: str, name: str) -> None:
    sentence = {
        "cp1251": "Это было летом, когда мы все поехали на дачу.",
        "cp932": "これは日本語の文章です。今日は天気がとても良いので、公園に行きました。",
    }.get(encoding, "„Straße“ und Größe, schöne Übung – l’été à Besançon.")
    contents = [f"{sentence} {i}" for i in range(40)]
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in contents]
    body = ("\n".join(lines) if name == "a.jsonl" else LINE.join(contents)).encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    named = f"{encoding} (guessed)" if encoding.startswith("cp") else encoding.removesuffix("-sig")
    for unit_bytes in (500, 1 << 20):
        data = make(tmp_path / f"{unit_bytes}", tmp_path / name, unit_bytes=unit_bytes)
        assert all_documents(data) == sorted(contents)
        assert source(data.manifest)["encoding"] == named


def test_strictly_only_utf_8_is_read(tmp_path: Path) -> None:
    good = write_text(tmp_path / "good.txt", FEW)
    for encoding, named in (("utf-16", "utf-16"), ("cp1252", r"cp1252 \(guessed\)")):
        path = tmp_path / f"{encoding}.txt"
        path.write_bytes("Größe und Maß, schöne Übung".encode(encoding))
        with pytest.raises(UserError, match=rf"{encoding}\.txt: its encoding is {named}, not UTF-8"):
            make(tmp_path / f"out-{encoding}", good, path, options=WorkOptions(strict=True))
    bom = tmp_path / "bom.txt"
    bom.write_bytes("Größe".encode("utf-8-sig"))
    make(tmp_path / "strict", good, bom, options=WorkOptions(strict=True))


def test_one_bad_byte_in_a_long_text_costs_its_paragraph(tmp_path: Path) -> None:
    paragraphs = [f"Paragraph {i} says something.\nIt has two lines." for i in range(2_000)]
    body = "\n\n".join(paragraphs).encode()
    at = body.index(b"Paragraph 1234")
    path = tmp_path / "a.txt"
    path.write_bytes(body[:at] + b"\xff" + body[at + 1 :])
    for unit_bytes in (10_000, 1 << 20):
        data = make(tmp_path / f"{unit_bytes}", path, unit_bytes=unit_bytes)
        whole = "\n\n".join(all_documents(data))
        assert [text for text in paragraphs if text not in whole] == [paragraphs[1234]]
        (entry,) = data.manifest["broken"]["list"]
        assert entry == {
            "file": "a.txt", "why": "not UTF-8 text", "count": 1, "first": f"byte {at:,}",
            "bytes": len(paragraphs[1234]) + 2,
        }  # fmt: skip
        assert account_lines(data.manifest)[-1].endswith(f"{entry['bytes']} bytes of text)")
    with pytest.raises(UserError, match="not UTF-8 text"):
        make(tmp_path / "strict", path, options=WorkOptions(strict=True))


@pytest.mark.parametrize("between", ["\n", " "])
def test_one_bad_byte_in_a_text_without_paragraphs_costs_its_line_or_a_stretch(tmp_path: Path, between: str) -> None:
    body = between.join(f"sentence {i} of the text." for i in range(5_000)).encode()
    path = tmp_path / "a.txt"
    path.write_bytes(body[:60_000] + b"\xff" + body[60_001:])
    data = make(tmp_path / "out", path)
    (entry,) = data.manifest["broken"]["list"]
    assert entry["bytes"] <= (40 if between == "\n" else 4_096)
    assert data.manifest["text_bytes"] >= len(body) - entry["bytes"] - 1_000


def test_much_damage_is_read_in_linear_time(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes((("é" * 900).encode() + b"\xff\n") * 2_000)
    data = make(tmp_path / "out", path, write_text(tmp_path / "b.txt", FEW))
    (entry,) = data.manifest["broken"]["list"]
    assert (entry["count"], entry["bytes"]) == (2_000, 2_000 * 1_802)


def test_what_is_no_text_is_told_from_text() -> None:
    for data in (bytes(range(256)) * 50, os.urandom(5_000), b"\0" * 5_000, b"text\0\1\2\3" * 50):
        with pytest.raises(NotText):
            detect(data)
    for data in (b"", b"a", b"one\x0cpage\x1b[0m", "naïve".encode(), b"x" * 5_000 + b"\0"):
        assert detect(data) == "utf-8"
    # Some accents in a long text are an encoding; as many bytes of noise are damage.
    assert detect((b"plain English words " * 500 + b"caf\xe9 ") * 20) == "cp1252"
    assert detect((b"plain English words " * 500 + b"caf\x81 ") * 20) == "utf-8"


# What is wrong with files

NO_COLUMN = 'has no column "text"; its columns are a, b: name the one with the text (--column)'


def test_every_odd_file_gets_a_sentence_and_the_rest_is_used(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    write_text(folder / "good.txt", FEW)
    odd = {
        "empty.txt": (b"", "is empty"),
        "blank.md": (b" \n\t\r\n ", "holds only white space"),
        "blank.jsonl": (b'{"text": ""}\n\n', "holds only empty texts"),
        "picture.txt": (b"\x89PNG\r\n\x1a\n\0\0", "is not text but a picture"),
        "book.txt": (b"%PDF-1.4 and so on", "is not text but a PDF file"),
        "program.txt": (os.urandom(3_000), "is not text but binary data"),
        "table.csv": (
            b"a,b\n1,2\n3,4\n",
            'has no column "text"; its columns are a, b: name the one with the text (--column)',
        ),
    }
    for name, (contents, _) in odd.items():
        (folder / name).write_bytes(contents)
    data = make(tmp_path / "out", folder)
    assert all_documents(data) == sorted(FEW)
    assert {entry["file"]: entry["why"] for entry in data.manifest["broken"]["list"]} == {
        f"source/{name}": reason for name, (_, reason) in odd.items()
    }
    assert data.manifest["broken"]["count"] == len(odd)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a.doc", "an old Word file; save it as .docx"),
        ("a.tar.gz", "a tar archive; unpack it"),
        ("a.xlsx", "save it as .csv"),
    ],
)
def test_formats_that_are_not_read_are_named_with_what_to_do(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UserError, match=sentence):
        make(tmp_path / "out", tmp_path / name)


def test_two_sources_of_one_name_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / name / "data" / "a.txt" for name in ("one", "two")]
    for path in paths:
        path.parent.mkdir(parents=True)
        write_text(path, texts(20, path.parent.parent.name))
    files = make(tmp_path / "files", *paths)
    assert [entry["file"] for entry in files.manifest["sources"]] == ["one/data/a.txt", "two/data/a.txt"]
    folders = make(tmp_path / "folders", *(path.parent for path in paths))
    assert [entry["file"] for entry in folders.manifest["sources"]] == ["one/data/a.txt", "two/data/a.txt"]
    assert [entry["documents"] for entry in folders.manifest["sources"]] == [20, 20]


def test_a_folder_of_prepared_data_or_of_a_run_is_no_source(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    write_text(folder / "a.txt", FEW)
    make(folder / "prepared", folder)
    (folder / "run").mkdir()
    for name in ("run.json", "events.jsonl"):
        (folder / "run" / name).write_text("{}")
    data = make(tmp_path / "out", folder)
    assert [entry["file"] for entry in data.manifest["sources"]] == ["source/a.txt"]


# The account


def test_the_account_of_each_file_adds_up_whatever_the_workers(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    write_text(folder / "a.txt", texts(100))
    (folder / "b.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts(50)))
    write_csv(folder / "c.csv", [["id", "poem"], *([str(i), text] for i, text in enumerate(texts(40)))])
    manifests = [
        make(tmp_path / f"{workers}", folder, unit_bytes=1_500, options=WorkOptions(workers=workers)).manifest
        for workers in (1, 2)
    ]
    assert manifests[0] == manifests[1]
    assert [(entry["format"], entry["documents"]) for entry in manifests[0]["sources"]] == [
        ("text", 100), ("jsonl", 50), ("csv", 40),
    ]  # fmt: skip
    assert sum(entry["tokens"] for entry in manifests[0]["sources"]) == manifests[0]["tokens"]


def test_the_account_is_printed_and_sent_in_bounds(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    for i in range(30):
        write_text(folder / f"{i:02}.txt", texts(3, f"{i}"))
        (folder / f"{i:02}.jsonl").write_text('{"nothing": 1}\n')
    command = [sys.executable, "-m", "trainer", "prepare", str(folder), "--workers", "1", "--out"]
    shown = subprocess.run([*command, str(tmp_path / "a")], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = shown.splitlines()
    assert sum(line.startswith("source/") for line in lines) == 20
    assert sum(line.startswith("left out: source/") for line in lines) == 20
    assert any(line.startswith("40 more files: 60 documents, ") for line in lines)
    assert lines[-1] == "left out: 10 more, for 10 reasons, see manifest.json"
    sent = subprocess.run(
        [*command, str(tmp_path / "b"), "--events"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    end = json.loads(sent.splitlines()[-1])
    assert (end["event"], end["sources_total"]) == ("finished", 60)
    assert end["sources"][1] == {
        "file": "source/00.txt", "bytes": (folder / "00.txt").stat().st_size, "format": "text", "documents": 3,
        "tokens": end["sources"][1]["tokens"], "encoding": "utf-8",
    }  # fmt: skip


def test_a_file_of_endless_reasons_does_not_fill_the_manifest() -> None:
    broken = Broken()
    for i in range(1_000):
        broken.note("a.jsonl", f"a line lacks a text (it has: field {i})", f"line {i}")
    assert broken.count == 1_000
    assert len(broken.to_json()) <= 31
    again = Broken()
    again.add(broken.to_json())
    assert again.count == 1_000


def test_the_suffixes_of_the_window_are_those_of_the_table() -> None:
    assert set(READABLE_SUFFIXES) == {suffix for format in FORMATS.values() for suffix in format.suffixes} | {
        ".gz", ".xz", ".zst",
    }  # fmt: skip


def test_the_guide_names_every_suffix() -> None:
    guide = (ROOT / "docs" / "GUIDE.md").read_text(encoding="utf-8")
    assert [suffix for suffix in READABLE_SUFFIXES if f"`{suffix}`" not in guide] == []
