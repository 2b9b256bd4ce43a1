"""The line in the text where the model's context begins."""

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.inference.scoring.windows import window_start
from gptdesk.ui.services.token_counter import Counts

from .conftest import Opened

CONTEXT = 64
LONG = "“Once upon a time”, she said, “there was a fox in the forest.”\n" * 30


def begin_of_context(text: str) -> int:
    """The first character of the tokens that the engine reads to continue ``text``."""
    spans = gpt2_tokenizer().spans(text)
    start = window_start(len(spans), CONTEXT)
    return spans[start][0] if start else 0


def shows(opened: Opened, index: int) -> bool:
    return bool(opened.window.playground.context_line.index == index)


def set_text(opened: Opened, text: str) -> None:
    opened.window.session.edit(0, len(opened.window.session.document.text), text)
    opened.window.playground.editor.show_end()


def test_a_text_that_fits_the_context_has_no_line(opened: Opened, qtbot: QtBot) -> None:
    with qtbot.waitSignal(opened.services.counter.counted):
        set_text(opened, "Once upon a time")
    assert shows(opened, 0)
    assert "reads" not in opened.window.playground.editor.accessibleDescription()


def test_the_line_stands_where_the_engine_begins_to_read_and_moves_with_the_caret(opened: Opened, qtbot: QtBot) -> None:
    set_text(opened, LONG)
    qtbot.waitUntil(lambda: shows(opened, begin_of_context(LONG)))
    words = " ".join(LONG[begin_of_context(LONG) :].split()[:5])
    editor = opened.window.playground.editor
    assert f"The model reads it from “{words}” on." in editor.accessibleDescription()
    QTest.keyClick(editor, Qt.Key.Key_Up)
    QTest.keyClick(editor, Qt.Key.Key_Up)
    caret = opened.window.playground.place.start
    assert caret is not None
    assert begin_of_context(LONG[:caret]) < begin_of_context(LONG)
    qtbot.waitUntil(lambda: shows(opened, begin_of_context(LONG[:caret])))
    opened.window.documents.new()
    assert shows(opened, 0)


def test_the_line_moves_as_the_text_grows(opened: Opened, qtbot: QtBot) -> None:
    opened.services.settings.update(decoding=DecodingSettings(max_tokens=60, seed=1))
    set_text(opened, LONG[:200])
    opened.window.playground.generate.trigger()
    qtbot.waitUntil(lambda: not opened.window.session.busy)
    text = opened.window.session.document.text
    assert begin_of_context(text) > 0
    qtbot.waitUntil(lambda: shows(opened, begin_of_context(text)))


def pixels(widget: QWidget) -> npt.NDArray[np.uint32]:
    """What a widget paints: 0xRRGGBB."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint32) & 0xFFFFFF


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("index", [LONG.index("\n") + 1, LONG.index("there")], ids=["whole line", "within a line"])
def test_the_line_is_painted_beside_letters_and_not_over_them(opened: Opened, mode: str, index: int) -> None:
    opened.services.settings.update(theme=mode)
    editor = opened.window.playground.editor
    set_text(opened, LONG[:100])
    opened.window.playground.context_line.hide()
    editor.clearFocus()  # no blinking caret
    before = pixels(editor.viewport())
    opened.window.playground.context_line.show_counts(Counts(0, 0, start=index))
    after = pixels(editor.viewport())
    surface = opened.services.theme.colours.surface
    changed = before[before != after]
    assert len(changed) > 100
    assert set(changed.tolist()) == {int(surface[1:], 16)}
