"""Operations on the branches of the open document: show, bookmark, prune, compare."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from gptdesk.store.branches.outline import Outline
from gptdesk.store.runs import length_of
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.undo_offer import offer_undo
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.services import InferenceService
from gptdesk.ui.theme import Theme


class Branches(QObject):
    """Operations on segments, for the rows of the pane and their menu.

    Args:
        window: parent of dialogs.

    Signals:
        place_wanted(int): emitted to show the text before this character.
    """

    place_wanted = Signal(int)

    def __init__(
        self, theme: Theme, session: Session, inference: InferenceService, messages: PageMessages, window: QWidget
    ) -> None:
        super().__init__(window)
        self._theme, self._session, self._inference = theme, session, inference
        self._messages, self._window = messages, window

    @property
    def outline(self) -> Outline:
        """The segments of the open document as they are now."""
        return self._session.document.outline

    def show_branch(self, id: int) -> None:
        """Shows the text that goes through a segment, with the caret at the end of that."""
        self._session.step(lambda document: document.go_to(id))
        outline = self.outline
        if id in outline.segments and outline.segments[id].shown:
            lengths = [length_of(segment.runs) for segment in outline.path(id)]
            self.place_wanted.emit(sum(lengths[:-1]))
            self.place_wanted.emit(sum(lengths))

    @Slot(int, str)
    def name(self, id: int, name: str) -> None:
        """Gives a segment a bookmark of that name; an empty one removes it."""
        self._session.note(lambda document: document.set_bookmark(id, name or None))

    def prune(self, id: int) -> None:
        """Removes a segment and all that goes on from it, and offers to undo that."""
        document, depth = self._session.document, self._session.document.history.depth
        self._session.step(lambda document: document.prune(id))
        if document.outline.holding(id) is None:
            offer_undo(self._messages.messages, self._session, depth, "The branch was pruned.")
        else:
            self._messages.refuse("All of the text goes through this row; prune one of the branches below it.")

    def compare(self, ids: Sequence[int]) -> None:
        """Opens a dialog that compares two branches, or one with the text that is shown.

        A segment from which others go on stands for the text that goes on with the newest of them.
        """
        from gptdesk.ui.playground.branches.comparison.comparison import Comparison, Side
        from gptdesk.ui.playground.branches.comparison.dialog import ComparisonDialog

        outline, info = self.outline, self._inference.info
        if outline.leaf is None or any(id not in outline.segments for id in ids):
            return
        ends = [outline.leaf, *(_end(outline, id) for id in ids)][-2:]
        left, right = (Side(outline.path(end), end == outline.leaf) for end in ends)
        comparison = Comparison(left, right, None if info is None else info.tokenizer)
        ComparisonDialog(self._theme, comparison, self._window).open()


def _end(outline: Outline, id: int) -> int:
    """The segment with which a text ends that goes through another one: the shown text, or the newest."""
    while id != outline.leaf and (children := outline.segments[id].children):
        id = next((child for child in children if outline.segments[child].shown), children[-1])
    return id
