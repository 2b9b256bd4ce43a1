"""The panel on which a person says how tokens are chosen and when to stop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gptdesk.errors import UserError
from gptdesk.inference.sampling.settings import LIMITS, DecodingSettings
from gptdesk.ui.decoding.escapes import read_escapes, write_escapes
from gptdesk.ui.decoding.preset_bar import PresetBar
from gptdesk.ui.decoding.seed_box import SeedBox
from gptdesk.ui.decoding.specs import SLIDERS
from gptdesk.ui.services.settings import SettingsService
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.chips import Chips
from gptdesk.ui.widgets.number_box import NumberBox
from gptdesk.ui.widgets.quiet_scroll_bar import make_quiet
from gptdesk.ui.widgets.slider_row import SliderRow
from gptdesk.ui.widgets.tooltips import wrapped

WIDTH: Final = 312
_SCOPE = "Settings of this document. They act on what is written next; the text stays as it is."
_STOP_HELP = "The text ends before the first of these. Write \\n for a line end, \\t for a tab, \\\\ for a backslash."
_GUESSES_HELP = (
    "So many tokens are guessed from what came before, and read at once. The text stays the same; one that repeats "
    "itself comes sooner. On the CPU only."
)


class DecodingPanel(QScrollArea):
    """Shows the decoding settings, and changes them.

    Signals:
        refused(str): something typed cannot be used; the sentence says why.
    """

    refused = Signal(str)

    def __init__(self, theme: Theme, settings: SettingsService, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.presets = PresetBar(theme, settings)
        self.rows = {spec.name: SliderRow(spec) for spec in SLIDERS}
        limit = LIMITS["max_tokens"]
        self.max_tokens = NumberBox(limit.lowest, limit.highest, 0)
        self.max_tokens.setAccessibleName("Max tokens")
        self.max_tokens.setToolTip(
            wrapped("How long the model goes on at most. A token is some four letters of English.")
        )
        self.seed = SeedBox(theme)
        limit = LIMITS["prompt_lookup"]
        self.guesses = NumberBox(limit.lowest, limit.highest, 0, off=0)
        self.guesses.setAccessibleName("Guess ahead")
        self.guesses.setToolTip(wrapped(_GUESSES_HELP))
        self.stop = Chips(theme, show=write_escapes, read=read_escapes, check=lambda stop: DecodingSettings(stop=stop))
        self.stop.line.setPlaceholderText("Add, for example \\n\\n")
        self.stop.line.setAccessibleName("Add a stop string")
        self.stop.line.setAccessibleDescription(_STOP_HELP)
        self.stop.setToolTip(wrapped(_STOP_HELP))
        self.neutral = QPushButton("Reset to neutral")
        self.neutral.setToolTip("Tokens follow the model's own odds: temperature 1, everything else off")

        self.for_new = QPushButton()
        self.for_new.setToolTip(
            wrapped("Every new document begins with these settings, the seed and the stop strings included")
        )

        self.setObjectName("panel")
        self.setWidgetResizable(True)
        make_quiet(self)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._shown = self._contents()
        self._shown.installEventFilter(self)
        for line in self._shown.findChildren(QLineEdit):
            line.setAcceptDrops(False)  # a file that is dropped there is for the page, and its address is no setting
        self.setWidget(self._shown)
        self._fit_width()

        for row in self.rows.values():
            row.changed.connect(self._on_changed)
        self.max_tokens.valueChanged.connect(self._on_changed)
        self.seed.changed.connect(self._on_changed)
        self.guesses.valueChanged.connect(self._on_changed)
        self.stop.changed.connect(self._on_changed)
        self.stop.refused.connect(self.refused)
        self.neutral.clicked.connect(self.presets.reset)
        self.for_new.clicked.connect(self._use_for_new)
        settings.changed.connect(self._show)
        self._show()

    def _contents(self) -> QWidget:
        contents = QWidget()
        contents.setProperty("zone", "surface")
        layout = QVBoxLayout(contents)
        layout.setContentsMargins(16, 16, 4, 16)  # and the scroll bar
        layout.setSpacing(12)
        heading = QHBoxLayout()
        heading.setSpacing(8)
        title = QLabel("Decoding")
        title.setProperty("kind", "heading")
        heading.addWidget(title, 1)
        heading.addWidget(self.presets)
        layout.addLayout(heading)
        layout.addWidget(
            _muted("Settings of this document. They act on what is written next; the text stays as it is.")
        )
        for row in self.rows.values():
            layout.addWidget(row)
        layout.addWidget(self.neutral)
        line = QFrame()
        line.setProperty("line", "horizontal")
        layout.addWidget(line)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        boxes: dict[str, QWidget] = {"Max tokens": self.max_tokens, "Seed": self.seed, "Guess ahead": self.guesses}
        for number, (name, widget) in enumerate(boxes.items()):
            label = QLabel(name)
            label.setBuddy(self.seed.line if widget is self.seed else widget)
            label.setToolTip((self.seed.line if widget is self.seed else widget).toolTip())
            grid.addWidget(label, 2 * number, 0)
            grid.addWidget(widget, 2 * number, 1)
        used = QHBoxLayout()
        used.setSpacing(8)
        used.addWidget(self.seed.used, 1)
        used.addWidget(self.seed.keep)
        grid.addLayout(used, 3, 0, 1, 2)
        grid.setColumnStretch(1, 1)
        layout.addLayout(grid)
        stop = QVBoxLayout()
        stop.setSpacing(8)
        label = QLabel("Stop strings")
        label.setToolTip(wrapped(_STOP_HELP))
        label.setBuddy(self.stop.line)
        stop.addWidget(label)
        stop.addWidget(self.stop)
        layout.addLayout(stop)
        layout.addWidget(self.for_new)
        layout.addStretch(1)
        return contents

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A larger font or longer words need more room: there is no scrolling sideways."""
        if watched is self._shown and event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Show):
            self._fit_width()
        return super().eventFilter(watched, event)

    def _fit_width(self) -> None:
        bar = self.verticalScrollBar().sizeHint().width()
        self.setFixedWidth(max(WIDTH, self._shown.minimumSizeHint().width() + bar))

    def _use_for_new(self) -> None:
        self._settings.update(new_document_decoding=self._settings.value.decoding)

    def _show(self) -> None:
        settings = self._settings.value.decoding
        same = settings == self._settings.value.new_document_decoding
        self.for_new.setEnabled(not same)
        self.for_new.setText("Used for new documents" if same else "Use for new documents")
        for name, row in self.rows.items():
            row.set_value(getattr(settings, name))
        for box, value in ((self.max_tokens, settings.max_tokens), (self.guesses, settings.prompt_lookup)):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        self.seed.set_value(settings.seed)
        self.stop.set_values(settings.stop)

    def _on_changed(self) -> None:
        """Only what its control says differently from the settings is changed: a box may show a value rounded."""
        settings = self._settings.value.decoding
        changes: dict[str, Any] = {
            name: row.value
            for name, row in self.rows.items()
            if row.value != round(getattr(settings, name), row.spec.decimals)
        }
        changes |= {"max_tokens": round(self.max_tokens.value()), "prompt_lookup": round(self.guesses.value())}
        changes |= {"seed": self.seed.value, "stop": self.stop.values}
        try:
            self._settings.update(decoding=replace(settings, **changes))
        except UserError as error:
            self.refused.emit(str(error))
            self._show()


def _muted(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("kind", "muted")
    label.setWordWrap(True)
    return label
