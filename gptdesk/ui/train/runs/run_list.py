"""List of runs and data in preparation: cards selected with a click or the arrow keys."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QScrollArea, QVBoxLayout, QWidget

from gptdesk.loss_units import LOSS_UNITS, LossUnit
from gptdesk.training.data.data_scanner import DataEntry
from gptdesk.training.index import RunEntry
from gptdesk.ui.fonts import scaled
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.runs.run_card import Card, DataCard, RunCard
from gptdesk.ui.widgets.inputs.card_keys import go_to_card

_FILTER_FROM: Final = 6
"""More runs than this get a search field."""

_LEAST_WIDTH: Final = 176

C = TypeVar("C", bound=Card)


class RunList(QWidget):
    """The cards in the given order, data above runs.

    Attributes:
        cards: of runs, by folder.
        data_cards: of data in preparation, by folder.
        filter: field that filters by name and tags.

    Signals:
        chosen(object): select the entry in that folder.
        menu_wanted(object, QPoint): open the menu of the entry in that folder at that place on the screen; ``None``: of
            the list.
    """

    chosen = Signal(object)
    menu_wanted = Signal(object, QPoint)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.cards: dict[Path, RunCard] = {}
        self.data_cards: dict[Path, DataCard] = {}
        self._entries: tuple[RunEntry, ...] = ()
        self._data: tuple[DataEntry, ...] = ()
        self._waiting: Mapping[Path, str] = {}
        self._curves: Mapping[Path, Sequence[float]] = {}
        self._current: Path | None = None
        self._in_tab_order: list[Card] = []
        self._unit = LOSS_UNITS[0]
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Find name or tag")
        self.filter.setAccessibleName("Find a run by name or tag")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._show)
        inner = QWidget()
        inner.setProperty("zone", "surface")
        self._cards = QVBoxLayout(inner)
        self._cards.setContentsMargins(12, 12, 12, 12)
        self._cards.setSpacing(8)
        self._cards.addStretch(1)
        self._area = QScrollArea()
        self._area.setWidget(inner)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._top = QWidget()
        top = QVBoxLayout(self._top)
        top.setContentsMargins(12, 12, 12, 0)
        top.addWidget(self.filter)
        self._top.hide()
        self.setMinimumWidth(scaled(_LEAST_WIDTH))
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._top)
        layout.addWidget(self._area, 1)

    def show_runs(
        self,
        entries: Sequence[RunEntry],
        curves: Mapping[Path, Sequence[float]],
        data: Sequence[DataEntry] = (),
        waiting: Mapping[Path, str] | None = None,
    ) -> None:
        """Shows these runs, and this data with the names of the runs that wait for it."""
        self._entries, self._curves, self._data = tuple(entries), curves, tuple(data)
        self._waiting = waiting or {}
        self._top.setVisible(len(entries) > _FILTER_FROM or bool(self.filter.text()))
        self._show()

    def set_unit(self, unit: LossUnit) -> None:
        """Shows losses in a unit from now on."""
        self._unit = unit
        self._show()

    def set_current(self, folder: Path | None) -> None:
        """Marks the selected card."""
        self._current = folder
        for path, card in self._all().items():
            card.setChecked(path == folder)

    def focus_current(self) -> None:
        """Gives the focus to the selected card."""
        card = self._all().get(self._current) if self._current else None
        if card:
            card.setFocus()

    def why_not(self, _name: str = "search") -> str | None:
        """Why runs cannot be searched; ``None`` if they can."""
        return None if self._entries else "There are no runs yet."

    def focus_search(self) -> None:
        """Gives the focus to the search field, which is shown for that."""
        self._top.show()
        self.filter.setFocus()
        self.filter.selectAll()

    @property
    def shown(self) -> list[Path]:
        """The folders of the cards, from top to bottom."""
        words = self.filter.text().lower().split()
        data = [entry.folder for entry in self._data if all(word in entry.name.lower() for word in words)]
        return data + [entry.folder for entry in self._entries if all(word in _searched(entry) for word in words)]

    def _all(self) -> dict[Path, Card]:
        return {**self.data_cards, **self.cards}

    def _show(self) -> None:
        shown = self.shown
        data = {entry.folder: entry for entry in self._data}
        runs = {entry.folder: entry for entry in self._entries}
        for cards, kept in ((self.cards, runs), (self.data_cards, data)):
            for folder in [folder for folder in cards if folder not in kept or folder not in shown]:
                card: Card = cards.pop(folder)
                self._cards.removeWidget(card)
                card.hide()
                card.deleteLater()
        for place, folder in enumerate(shown):
            if folder in data:
                data_card = self.data_cards.get(folder) or self._add(DataCard(self._theme, folder), self.data_cards)
                data_card.show_data(data[folder], self._waiting.get(folder, ""))
            else:
                run_card = self.cards.get(folder) or self._add(RunCard(self._theme, folder), self.cards)
                run_card.show_run(runs[folder], self._curves.get(folder, ()), self._unit)
            card = self.data_cards.get(folder) or self.cards[folder]
            if self._cards.indexOf(card) != place:
                self._cards.insertWidget(place, card)
        self._mend_tab_order([self._all()[folder] for folder in shown])

    def _add(self, card: C, cards: dict[Path, C]) -> C:
        folder = card.folder
        card.setChecked(folder == self._current)
        card.clicked.connect(lambda: self.chosen.emit(folder))
        card.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        card.customContextMenuRequested.connect(lambda at: self.menu_wanted.emit(folder, card.mapToGlobal(at)))
        card.installEventFilter(self)
        cards[folder] = card
        return card

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Opens the menu of the list for a click beside the cards."""
        self.menu_wanted.emit(None, event.globalPos())

    def _mend_tab_order(self, cards: list[Card]) -> None:
        if cards != self._in_tab_order:
            self._in_tab_order = cards
            for before, after in itertools.pairwise(cards):
                QWidget.setTabOrder(before, after)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up, Down, Home and End select a card."""
        if isinstance(watched, Card) and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            cards = self._all()
            shown = [cards[folder] for folder in self.shown]
            if (card := go_to_card(event.key(), shown, watched, self._area)) is not None:
                self.chosen.emit(card.folder)
                return True
        return super().eventFilter(watched, event)


def _searched(entry: RunEntry) -> str:
    return " ".join((entry.name, *entry.tags, *(f"#{tag}" for tag in entry.tags), entry.folder.name)).lower()
