"""Cards of the list: a run with its loss curve, or data in preparation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.loss_units import LossUnit
from gptdesk.training.data.data_scanner import DataEntry
from gptdesk.training.index import RunEntry
from gptdesk.ui.fonts import scaled, smaller
from gptdesk.ui.icons import icon
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.data_labels import data_detail_words, data_role, data_state_words, describe
from gptdesk.ui.train.runs.labels import accessible_name, detail_text, shorter_details, state_label, state_text
from gptdesk.ui.train.runs.sparkline import Sparkline
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.status_dot import StatusDot
from gptdesk.ui.widgets.style_state import set_property
from gptdesk.ui.widgets.tooltips import wrapped

HEIGHT: Final = 80
"""Of a card, in pixels at a font of 13 pixels."""

_CURVE: Final = QSize(48, 32)
_PIN: Final = 12
_ROOMY: Final = 200
"""Width from which a card shows the curve beside its name, in pixels at a font of 13 pixels."""


class Card(QPushButton):
    """Name, state and detail; checked while selected.

    Attributes:
        folder: of the run or data.
    """

    def __init__(self, theme: Theme, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self._theme = theme
        self._shown: tuple[object, ...] = ()
        self.setProperty("kind", "run")
        self.setCheckable(True)
        self.setFixedHeight(scaled(HEIGHT))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.name = ElidedLabel()
        self.name.setProperty("kind", "heading")
        self.dot = StatusDot(theme)
        self.state = ElidedLabel()
        self.detail = ElidedLabel()
        self.detail.setProperty("kind", "muted")
        self.detail.setFont(smaller(self.font()))
        self._title = QHBoxLayout()
        self._title.setSpacing(4)
        self._title.addWidget(self.name, 1)
        state = QHBoxLayout()
        state.setSpacing(6)
        state.addWidget(self.dot)
        state.addWidget(self.state, 1)
        left = QVBoxLayout()
        left.setSpacing(2)
        left.addLayout(self._title)
        left.addLayout(state)
        left.addWidget(self.detail)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(10, 8, 10, 8)
        self._row.setSpacing(8)
        self._row.addLayout(left, 1)

    def nextCheckState(self) -> None:
        """A click on the selected card keeps it selected."""
        self.setChecked(True)

    def sizeHint(self) -> QSize:
        return QSize(scaled(200), scaled(HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, scaled(HEIGHT))

    def _let_clicks_through(self) -> None:
        for child in self.findChildren(QWidget):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def _show_words(self, name: str, state: str, detail: str, role: str, *, ring: bool) -> None:
        self.name.setText(name)
        self.state.setText(state)
        set_property(self.state, "role", role)
        self.dot.set_state(role, ring=ring)
        self.detail.setText(detail)


class RunCard(Card):
    """Card of a run, with its loss curve."""

    def __init__(self, theme: Theme, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(theme, folder, parent)
        self.pin = QLabel()
        self.pin.setFixedSize(_PIN, _PIN)
        self.curve = Sparkline(theme)
        self.curve.setFixedSize(_CURVE)
        self._title.addWidget(self.pin)
        self._row.addWidget(self.curve, 0, Qt.AlignmentFlag.AlignVCenter)
        self._let_clicks_through()
        theme.changed.connect(self._show_pin)
        self._show_pin()

    def show_run(self, entry: RunEntry, curve: Sequence[float], unit: LossUnit) -> None:
        """Shows the present state of the run, its loss in ``unit``."""
        label = state_label(entry)
        words = (entry.name, state_text(entry), detail_text(entry, unit), label.role)
        shorter = tuple(shorter_details(entry, unit))
        shown = (*words, shorter, entry.pinned, tuple(curve))
        if shown == self._shown:
            return
        self._shown = shown
        self._show_words(*words, ring=label.ring)
        self.detail.shorter = shorter
        self.curve.set_curve(curve, words[3])
        self.pin.setVisible(entry.pinned)
        self.setAccessibleName(accessible_name(entry, unit))
        self.setToolTip(wrapped(f"{entry.problem or entry.damage or entry.name}\n{entry.folder}"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hides the curve in a narrow card."""
        super().resizeEvent(event)
        self.curve.setVisible(event.size().width() >= scaled(_ROOMY))

    def _show_pin(self) -> None:
        self.pin.setPixmap(icon("pin", self._theme.colours.muted).pixmap(QSize(_PIN, _PIN)))


class DataCard(Card):
    """Card of data in preparation, with a progress bar."""

    def __init__(self, theme: Theme, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(theme, folder, parent)
        self.bar = QProgressBar()
        self.bar.setProperty("kind", "job")
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setFixedWidth(_CURVE.width())
        self._row.addWidget(self.bar, 0, Qt.AlignmentFlag.AlignVCenter)
        self._let_clicks_through()

    def show_data(self, entry: DataEntry, waiting: str) -> None:
        """Shows the present state, and the name of the run that waits for this data, if any."""
        state = entry.state
        detail = f"then starts {waiting}" if waiting else data_detail_words(state)
        words = (entry.name, data_state_words(state), detail, data_role(state))
        shown = (*words, round(1000 * state.share))
        if shown == self._shown:
            return
        self._shown = shown
        self._show_words(*words, ring=entry.active)
        self.bar.setValue(shown[-1])
        self.bar.setVisible(not entry.ready and state.state != "failed")
        self.setAccessibleName(f"Data {entry.name}, {words[1]}, {detail}")
        self.setToolTip(wrapped(f"{describe(state)}\n{entry.folder}"))
