"""Panel at the right of the Models page: details of the selected model, and its buttons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QPushButton, QScrollArea, QVBoxLayout, QWidget

from gptdesk.library.entry import LibraryEntry
from gptdesk.library.verify import Verification
from gptdesk.ui import number_format
from gptdesk.ui.models.defaults_card import DefaultsCard
from gptdesk.ui.models.details import Facts, facts_of
from gptdesk.ui.models.items import Item
from gptdesk.ui.models.labels import Face, origin_words
from gptdesk.ui.models.loaded_models import LoadedModels
from gptdesk.ui.models.memory_bars import MemoryBars
from gptdesk.ui.services.engines.service import EngineView
from gptdesk.ui.services.models.memory_check import Room
from gptdesk.ui.services.services import SettingsService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton
from gptdesk.ui.widgets.long_words import wrappable
from gptdesk.ui.widgets.quiet_scroll_bar import make_quiet

_STATES: Final = {"bad": "bad", "warn": "warn"}


class DetailPanel(QScrollArea):
    """The panel.

    Args:
        menu: further actions.

    Attributes:
        name: of the model.
        act: button of the main action.
        loaded: models that are loaded, whichever is selected.
        warning: why the model does not fit into memory.

    Signals:
        wanted(str, str): a button was pressed; key of the item and its action.
        defaults_wanted(object, object): as `DefaultsCard.changed`.
    """

    wanted = Signal(str, str)
    defaults_wanted = Signal(object, object)

    def __init__(self, theme: Theme, settings: SettingsService, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.item: Item | None = None
        self._contents = QWidget()
        self._action = ""
        self.name = _label("headline")
        self.state = _label("muted")
        self.act = QPushButton()
        self.act.setProperty("kind", "accent")
        self.act.clicked.connect(lambda: self._want(self._action))
        self.stop = QPushButton("Cancel")
        self.stop.clicked.connect(lambda: self._want("stop"))
        self.more = IconMenuButton("More about this model", menu)
        theme.set_icon(self.more, "more")
        self.warning = _label("warn")
        self.bars = MemoryBars(theme)
        self.free = _label("muted")
        self.facts = Facts(theme)
        self.card_link = QPushButton("Model card")
        self.card_link.setToolTip("Open the model card in the browser")
        self.card_link.clicked.connect(self.open_card)
        self.checked = _label("muted")
        self.defaults = DefaultsCard(settings)
        self.defaults.changed.connect(self.defaults_wanted)
        self._memory = _section("Memory", self.bars, self.free)
        self.loaded = LoadedModels(theme)
        self._loaded = _section("Loaded models", self.loaded)
        self._use = _section("Defaults for this model", self.defaults)
        self._about = _section("About", self.facts, self.checked, self.card_link)
        self._lay_out()

    def _lay_out(self) -> None:
        contents = self._contents
        contents.setProperty("zone", "surface")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.act, 1)
        buttons.addStretch()
        buttons.addWidget(self.more)
        column = QVBoxLayout(contents)
        column.setContentsMargins(20, 20, 8, 20)  # and the scroll bar
        column.setSpacing(12)
        column.addWidget(self.name)
        column.addWidget(self.state)
        column.addLayout(buttons)
        column.addWidget(self.stop)  # below: both beside each other can be wider than the panel
        column.addWidget(self.warning)
        for section in (self._memory, self._loaded, self._use, self._about):
            column.addWidget(section)
        column.addStretch(1)
        self.setWidget(contents)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumWidth(264)
        make_quiet(self)

    def show_item(self, item: Item | None, face: Face, room: Room, checked: Verification | None) -> None:
        """Shows the present state of an item."""
        self.item = item
        self._contents.setVisible(item is not None)
        if item is None:
            return
        entry = item.entry
        _show(self.name, face.title)
        words, role = face.note
        if entry is not None and role == "muted" and face.share is None:
            words = origin_words(entry)  # the licence is shown below
        _show(self.state, words, role if role in _STATES else "muted")
        self._action = face.action
        self.act.setVisible(bool(face.action))
        self.act.setText(face.label)
        self.act.setAccessibleName(f"{face.label}: {face.title}, selected model")
        self.stop.setVisible(bool(face.stop))
        self.stop.setText(face.stop)
        self.stop.setAccessibleName(f"{face.stop}: {face.title}, selected model")
        precision = entry.defaults.precision if entry else "auto"
        _show(self.warning, room.warning(item.config, precision))
        self._memory.setVisible(item.config is not None)
        self.bars.show_needs(item.config, room)
        _show(self.free, f"{number_format.memory(room.free)} free on this computer" if room.free is not None else "")
        self._use.setVisible(entry is not None and entry.state == "ready")
        if entry is not None and entry.state == "ready":
            self.defaults.show_entry(entry)
        self.facts.show_facts(facts_of(item))
        self._about.setVisible(bool(self.facts.values))
        self.card_link.setVisible(bool(self._card_url()))
        _show(self.checked, checked.sentence if checked else "", "good" if checked and checked.ok else "bad")

    def show_engines(self, engines: Sequence[EngineView], budget: int | None) -> None:
        """Shows what is loaded, as for `LoadedModels.show_engines`."""
        self._loaded.setVisible(bool(engines))
        self.loaded.show_engines(engines, budget)

    def open_card(self) -> None:
        """Shows the model card in the browser."""
        if url := self._card_url():
            QDesktopServices.openUrl(QUrl(url))

    def _card_url(self) -> str:
        return card_url_of(self.item)

    def _want(self, action: str) -> None:
        if self.item is not None:
            self.wanted.emit(self.item.key, action)


def card_url_of(item: Item | None) -> str:
    """The model card of an item; empty when it has none."""
    entry: LibraryEntry | None = item.entry if item else None
    if entry is not None:
        return entry.card_url
    return f"https://huggingface.co/{item.download.repo}" if item and item.download and item.download.repo else ""


def _label(kind: str) -> QLabel:
    label = QLabel()
    label.setProperty("kind", kind)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _show(label: QLabel, words: str, kind: str = "") -> None:
    words = wrappable(words)
    if label.text() != words:
        label.setText(words)
    label.setVisible(bool(words))
    if kind and label.property("kind") != kind:
        label.setProperty("kind", kind)
        label.style().unpolish(label)
        label.style().polish(label)


def _section(title: str, *parts: QWidget) -> QWidget:
    section = QWidget()
    line = QFrame()
    line.setProperty("line", "horizontal")
    heading = QLabel(title)
    heading.setProperty("kind", "heading")
    column = QVBoxLayout(section)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    column.addWidget(line)
    column.addSpacing(4)
    column.addWidget(heading)
    for part in parts:
        column.addWidget(part)
    return section
