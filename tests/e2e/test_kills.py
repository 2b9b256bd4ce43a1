"""The program is killed at random moments while a restless person works in it; nothing that was saved is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gptdesk.folders import Folders
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.store.database import Database
from gptdesk.store.document import Document
from gptdesk.store.settings import Settings
from tests.patience import PATIENCE, wait_for

from .screens import ROOT

RESTLESS = Path(__file__).with_name("restless.py")
ALLOWED_LOSS = 1.0
"""Seconds of work that a kill may cost."""

DEFAULT_KILLS, ALL_KILLS = 2, 100


@dataclass
class Kills:
    """What came of kills.

    Attributes:
        losses: for each kill, seconds from the first change that was lost to the kill; 0 where nothing was.
        states: texts that the person had before the window, in all.
        branches: most nodes of a document.
    """

    losses: list[float] = field(default_factory=list)
    states: int = 0
    branches: int = 0


def saved_texts(path: Path) -> tuple[dict[str, str], int]:
    """The texts in the database by document, after a check of the whole file, and the most nodes of one."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert db.execute("pragma foreign_key_check").fetchall() == []
    database = Database(path)
    texts, most = {}, 0
    for entry in database.entries():
        opened = database.open(entry.id)
        assert opened is not None
        assert opened.problem == ""
        texts[entry.id] = Document(opened.snapshot).mixed.spelled
        most = max(most, len(opened.snapshot.nodes))
    database.close()
    return texts, most


def killed_once(folders: Folders, journal: Path, dice: random.Random, before: dict[str, str], kills: Kills) -> None:
    """Starts the program, kills it at a random moment, and looks at what is left.

    Args:
        folders: of the program.
        journal: a new file for the states of the text.
        dice: chooses the moment, and seeds the person.
        before: texts in the database; replaced by those after the kill.
        kills: is added to.
    """
    program = subprocess.Popen(
        [sys.executable, str(RESTLESS), str(journal), str(dice.random())],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)},
    )
    try:
        wait_for(lambda: journal.exists() and journal.read_bytes(), "the window", alive=lambda: program.poll() is None)
        moment = time.monotonic() + dice.uniform(0.1, 4)
        wait_for(lambda: time.monotonic() >= moment, "the moment", alive=lambda: program.poll() is None)
    finally:
        died = time.monotonic()
        program.send_signal(signal.SIGKILL)
        program.wait(PATIENCE)
    lines = [json.loads(line) for line in journal.read_bytes().split(b"\n") if line.endswith(b"}")]
    texts, nodes = saved_texts(folders.data / "documents.sqlite")
    lost = 0.0
    for id in {line["id"] for line in lines}:
        states = [(line["time"], line["text"]) for line in lines if line["id"] == id]
        states.insert(0, (0.0, before.get(id, "")))
        known = [index for index, (_, text) in enumerate(states) if text == texts.get(id, "")]
        assert known, f"{texts.get(id, '')!r} was never the text of the document"
        if known[-1] + 1 < len(states):
            lost = max(lost, died - states[known[-1] + 1][0])
    assert texts.keys() >= {id for id, text in before.items() if text}, "a document is gone"
    before.clear()
    before.update(texts)
    kills.losses.append(lost)
    kills.states += len(lines)
    kills.branches = max(kills.branches, nodes)


def kill_often(count: int, folders: Folders, folder: Path, seed: int) -> Kills:
    dice, kills, texts = random.Random(seed), Kills(), dict[str, str]()
    for number in range(count):
        killed_once(folders, folder / f"journal-{number}", dice, texts, kills)
    return kills


@pytest.fixture
def ready(write_settings: Callable[[Settings], None], tiny_model_folder: Path) -> None:
    """A small model, which writes until it is stopped."""
    decoding = DecodingSettings(max_tokens=100_000, top_k=100)
    write_settings(Settings(model=str(tiny_model_folder), decoding=decoding, new_document_decoding=decoding))


@pytest.mark.usefixtures("ready")
def test_a_kill_at_any_moment_leaves_a_sound_file_with_a_text_that_was_there(folders: Folders, tmp_path: Path) -> None:
    kills = kill_often(DEFAULT_KILLS, folders, tmp_path, seed=1)
    assert len(kills.losses) == DEFAULT_KILLS


@pytest.mark.slow
@pytest.mark.usefixtures("ready")
@pytest.mark.timeout(3600)
def test_a_hundred_kills_cost_at_most_the_last_second(folders: Folders, tmp_path: Path) -> None:
    kills = kill_often(ALL_KILLS, folders, tmp_path, seed=int(os.environ.get("GPTDESK_KILL_SEED", "7")))
    losses = sorted(kills.losses)
    median, most = losses[len(losses) // 2], losses[-1]
    late = sum(loss > ALLOWED_LOSS for loss in losses)
    print(
        f"\n{len(losses)} kills, {kills.states:,} states of texts, {kills.branches} nodes in a document: "
        f"{median:.2f} s lost at the median, {most:.2f} s at most, {late} times over a second"
    )
    assert most <= ALLOWED_LOSS
