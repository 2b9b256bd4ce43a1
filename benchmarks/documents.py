"""How long the list of documents takes to open and to answer a search, and a large document to open.

    python -m benchmarks.documents [--documents N] [--turns N] [--json OUT]

The window is the real one, on no screen (offscreen). *Opens* is from the command to the picture with all rows;
*answers* from the last letter to the picture with the rows that match; *branches* from the choice of a document of
100,000 tokens in 500 branches to the picture of its text. The aims are those of `GOALS`.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QSettings
from PySide6.QtWidgets import QApplication

from benchmarks.machine import describe_machine, hand_over, report_parser
from gptdesk.folders import Folders
from gptdesk.inference.events import Alternative
from gptdesk.store.database import Database
from gptdesk.store.document import Document
from gptdesk.store.runs import Origin, Token
from gptdesk.ui.number_format import use_readable_locale

GOALS: Final = {"opens": 0.2, "answers": 0.1, "branches": 0.5}
"""Seconds."""

_BRANCHES: Final = 500
_TOKENS: Final = 200
"""Tokens of each branch."""

_ALTERNATIVES: Final = 10

_WORDS: Final = 300
_VOCABULARY: Final = 5_000
_SEARCHES: Final = ("th", "dragon", "light dra", "zzz")
_LETTERS: Final = "etaoinshrdlu"


def write_documents(path: Path, count: int) -> None:
    """Writes documents of made-up words, some of which have a dragon or a lighthouse."""
    draw = random.Random(1)
    words = ["".join(draw.choices(_LETTERS, k=draw.randint(2, 9))) for _ in range(_VOCABULARY)]
    words += ["the"] * (_VOCABULARY // 20) + ["dragon", "lighthouse"] * 20
    database = Database(path)
    for _ in range(count):
        document = Document()
        document.replace(0, 0, " ".join(draw.choices(words, k=_WORDS)))
        database.save(document.snapshot())
    while not database.catalog.update_index():
        pass
    database.close()


def write_branches(path: Path) -> str:
    """Writes a document of 100,000 tokens in 500 branches, as generations leave it, and returns its id."""
    draw = random.Random(2)
    document = Document()
    for number in range(_BRANCHES):
        length = len(document.text)
        start = draw.randrange(length // 2, length) if number and number % 4 else None
        document.begin_generation(Origin(generation=str(number), model="gpt2"), start=start)
        for _ in range(_TOKENS):
            words = [" " + "".join(draw.choices(_LETTERS, k=4)) for _ in range(_ALTERNATIVES)]
            top = tuple(Alternative(draw.randrange(50_257), word, -draw.random() * 9) for word in words)
            document.append_tokens(words[0], [Token(top[0].id, len(words[0]), top[0].logprob, top, draw.random())])
        document.end_generation("length", seed=number)
    database = Database(path)
    database.save(document.snapshot())
    database.close()
    return document.id


def measure(home: Path, turns: int, tree: str) -> dict[str, list[float]]:
    """Seconds of each turn, by what was done."""
    from gptdesk.ui.window.application import make_services
    from gptdesk.ui.window.main_window import MainWindow

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    use_readable_locale()
    folders = Folders.under(home)
    services = make_services(app, folders)
    services.settings.update(welcome_seen=True)
    window = MainWindow(services, QSettings(str(home / "window.ini"), QSettings.Format.IniFormat))
    window.show()
    page = window.pages["play"]
    names = ["opens", *(f"answers {words}" for words in _SEARCHES), "branches"]
    seconds: dict[str, list[float]] = {name: [] for name in names}

    def wait(ready: Callable[[], bool]) -> None:
        while not ready():
            app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

    def timed(name: str, act: Callable[[], object], ready: Callable[[], bool]) -> None:
        began = time.perf_counter()
        act()
        wait(ready)
        page.view.grab()
        seconds[name].append(time.perf_counter() - began)

    def idle() -> bool:
        return not page.view.documents.pane.search.busy

    for _ in range(turns):
        timed("opens", lambda: window.commands.run("document.pane"), idle)
        field = page.view.documents.pane.field
        for words in _SEARCHES:
            field.setText(words[:-1])
            wait(idle)
            timed(f"answers {words}", partial(field.setText, words), idle)
        field.clear()
        wait(idle)
        window.commands.run("document.pane")
        timed("branches", lambda: page.documents.open(tree), lambda: bool(page.view.editor.shown))
        page.documents.new()
    window.close()
    services.end(15_000)
    return seconds


def format_report(report: dict[str, Any]) -> str:
    """The report as text."""
    lines = [f"{report['documents']:,} documents of {_WORDS} words; {report['machine']['processor']}", ""]
    for name, turns in report["seconds"].items():
        aim = GOALS[name.partition(" ")[0]]
        lines.append(f"{name:20}{1000 * statistics.median(turns):>8.0f} ms   (aim {1000 * aim:.0f} ms)")
    return "\n".join(lines)


def main() -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("--documents", type=int, default=5_000, metavar="N", help="documents (5,000)")
    parser.add_argument("--turns", type=int, default=5, metavar="N", help="times the list is opened (5)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Folders.under(Path(folder)).data / "documents.sqlite"
        write_documents(path, args.documents)
        seconds = measure(Path(folder), args.turns, write_branches(path))
    report = {"documents": args.documents, "seconds": seconds, "machine": describe_machine("PySide6_Essentials")}
    hand_over(report, format_report(report), args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
