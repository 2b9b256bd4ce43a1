"""Blind votes on a comparison: which texts have no names, in which order they are shown, and what was preferred."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gptdesk.compare.columns import FEWEST
from gptdesk.ui.services.comparison.service import ComparisonService

if TYPE_CHECKING:
    from gptdesk.compare.votes import Tally


class BlindVotes(QObject):
    """Votes on the comparison that is shown.

    Args:
        service: has the results, and keeps votes.
        shown: returns the index of the prompt that is shown; ``None`` while columns are chosen that were not compared.

    Attributes:
        tallies: the wins so far.

    Signals:
        names_changed(): texts have got names, or lost them.
        voted(): a vote was kept, or the wins were read.
        refused(str): emitted when a vote cannot be kept or read, with the reason.
    """

    names_changed = Signal()
    voted = Signal()
    refused = Signal(str)

    def __init__(self, service: ComparisonService, shown: Callable[[], int | None], parent: QObject) -> None:
        super().__init__(parent)
        self._service, self._shown = service, shown
        self.tallies: list[Tally] = []
        self._is_blind = False
        self._orders: dict[int, list[int]] = {}
        self._named: dict[int, tuple[list[int], int | None]] = {}  # candidates and choice of prompts with a vote

    def begin(self, *, blind: bool) -> None:
        """Another comparison begins."""
        self._is_blind, self._orders, self._named = blind, {}, {}

    def give_up(self) -> None:
        """Gives the texts their names without a vote."""
        self._is_blind = False
        self.names_changed.emit()

    @property
    def is_hidden(self) -> bool:
        """Whether the texts of the prompt that is shown have no names."""
        index = self._shown()
        return self._is_blind and index is not None and index not in self._named

    @property
    def order(self) -> list[int]:
        """The columns in the order in which their texts without names are shown; none before there are results."""
        results, index = self._service.results, self._shown()
        if results is None or index is None:
            return []
        if index not in self._orders:
            from gptdesk.compare.votes import shuffled

            self._orders[index] = shuffled(len(results.columns))
        return self._orders[index]

    @property
    def candidates(self) -> list[int]:
        """The columns that can be voted for, in the order in which they are shown; none before all are there."""
        results, index = self._service.results, self._shown()
        if results is None or index is None or not self.is_hidden or index >= len(results.prompts):
            return []
        if not results.is_whole(index):
            return []
        row = results.row(index)
        return [column for column in self.order if column in row] if len(row) >= FEWEST else []

    def words(self, index: int, column: int) -> tuple[str, ...]:
        """What a column was called before the vote on a prompt, and in short; none without a vote."""
        candidates, choice = self._named.get(index, ([], None))
        if column not in candidates or not self._is_blind:
            return ()
        place = candidates.index(column)
        if place == choice:
            return f"Was text {place + 1}, preferred", f"Text {place + 1} ✓", f"{place + 1} ✓"
        return f"Was text {place + 1}", f"Text {place + 1}", str(place + 1)

    def why_not(self, place: int | None) -> str | None:
        """Why the text at that place, or none of them, cannot be preferred."""
        if not self._is_blind:
            return "Switch Blind on and compare first."
        if not self.is_hidden:
            return "You have voted on this prompt."
        candidates = self.candidates
        if not candidates:
            return "The texts are not there yet."
        return None if place is None or place < len(candidates) else "There is no such text."

    def vote(self, place: int | None) -> None:
        """Keeps which text is preferred (``None``: none of them), and gives the texts their names."""
        results, candidates, index = self._service.results, self.candidates, self._shown()
        if self.why_not(place) is not None or results is None or index is None:
            return
        from gptdesk.compare.votes import new_vote

        models = [results.columns[column].description for column in candidates]
        vote = new_vote(models, place, prompt=results.prompts[index], seed=results.cells[index, candidates[0]].seed)

        def done(tallies: list[Tally]) -> None:
            if results is self._service.results:
                self._named[index] = candidates, place
            self._tell(tallies)
            self.names_changed.emit()

        self._service.add_vote(vote, done, self.refused.emit)

    def read_tallies(self) -> None:
        """Reads the wins so far."""
        self._service.read_tallies(self._tell, self.refused.emit)

    def _tell(self, tallies: list[Tally]) -> None:
        self.tallies = tallies
        self.voted.emit()
