"""Controls of all charts, in the header of the large one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget, QWidgetAction

from gptdesk.ui.fonts import scaled
from gptdesk.ui.number_format import decimal
from gptdesk.ui.theme import Theme
from gptdesk.ui.train.charts.commands import FORMATS, SWITCHES, axis_id, save_id, switch_id
from gptdesk.ui.train.charts.settings import AXIS_TITLES, LARGEST_SMOOTHING, ChartSettings
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton, MenuButton
from gptdesk.ui.widgets.inputs.near_one_scale import NearOne
from gptdesk.ui.widgets.inputs.slider_row import SliderRow, SliderSpec
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.widgets.tooltips import wrapped
from gptdesk.ui.window.commands.registry import Commands

_SPACING: Final = 6
_SMOOTHING: Final = SliderSpec(
    name="smoothing",
    title="Smoothing",
    help="Weight of earlier values in the moving average: 0 shows the recorded values, 0.999 only the trend.",
    lowest=0.0,
    highest=LARGEST_SMOOTHING,
    decimals=3,
    scale=NearOne(decades=3),
)


class ChartControls(QWidget):
    """Buttons in a row; where not all fit, the logarithmic axes are in the menu alone.

    Args:
        commands: with those of `chart_commands`.

    Attributes:
        menu: of the "…" button.

    Signals:
        changed(object): the user moved the slider; the new `ChartSettings`.
    """

    changed = Signal(object)

    def __init__(
        self, theme: Theme, commands: Commands, settings: ChartSettings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.settings = settings
        self._commands = commands
        self.axis = MenuButton("", self._menu_of(*map(axis_id, AXIS_TITLES)))
        self.axis.setToolTip("X axis")
        self.log_x = self._switch("log_x", "log x")
        self.log_y = self._switch("log_y", "log y")
        self._make_smoothing()
        self.follow = self._switch("follow", "Follow")
        self.menu = self._menu_of(
            "charts.fit", "", *map(switch_id, SWITCHES), "", "charts.compare", "", *map(save_id, FORMATS)
        )
        self.more = IconMenuButton("Chart menu", self.menu)
        theme.set_icon(self.more, "more")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(_SPACING)
        for button in self._buttons():
            row.addWidget(button)
        self.show_settings(settings)

    def _buttons(self) -> tuple[QPushButton, ...]:
        return (self.axis, self.log_x, self.log_y, self.smooth, self.follow, self.more)

    def _switch(self, setting: str, text: str) -> ActionButton:
        button = ActionButton(self._commands.action(switch_id(setting)), text)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return button

    def _menu_of(self, *ids: str) -> Menu:
        """A menu of commands; "" stands for a separator."""
        menu = Menu(self)
        for id in ids:
            menu.addAction(self._commands.action(id)) if id else menu.addSeparator()
        menu.aboutToShow.connect(lambda: self._commands.refresh(*filter(None, ids)))
        return menu

    def _make_smoothing(self) -> None:
        self.smoothing = SliderRow(_SMOOTHING)
        self.smoothing.setMinimumWidth(scaled(240))
        self.smoothing.changed.connect(self._on_smoothing)
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

    def open_smoothing(self) -> None:
        """Opens the slider below its button."""
        self.smooth.menu().popup(self.smooth.mapToGlobal(QPoint(0, self.smooth.height())))

    def show_settings(self, settings: ChartSettings) -> None:
        """Shows other settings without emitting `changed`."""
        self.settings = settings
        name = AXIS_TITLES[settings.axis].short
        self.axis.setText(name)
        self.axis.setAccessibleName(f"X axis: {name}")
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

    def _on_smoothing(self) -> None:
        settings = replace(self.settings, smoothing=float(self.smoothing.value))
        if settings != self.settings:
            self.changed.emit(settings)


def _short(smoothing: float) -> str:
    """0.6 or 0.995: as many digits as it has."""
    digits = next((digits for digits in (0, 1, 2) if abs(smoothing - round(smoothing, digits)) < 1e-9), 3)
    return decimal(smoothing, digits)
