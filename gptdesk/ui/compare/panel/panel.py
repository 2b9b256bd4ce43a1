"""The side panel: figures of the texts, distributions at a token, and the wins of blind votes."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from gptdesk.compare.results import Results
from gptdesk.ui.compare.columns.colouring import Colouring
from gptdesk.ui.compare.columns.token_spans import shared_spans, span_at
from gptdesk.ui.compare.panel.distributions import (
    Place,
    cells_of,
    distribution_rows,
    parting_of,
    place_of,
    token_text,
)
from gptdesk.ui.compare.panel.figures import figure_rows
from gptdesk.ui.compare.panel.token_facts import shared_rows
from gptdesk.ui.compare.panel.value_table import ValueTable
from gptdesk.ui.compare.panel.vote_labels import HEADINGS, TIPS, win_rows
from gptdesk.ui.compare.session import CompareSession
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.window.commands.registry import Commands

TABS: Final = ("Figures", "Token", "Votes")
_NOTHING: Final = "Run the comparison to see figures."
_HIDDEN: Final = "Shown after your vote."
_POINT: Final = "Click a token, or go to it with the arrow keys."


class ComparePanel(QWidget):
    """The panel.

    Attributes:
        tabs: buttons that show the parts.
        figures, token, wins: the tables.
        about: says what the table of a token shows.
    """

    def __init__(
        self, theme: Theme, session: CompareSession, commands: Commands, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._session = theme, session
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.figures = ValueTable("Figures of the texts")
        self.token = ValueTable("Distributions at the token")
        self.wins = ValueTable("Wins of blind votes")
        self.about, self.none, self.votes = QLabel(), QLabel(), QLabel()
        for label in (self.about, self.none, self.votes):
            label.setProperty("kind", "muted")
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        self.export = ActionButton(commands.action("compare.export_votes"))
        self._stack = QStackedWidget()
        self.tabs: list[QPushButton] = []
        self._place: Place | None = None  # that was pointed at
        self._character: tuple[int, int] | None = None  # column and character of the text that all read
        self._lay_out()
        session.votes.voted.connect(self._show_votes)
        self._show_votes()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(12, 10, 12, 0)
        row.setSpacing(4)
        group = QButtonGroup(self)
        parts = ((self.none, self.figures), (self.about, self.token), (self.votes, self.wins, self.export))
        for place, (title, widgets) in enumerate(zip(TABS, parts, strict=True)):
            button = QPushButton(title)
            button.setProperty("kind", "tab")
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, place=place: self.show_tab(place))
            group.addButton(button)
            row.addWidget(button)
            self.tabs.append(button)
            part = QWidget()
            column = QVBoxLayout(part)
            column.setContentsMargins(12, 8, 12, 12)
            column.setSpacing(8)
            for widget in widgets:
                column.addWidget(widget, int(isinstance(widget, ValueTable)))
            column.addStretch(0)
            self._stack.addWidget(part)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(self._stack, 1)
        self.tabs[0].setChecked(True)

    def show_tab(self, place: int) -> None:
        """Shows a part, by its place in `TABS`."""
        self.tabs[place].setChecked(True)
        self._stack.setCurrentIndex(place)

    def forget_place(self) -> None:
        """Nothing was pointed at: another prompt, or another comparison."""
        self._place = self._character = None

    def point(self, results: Results, prompt: int, column: int, character: int, colouring: Colouring) -> None:
        """Shows the token at a character of a column's text."""
        if colouring.is_shared:
            self._place, self._character = None, (column, character)
        else:
            cell = results.cells[prompt, column]
            ends = cell.ends.tolist()
            token = next((at for at, end in enumerate(ends) if character < end), len(ends))
            self._place, self._character = place_of(results, prompt, column, token), None

    def show_results(self, colouring: Colouring) -> None:
        """Shows the figures of the prompt that is shown, and the place that was pointed at."""
        session = self._session
        results, prompt = session.results, session.index
        is_there = results is not None and prompt < len(results.prompts) and bool(results.row(prompt))
        words = _HIDDEN if session.votes.is_hidden else "" if is_there else _NOTHING
        self.none.setText(words)
        self.none.setVisible(bool(words))
        self.figures.setVisible(not words)
        if words or results is None:
            self.about.setText(words)
            self.token.setVisible(False)
            return
        columns = [column for column in session.order if not session.is_changed(column)]
        headings = ["", *(str(column + 1) for column in columns)]
        tips = ["", *(results.columns[column].label for column in columns)]
        self.figures.show_values(headings, figure_rows(results, prompt, columns), tips=tips)
        if colouring.is_shared:
            self._show_shared(results, prompt, columns, headings, tips)
        else:
            self._show_token(results, prompt, columns, headings, tips)

    def _show_token(
        self, results: Results, prompt: int, columns: list[int], headings: list[str], tips: list[str]
    ) -> None:
        place = self._place or parting_of(results, prompt)
        is_there = place is not None and place.column in columns
        self.token.setVisible(is_there)
        if place is None or not is_there:
            self.about.setText("The texts are the same." if place is None else _POINT)
            return
        rows = distribution_rows(results, prompt, place, columns)
        texts, colours = cells_of(self._theme, rows)
        self.token.show_values(["Token", *headings[1:]], texts, colours=colours, tips=tips)
        where = f"Token {place.tokens[place.column] + 1:,} of text {place.column + 1}"
        part = ", where the texts part" if self._place is None else ""
        self.about.setText(f"{where}{part}. ▸ is beside what was written.")

    def _show_shared(
        self, results: Results, prompt: int, columns: list[int], headings: list[str], tips: list[str]
    ) -> None:
        self.token.setVisible(self._character is not None)
        if self._character is None:
            self.about.setText(_POINT)
            return
        column, character = self._character
        cell, text = results.cells.get((prompt, column)), results.shared_text(prompt) or ""
        spans = shared_spans(cell.shared, text) if cell is not None and cell.shared is not None else []
        span = span_at(spans, character)
        if span is None:
            self.about.setText(_POINT)
            self.token.setVisible(False)
            return
        self.about.setText(f"“{token_text(text[span.start : span.end])}”, token {span.first + 1:,} of the text.")
        self.token.show_values(["", *headings[1:]], shared_rows(results, prompt, columns, span.start), tips=tips)

    @Slot()
    def _show_votes(self) -> None:
        rows = win_rows(self._session.votes.tallies)
        self.votes.setText("" if rows else "No blind vote yet. Switch Blind on, compare, and choose the better text.")
        self.votes.setVisible(not rows)
        self.wins.setVisible(bool(rows))
        self.wins.show_values(HEADINGS, rows, tips=TIPS)
        self.export.setVisible(bool(rows))
