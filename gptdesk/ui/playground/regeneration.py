"""Regenerates: asks before much typed text is removed, and explains why a text came out the same."""

from __future__ import annotations

import secrets
from dataclasses import replace
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from gptdesk.store.document import Document
from gptdesk.ui import number_format
from gptdesk.ui.decoding.seed_box import SHORT_SEEDS
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.undo_offer import offer_undo
from gptdesk.ui.services.services import MessageService, SettingsService
from gptdesk.ui.widgets.question import Question

_MUCH: Final = 300
"""Typed characters, about three sentences, that are removed without asking."""


class Regeneration(QObject):
    """Regenerates, with questions and messages.

    Text typed after the last generation is removed: for little of it a toast offers to undo that; for much of it a
    question comes first.
    """

    def __init__(self, session: Session, settings: SettingsService, messages: MessageService, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._settings, self._messages, self._window = session, settings, messages, window
        session.removed.connect(self._on_removed)
        session.same_again.connect(self._on_same_again)

    @Slot()
    def ask(self) -> None:
        """Regenerates; asks first if much typed text would be removed."""
        typed = len(self._session.document.typed_since_generation().strip())
        if typed <= _MUCH:
            self._session.regenerate()
            return
        sentence = (
            "Regenerating continues from where the last generation began. "
            f"The {number_format.count(typed)} characters that you typed after it are removed, too; Undo restores them."
        )
        question = Question(
            "Remove what you typed?",
            sentence,
            [("Regenerate", self._session.regenerate)],
            dangerous=True,
            parent=self._window,
        )
        question.open()

    @Slot(str, int)
    def _on_removed(self, text: str, depth: int) -> None:
        words = len(text.split())
        typed = "a word" if words == 1 else f"{number_format.count(words)} words"
        sentence = f"Regenerating also removed {typed} that you typed after the last generation."
        offer_undo(self._messages, self._session, depth, sentence, kind="info")

    @Slot()
    def _on_same_again(self) -> None:
        decoding = self._settings.value.decoding
        if decoding.greedy:
            reason = "temperature 0 always takes the most likely token. Raise the temperature for variety."
            self._messages.toast(f"The text came out the same: {reason}", kind="info", of_document=True)
        elif decoding.seed is not None:
            self._messages.toast(
                f"The text came out the same, because the seed is fixed at {decoding.seed}.",
                kind="info",
                of_document=True,
                offers=[("Try another seed", partial(self._try_another, self._session.document))],
            )
        else:
            reason = "the settings leave almost no choice. Raise temperature, top-k or top-p."
            self._messages.toast(f"The text came out the same: {reason}", kind="info", of_document=True)

    def _try_another(self, document: Document) -> None:
        """Regenerates with another seed, unless another document is open by now."""
        if self._session.document is document:
            seed = secrets.randbelow(SHORT_SEEDS)
            self._settings.update(decoding=replace(self._settings.value.decoding, seed=seed))
            self._session.regenerate()
