"""Tokens arrive in colour and fade to ink: painted over the letters, a bounded number of them, not in the text."""

import math
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gptdesk.desktop_motion import animations_are_off
from gptdesk.inference.events import TokenEvent
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.editing.token_arrival import FADE_SECONDS, MOST, TokenArrival, strength
from gptdesk.ui.services.program.info import ProgramInfo
from gptdesk.ui.services.settings import SavedSettings
from gptdesk.ui.theme import Theme
from tests.patience import PATIENCE

from .conftest import Opened


def pixels(widget: QWidget) -> npt.NDArray[np.uint8]:
    """What a widget paints, (height, width, 4): blue, green, red."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4).copy()


def event(text: str, probability: float) -> TokenEvent:
    return TokenEvent(0, 1, text, len(text), math.log(probability), 1.0, ())


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def editor(theme: Theme, qtbot: QtBot) -> Editor:
    made = Editor(theme, 18)
    qtbot.addWidget(made)
    made.resize(700, 300)
    made.show()
    return made


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_an_improbable_token_has_the_colour_of_the_accent_and_becomes_ink(
    editor: Editor, theme: Theme, mode: str
) -> None:
    theme.set_mode(mode)
    clock = Clock()
    arrival = TokenArrival(editor, theme, clock)
    editor.show_document("a word that wraps " * 12, [])
    ink = pixels(editor.viewport())
    length = len(editor.shown)
    assert arrival.add(length - 60, [event(editor.shown[-60:], 1e-4)]) == length
    fresh = pixels(editor.viewport())
    changed = (ink != fresh).any(axis=2)
    accent = QColor(theme.colours.accent)
    distance = np.abs(fresh[changed][:, :3].astype(int) - [accent.blue(), accent.green(), accent.red()]).sum(axis=1)
    assert distance.min() < 30, "letters have the colour of the accent"
    assert changed.any(axis=1).sum() > editor.line_height() // 2
    clock.now = FADE_SECONDS / 2
    half = pixels(editor.viewport())
    assert 0 < np.abs(half.astype(int) - ink).sum() < np.abs(fresh.astype(int) - ink).sum()
    clock.now = FADE_SECONDS
    assert (pixels(editor.viewport()) == ink).all()


def test_the_colour_grows_with_surprisal() -> None:
    found = [strength(math.log(probability)) for probability in (1.0, 0.9, 0.5, 0.1, 0.01, 1e-9)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (pytest.approx(0.1), 1.0)


def test_few_tokens_fade_at_once_and_the_frames_end(editor: Editor, theme: Theme, qtbot: QtBot) -> None:
    arrival = TokenArrival(editor, theme)
    editor.show_document("x" * 500, [])
    arrival.add(0, [event("x", 0.01)] * 500)
    assert len(arrival.arrivals) == MOST
    assert arrival.arrivals[-1].end == 500
    qtbot.waitUntil(lambda: not arrival.arrivals)
    assert not arrival._frames.pending


@pytest.mark.parametrize(
    ("change", "fades"),
    [
        (lambda opened: None, True),
        (lambda opened: opened.services.settings.update(fade_tokens=False), False),
        (lambda opened: opened.services.settings.update(token_view=True), False),
        (lambda opened: setattr(opened.services.program, "reduced_motion", True), False),
    ],
    ids=["as it is", "setting off", "token view", "reduced motion"],
)
def test_a_generation_fades_in_unless_it_shall_not(
    opened: Opened, qtbot: QtBot, change: Callable[[Opened], object], fades: bool
) -> None:
    change(opened)
    opened.services.settings.update(decoding=DecodingSettings(max_tokens=6, seed=1))
    opened.window.session.edit(0, 0, "Once upon a time")
    arrived: list[int] = []
    tokens = opened.window.playground.arrival.arrivals
    opened.window.session.changed.connect(lambda: arrived.append(len(tokens)))
    opened.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: not opened.window.session.busy)
    assert bool(tokens or any(arrived)) == fades
    assert opened.window.playground.editor.shown == opened.window.session.document.text


@pytest.mark.skipif(sys.platform != "linux", reason="GNOME's settings are asked where GNOME is")
@pytest.mark.parametrize(
    ("desktop", "answer", "reduced"),
    [
        ("ubuntu:GNOME", "false", True),
        ("ubuntu:GNOME", "true", False),
        ("KDE", "false", False),
    ],
)
def test_gnome_is_asked_whether_it_shows_animations(
    desktop: str,
    answer: str,
    reduced: bool,
    qapp: QApplication,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = tmp_path / "gsettings"
    program.write_text(f'#!/bin/sh\n[ "$*" = "get org.gnome.desktop.interface enable-animations" ] && echo {answer}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", desktop)
    info = ProgramInfo(SavedSettings(tmp_path / "settings.json"))
    assert not info.reduced_motion
    info.start()
    qtbot.waitUntil(lambda: not info._tasks.busy)
    assert info.reduced_motion == reduced
    assert info.shut_down(1000 * int(PATIENCE))


def test_where_gnomes_settings_cannot_be_asked_there_are_animations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "GNOME")
    assert not animations_are_off()
