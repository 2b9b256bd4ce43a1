"""Opens the token card at the caret or the pointer, and carries out what is chosen there and in the block."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, Slot
from PySide6.QtWidgets import QApplication

from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.token_card.card import TokenCard
from gptdesk.ui.playground.token_card.next_token import NextToken
from gptdesk.ui.playground.token_card.place import place_at
from gptdesk.ui.services.services import Services


class TokenCards(QObject):
    """The token card and the next-token block of a view.

    Attributes:
        block: the next token, under the sliders.
        card: made when it is opened for the first time.
    """

    def __init__(self, services: Services, session: Session, editor: Editor) -> None:
        super().__init__(editor)
        self._services, self._session, self._editor = services, session, editor
        self.block = NextToken(services, session, lambda: editor.selection[1])
        self.card: TokenCard | None = None
        editor.cursorPositionChanged.connect(self.block.follow_caret)
        editor.token_wanted.connect(self.open_at)
        self.block.chosen.connect(self._insert)

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
            self.card = TokenCard(self._services.theme, self._services.inference, self._editor.window())
            self.card.chosen.connect(self._branch)
            self.card.closed.connect(self._on_closed)
        document = self._session.document
        place = place_at(document, index, info.tokenizer, self._services.settings.value.decoding)
        self.card.show_token(place, info.tokenizer, document.mixed, corner)

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
