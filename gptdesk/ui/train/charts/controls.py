"""Controls of the charts in the header of the large one; its menu has all of them too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget, QWidgetAction

from gptdesk.metrics import METRICS
from gptdesk.ui.number_format import decimal
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.charts.settings import LARGEST_SMOOTHING, ChartSettings
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton, MenuButton
from gptdesk.ui.widgets.inputs.near_one_scale import FromOne
from gptdesk.ui.widgets.inputs.slider_row import SliderRow, SliderSpec
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.widgets.tooltips import wrapped

_LOG_CHARTS: Final = ", ".join(each.title for each in METRICS if each.log_y)
_SPACING: Final = 6
_AXES: Final = {"step": "Step", "tokens": "Tokens", "time": "Time"}
_SMOOTHING: Final = SliderSpec(
    name="smoothing",
    title="Smoothing",
    help="Weight of earlier values in the moving average: 0 shows the recorded values, 0.999 only the trend.",
    lowest=0.0,
    highest=LARGEST_SMOOTHING,
    decimals=3,
    scale=FromOne(decades=3),
)


class ChartControls(QWidget):
    """Buttons in a row; where not all fit, the logarithmic axes are in the menu alone.

    Signals:
        changed(object): the user changed the settings; the new `ChartSettings`.
        fit_wanted(): show everything.
        compare_wanted(): compare the settings of the runs.
        save_wanted(str): save the charts as "png", "svg" or "csv".
    """

    changed = Signal(object)
    fit_wanted = Signal()
    compare_wanted = Signal()
    save_wanted = Signal(str)

    def __init__(self, theme: Theme, settings: ChartSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self._make_axis()
        self.log_x = self._toggle("log x", "Logarithmic x axis", "log_x", "Logarithmic x axis")
        self.log_y = self._toggle("log y", "Logarithmic y axis", "log_y", f"Logarithmic y axis: {_LOG_CHARTS}")
        self._make_smoothing()
        self.follow = self._toggle("Follow", "Follow the newest step", "follow", "Keeps the newest step in view")
        self._make_menu(theme)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(_SPACING)
        for button in self._buttons():
            row.addWidget(button)
        self.show_settings(settings)

    def _buttons(self) -> tuple[QPushButton, ...]:
        return (self.axis, self.log_x, self.log_y, self.smooth, self.follow, self.more)

    def _make_axis(self) -> None:
        menu, group = Menu(self), QActionGroup(self)
        self._axes = {axis: menu.addAction(word) for axis, word in _AXES.items()}
        for axis, action in self._axes.items():
            action.setCheckable(True)
            group.addAction(action)
            action.triggered.connect(lambda _=False, axis=axis: self._choose(axis=axis))
        self.axis = MenuButton("", menu)
        self.axis.setToolTip("X axis")

    def _toggle(self, text: str, name: str, setting: str, help: str) -> QPushButton:
        button = QPushButton(text)
        button.setCheckable(True)
        button.setAccessibleName(name)
        button.setToolTip(wrapped(help))
        button.toggled.connect(lambda on: self._choose(**{setting: on}))
        return button

    def _make_smoothing(self) -> None:
        self.smoothing = SliderRow(_SMOOTHING)
        self.smoothing.setMinimumWidth(240)
        self.smoothing.changed.connect(lambda: self._choose(smoothing=float(self.smoothing.value)))
        holder = QWidget()
        layout = QVBoxLayout(holder)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.addWidget(self.smoothing)
        menu = Menu(self)
        action = QWidgetAction(menu)
        action.setDefaultWidget(holder)
        menu.addAction(action)
        menu.aboutToShow.connect(lambda: self.smoothing.box.setFocus(Qt.FocusReason.PopupFocusReason))
        self.smooth = MenuButton("", menu)
        self.smooth.setToolTip(wrapped(_SMOOTHING.help))

    def _make_menu(self, theme: Theme) -> None:
        menu = Menu(self)
        self._add(menu, "Show everything", self.fit_wanted.emit)
        menu.addSeparator()
        self._checks = {
            "follow": self._add_check(menu, "Follow the newest step", "follow"),
            "log_x": self._add_check(menu, "Logarithmic x axis", "log_x"),
            "log_y": self._add_check(menu, "Logarithmic y axis", "log_y"),
            "published": self._add_check(menu, "Published losses of GPT-2", "published"),
        }
        menu.addSeparator()
        self.compare = self._add(menu, "Compare settings…", self.compare_wanted.emit)
        menu.addSeparator()
        for kind, words in (("png", "picture (PNG)"), ("svg", "drawing (SVG)"), ("csv", "table (CSV)")):
            self._add(menu, f"Save as {words}…", partial(self.save_wanted.emit, kind))
        self.more = IconMenuButton("More about the charts", menu)
        self.menu = menu
        theme.set_icon(self.more, "more")

    def _add(self, menu: QMenu, text: str, slot: Callable[[], object]) -> QAction:
        action = menu.addAction(text)
        action.triggered.connect(lambda: slot())
        return action

    def _add_check(self, menu: QMenu, text: str, setting: str) -> QAction:
        action = menu.addAction(text)
        action.setCheckable(True)
        action.toggled.connect(lambda on: self._choose(**{setting: on}))
        return action

    def show_settings(self, settings: ChartSettings) -> None:
        """Shows other settings without emitting `changed`."""
        self.settings = settings
        shown: list[QPushButton | QAction] = [self.log_x, self.log_y, self.follow, *self._checks.values()]
        values = [settings.log_x, settings.log_y, settings.follow]
        values += [getattr(settings, name) for name in self._checks]
        for one, value in zip(shown, values, strict=True):
            with QSignalBlocker(one):
                one.setChecked(value)
        self._axes[settings.axis].setChecked(True)
        self.axis.setText(_AXES[settings.axis])
        self.axis.setAccessibleName(f"Axis: {_AXES[settings.axis]}")
        self.smooth.setText(f"Smooth {_short(settings.smoothing)}")
        self.smooth.setAccessibleName(f"Smoothing {_short(settings.smoothing)}")
        if self.smoothing.value != settings.smoothing:
            self.smoothing.set_value(settings.smoothing)
        self.axis.updateGeometry()
        self.smooth.updateGeometry()

    def width_of(self, hidden: Sequence[QPushButton] = ()) -> int:
        """Width in pixels of the row without some of its buttons."""
        shown = [button for button in self._buttons() if button not in hidden]
        return sum(button.sizeHint().width() for button in shown) + _SPACING * (len(shown) - 1)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.width_of(self._spare()[-1]), super().minimumSizeHint().height())

    def fit_into(self, width: int) -> bool:
        """Hides the logarithmic buttons as needed to fit; returns whether the row fits."""
        hidden = next((some for some in self._spare() if self.width_of(some) <= width), self._spare()[-1])
        for button in (self.log_x, self.log_y):
            button.setVisible(button not in hidden)
        return self.width_of(hidden) <= width

    def _spare(self) -> tuple[tuple[QPushButton, ...], ...]:
        """Buttons that can be hidden, fewest first; the menu has them too."""
        return (), (self.log_y,), (self.log_x, self.log_y)

    def _choose(self, **changes: Any) -> None:
        settings = replace(self.settings, **changes)
        if settings != self.settings:
            self.show_settings(settings)
            self.changed.emit(settings)


def _short(smoothing: float) -> str:
    """0.6 or 0.995: as many digits as it has."""
    digits = next((digits for digits in (0, 1, 2) if abs(smoothing - round(smoothing, digits)) < 1e-9), 3)
    return decimal(smoothing, digits)
