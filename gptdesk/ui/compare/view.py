"""The content of the Compare page: the prompt, the columns, the vote, and the panel beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gptdesk.compare.results import Results
from gptdesk.ui.compare.columns.colouring import Colouring, colouring_of
from gptdesk.ui.compare.columns.column_view import ColumnView
from gptdesk.ui.compare.columns.marking import has_levels, marks, shown_text
from gptdesk.ui.compare.links import ColumnLinks
from gptdesk.ui.compare.panel.panel import ComparePanel
from gptdesk.ui.compare.prompt_bar import PromptBar
from gptdesk.ui.compare.session import CompareSession
from gptdesk.ui.compare.tips import tip_at
from gptdesk.ui.compare.vote_bar import VoteBar
from gptdesk.ui.decoding.panel import WIDTH
from gptdesk.ui.fonts import scaled
from gptdesk.ui.services.services import Services
from gptdesk.ui.throttle import RateLimit
from gptdesk.ui.widgets.layout.page_columns import PageColumns, SidePart
from gptdesk.ui.window.commands.registry import Commands

_GROW_MS: Final = 30
_COMMANDS: Final = (
    "compare.run",
    "compare.open",
    "compare.stop",
    "compare.export",
    "compare.add_column",
    "compare.blind",
)
_TIE_KEY: Final = "0"


_AGAIN: Final = "Compare again"


class CompareView(QWidget):
    """The content of the page.

    Attributes:
        prompt: the bar of the prompt.
        columns: as many as are compared, in the order in which they are shown.
        texts: holds the columns.
        vote: the bar of a blind vote.
        panel: figures, distributions, votes.
        parts: main part and panel.
    """

    def __init__(self, services: Services, session: CompareSession, commands: Commands) -> None:
        super().__init__()
        self._services, self._session, self._commands = services, session, commands
        self._size = services.settings.value.text_size
        self.prompt = PromptBar(services.theme, session, commands, scaled(self._size))
        self.columns: list[ColumnView] = []
        self.vote = VoteBar(session, commands)
        self.panel = ComparePanel(services.theme, session, commands)
        self.links = ColumnLinks(lambda: self.columns, self)
        self._shown: tuple[Results | None, int] = (None, 0)
        self._growing = RateLimit(self._show_texts, _GROW_MS, self)
        self._lay_out()
        self._connect()
        self._show_columns()

    @property
    def colouring(self) -> Colouring:
        """What colours stand for; while texts have no names, places are marked at most."""
        chosen = colouring_of(self._services.settings.value.comparison.get("colours"))
        return colouring_of(None) if self._session.votes.is_hidden else chosen

    def _lay_out(self) -> None:
        main = QWidget()
        main.setProperty("zone", "surface")
        self.texts = QWidget()
        self._row = QHBoxLayout(self.texts)
        self._row.setContentsMargins(16, 8, 16, 8)
        self._row.setSpacing(12)
        column = QVBoxLayout(main)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.prompt)
        column.addWidget(self.texts, 1)
        column.addWidget(self.vote)
        self.main = main
        right = SidePart(widget=self.panel, share=20, least=WIDTH, most=2 * WIDTH)
        self.parts = PageColumns(self._services.theme, main, right=right)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.parts)

    def _connect(self) -> None:
        session, service = self._session, self._services.comparisons
        session.columns_changed.connect(self._show_columns)
        session.prompts_changed.connect(self._on_prompt_changed)
        session.votes.names_changed.connect(self._on_names_changed)
        service.changed.connect(self._show)
        service.grown.connect(lambda prompt, _: self._growing.request() if prompt == session.index else None)
        service.cell_ready.connect(lambda *_: self._show())
        self.links.pointed.connect(self._on_pointed)
        self._services.theme.changed.connect(self._show)
        self._services.settings.changed.connect(self._on_settings_changed)

    def choose_colouring(self, id: str) -> None:
        """Uses other colours."""
        settings = self._services.settings
        settings.update(comparison={**settings.value.comparison, "colours": id})
        self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A number prefers that text, 0 none; what is typed into a field does not come here."""
        key = event.text()
        if self._session.votes.is_hidden and key and key in "01234":
            self._commands.run("compare.vote_tie" if key == _TIE_KEY else f"compare.vote_{key}")
        else:
            super().keyPressEvent(event)

    @Slot()
    def _show_columns(self) -> None:
        """Makes as many columns as are chosen, and shows what they are."""
        session, count = self._session, len(self._session.choices)
        while len(self.columns) > count:
            column = self.columns.pop()
            self._row.removeWidget(column)
            column.deleteLater()
        while len(self.columns) < count:
            column = ColumnView(self._services, session, len(self.columns), scaled(self._size))
            column.text.tip = self._tip_of(column)
            self.links.add(column)
            self.columns.append(column)
            self._row.addWidget(column, 1)
        any_steps = any(len(session.steps(at)) > 1 for at in range(count))
        for at, (column, choice) in enumerate(zip(self.columns, session.choices, strict=True)):
            line = session.found.columns[at].settings_line if session.found is not None else ""
            removable = session.why_not_remove() is None
            column.show_choice(choice, line, removable=removable, any_steps=any_steps)
        self._show()

    @Slot()
    def _on_prompt_changed(self) -> None:
        self.panel.forget_place()
        self._show()

    @Slot()
    def _on_names_changed(self) -> None:
        if self._session.votes.is_hidden and self.prompt.field.hasFocus():
            self.columns[0].text.setFocus()  # where numbers are votes
        self._show()

    @Slot()
    def _show(self) -> None:
        session, service = self._session, self._services.comparisons
        if self._shown != (session.results, session.index):
            self._shown = session.results, session.index
            self.panel.forget_place()
        self._growing.cancel()
        self._show_texts()
        self._commands.refresh(*_COMMANDS)
        self.prompt.show_busy(service.busy)
        self.vote.show_state()
        self.panel.show_results(self.colouring)

    def _show_texts(self) -> None:
        session = self._session
        results, prompt = session.results, session.index
        candidates = session.votes.candidates
        for place, column in enumerate(self.columns):
            there = place < len(candidates)
            column.setVisible(there or not candidates)
            if results is None or prompt >= len(results.prompts) or session.is_changed(place):
                column.show_name("")
                column.show_text("")
                column.show_state("" if results is None else _AGAIN, problem=self._problem_of_choice(place))
            elif session.votes.is_hidden:
                column.show_name(f"Text {place + 1}")
                column.show_text(results.cells[prompt, candidates[place]].text if there else "")
                column.show_state()
            else:
                column.show_name("")
                self._show_cell(column, results, prompt, place)

    def _show_cell(self, column: ColumnView, results: Results, prompt: int, number: int) -> None:
        """Shows a text that has a name, as far as it is written."""
        service, colouring = self._services.comparisons, self.colouring
        if (prompt, number) in results.cells:
            text, spans = shown_text(results, prompt, number, colouring)
            column.show_text(text, marks(self._services.theme, results, prompt, number, colouring, spans))
            known = has_levels(results, prompt, number, colouring, spans)
            words = self._session.votes.words(prompt, number) if known else (colouring.missing,)
            column.show_state(*words, problem=results.failures.get(number, ""))
            return
        written = service.written.get((prompt, number))
        column.show_text(written or "")
        waits = service.busy and written is None and number not in results.failures
        state = service.doing.get(number, "Waiting…" if waits else "")
        column.show_state(state, problem=results.failures.get(number, ""))

    def _problem_of_choice(self, place: int) -> str:
        found = self._session.found
        return found.problems.get(place, "") if found is not None else ""

    def _tip_of(self, column: ColumnView) -> Callable[[int], str]:
        def tip(character: int) -> str:
            session = self._session
            results, place = session.results, self.columns.index(column)
            order = session.order
            if results is None or session.votes.is_hidden or place >= len(order) or session.is_changed(place):
                return ""
            if (session.index, order[place]) not in results.cells:
                return ""
            return tip_at(results, session.index, order, order[place], character, self.colouring)

        return tip

    @Slot(int, int)
    def _on_pointed(self, place: int, character: int) -> None:
        session = self._session
        results, order = session.results, session.order
        if results is None or session.votes.is_hidden or place >= len(order) or session.is_changed(place):
            return
        if (session.index, order[place]) not in results.cells:
            return
        self.panel.point(results, session.index, order[place], character, self.colouring)
        self.panel.show_tab(1)
        self.panel.show_results(self.colouring)

    @Slot()
    def _on_settings_changed(self) -> None:
        if self._size != self._services.settings.value.text_size:
            self._size = self._services.settings.value.text_size
            self.prompt.set_text_size(scaled(self._size))
            for column in self.columns:
                column.text.set_text_size(scaled(self._size))
