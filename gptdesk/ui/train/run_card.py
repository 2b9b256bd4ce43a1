"""A run in the list: its name, its state, the shape of its loss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.training.index import RunEntry
from gptdesk.ui.fonts import smaller
from gptdesk.ui.icons import icon
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.run_words import detail_words, role, spoken, state_words
from gptdesk.ui.train.sparkline import Sparkline
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.status_dot import StatusDot

HEIGHT: Final = 80
_CURVE: Final = QSize(56, 32)
_PIN: Final = 12


class RunCard(QPushButton):
    """One card; checked when its run is the one at hand.

    Attributes:
        folder: of its run.
    """

    def __init__(self, theme: Theme, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self._theme = theme
        self._shown: tuple[object, ...] = ()
        self.setProperty("kind", "run")
        self.setCheckable(True)
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.name = ElidedLabel()
        self.name.setProperty("kind", "heading")
        self.pin = QLabel()
        self.pin.setFixedSize(_PIN, _PIN)
        self.dot = StatusDot(theme)
        self.state = ElidedLabel()
        self.detail = ElidedLabel()
        self.detail.setProperty("kind", "muted")
        self.detail.setFont(smaller(self.font()))
        self.curve = Sparkline(theme)
        self.curve.setFixedSize(_CURVE)
        title = QHBoxLayout()
        title.setSpacing(4)
        title.addWidget(self.name, 1)
        title.addWidget(self.pin)
        state = QHBoxLayout()
        state.setSpacing(6)
        state.addWidget(self.dot)
        state.addWidget(self.state, 1)
        left = QVBoxLayout()
        left.setSpacing(2)
        left.addLayout(title)
        left.addLayout(state)
        left.addWidget(self.detail)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 8, 10, 8)
        row.setSpacing(8)
        row.addLayout(left, 1)
        row.addWidget(self.curve, 0, Qt.AlignmentFlag.AlignVCenter)
        for child in self.findChildren(QWidget):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme.changed.connect(self._show_pin)

    def show_run(self, entry: RunEntry, curve: Sequence[float]) -> None:
        """Shows the run as it is now."""
        words = (entry.name, state_words(entry), detail_words(entry), entry.pinned, role(entry), tuple(curve))
        if words == self._shown:
            return
        self._shown = words
        self.name.setText(entry.name)
        self.state.setText(words[1])
        self.state.setProperty("role", words[4])
        self.state.style().unpolish(self.state)
        self.state.style().polish(self.state)
        self.dot.set_state(words[4], ring=entry.state.state in ("starting", "compiling", "stopping"))
        self.detail.setText(words[2])
        self.curve.set_curve(curve, words[4])
        self.pin.setVisible(entry.pinned)
        self._show_pin()
        self.setAccessibleName(spoken(entry))
        self.setToolTip(f"{entry.problem or entry.name}\n{entry.folder}")

    def nextCheckState(self) -> None:
        """A click on the run at hand leaves it at hand."""
        self.setChecked(True)

    def sizeHint(self) -> QSize:
        return QSize(200, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, HEIGHT)

    def _show_pin(self) -> None:
        self.pin.setPixmap(icon("pin", self._theme.colours.muted).pixmap(QSize(_PIN, _PIN)))
