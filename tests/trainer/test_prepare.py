"""Sources become shards: formats, splits, order, prompts, and what is broken."""

import gzip
import hashlib
import json
import lzma
import os
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from gptdesk.errors import UserError
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from trainer.data.shards import PreparedData
from trainer.prepare import Request, WorkOptions, prepare
from trainer.prepare.broken import Broken
from trainer.prepare.progress_file import PROGRESS

TOKENIZER = gpt2_tokenizer()
LINE = "\n<|endoftext|>\n"


def make(folder: Path, *sources: Path, options: WorkOptions = WorkOptions(), **settings: Any) -> PreparedData:  # noqa: B008
    settings = {"validation_share": 0.3} | settings
    settings["validation"] = tuple(str(path) for path in settings.get("validation", ()))
    prepare(Request(sources=tuple(map(str, sources)), **settings), folder, options)
    return PreparedData.open(folder)


def documents(data: PreparedData, split: str) -> list[str]:
    """The texts of a split, in its order."""
    tokens = getattr(data, split)
    starts = [*data.document_starts(split).tolist(), len(tokens)]
    ids = [tokens.read(start, end - start).tolist() for start, end in pairwise(starts)]
    assert all(document[-1] == TOKENIZER.end_of_text for document in ids)
    assert all(TOKENIZER.end_of_text not in document[:-1] for document in ids)
    return [TOKENIZER.decode(document[:-1]) for document in ids]


def all_documents(data: PreparedData) -> list[str]:
    return sorted(documents(data, "train") + documents(data, "val"))


def texts(count: int, name: str = "text") -> list[str]:
    return [f"{name} {i}: it’s number {i * i}, says who? " * (i % 5 + 1) + "end" for i in range(count)]


def write_text(path: Path, contents: Sequence[str]) -> Path:
    path.write_bytes(LINE.join(contents).encode())
    return path


def write_jsonl(path: Path, contents: Sequence[str]) -> Path:
    path.write_text("".join(json.dumps({"id": i, "text": text}) + "\n" for i, text in enumerate(contents)))
    return path


def write_parquet(
    path: Path, contents: Sequence[Any], *, rows: int = 7, column: str = "text", type: Any = None
) -> Path:
    table = pyarrow.table({column: pyarrow.array(contents, type=type), "id": range(len(contents))})
    pyarrow.parquet.write_table(table, path, row_group_size=rows)
    return path


def two_columns(path: Path) -> Path:
    """A table of two texts, neither of which has a usual name."""
    pyarrow.parquet.write_table(pyarrow.table({"one": texts(9), "two": texts(9, "other")}), path)
    return path


def compressed(
    write: Callable[..., Any], opener: Callable[..., Any], suffix: str
) -> Callable[[Path, Sequence[str]], Path]:
    def write_compressed(path: Path, contents: Sequence[str]) -> Path:
        plain = write(path, contents)
        packed = path.with_name(path.name + suffix)
        with opener(packed, "wb") as file:
            file.write(plain.read_bytes())
        plain.unlink()
        return packed

    return write_compressed


def open_zst(path: Path, _mode: str) -> Any:
    return pyarrow.CompressedOutputStream(str(path), "zstd")


