"""The token view: keeps the tokens of the shown text up to date and shows them in the editor and the strip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Slot
from PySide6.QtGui import QHelpEvent, QTextCursor
from PySide6.QtWidgets import QToolTip

from gptdesk.errors import UserError
from gptdesk.gpt2.mixed_text import PLACEHOLDER
from gptdesk.inference.events import TokenEvent
from gptdesk.ui import number_format
from gptdesk.ui.playground.editing import view_text
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.read_ahead import ReadAhead
from gptdesk.ui.playground.session import Session
from gptdesk.ui.playground.tokens.export import export
from gptdesk.ui.playground.tokens.measures import MEASURES, described, measure_of, quoted
from gptdesk.ui.playground.tokens.strip import TokenStrip
from gptdesk.ui.playground.tokens.token_layer import TokenLayer
from gptdesk.ui.playground.tokens.token_table import TokenTable
from gptdesk.ui.services.inference_messages import Failure
from gptdesk.ui.services.reading.jobs import ScoredText
from gptdesk.ui.services.services import Services
from gptdesk.ui.throttle import Throttle
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.window.commands.registry import Commands

_PLACES: Final = 15
"""Most surprising places that are listed."""

_TOTALS_MS: Final = 100
"""Usual delay of the strip behind the text and the caret."""

_IDLE_SHARE: Final = 20
"""After the strip took t seconds it rests for at least this times t."""

_WRITING_SHARE: Final = 100
"""The same while a model writes, which takes a tenth of the time between two tokens otherwise."""


class TokenView(QObject):
    """Colours the tokens of an editor while the setting ``token_view`` is on; else it costs nothing.

    Args:
        read_ahead: has the text scored.

    Attributes:
        strip: below the text; hidden while the view is off.
        layer: paints the tokens.
    """

    def __init__(
        self,
        services: Services,
        session: Session,
        editor: Editor,
        read_ahead: ReadAhead,
        commands: Commands,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings, self._inference = services.settings, services.inference
        self._session, self._editor, self._read_ahead, self._commands = session, editor, read_ahead, commands
        self._on = False
        self._text = ""
        self._problem = ""
        self._took = 0.0  # seconds, the last time that the strip was filled
        self._writes_at: int | None = None  # where the next token of a generation begins
        self.layer = TokenLayer(editor, services.theme)
        self.strip = TokenStrip(services.theme, commands)
        self.strip.hide()
        self._totals = Throttle(self._show_figures, _TOTALS_MS, self)
        read_ahead.place = self._first_visible
        self.strip.measure_chosen.connect(lambda id: services.settings.update(token_measure=id))
        self.strip.places_wanted.connect(self._fill_places)
        services.inference.reads.scored.connect(self._on_scored)
        services.inference.reads.failed.connect(self._on_failed)
        services.settings.changed.connect(self._on_settings_changed)
        session.opened.connect(self._on_opened)
        session.changed.connect(self._on_text_changed)
        session.begun.connect(self._on_begun)
        editor.selectionChanged.connect(self._request_figures)
        editor.cursorPositionChanged.connect(self._request_figures)
        editor.viewport().installEventFilter(self)
        self._on_settings_changed()

    @property
    def table(self) -> TokenTable:
        """The tokens of the text."""
        return self.layer.table

    @Slot()
    def _on_settings_changed(self) -> None:
        value = self._settings.value
        self.layer.measure = measure_of(value.token_measure)
        self.layer.borders, self.layer.ids = value.token_borders, value.token_ids
        self.strip.show_measure(self.layer.measure)
        self._commands.refresh("tokens.show", "tokens.borders", "tokens.ids", "tokens.export")
        if value.token_view != self._on:
            self._on = value.token_view
            self.table.clear()
            self._text, self._problem = self._session.document.text, ""
            self._editor.underlay = self.layer.paint if self._on else None
            self.strip.setVisible(self._on)
            self._read_ahead.set_scored(self._on)
            self._request_figures()
        self._editor.viewport().update()

    # The tokens

    @Slot(object)
    def _on_scored(self, scored: ScoredText) -> None:
        if not self._on or _letters(scored) != self._text:
            return
        self.table.fill(scored)
        self._problem = ""
        self._on_table_changed()

    @Slot(object)
    def _on_failed(self, failure: Failure) -> None:
        if self._on:
            self._problem = failure.sentence
            self._request_figures()

    @Slot()
    def _on_opened(self) -> None:
        self.table.clear()
        self._text, self._writes_at = self._session.document.text, None
        self._on_table_changed()

    @Slot()
    def _on_text_changed(self) -> None:
        if not self._on:
            return
        text = self._session.document.text
        if not self._session.document.generating:
            self._writes_at = None
        if text != self._text:
            start, old_end, new_end = view_text.difference(self._text, text)
            self._text = text
            if self._writes_at is None or start != old_end or new_end != len(text):
                self.table.splice(start, old_end, new_end)
                self._on_table_changed()

    @Slot()
    def _on_begun(self) -> None:
        generation = self._session.generation
        if self._on and generation is not None:
            self._text = self._session.document.text
            self.table.truncate(len(self._text))
            self._writes_at = len(self._text)
            generation.handle.tokens.connect(self._on_tokens)

    @Slot(object)
    def _on_tokens(self, events: Sequence[TokenEvent]) -> None:
        if self._writes_at is not None and self._session.document.generating:
            start, self._writes_at = self._writes_at, self.table.append(events, self._writes_at)
            self._editor.update_from(self._editor.places.position(start))
            self._request_figures()

    def _on_table_changed(self) -> None:
        self._editor.viewport().update()
        self._request_figures()

    # What is shown

    @Slot()
    def _request_figures(self) -> None:
        if self._on:
            share = _IDLE_SHARE if self._writes_at is None else _WRITING_SHARE
            self._totals.request(max(_TOTALS_MS, round(1000 * share * self._took)))

    @Slot()
    def _show_figures(self) -> None:
        if not self._on:
            return
        began = perf_counter()
        start, end = self._editor.selection
        chosen = self.table.between(start, end) if start < end else range(len(self.table))
        self.strip.show_totals(self.table.totals(self._text, chosen), selected=start < end, note=self._note())
        at = self.table.between(start, start)
        token = at[0] if at else len(self.table) - 1
        self.strip.show_token(self._describe(token).replace("\n", "  ·  ") if len(self.table) else "")
        self._took = perf_counter() - began

    def _note(self) -> str:
        """Why the figures are not those of all of the text; "" where they are."""
        if self._inference.info is None:
            return "no model is loaded"
        if self._problem:
            return self._problem
        scored = self.table.scored
        if self._text and (scored is None or not scored.found.complete):
            return "generating…" if self._writes_at is not None else "scoring…"
        return ""

    def _describe(self, index: int) -> str:
        return described(self._letters(index), self.table.figures(index))

    def _letters(self, index: int) -> str:
        """The characters of a token; of a special one, its name."""
        letters = self._text[self.table.starts[index] : self.table.ends[index]]
        info = self._inference.info
        return info.tokenizer.piece(self.table.ids[index]) if info and letters == PLACEHOLDER else letters

    @Slot(object)
    def _fill_places(self, menu: Menu) -> None:
        """Lists the tokens that the model expected least; choosing one selects it in the text."""
        menu.clear()
        start, end = self._editor.selection
        chosen = self.table.between(start, end) if start < end else range(len(self.table))
        measure = MEASURES["surprisal"]
        for index in self.table.most_surprising(chosen, _PLACES):
            first, last = self.table.starts[index], self.table.ends[index]
            line = self._text.count("\n", 0, first) + 1
            words = f"{quoted(self._letters(index))}   {measure.value(self.table.figures(index))}"
            action = menu.addAction(f"{words}   line {number_format.count(line)}".replace("&", "&&"))
            action.triggered.connect(lambda _=False, first=first, last=last: self.select(first, last))
        if not menu.actions():
            menu.addAction("No token is scored yet").setEnabled(False)

    def select(self, start: int, end: int) -> None:
        """Selects characters of the text and scrolls there."""
        first, last = self._editor.places.positions([start, min(end, len(self._text))])
        cursor = self._editor.textCursor()
        cursor.setPosition(first)
        cursor.setPosition(last, QTextCursor.MoveMode.KeepAnchor)
        self._editor.setTextCursor(cursor)
        self._editor.ensureCursorVisible()
        self._editor.setFocus()

    def export(self, path: Path) -> None:
        """Writes the tokens to a file, in the format of its suffix.

        Raises:
            UserError: when they are not all scored, or the file cannot be written.
        """
        from gptdesk.ui.playground.tokens.export_html import ColouredText

        scored, info = self.table.scored, self._inference.info
        if scored is None or info is None or not scored.found.complete:
            raise UserError("The text is not scored yet; export it again when the strip shows no “scoring”.")
        document = self._session.document
        spans = document.generated_spans()
        shown = ColouredText(document.title, info.name, self._text, self.table, spans, self.layer.measure)
        export(shown, info.tokenizer, path)

    def _first_visible(self) -> int:
        """Index of the first character that is in view."""
        return self._editor.places.index(self._editor.cursorForPosition(QPoint(0, 0)).position())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Shows the figures of the token under the pointer."""
        if self._on and event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self._token_at(event.pos())
            QToolTip.showText(
                event.globalPos(), "" if index is None else self._describe(index), self._editor.viewport()
            )
            return True
        return super().eventFilter(watched, event)

    def _token_at(self, point: QPoint) -> int | None:
        """Index of the token at a point of the viewport."""
        inside = point + QPoint(0, self._editor.verticalScrollBar().value())
        position = self._editor.document().documentLayout().hitTest(inside.toPointF(), Qt.HitTestAccuracy.ExactHit)
        if position < 0:
            return None
        place = self._editor.places.index(position)
        return next(iter(self.table.between(place, place)), None)


def _letters(scored: ScoredText) -> str:
    return scored.text if isinstance(scored.text, str) else scored.text.text
