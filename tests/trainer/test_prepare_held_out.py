"""A few documents: the end of the text is held out for validation, exactly, and however it is worked."""

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from trainer.data.shards import PreparedData
from trainer.prepare import Request, WorkOptions, prepare
from trainer.prepare.output.held_out import cut_text
from trainer.prepare.progress_file import PROGRESS
from trainer.prepare.sources.bundled import BUNDLED_TEXTS

TOKENIZER = gpt2_tokenizer()


def make(folder: Path, *sources: Path | str, options: WorkOptions = WorkOptions(), **settings: Any) -> PreparedData:  # noqa: B008
    prepare(Request(sources=tuple(map(str, sources)), **settings), folder, options)
    return PreparedData.open(folder)


def documents(data: PreparedData, split: str) -> list[str]:
    """The texts of a split, in its order; each has the tokens that it has alone."""
    tokens = getattr(data, split)
    starts = [*data.document_starts(split).tolist(), len(tokens)]
    found = []
    for start, end in pairwise(starts):
        ids = tokens.read(start, end - start).tolist()
        found.append(TOKENIZER.decode(ids[:-1]))
        assert ids == [*TOKENIZER.encode(found[-1]), TOKENIZER.end_of_text]
    return found


def paragraphs(count: int) -> str:
    return "\n\n".join(f"Paragraph {i}.\n{'It has two lines, and both are long. ' * 6}end" for i in range(count))


def test_of_one_book_the_last_tenth_is_held_out_after_a_paragraph(tmp_path: Path) -> None:
    book = paragraphs(60).strip()
    (tmp_path / "book.txt").write_text(book + "\n")
    data = make(tmp_path / "out", tmp_path / "book.txt")
    (train,), (val,) = documents(data, "train"), documents(data, "val")
    assert f"{train}\n\n{val}" == book
    assert 0.08 < len(val) / len(book) < 0.12
    assert data.manifest["settings"]["validation"] == {"by": "end of the text", "share": 0.1, "cut": "paragraph"}
    assert data.manifest["text_bytes"] == len(train) + len(val)
    assert data.manifest["documents"] == 1


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("A line of some words.\n" * 26, "line"),
        ("Zwölf Boxkämpfer 🐈 jagen " * 99, "word"),
        ("こんにちは" * 300, "character"),
        ("🐈🐈", "character"),
    ],
)
def test_without_paragraphs_it_is_cut_after_a_line_a_word_or_a_character(tmp_path: Path, text: str, kind: str) -> None:
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    data = make(tmp_path / "out", tmp_path / "a.txt")
    (train,), (val,) = documents(data, "train"), documents(data, "val")
    between = {"line": "\n", "word": " ", "character": ""}[kind]
    assert f"{train}{between}{val}" == text.strip()
    assert data.manifest["settings"]["validation"]["cut"] == kind


def test_of_forty_chapters_the_last_four_are_held_out_whole(tmp_path: Path) -> None:
    chapters = [f"Chapter {i:02}, numbered as people do\n\n{paragraphs(3)}".strip() for i in range(40)]
    (tmp_path / "book").mkdir()
    for i, chapter in enumerate(chapters):
        (tmp_path / "book" / f"chapter {i}.txt").write_text(chapter)
    data = make(tmp_path / "out", tmp_path / "book")
    assert sorted(documents(data, "train")) == chapters[:36]
    assert sorted(documents(data, "val")) == chapters[36:]
    assert data.manifest["settings"]["validation"]["cut"] == "document"