WRITERS = {
    "text.txt": write_text,
    "text.md": write_text,
    "no suffix": write_text,
    "gz.txt": compressed(write_text, gzip.open, ".gz"),
    "xz.txt": compressed(write_text, lzma.open, ".xz"),
    "zst.txt": compressed(write_text, open_zst, ".zst"),
    "a.jsonl": write_jsonl,
    "gz.ndjson": compressed(write_jsonl, gzip.open, ".gz"),
    "zst.jsonl": compressed(write_jsonl, open_zst, ".zst"),
    "a.parquet": write_parquet,
    "large.parquet": lambda path, contents: write_parquet(path, contents, type=pyarrow.large_string()),
    "dictionary.parquet": lambda path, contents: write_parquet(
        path, contents, type=pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    ),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("unit_bytes", [700, 1 << 20])
def test_every_format_gives_its_documents(tmp_path: Path, name: str, unit_bytes: int) -> None:
    contents = texts(60)
    source = WRITERS[name](tmp_path / name, contents)
    data = make(tmp_path / "out", source, unit_bytes=unit_bytes)
    assert all_documents(data) == sorted(contents)
    assert data.manifest["broken"] == {"count": 0, "list": []}
    assert data.manifest["cut_documents"] == 0
    assert data.manifest["text_bytes"] == sum(len(text.encode()) for text in contents)


def test_a_folder_gives_the_documents_of_all_files_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "source" / "deeper"
    folder.mkdir(parents=True)
    write_text(folder.parent / "b.txt", texts(20, "b"))
    write_jsonl(folder / "a.jsonl", texts(20, "a"))
    write_parquet(folder / "c.parquet", texts(20, "c"))
    (folder / "picture.png").write_bytes(b"\x89PNG")
    data = make(folder.parent / "out", folder.parent, unit_bytes=500)
    assert all_documents(data) == sorted([*texts(20, "a"), *texts(20, "b"), *texts(20, "c")])
    names = [source["file"] for source in data.manifest["sources"]]
    assert names == ["source/b.txt", "source/deeper/a.jsonl", "source/deeper/c.parquet"]
    # Given again, the same folder: what was written into it is none of the source.
    assert make(folder.parent / "out2", folder.parent, unit_bytes=500).fingerprint == data.fingerprint


def test_hidden_files_and_links_to_nowhere_are_none_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    (folder / ".git").mkdir(parents=True)
    write_text(folder / "a.txt", texts(30))
    for name in ("._a.txt", ".git/b.txt"):
        (folder / name).write_bytes(b"\xff")
    (folder / "c.txt").symlink_to("nowhere")
    data = make(tmp_path / "out", folder, options=WorkOptions(strict=True))
    assert [source["file"] for source in data.manifest["sources"]] == ["source/a.txt"]


def test_files_and_folders_without_permission_are_left_out_and_named(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    (folder / "closed").mkdir(parents=True)
    write_text(folder / "a.txt", texts(30))
    write_text(folder / "b.txt", ["kept to oneself"]).chmod(0)
    (folder / "closed").chmod(0)
    if os.access(folder / "closed", os.R_OK):
        pytest.skip("nothing can be kept from this user")
    data = make(tmp_path / "out", folder)
    assert all_documents(data) == sorted(texts(30))
    assert [(entry["file"], entry["why"]) for entry in data.manifest["broken"]["list"]] == [
        ("source/b.txt", "cannot be read: Permission denied"),
        ("source/closed", "cannot be read: Permission denied"),
    ]
    with pytest.raises(UserError, match=r"source/(closed|b\.txt): cannot be read"):
        make(tmp_path / "strict", folder, options=WorkOptions(strict=True))


def test_many_small_files_share_units(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    for i, text in enumerate(texts(50)):
        (tmp_path / "source" / f"{i}.txt").write_text(text, encoding="utf-8")
    prepare(Request(sources=(str(tmp_path / "source"),), validation_share=0.3), tmp_path / "out")
    data = PreparedData.open(tmp_path / "out")
    assert all_documents(data) == sorted(texts(50))
    assert len(list(pairwise(data.manifest["sources"]))) == 49


def test_text_is_trimmed_and_its_line_ends_are_made_one(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_bytes("\ufeff  one\r\ntwo\r\n \t<|endoftext|>\r\n\r\n three\n<|endoftext|>\n \n<|endoftext|>".encode())
    data = make(tmp_path / "out", source, validation=[write_text(tmp_path / "v.txt", ["held out"])])
    assert sorted(documents(data, "train")) == ["one\ntwo", "three"]


def test_a_separator_inside_a_line_is_text(tmp_path: Path) -> None:
    text = "say <|endoftext|> aloud\n<|endoftext|> said"
    data = make(
        tmp_path / "out", write_text(tmp_path / "a.txt", [text]), validation=[write_text(tmp_path / "v.txt", ["v"])]
    )
    assert TOKENIZER.decode(data.train.read(0, len(data.train) - 1).tolist()) == text
    assert (data.train.read(0, len(data.train)) == TOKENIZER.end_of_text).sum() == 1


def test_json_and_parquet_keep_their_white_space(tmp_path: Path) -> None:
    contents = ["  two blanks before, a line end after\n", "\r\n x"]
    held_out = write_text(tmp_path / "v.txt", ["held out"])
    for write, name in ((write_jsonl, "a.jsonl"), (write_parquet, "a.parquet")):
        data = make(tmp_path / name.replace(".", "-"), write(tmp_path / name, contents), validation=[held_out])
        assert sorted(documents(data, "train")) == sorted(contents)


def test_another_column(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", texts(30), column="content")
    lines = tmp_path / "a.jsonl"
    lines.write_text("".join(json.dumps({"content": text}) + "\n" for text in texts(30, "line")))
    data = make(tmp_path / "out", source, lines, column="content")
    assert all_documents(data) == sorted(texts(30) + texts(30, "line"))


def test_validation_files_are_the_validation_split(tmp_path: Path) -> None:
    source, held_out = write_text(tmp_path / "a.txt", texts(20)), write_text(tmp_path / "v.txt", texts(5, "held out"))
    data = make(tmp_path / "out", source, validation=[held_out])
    assert sorted(documents(data, "train")) == sorted(texts(20))
    assert sorted(documents(data, "val")) == sorted(texts(5, "held out"))
    assert data.manifest["settings"]["validation"] == {"by": "files"}


def test_the_split_of_a_document_depends_on_it_alone(tmp_path: Path) -> None:
    contents = texts(80)
    one = make(tmp_path / "one", write_text(tmp_path / "a.txt", contents))
    two = make(
        tmp_path / "two", write_jsonl(tmp_path / "a.jsonl", contents[40:] + texts(9, "new") + contents[:40]), seed=5
    )
    assert set(documents(one, "val")) == set(documents(two, "val")) & set(contents)
    assert 0.1 < len(documents(one, "val")) / 80 < 0.5


def test_documents_are_shuffled_by_the_seed(tmp_path: Path) -> None:
    source = write_text(tmp_path / "a.txt", texts(200))
    orders = [documents(make(tmp_path / f"{seed}", source, seed=seed, unit_bytes=500), "train") for seed in (0, 1)]
    assert sorted(orders[0]) == sorted(orders[1])
    in_order = [text for text in texts(200) if text in set(orders[0])]
    assert in_order not in orders
    assert orders[0] != orders[1]
    places = [in_order.index(text) for text in orders[0]]
    assert abs(np.corrcoef(places, range(len(places)))[0, 1]) < 0.3


def test_workers_and_shards_change_nothing_but_files(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    write_text(tmp_path / "source" / "a.txt", texts(300))
    write_parquet(tmp_path / "source" / "b.parquet", texts(100, "row"))
    WRITERS["gz.ndjson"](tmp_path / "source" / "c.jsonl", texts(100, "line"))
    one = make(tmp_path / "one", tmp_path / "source", unit_bytes=3_000, shard_tokens=997)
    two = make(
        tmp_path / "two", tmp_path / "source", unit_bytes=3_000, shard_tokens=997, options=WorkOptions(workers=2)
    )
    files, others = ({path.name for path in data.folder.iterdir()} - {PROGRESS, ".lock"} for data in (one, two))
    assert len([name for name in files if name.endswith(".bin")]) > 5
    assert files == others
    for name in files:
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes(), name
    whole = make(tmp_path / "whole", tmp_path / "source", unit_bytes=3_000)
    for split in ("train", "val"):
        a, b = getattr(one, split), getattr(whole, split)
        assert a.read(0, len(a)).tolist() == b.read(0, len(b)).tolist()
        assert one.document_starts(split).tolist() == whole.document_starts(split).tolist()


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_only_completions_count(tmp_path: Path, format: str) -> None:
    pairs = [(f"Question {i}? ", f" answer {i} and {i}." * (i % 3)) for i in range(40)]
    source = tmp_path / f"a.{format}"
    if format == "jsonl":
        source.write_text("".join(json.dumps({"prompt": p, "completion": c}) + "\n" for p, c in pairs))
    else:
        pyarrow.parquet.write_table(
            pyarrow.table({"prompt": [p for p, _ in pairs], "completion": [c for _, c in pairs]}), source
        )
    plain = write_text(tmp_path / "plain.txt", texts(10))
    data = make(tmp_path / "out", source, plain, shard_tokens=101, unit_bytes=400)
    expected = {}
    for prompt, completion in pairs:
        before, after = TOKENIZER.encode(prompt), TOKENIZER.encode(completion)
        expected[tuple(before + after)] = [False] * len(before) + [True] * (len(after) + 1)
    for text in texts(10):
        ids = TOKENIZER.encode(text)
        expected[tuple(ids)] = [True] * (len(ids) + 1)
    for split in ("train", "val"):
        tokens = getattr(data, split)
        starts = [*data.document_starts(split).tolist(), len(tokens)]
        for start, end in pairwise(starts):
            weights = tokens.read_weights(start, end - start)
            assert weights.tolist() == expected.pop(tuple(tokens.read(start, end - start - 1).tolist()))
    assert expected == {}
    masked = [shard["mask"]["prompt_tokens"] for split in data.manifest["splits"].values() for shard in split["shards"]]
    assert sum(masked) == sum(len(TOKENIZER.encode(prompt)) for prompt, _ in pairs)


def test_without_prompts_there_are_no_weights(tmp_path: Path) -> None:
    data = make(tmp_path / "out", write_text(tmp_path / "a.txt", texts(30)))
    assert data.train.read_weights(0, 5) is None
    assert not list(data.folder.glob("*.mask"))


def test_the_manifest_says_what_is_there(tmp_path: Path) -> None:
    source = write_text(tmp_path / "a.txt", texts(100))
    data = make(tmp_path / "out", source, shard_tokens=500)
    manifest = data.manifest
    assert manifest["documents"] == 100
    assert (
        manifest["tokens"]
        == sum(len(TOKENIZER.encode(text)) + 1 for text in texts(100))
        == len(data.train) + len(data.val)
    )
    assert manifest["tokenizer"]["sha256"] == TOKENIZER.sha256
    assert manifest["sources"] == [
        {
            "file": "a.txt",
            "bytes": source.stat().st_size,
            "format": "text",
            "documents": 100,
            "tokens": manifest["tokens"],
            "encoding": "utf-8",
        }
    ]
    for split in manifest["splits"].values():
        assert split["tokens"] == sum(shard["tokens"] for shard in split["shards"])
        assert split["documents"] == sum(shard["documents"] for shard in split["shards"])
        for shard in split["shards"]:
            for entry in (shard, shard["index"]):
                body = (data.folder / entry["file"]).read_bytes()[64:]
                assert entry["sha256"] == hashlib.sha256(body).hexdigest()
    assert str(tmp_path) not in (data.folder / "manifest.json").read_text()


# What is broken


def good(tmp_path: Path) -> Path:
    return write_text(tmp_path / "good.txt", texts(30))


FINE = "fine, too, and so long that one byte in it is damage and not another encoding: " + "word " * 400 + "end"


def broken_text(path: Path) -> Path:
    path.write_bytes(LINE.join(["fine", "bad \udcff byte", FINE]).encode(errors="surrogateescape"))
    return path


def broken_lines(path: Path) -> Path:
    lines = ['{"text": "fine"}', "[1]", '{"text": "fine, too"', "{}", '{"text": 5}', "", '{"prompt": "p"}', '"text"']
    path.write_text("\n".join(lines))
    return path


def cut_short(path: Path, by: int) -> Path:
    path.write_bytes(path.read_bytes()[:-by])
    return path


def damaged(path: Path) -> Path:
    contents = bytearray(path.read_bytes())
    contents[4:40] = b"x" * 36
    path.write_bytes(contents)
    return path


BROKEN: dict[str, tuple[Callable[[Path], Path], int, str]] = {
    "bytes that are no UTF-8": (lambda folder: broken_text(folder / "b.txt"), 1, "not UTF-8 text (1, byte 23)"),
    "an empty file": (lambda folder: write_text(folder / "b.txt", []), 1, "is empty (1, )"),
    "JSON lines": (lambda folder: broken_lines(folder / "b.jsonl"), 6, "a line is not JSON (1, line 3)"),
    "JSON lines that are no UTF-8": (
        lambda folder: broken_text(folder / "b.txt").rename(folder / "b.jsonl"), 5, "not UTF-8 text (1, line 3)",
    ),
    "a gzip file cut short": (
        lambda folder: cut_short(WRITERS["gz.txt"](folder / "b.txt", ["x"]), 5), 1,
        "damaged or cut short; only what comes before the damage was read (1, )",
    ),
    "an xz file cut short": (
        lambda folder: cut_short(WRITERS["xz.txt"](folder / "b.txt", ["x"]), 9), 1,
        "damaged or cut short; only what comes before the damage was read (1, )",
    ),
    "a Zstandard file cut short": (
        lambda folder: cut_short(WRITERS["zst.txt"](folder / "b.txt", ["x"]), 3), 1, "damaged or cut short (1, )",
    ),
    "text that calls itself gzip": (
        lambda folder: write_text(folder / "b.txt.gz", ["x"]), 1, "damaged or cut short (1, )",
    ),
    "a parquet file cut short": (
        lambda folder: cut_short(write_parquet(folder / "b.parquet", texts(9)), 9), 1, "damaged or cut short (1, )",
    ),
    "damage inside a parquet file": (
        lambda folder: damaged(write_parquet(folder / "b.parquet", texts(9))), 1, "damaged or cut short (1, )",
    ),
    "text that calls itself parquet": (
        lambda folder: write_text(folder / "b.parquet", ["x"]), 1, "damaged or cut short (1, )",
    ),
    "parquet without the column": (
        lambda folder: two_columns(folder / "b.parquet"), 1,
        'has no column "text"; its columns are one, two: name the one with the text (--column) (1, )',
    ),
    "parquet whose column is no text": (
        lambda folder: write_parquet(folder / "b.parquet", [1, 2]), 1,
        'has no column "text" of text, nor any other; its columns are text, id (1, )',
    ),
    "parquet without rows": (
        lambda folder: write_parquet(folder / "b.parquet", [], type=pyarrow.string()), 1, "is empty (1, )",
    ),
    "parquet rows without text": (
        lambda folder: write_parquet(folder / "b.parquet", ["a", None, None]), 2,
        "a row without text (2, row group 0, row 1)",
    ),
    "parquet rows that are no UTF-8": (
        lambda folder: write_parquet(folder / "b.parquet", [b"a", b"\xff"], type=pyarrow.binary()), 1,
        "not UTF-8 text (1, row group 0, row 1)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_left_out_and_named(tmp_path: Path, name: str) -> None:
    write, count, reason = BROKEN[name]
    bad = write(tmp_path)
    data = make(tmp_path / "out", good(tmp_path), bad)
    broken = data.manifest["broken"]
    assert broken["count"] == count == sum(entry["count"] for entry in broken["list"])
    assert {entry["file"] for entry in broken["list"]} == {bad.name}
    assert reason in {f"{entry['why']} ({entry['count']}, {entry['first']})" for entry in broken["list"]}
    assert set(texts(30)) <= set(all_documents(data)) <= {*texts(30), *texts(9), "fine", "fine, too", FINE, "x", "a"}
    if name in ("bytes that are no UTF-8", "JSON lines"):
        assert "fine" in all_documents(data)


@pytest.mark.parametrize("name", BROKEN)
def test_strictly_what_is_broken_is_refused(tmp_path: Path, name: str) -> None:
    bad = BROKEN[name][0](tmp_path)
    with pytest.raises(UserError, match=bad.name) as error:
        make(tmp_path / "out", good(tmp_path), bad, options=WorkOptions(strict=True))
    assert str(error.value).endswith("Repair it, or leave out --strict to skip what is broken.")


def test_after_a_refusal_the_same_folder_goes_on(tmp_path: Path) -> None:
    """With the file mended, or without --strict."""
    bad, source = broken_text(tmp_path / "b.txt"), good(tmp_path)
    for folder in ("mended", "lenient"):
        with pytest.raises(UserError, match=r"b\.txt"):
            make(tmp_path / folder, source, bad, unit_bytes=1_000, options=WorkOptions(strict=True))
    assert set(texts(30)) <= set(all_documents(make(tmp_path / "lenient", source, bad, unit_bytes=1_000)))
    write_text(bad, ["mended and longer than it was before"])
    data = make(tmp_path / "mended", source, bad, unit_bytes=1_000, options=WorkOptions(strict=True))
    assert all_documents(data) == sorted([*texts(30), "mended and longer than it was before"])
    assert data.fingerprint == make(tmp_path / "fresh", source, bad, unit_bytes=1_000).fingerprint


def test_strictly_what_an_earlier_call_left_out_is_refused(tmp_path: Path) -> None:
    earlier = Broken()
    earlier.note("a.txt", "is empty")
    with pytest.raises(UserError, match=r"a\.txt: is empty"):
        Broken(strict=True).add(earlier.to_json())


def test_lone_surrogates_in_json_become_replacement_characters(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text('{"text": "a \\ud800 b"}\n{"text": "\\ud83d\\ude00"}\n')
    data = make(tmp_path / "out", source, validation=[write_text(tmp_path / "v.txt", ["v"])])
    assert sorted(documents(data, "train")) == ["a \ufffd b", "😀"]


# Long documents


def test_text_without_separators_is_cut_at_line_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.prepare.cutting._NEAR", 200)
    lines = [f"line {i} is not long\n" for i in range(500)]
    source = tmp_path / "a.txt"
    source.write_text("".join(lines))
    data = make(tmp_path / "out", source, unit_bytes=1_000)
    parts = documents(data, "train") + documents(data, "val")
    assert len(parts) == data.manifest["cut_documents"] + 1 == 11
    assert sorted(line for part in parts for line in part.split("\n")) == sorted(line.strip() for line in lines)


@pytest.mark.parametrize("text", ["word " * 3_000, "x" * 9_000, "漢" * 4_000])
@pytest.mark.parametrize("suffix", [".txt", ".txt.gz"])
def test_text_without_lines_is_cut_between_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, suffix: str
) -> None:
    monkeypatch.setattr("trainer.prepare.cutting._NEAR", 200)
    monkeypatch.setattr("trainer.prepare.text.separators.LARGEST_DOCUMENT", 1_000)
    monkeypatch.setattr("trainer.prepare.text.separators._NEAR", 200)
    monkeypatch.setattr("trainer.prepare.formats.text._BLOCK", 300)
    source = (
        WRITERS["gz.txt"](tmp_path / "a.txt", [text]) if suffix == ".txt.gz" else write_text(tmp_path / "a.txt", [text])
    )
    data = make(tmp_path / "out", source, unit_bytes=1_000, validation=[write_text(tmp_path / "v.txt", ["v"])])
    parts = documents(data, "train")
    assert max(len(part.encode()) for part in parts) <= 1_300
    assert len("".join(parts).replace(" ", "")) == len(text.replace(" ", ""))
    assert set("".join(parts)) <= set(text)
    assert data.manifest["cut_documents"] == len(parts) - 1


def test_a_json_line_that_is_too_long_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.prepare.formats.jsonl.LONGEST_LINE", 100)
    source = write_jsonl(tmp_path / "a.jsonl", ["short", "long " * 100, "short, too"])
    data = make(tmp_path / "out", source, validation=[write_text(tmp_path / "v.txt", ["v"])])
    assert sorted(documents(data, "train")) == ["short", "short, too"]
    assert data.manifest["broken"]["list"][0]["first"] == "line 2"


# What cannot be


def test_missing_sources_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no file or folder .*nowhere"):
        make(tmp_path / "out", tmp_path / "nowhere")
    (tmp_path / "bare").mkdir()
    with pytest.raises(UserError, match="No files to read"):
        make(tmp_path / "out", tmp_path / "bare")
    make(tmp_path / "out", good(tmp_path))


def test_packed_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet.gz").write_text("{}")
    with pytest.raises(UserError, match="unpack it first"):
        make(tmp_path / "out", tmp_path / "a.parquet.gz")


def test_no_text_is_refused_with_the_reason_and_can_be_mended(tmp_path: Path) -> None:
    for contents, reason in ((b" \n\t\n", "holds only white space"), (b"", "is empty")):
        (tmp_path / "a.txt").write_bytes(contents)
        with pytest.raises(UserError, match=rf"No text was found\. a\.txt: {reason}\."):
            make(tmp_path / "out", tmp_path / "a.txt")
    with pytest.raises(UserError, match=r"No validation text was found\. a\.txt: is empty\."):
        make(tmp_path / "out", good(tmp_path), validation=[tmp_path / "a.txt"])
    make(tmp_path / "out", good(tmp_path))


def test_the_same_file_cannot_train_and_validate(tmp_path: Path) -> None:
    source = good(tmp_path)
    with pytest.raises(UserError, match="one of them"):
        make(tmp_path / "out", source, validation=[source])


@pytest.mark.parametrize("share", [1, 1.5, -1, float("nan")])
def test_a_share_outside_its_limits_is_refused(share: float) -> None:
    with pytest.raises(UserError, match="at least 0"):
        Request(sources=("a",), validation_share=share)


def test_a_missing_pyarrow_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_parquet(tmp_path / "a.parquet", texts(3))
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UserError, match=r'pip install "gptdesk\[data\]"'):
        make(tmp_path / "out", source)
