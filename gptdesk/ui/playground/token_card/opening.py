"""Opens the token card at the caret or the pointer, and carries out what is chosen there and in the block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QPoint, Slot
from PySide6.QtWidgets import QApplication

from gptdesk.inference.sampling.setting_checks import BAN
from gptdesk.inference.sampling.settings import SETTINGS
from gptdesk.ui import number_format
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.token_card.bias_menu import open_bias_menu
from gptdesk.ui.playground.token_card.card import TokenCard
from gptdesk.ui.playground.token_card.labels import Candidate, token_text
from gptdesk.ui.playground.token_card.next_token import NextToken
from gptdesk.ui.playground.token_card.place import place_at
from gptdesk.ui.playground.token_card.steps import titled
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.services import Services


class TokenCards(QObject):
    """The token card and the next-token block of a view.

    Attributes:
        block: the next token, under the sliders.
        card: made when it is opened for the first time.
    """

    def __init__(self, services: Services, messages: PageMessages, session: Session, editor: Editor) -> None:
        super().__init__(editor)
        self._services, self._messages, self._session, self._editor = services, messages, session, editor
        self.block = NextToken(services, session, lambda: editor.selection[1])
        self.card: TokenCard | None = None
        editor.cursorPositionChanged.connect(self.block.follow_caret)
        editor.token_wanted.connect(self.open_at)
        self.block.chosen.connect(self._insert)
        self.block.bias_wanted.connect(self._open_bias_menu)
        services.settings.changed.connect(self._on_settings_changed)
        self._shown_in = session.document.mixed  # the text when the card was opened
        session.changed.connect(self._on_text_changed)
        session.opened.connect(self._on_text_changed)

    def open_at_caret(self) -> None:
        """Opens the card of the token behind the caret."""
        index = self._editor.selection[0]
        self.open_at(index, self._editor.below(index))

    @Slot(int, object)
    def open_at(self, index: int, corner: QPoint) -> None:
        """Opens the card of the token that holds the character at ``index``, at a place of the screen."""
        info = self._services.inference.info
        if info is None or self._session.busy:
            return
        if self.card is None:
            self.card = TokenCard(self._services.theme, self._services.inference, self._bias, self._editor.window())
            self.card.chosen.connect(self._branch)
            self.card.taken.connect(self._take)
            self.card.biased.connect(self._set_bias)
            self.card.closed.connect(self._on_closed)
        document = self._session.document
        place = place_at(document, index, info.tokenizer, self._services.settings.value.decoding)
        self._shown_in = document.mixed
        self.card.show_token(place, info.tokenizer, document.mixed, corner)

    @Slot()
    def _on_text_changed(self) -> None:
        """Closes the card: its token may stand somewhere else now, or nowhere."""
        if self.card is not None and self.card.isVisible() and self._session.document.mixed != self._shown_in:
            self.card.hide()

    @Slot()
    def _on_settings_changed(self) -> None:
        if self.card is not None:
            self.card.follow(self._services.settings.value.decoding)

    @Slot(object)
    def _take(self, values: Mapping[str, Any]) -> None:
        """Makes values of settings those of the document."""
        decoding = replace(self._services.settings.value.decoding, **values)
        self._services.settings.update(decoding=decoding)
        names = " and ".join(titled(SETTINGS[name], value) for name, value in values.items())
        self._messages.succeed(f"{names}: used in this document from now on.")

    def _bias(self, id: int) -> float:
        info = self._services.inference.info
        return self._services.settings.value.decoding.bias_of(info.tokenizer.sha256, id) if info else 0.0

    @Slot(int, float)
    def _set_bias(self, id: int, bias: float) -> None:
        """Gives a token a bias in the document; 0 removes it."""
        info = self._services.inference.info
        if info is None:
            return
        decoding = self._services.settings.value.decoding
        changed = decoding.with_bias(info.tokenizer.sha256, id, bias)
        self._services.settings.update(decoding=changed)
        piece = f"“{token_text(info.tokenizer.piece(id))}”"
        said = f"{piece} has no bias any more."
        if bias == BAN:
            said = f"{piece} is banned in this document."
        elif bias:
            said = f"{piece} has the bias {number_format.signed(bias)} in this document."
        dropped = len(set(decoding.logit_bias) - set(changed.logit_bias) - {id})
        self._messages.succeed(f"{said} Biases of another vocabulary were removed." if dropped else said)

    @Slot(object, QPoint)
    def _open_bias_menu(self, candidate: Candidate, at: QPoint) -> None:
        open_bias_menu(self.block, at, self._bias(candidate.id), lambda bias: self._set_bias(candidate.id, bias))

    @Slot()
    def _on_closed(self) -> None:
        self.block.follow_caret()  # its question may have given way to the card's
        if QApplication.focusWidget() in (None, self.card):
            self._editor.setFocus()

    @Slot(int, str)
    def _branch(self, start: int, text: str) -> None:
        self._editor.setFocus()
        self._session.branch(start, text)

    @Slot(int, str)
    def _insert(self, place: int, text: str) -> None:
        self._session.edit(place, place, text)
        self._editor.show_place(place + len(text))
        self._editor.setFocus()