def test_records_are_never_torn(tmp_path: Path) -> None:
    records = [{"prompt": f"Question {i}? ", "completion": f"Answer {i}. " * 40} for i in range(4)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    data = make(tmp_path / "out", tmp_path / "a.jsonl")
    whole = [record["prompt"] + record["completion"] for record in records]
    found = [TOKENIZER.decode(getattr(data, split).read(0, len(getattr(data, split))).tolist()) for split in
             ("train", "val")]  # fmt: skip
    assert sorted(found[0].removesuffix("<|endoftext|>").split("<|endoftext|>")) == whole[:3]
    assert found[1] == whole[3] + "<|endoftext|>"
    weights = data.val.read_weights(0, len(data.val))
    assert weights is not None
    assert weights.tolist() == [False] * len(TOKENIZER.encode("Question 3? ")) + [True] * int(weights.sum())
    (tmp_path / "one.jsonl").write_text(json.dumps(records[0]) + "\n")
    with pytest.raises(UserError, match="one record, which is not cut in two"):
        make(tmp_path / "two", tmp_path / "one.jsonl")


def test_rows_of_tables_are_records_too(tmp_path: Path) -> None:
    rows = [f"Row {i}: it has a line.\n\nAnd a paragraph." for i in range(3)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    data = make(tmp_path / "out", tmp_path / "a.jsonl")
    assert sorted(documents(data, "train")) == rows[:2]
    assert documents(data, "val") == rows[2:]
    (tmp_path / "one.jsonl").write_text(json.dumps({"text": paragraphs(50)}) + "\n")
    data = make(tmp_path / "one", tmp_path / "one.jsonl")
    assert data.manifest["settings"]["validation"]["cut"] == "paragraph", "a text that stands alone is cut"


def test_a_few_lines_in_files_of_their_own_are_not_cut_within(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for i in range(4):
        (tmp_path / "a" / f"{i}.txt").write_text(f"Line {i} of a song that is sung by nobody.")
    data = make(tmp_path / "out", tmp_path / "a")
    assert documents(data, "val") == ["Line 3 of a song that is sung by nobody."]


def test_with_many_documents_their_hashes_decide(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n<|endoftext|>\n".join(f"Tale {i} of many." for i in range(2_000)))
    data = make(tmp_path / "out", tmp_path / "a.txt")
    assert data.manifest["settings"]["validation"] == {"by": "document hash", "share": 0.01}
    assert 5 <= data.manifest["splits"]["val"]["documents"] < 50


def test_another_share_is_that_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(paragraphs(50))
    data = make(tmp_path / "out", tmp_path / "a.txt", validation_share=0.3)
    assert 0.25 < len(data.val) / (len(data.val) + len(data.train)) < 0.35
    assert data.manifest["settings"]["validation"]["share"] == 0.3


def test_share_zero_holds_nothing_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(paragraphs(3))
    data = make(tmp_path / "out", tmp_path / "a.txt", validation_share=0)
    assert documents(data, "train") == [paragraphs(3).strip()]
    assert len(data.val) == 0
    assert data.manifest["splits"]["val"] == {"documents": 0, "tokens": 0, "shards": []}
    assert data.manifest["settings"]["validation"] == {"by": "none"}


def test_neither_workers_nor_a_kill_change_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text(paragraphs(200))
    settings: dict[str, Any] = {"unit_bytes": 9_000, "shard_tokens": 2_000}
    one = make(tmp_path / "one", tmp_path / "a.txt", **settings)
    assert one.manifest["settings"]["validation"]["by"] == "end of the text"
    two = make(tmp_path / "two", tmp_path / "a.txt", options=WorkOptions(workers=2), **settings)
    assert two.fingerprint == one.fingerprint
    move, moves = os.replace, 0
    ends = {8, 9, 10, 11, 12, 14, 17, 20}

    def replace_until_killed(*args: Any) -> None:
        nonlocal moves
        if Path(args[1]).name != PROGRESS:
            moves += 1
            if moves in ends:
                raise KeyboardInterrupt
        move(*args)

    monkeypatch.setattr(os, "replace", replace_until_killed)
    stops = 0
    while True:
        try:
            killed = make(tmp_path / "killed", tmp_path / "a.txt", **settings)
            break
        except KeyboardInterrupt:
            stops += 1
    assert stops == len(ends)
    assert killed.fingerprint == one.fingerprint
    for split in ("train", "val"):
        a, b = getattr(one, split), getattr(killed, split)
        assert a.read(0, len(a)).tolist() == b.read(0, len(b)).tolist()


@pytest.mark.parametrize("text", ["", " ", "a", " é\n", "\n日"])
def test_a_single_character_has_no_place_to_cut(text: str) -> None:
    assert cut_text(text.encode(), 0.9, 0.1) is None


def test_a_single_character_cannot_be_divided(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("🐈", encoding="utf-8")
    with pytest.raises(UserError, match="a single character"):
        make(tmp_path / "out", tmp_path / "a.txt")
    assert len(make(tmp_path / "out", tmp_path / "a.txt", validation_share=0).train) > 1


@pytest.mark.parametrize(
    "text", ["ab", "a b", "a\n\nb", "aé", "éa", "日本", "a" * 99, "é" * 99, "a\nb " * 9 + "c", "  a\n\n b\n "]
)
@pytest.mark.parametrize("part", [0.01, 0.5, 0.9, 0.999])
def test_a_cut_lies_between_characters_and_leaves_text_on_both_sides(text: str, part: float) -> None:
    data = text.encode()
    found = cut_text(data, part, 1 - part)
    assert found
    assert data[: found[1]].decode().strip()
    assert data[found[1] :].decode().strip()


def test_shakespeare_is_there_from_the_first_minute(tmp_path: Path) -> None:
    data = make(tmp_path / "out", "shakespeare")
    assert data.manifest["sources"][0]["file"] == "shakespeare.txt.xz"
    text = BUNDLED_TEXTS["shakespeare"]
    assert text.bytes - 10 < data.manifest["text_bytes"] <= text.bytes
    assert documents(data, "train")[0].startswith("First Citizen:\nBefore we proceed")
    assert 0.09 < len(data.val) / (len(data.val) + len(data.train)) < 0.11
    assert data.manifest["settings"]["validation"]["cut"] == "paragraph"
