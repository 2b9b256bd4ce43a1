"""What all views of the Inspect pane have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from gptdesk.inference.inspection.snippets import Source
from gptdesk.ui.playground.inspect.maps.heat_table import HeatTable
from gptdesk.ui.playground.inspect.maps.picture import Pictured
from gptdesk.ui.services.reading.look_jobs import Looked, LookJob

if TYPE_CHECKING:
    from gptdesk.gpt2.mixed_text import MixedText
    from gptdesk.gpt2.tokenizer import Tokenizer


class InspectView(QWidget):
    """Asks for what it shows, and shows it.

    Signals:
        asked(): emitted when the person wants to see something else, so that `jobs` returns other ones.
        caret_wanted(int): emitted with the index of a character that the caret should go to.
        left(): emitted when the person wants to go back to the text.
    """

    asked = Signal()
    caret_wanted = Signal(int)
    left = Signal()

    def jobs(self, text: MixedText, caret: int) -> list[LookJob]:
        """What is to be asked for this text; nothing where the person has to begin."""
        raise NotImplementedError

    def needs_caret(self) -> bool:
        """Whether what is shown depends on the caret."""
        return False

    def needs_text(self) -> bool:
        """Whether there is nothing to show without a text."""
        return True

    def why_not(self) -> str:
        """Why the view has nothing to show for this model, a sentence; "" where it has."""
        return ""

    def receive(self, looked: Looked, tokenizer: Tokenizer) -> str:
        """Shows the answer, or a part of it; returns what is to be said of it."""
        raise NotImplementedError

    def refuse(self, sentence: str) -> bool:
        """Shows why there is no answer, in the view itself; False where it has no place for that."""
        return False

    def show_caret(self, position: int) -> None:
        """Goes to the token behind which the model is asked, where the answer does not depend on it."""

    def clear(self) -> None:
        """Shows nothing."""
        raise NotImplementedError

    @property
    def entry(self) -> QWidget:
        """What gets the focus when the view is entered. No focus proxy: Tab would pass over what stands before it."""
        return self.copied

    @property
    def pictured(self) -> Sequence[Pictured]:
        """What a picture of the view shows, from the left."""
        return [self.copied]

    @property
    def copied(self) -> HeatTable:
        """The table that is copied as CSV."""
        raise NotImplementedError

    def snippet(self, source: Source) -> str:
        """Python code that computes what is shown; "" where nothing is."""
        raise NotImplementedError
