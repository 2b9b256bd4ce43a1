"""A window on the Chat page with the tiny model, whose context is 64 tokens."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gptdesk.chat.turns import ChatTurn, spoken
from gptdesk.inference.sampling.settings import DecodingSettings
from gptdesk.ui.services.inference_messages import State
from tests.ui.conftest import Opened


class ChatDriver:
    """The Chat page of a window, as a person uses it."""

    def __init__(self, opened: Opened, qtbot: QtBot) -> None:
        self.opened, self.qtbot = opened, qtbot
        opened.window.show_page("chat")
        self.page: Any = opened.window.pages["chat"]
        self.session = self.page.session
        qtbot.waitUntil(lambda: opened.state in (State.READY, State.EMPTY))
        if opened.state is State.READY:
            qtbot.waitUntil(lambda: self.page.prompts.known)

    @property
    def view(self) -> Any:
        return self.page.view

    @property
    def cards(self) -> Any:
        return self.view.turns.cards

    @property
    def turns(self) -> list[ChatTurn]:
        return spoken(self.session.turns)

    @property
    def titles(self) -> list[str]:
        """Who speaks, turn by turn."""
        return [turn.title for turn in self.turns]

    def decode(self, **settings: Any) -> None:
        decoding = replace(DecodingSettings(max_tokens=6, temperature=0.9), **settings)
        self.opened.services.settings.update(decoding=decoding)

    def write(self, text: str) -> None:
        """Types a message and sends it; waits for the reply."""
        self.view.composer.field.setPlainText(text)
        QTest.keyClick(self.view.composer.field, Qt.Key.Key_Return)
        self.wait()

    def choose(self, template: str) -> None:
        """Chooses a template in the panel."""
        box = self.view.panel.template
        box.setCurrentIndex(box.findData(template))
        box.activated.emit(box.currentIndex())

    def run(self, command: str) -> None:
        assert self.opened.window.commands.run(command)
        self.wait()

    def press(self, index: int, key: Qt.Key) -> None:
        """Presses a key on the card of a turn."""
        QTest.keyClick(self.cards[index], key)
        self.wait()

    def wait(self) -> None:
        """For the end of the reply."""
        self.qtbot.waitUntil(lambda: not self.session.busy)

    def banner(self) -> str:
        """What a banner says."""
        return " ".join(message.text for message in self.opened.services.messages.banners.values())


@pytest.fixture
def open_chat(open_window: Callable[..., Opened], qtbot: QtBot) -> Callable[..., ChatDriver]:
    """Opens a window on the Chat page, with the tiny model or that in a folder."""

    def open_one(*arguments: Any) -> ChatDriver:
        driver = ChatDriver(open_window(*arguments), qtbot)
        driver.decode(seed=1)
        return driver

    return open_one


@pytest.fixture
def chat(open_chat: Callable[..., ChatDriver]) -> ChatDriver:
    return open_chat()
