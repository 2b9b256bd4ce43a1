"""Messages are Markdown that loads nothing; links ask."""

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QTextDocument
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from gptdesk.ui.chat.turns.message_text import MessageText, to_markdown
from gptdesk.ui.widgets.question import Question

from .conftest import ChatDriver


@pytest.fixture
def message(qtbot: QtBot) -> MessageText:
    made = MessageText()
    qtbot.addWidget(made)
    made.set_text_size(18)
    return made


def test_lines_stay_lines_and_marks_are_shown(message: MessageText) -> None:
    message.show_text("One\ntwo **three**\n\nfour")
    assert message.document().blockCount() == 2
    assert message.toPlainText() == "One\ntwo three\nfour"
    assert "font-weight" in message.toHtml()


def test_no_image_is_ever_asked_for(message: MessageText) -> None:
    asked: list[str] = []

    class Asking(MessageText):
        def loadResource(self, type: int, name: object) -> None:
            asked.append(str(name))

    asking = Asking()
    asking.set_text_size(18)
    asking.show_text('![a](http://example.org/a.png) <img src="file:///etc/passwd"> ![b][c]\n\n[c]: https://x.y/z.png')
    asking.resize(300, 300)
    asking.grab()
    asking.deleteLater()
    assert asked == []
    kind = QTextDocument.ResourceType.ImageResource
    assert message.loadResource(kind.value, QUrl("file:///etc/hostname")) is None


def test_code_keeps_its_lines() -> None:
    assert to_markdown("```\n![x]\na\n```\nb\nc") == "```\n![x]\na\n```\nb\u2028c"


def test_lists_headings_and_quotes_begin_lines_of_their_own() -> None:
    text = "# A\nb\nc\n- d\n- e\n1. f\n> g\n\nh"
    assert to_markdown(text) == "# A\nb\u2028c\n- d\n- e\n1. f\n> g\n\nh"


def test_html_is_text(message: MessageText) -> None:
    message.show_text("<script>alert(1)</script> <b>x</b>")
    assert "<b>x</b>" in message.toPlainText()


def test_a_link_is_opened_once_the_person_agrees(chat: ChatDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    chat.write("See [this](https://example.org/a)")
    chat.cards[0].message.anchorClicked.emit(QUrl("https://example.org/a"))
    (question,) = chat.opened.window.findChildren(Question)
    assert any("https://example.org/a" in label.text() for label in question.findChildren(QLabel))
    assert opened == []
    question.buttons[0].click()
    assert opened == ["https://example.org/a"]
    chat.cards[0].message.anchorClicked.emit(QUrl("file:///etc/passwd"))
    assert "cannot be opened" in chat.banner()
    assert opened == ["https://example.org/a"]
