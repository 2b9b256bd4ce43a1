"""Where Generate writes: at the end of the text, or at the caret that the person has put before it."""

from __future__ import annotations

import re
from typing import Final

from PySide6.QtCore import QObject, Signal, Slot

from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.undo_offer import offer_undo
from gptdesk.ui.services.services import MessageService

HERE: Final = "Generate here"
"""What the button says while Generate writes before the end of the text."""

_LETTER: Final = re.compile(r"\S")


class GenerationPlace(QObject):
    """Watches the caret, and says when a generation has begun before the end of the text.

    Signals:
        changed(): emitted when `start` changes.
    """

    changed = Signal()

    def __init__(self, editor: Editor, session: Session, messages: MessageService) -> None:
        super().__init__(editor)
        self._editor, self._session, self._messages = editor, session, messages
        self._shown: int | None = None
        editor.cursorPositionChanged.connect(self._look)
        editor.selectionChanged.connect(self._look)
        editor.verticalScrollBar().valueChanged.connect(self._look)
        session.changed.connect(self._look)
        session.left_behind.connect(self._on_left_behind)

    @property
    def start(self) -> int | None:
        """The character at which Generate begins; ``None`` for the end of the text.

        A caret that the person put somewhere, and sees, is such a place. One that stands where a document was opened,
        a search went or undo jumped to is none, and neither is one from which the person has scrolled away.
        """
        if not self._editor.placed:
            return None
        caret = self.caret
        return caret if caret is not None and self._editor.shows_cursor else None

    @property
    def caret(self) -> int | None:
        """The caret, or the beginning of the selection; ``None`` where only blanks stand before or behind it."""
        if self._editor.is_at_end:
            return None
        text, (start, _) = self._session.document.text, self._editor.selection
        return start if _LETTER.search(text, start) and _LETTER.search(text, 0, start) else None

    @Slot()
    def _look(self) -> None:
        if (start := self.start) != self._shown:
            self._shown = start
            self.changed.emit()

    @Slot(int)
    def _on_left_behind(self, depth: int) -> None:
        sentence = "What stood behind the caret stays as another branch of the document."
        offer_undo(self._messages, self._session, depth, sentence, kind="info")
