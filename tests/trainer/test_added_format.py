"""A format added as CONTRIBUTING.md says, one module and one entry of the table, is read and named everywhere."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MODULE = '''
"""SubRip subtitles: the spoken lines, without numbers and times."""

from __future__ import annotations

from collections.abc import Iterator

from trainer.prepare.formats.input import Document, Input


def read(source: Input, start: int, end: int) -> Iterator[Document]:
    """One document: what is said in the whole file."""
    with source.text() as stream:
        lines = stream.read().decode().splitlines()
    spoken = [line for line in lines if line.strip() and "-->" not in line and not line.strip().isdigit()]
    yield ("\\n".join(spoken).encode(),)
'''

ENTRY = '        Format(name="srt", label="SubRip", suffixes=(".srt",), module="srt"),\n'

SUBTITLES = "1\n00:00:01,000 --> 00:00:02,000\nThe old man went to the sea.\n\n"

LISTED = """
from gptdesk.training.data.preparations import READABLE_FORMATS, READABLE_SUFFIXES
from trainer.prepare.formats import ROW_FORMATS, format_of, formats_text
print(format_of("a.srt"), "SubRip" in READABLE_FORMATS, ".srt" in READABLE_SUFFIXES, "SubRip (.srt)" in formats_text())
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of a process that finds a copy of the trainer with one more format."""
    copy = tmp_path / "code" / "trainer"
    shutil.copytree(ROOT / "trainer", copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "prepare" / "formats" / "srt.py").write_text(MODULE, encoding="utf-8")
    table = copy / "prepare" / "formats" / "__init__.py"
    before, mark, after = table.read_text(encoding="utf-8").partition("        Format(name=JSONL")
    assert mark
    table.write_text(before + ENTRY + mark + after, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(copy.parent), str(ROOT)])}


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=environment["PYTHONPATH"].split(os.pathsep)[0],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended


def test_an_added_format_is_prepared_and_named_wherever_formats_are(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "film.srt").write_text(SUBTITLES * 40, encoding="utf-8")
    out = tmp_path / "out"
    prepared = run(environment, "-m", "trainer", "prepare", str(tmp_path / "film.srt"), "--out", str(out))
    assert "SubRip" in prepared.stdout
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["splits"]["train"]["tokens"] > 100
    assert run(environment, "-c", LISTED).stdout.split() == ["srt", "True", "True", "True"]
