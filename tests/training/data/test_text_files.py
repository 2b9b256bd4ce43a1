"""Text files as people have them: encodings, binary data, what is too large."""

from pathlib import Path

import pytest

from gptdesk.errors import UserError
from gptdesk.training.data import text_files
from gptdesk.training.data.text_files import read_text_file

GERMAN = "Es war einmal ein Müller, der hatte drei Söhne, seine Mühle, einen Esel und einen Kater.\n" * 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_a_text_is_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "Märchen.txt"
    path.write_bytes(GERMAN.encode(encoding))
    read = read_text_file(path)
    assert read.text == GERMAN
    assert not read.damaged
    assert ("guessed" in read.encoding) == (encoding == "cp1252")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (bytes(range(256)) * 20, "no text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "no text"),
    ],
)
def test_what_is_no_text_is_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"^file\.txt [^\n]*{words}[^\n]*\.$"):
        read_text_file(path)


def test_a_folder_a_huge_file_and_none_are_one_sentence_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "LARGEST", 2_000_000)
    (tmp_path / "big.txt").write_bytes(b"word " * 500_000)
    for name, words in (("", "is a folder"), ("big.txt", "has 2 MB"), ("none.txt", "no file")):
        with pytest.raises(UserError, match=words):
            read_text_file(tmp_path / name)


def test_a_bad_byte_costs_one_character(tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    path.write_bytes(GERMAN.encode()[:40] + b"\xff" + GERMAN.encode()[40:] * 30)
    read = read_text_file(path)
    assert read.damaged
    assert read.text.replace("\ufffd", "") == GERMAN.encode()[:40].decode() + GERMAN.encode()[40:].decode() * 30
