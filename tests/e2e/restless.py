"""Runs the program, with a person at work in it who never rests: types, generates, branches, undoes, changes documents.

Every state of the text is appended to the file named in the first argument, with the time, as soon as it is there.
The second argument seeds the person.
"""

import json
import os
import random
import sys
import threading
import time
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gptdesk.ui.app import main
from gptdesk.ui.window.main_window import MainWindow

WORDS = ("and ", "the old man ", "Straße ", "😀 ", "said: ", "\n", "x")
PAUSE_MS = 25
OFTEN = {"type": 60, "generate": 8, "branch": 8, "undo": 6, "redo": 3, "new": 1, "open": 2, "stop": 4}


class Person(QObject):
    """Acts some twenty times a second, through keys where there is one."""

    woken = Signal()

    def __init__(self, journal: str, seed: str) -> None:
        super().__init__()
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._dice = random.Random(seed)
        self._window: Any = None
        self.woken.connect(self._act)

    def _note(self) -> None:
        document = self._session.document
        values = {"time": time.monotonic(), "id": document.id, "text": document.mixed.spelled}
        os.write(self._journal, json.dumps(values).encode() + b"\n")

    @property
    def _session(self) -> Any:
        return self._window.pages["play"].session

    @Slot()
    def _act(self) -> None:
        if self._window is None:
            self._find_window()
        else:
            self._do_something()
        QTimer.singleShot(self._dice.choice((PAUSE_MS, PAUSE_MS, PAUSE_MS, 10 * PAUSE_MS)), self, self._act)

    def _find_window(self) -> None:
        window = next((one for one in QApplication.topLevelWidgets() if isinstance(one, MainWindow)), None)
        if window is not None and window.stack.views.get("play") is not None:
            self._window = window
            self._session.changed.connect(self._note)
            self._session.opened.connect(self._note)
            self._note()

    def _do_something(self) -> None:
        session, editor, dice = self._session, self._window.stack.views["play"].content.editor, self._dice
        kind = dice.choices(tuple(OFTEN), tuple(OFTEN.values()))[0]
        if session.busy and dice.random() < 0.8:  # a generation may go on for a while
            return
        if kind == "type":
            for letter in dice.choice(WORDS):
                if letter == "\n":
                    QTest.keyClick(editor, Qt.Key.Key_Return)
                elif letter.isascii():
                    QTest.keyClicks(editor, letter)
                else:
                    editor.replace_selection(letter)
        elif kind == "branch" and not session.busy and session.document.text:
            session.branch(dice.randrange(len(session.document.text)), " then ")
        elif kind == "open":
            entries = self._window.pages["play"].documents.entries()
            if entries:
                self._window.pages["play"].documents.open(dice.choice(entries).id)
        elif kind in ("undo", "redo", "generate", "stop"):
            self._window.commands.run(f"text.{kind}")
        elif kind == "new":
            self._window.commands.run("document.new")


def wake() -> None:
    """Makes the person as soon as there is a thread of a window to work in."""
    while (app := QCoreApplication.instance()) is None:
        time.sleep(0.01)
    person = Person(*sys.argv[1:3])
    person.moveToThread(app.thread())
    person.woken.emit()
    people.append(person)


people: list[Person] = []
threading.Thread(target=wake, daemon=True).start()
sys.exit(main([]))
