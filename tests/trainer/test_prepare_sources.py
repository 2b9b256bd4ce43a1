"""What a name of a source means, mistyped ones, and sources that are others than before."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gptdesk.errors import UserError
from trainer.prepare import Request, prepare
from trainer.prepare.changes import HASHED_BYTES
from trainer.prepare.sources.names import absolute_source

ROOT = Path(__file__).parents[2]
TEXT = "\n\n".join(f"Paragraph {i} of a text that somebody wrote." for i in range(30))


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with ``my-texts/a.txt`` and ``book.txt``, and a hub that cannot be asked."""
    (tmp_path / "my-texts").mkdir()
    (tmp_path / "my-texts" / "a.txt").write_text(TEXT)
    (tmp_path / "book.txt").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path


def prepare_sources(*sources: str) -> None:
    prepare(Request(sources=tuple(map(absolute_source, sources))), Path("out"))


@pytest.mark.parametrize(
    ("mistyped", "sentence"),
    [
        ("my-tetxs/", r"There is no file or folder .*my-tetxs; perhaps my-texts is meant\.$"),
        ("my-tetxs", r"There is no file or folder .*my-tetxs; perhaps my-texts is meant\.$"),
        ("book.tx", r"There is no file or folder .*book\.tx; perhaps book\.txt is meant\.$"),
        ("Bokk.txt", r"There is no file or folder .*Bokk\.txt; perhaps book\.txt is meant\.$"),
        ("my-texts/b", r"There is no file or folder .*my-texts/b\.$"),
        ("./b", r"There is no file or folder .*/b\.$"),
        ("nowhere/book.txt", r"There is no file or folder .*book\.txt: there is no folder .*nowhere\.$"),
        ("a/b/c", r"There is no file or folder .*a/b/c: there is no folder .*/a\.$"),
        ("owner/name", r"There is no file or folder owner/name here, and as a data set of the hub: .*HF_HUB_OFFLINE"),
        ("my-texts/b:part", r"^The hub is needed for my-texts/b"),
        ("openwebtext", r"^The hub is needed for "),
    ],
)
def test_a_mistyped_path_is_said_to_be_none(texts: Path, mistyped: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        prepare_sources(mistyped)


def test_a_folder_of_its_name_comes_before_a_bundled_text(texts: Path) -> None:
    assert absolute_source("shakespeare") == "shakespeare"
    (texts / "shakespeare").mkdir()
    assert absolute_source("shakespeare") == str(texts / "shakespeare")


@pytest.mark.parametrize("change", ["longer", "as long", "one more file"])
def test_sources_that_changed_after_their_preparation_are_noticed(texts: Path, change: str) -> None:
    prepare_sources("my-texts")
    match change:
        case "longer":
            (texts / "my-texts" / "a.txt").write_text(TEXT + " More.")
        case "as long":
            (texts / "my-texts" / "a.txt").write_text(TEXT.replace("wrote", "write"))
        case _:
            (texts / "my-texts" / "b.txt").write_text(TEXT)
    what = r"my-texts/b\.txt is new" if change == "one more file" else r"my-texts/a\.txt has changed"
    with pytest.raises(UserError, match=rf"\({what}\)\. .* choose another folder with --out, or remove"):
        prepare_sources("my-texts")


def test_a_source_that_was_only_touched_or_is_gone_is_no_change(texts: Path) -> None:
    prepare_sources("book.txt", "my-texts")
    before = (texts / "out" / "manifest.json").read_bytes()
    os.utime("book.txt", (1, 1))
    (texts / "my-texts" / "a.txt").unlink()
    prepare_sources("book.txt", "my-texts")
    assert (texts / "out" / "manifest.json").read_bytes() == before


def test_of_a_large_source_the_time_of_change_tells(texts: Path) -> None:
    line = json.dumps({"text": "x" * 1_000, "id": 0}) + "\n"
    (texts / "large.jsonl").write_text(line * (HASHED_BYTES // len(line) + 1))
    prepare_sources("large.jsonl")
    os.utime("large.jsonl", (1, 1))
    with pytest.raises(UserError, match=r"large\.jsonl has changed"):
        prepare_sources("large.jsonl")


def test_the_command_says_that_nothing_was_left_to_do(texts: Path) -> None:
    command = [sys.executable, "-m", "trainer", "prepare", "book.txt", "--out", "out"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for expected in ("the last tenth of the text is held out", "nothing was left to do"):
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        assert expected in done.stdout
    (texts / "book.txt").write_text("Another book, and a short one.")
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 2
    assert "book.txt has changed" in done.stderr


def test_a_folder_of_an_older_version_is_still_known(texts: Path) -> None:
    prepare_sources("book.txt")
    plan = json.loads((texts / "out" / "plan.json").read_text())
    del plan["request"]["column"]
    (texts / "out" / "plan.json").write_text(json.dumps(plan))
    prepare_sources("book.txt")
    plan["request"]["column"] = "other"
    (texts / "out" / "plan.json").write_text(json.dumps(plan))
    with pytest.raises(UserError, match="was begun with other sources or settings"):
        prepare_sources("book.txt")


@pytest.mark.parametrize("contents", ["{}", '{"request": 1, "files": []}', '{"request": {}, "files": [{"name": 1}]}',
                                      '{"request": {}, "files": [1]}'])  # fmt: skip
def test_a_damaged_plan_is_named(texts: Path, contents: str) -> None:
    prepare_sources("book.txt")
    (texts / "out" / "plan.json").write_text(contents)
    with pytest.raises(UserError, match=r"plan\.json is damaged; remove .*out and prepare the data again"):
        prepare_sources("book.txt")
