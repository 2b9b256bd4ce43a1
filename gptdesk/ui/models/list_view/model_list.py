"""List of models in groups, with search, filters and keyboard navigation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QScrollArea, QVBoxLayout, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.models.items import GROUPS, Group, Item
from gptdesk.ui.models.labels import Face
from gptdesk.ui.models.list_view.card import ModelCard
from gptdesk.ui.models.list_view.group import ModelGroup
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.inputs.card_keys import go_to_card

FILTERS: Final[dict[str, tuple[Group, ...]]] = {
    "All": tuple(GROUPS),
    "On this computer": ("coming", "here", "cache"),
    "To download": ("coming", "known"),
    "From runs": ("runs",),
}
_NONE: Final = {"From runs": "No checkpoints yet. Training runs, on the Train page, save them here."}
"""What an empty list says, by filter."""

_FOLD_OVER: Final = 6
"""Number of cards that a group shows until the person asks for all."""

_SEARCH_LEAST: Final = 220
"""Minimum width for the search field beside the filters, with the gap before it, in pixels."""

_BUILD_S: Final = 0.006
"""Seconds per turn of the event loop in which cards are made, so that the window stays responsive."""


class ModelList(QWidget):
    """The cards.

    Attributes:
        search: field that filters by words.
        filters: buttons by name; one is checked.
        cards: by key.
        groups: by name.

    Signals:
        chosen(str): emitted when the item of that key is selected.
        wanted(str, str): key of the item, and the action of the button that was pressed.
        menu_wanted(str, QPoint): key of the item, and the position of the menu on the screen.
    """

    chosen = Signal(str)
    wanted = Signal(str, str)
    menu_wanted = Signal(str, QPoint)

    def __init__(self, theme: Theme, face_of: Callable[[Item], Face], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._face_of = theme, face_of
        self._items: dict[str, Item] = {}
        self._current = ""
        self._focus_is_lost = False
        self.cards: dict[str, ModelCard] = {}
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a model")
        self.search.setAccessibleName("Find a model")
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(280)
        self.search.textChanged.connect(self.refresh)
        self.search.installEventFilter(self)
        self.filters = {name: self._filter(name) for name in FILTERS}
        self.filters["All"].setChecked(True)
        self.groups = {name: ModelGroup(title) for name, title in GROUPS.items()}
        self.nothing = QLabel()
        self.nothing.setProperty("kind", "muted")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setMinimumHeight(160)
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._build)
        self._lay_out()

    def _filter(self, name: str) -> QPushButton:
        button = QPushButton(name)
        button.setProperty("kind", "tab")
        button.setCheckable(True)
        button.clicked.connect(lambda: self.set_filter(name))
        return button

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(24, 16, 24, 8)
        top.setSpacing(4)
        for button in self.filters.values():
            top.addWidget(button)
        top.addSpacing(12)
        top.addStretch(1)
        self._first_row, self._second_row = top, QHBoxLayout()
        self._second_row.setContentsMargins(24, 0, 24, 8)
        top.addWidget(self.search, 4)
        inner = QWidget()
        inner.setProperty("zone", "background")
        column = QVBoxLayout(inner)
        column.setContentsMargins(24, 8, 24, 24)
        column.setSpacing(24)
        for name, group in self.groups.items():
            group.unfolded.connect(self.refresh)
            group.setVisible(False)
            group.setProperty("group", name)
            column.addWidget(group)
        column.addWidget(self.nothing)
        column.addStretch(1)
        self.area = QScrollArea()
        self.area.setProperty("zone", "background")
        self.area.setWidget(inner)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addLayout(self._second_row)
        layout.addWidget(self.area, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Moves the search field below the filters if there is no space beside them."""
        super().resizeEvent(event)
        beside = sum(button.sizeHint().width() + 4 for button in self.filters.values())
        first = event.size().width() - 2 * 24 - 12 - beside >= _SEARCH_LEAST
        wanted, other = (self._first_row, self._second_row) if first else (self._second_row, self._first_row)
        if wanted.indexOf(self.search) < 0:
            other.removeWidget(self.search)
            wanted.addWidget(self.search, 4)
            self.search.setMaximumWidth(280 if first else 2000)

    @property
    def filter(self) -> str:
        """Name of the checked filter."""
        return next(name for name, button in self.filters.items() if button.isChecked())

    @Slot(str)
    def set_filter(self, name: str) -> None:
        """Shows only the groups of that filter."""
        for each, button in self.filters.items():
            button.setChecked(each == name)
        self.refresh()

    def show_items(self, items: Sequence[Item]) -> None:
        """Shows these items."""
        self._items = {item.key: item for item in items}
        self.refresh()

    def update_item(self, item: Item) -> None:
        """Shows an item that has changed, in its place."""
        self._items[item.key] = item
        if card := self.cards.get(item.key):
            card.show_face(self._face_of(item))

    def repaint_faces(self) -> None:
        """Updates the texts of all cards in their places."""
        for key, card in self.cards.items():
            card.show_face(self._face_of(self._items[key]))

    def set_current(self, key: str) -> None:
        """Marks the selected item."""
        self._current = key
        for each, card in self.cards.items():
            card.setChecked(each == key)

    def focus_current(self) -> None:
        """Gives the focus to the selected card."""
        card = self.cards.get(self._current) or next(iter(self.cards.values()), None)
        (card or self.search).setFocus()

    @Slot()
    def focus_search(self) -> None:
        """Gives the focus to the search field and selects its text."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    @property
    def shown(self) -> list[str]:
        """Keys of the cards from top to bottom."""
        return [key for keys in self._wanted.values() for key in keys]

    @property
    def _wanted(self) -> dict[Group, list[str]]:
        words = self.search.text().lower().split()
        wanted: dict[Group, list[str]] = {}
        for group in FILTERS[self.filter]:
            keys = [key for key, item in self._items.items() if item.group == group and item.matches(words)]
            if not words and not self.groups[group].all.isChecked():
                first = [key for key in keys if not self._items[key].more][:_FOLD_OVER]
                keys = [key for key in keys if key in first or key == self._current]
            wanted[group] = keys
        return wanted

    @Slot()
    def refresh(self) -> None:
        """Removes cards that are filtered out, updates the others, and begins to make missing ones."""
        wanted, words = self._wanted, self.search.text().strip()
        keep = set(self.shown)
        for key in [key for key in self.cards if key not in keep]:
            card = self.cards.pop(key)
            focus = self.window().focusWidget()
            if focus is not None and (focus is card or card.isAncestorOf(focus)):
                self._focus_is_lost = True
                self.setFocus()  # Qt would move it to whatever button comes next
            card.hide()
            card.deleteLater()
        self._arrange()  # before a group is shown or hidden, so that it knows no card that is gone
        for name, group in self.groups.items():
            keys = wanted.get(name, [])
            total = [item for item in self._items.values() if item.group == name]
            hidden = 0 if words or name not in wanted else len(total) - len(keys)
            group.setVisible(bool(keys or hidden))
            group.show_words(self._note(name, total), hidden)
        self.repaint_faces()
        found = any(not group.isHidden() for group in self.groups.values())
        self.nothing.setVisible(not found)
        self.nothing.setText(f"No model matches “{words}”." if words else _NONE.get(self.filter, "No models."))
        self._timer.start()

    def _note(self, group: Group, items: Sequence[Item]) -> str:
        size = sum(item.entry.size for item in items if item.entry)
        if group in ("here", "runs", "cache") and size:
            return number_format.memory(size)
        return ""

    @Slot()
    def _build(self) -> None:
        """Makes some of the missing cards."""
        begin, made = perf_counter(), False
        for name, keys in self._wanted.items():
            for key in keys:
                if key in self.cards:
                    continue
                if made and perf_counter() - begin > _BUILD_S:
                    self._arrange()
                    return
                self.cards[key] = self._make(key, self.groups[name])
                made = True
        self._timer.stop()
        if made:
            self._arrange()
            self._mend_tab_order()
        if self._focus_is_lost:
            self._focus_is_lost = False
            if self.window().focusWidget() is self:  # nobody has put it elsewhere
                self.focus_current()

    def _make(self, key: str, group: ModelGroup) -> ModelCard:
        card = ModelCard(self._theme, key, group.grid)
        card.show_face(self._face_of(self._items[key]))
        card.setChecked(key == self._current)
        card.clicked.connect(lambda: self.chosen.emit(key))
        card.wanted.connect(self._on_wanted)
        card.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        card.customContextMenuRequested.connect(lambda at: self.menu_wanted.emit(key, card.mapToGlobal(at)))
        card.installEventFilter(self)
        card.show()
        return card

    def _arrange(self) -> None:
        wanted = self._wanted
        for name, group in self.groups.items():
            group.grid.set_cards([self.cards[key] for key in wanted.get(name, ()) if key in self.cards])

    def _mend_tab_order(self) -> None:
        before: QWidget = self.search
        for key in self.shown:
            card = self.cards[key]
            for widget in (card, card.act, card.stop, card.more):
                QWidget.setTabOrder(before, widget)
                before = widget

    @Slot(str, str)
    def _on_wanted(self, key: str, action: str) -> None:
        if action == "menu":
            button = self.cards[key].more
            self.menu_wanted.emit(key, button.mapToGlobal(QPoint(0, button.height())))
        else:
            self.wanted.emit(key, action)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up, Down, Home and End select another model, Enter runs its action; Esc and Down leave the search field."""
        if watched is self.search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._on_search_key(event)
        if isinstance(watched, ModelCard) and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            cards = [self.cards[key] for key in self.shown if key in self.cards]
            if (card := go_to_card(event.key(), cards, watched, self.area)) is not None:
                self.chosen.emit(card.key)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and watched.face.action:
                self.wanted.emit(watched.key, watched.face.action)
                return True
        return super().eventFilter(watched, event)

    def _on_search_key(self, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape:
            if not self.search.text():
                self.focus_current()
            self.search.clear()
            return True
        if event.key() == Qt.Key.Key_Down and self.cards:
            self.focus_current()
            return True
        return False
