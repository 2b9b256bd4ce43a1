"""Keeps the prompt of the open chat up to date, for the context meter and the view of the prompt."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.chat.prompt import ChatPrompt
from gptdesk.chat.turns import as_prompted
from gptdesk.ui.chat.prompts import ChatPrompts
from gptdesk.ui.chat.session import ChatSession
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.throttle import Throttle

_AFTER_MS: Final = 200


class PromptWatch(QObject):
    """Has the prompt made again some time after a change; while a reply is written, when it has ended.

    Attributes:
        prompt: what the model would read now; ``None`` where that is not known.
        problem: why there is none; empty if there is no reason.

    Signals:
        changed(): emitted when they are known anew.
    """

    changed = Signal()

    def __init__(self, session: ChatSession, prompts: ChatPrompts, settings: SettingsService, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._prompts = session, prompts
        self.prompt: ChatPrompt | None = None
        self.problem = ""
        self._number = 0  # of the prompt that was asked for last
        self._asking = Throttle(self._ask, _AFTER_MS, self)
        for signal in (session.opened, session.changed, session.activity_changed, prompts.changed, settings.changed):
            signal.connect(self._asking.request)

    @Slot()
    def _ask(self) -> None:
        self._number += 1
        number = self._number
        turns = as_prompted(self._session.turns)
        while turns and turns[-1].role == "assistant" and not turns[-1].text:
            turns.pop()
        if not turns or not self._prompts.known:
            self._show(number, None, "")
        elif not self._session.busy:
            go_on = turns[-1].role == "assistant"  # its end is where the model would go on
            self._prompts.build(
                turns,
                self._session.decoding.max_tokens,
                lambda prompt: self._show(number, prompt, ""),
                lambda sentence: self._show(number, None, sentence),
                go_on=go_on,
            )

    def _show(self, number: int, prompt: ChatPrompt | None, problem: str) -> None:
        if number == self._number:
            self.prompt, self.problem = prompt, problem
            self.changed.emit()
