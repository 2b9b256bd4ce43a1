"""Strip of the token view: what the colours mean, totals of the text or the selection, the most surprising places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.ui.playground.tokens.legend import Legend
from gptdesk.ui.playground.tokens.measures import MEASURES, Measure
from gptdesk.ui.playground.tokens.token_table import Totals, totals_text
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.inputs.boxes import IconMenuButton, ListBox, MenuButton
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.widgets.tooltips import wrapped
from gptdesk.ui.window.commands.registry import Commands

_SIDE: Final = 16
_ABOVE: Final = 6
_INSET: Final = 8
"""From the edge of the last button to its icon, in pixels."""

_TOKEN_ROOM: Final = 160
"""Least width at which the token at the caret is described, in pixels."""

_PERPLEXITY_HELP: Final = (
    "Perplexity: among how many equally likely tokens the model was, on average, as uncertain as before each token of "
    "the text. Bits per byte: the same, for each byte of the text, which compares models of different vocabularies."
)


class TokenStrip(QWidget):
    """Two lines below the text. What a narrow window has no room for is in a menu.

    Attributes:
        measure: chooses the measure, by its id.
        places: opens the menu of the most surprising places.
        more: opens the menu of what has no room.

    Signals:
        measure_chosen(str): emitted with the id of the measure that the person chose.
        places_wanted(object): emitted with the `Menu` of the most surprising places before it is shown.
    """

    measure_chosen = Signal(str)
    places_wanted = Signal(object)

    def __init__(self, theme: Theme, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Token view")
        self.measure = ListBox()
        self.measure.setAccessibleName("Colour by")
        for one in MEASURES.values():
            self.measure.addItem(one.title, one.id)
            self.measure.setItemData(self.measure.count() - 1, wrapped(one.help), Qt.ItemDataRole.ToolTipRole)
        self.measure.activated.connect(lambda: self.measure_chosen.emit(self.measure.currentData()))
        self.legend = Legend(theme)
        self.borders = ActionButton(commands.action("tokens.borders"), "Borders")
        self.ids = ActionButton(commands.action("tokens.ids"), "Ids")
        self._column: tuple[int, int] | None = None
        self._beside = 0  # free space to the right of the buttons, in pixels
        self._menu = Menu(self)
        self.places = MenuButton("", self._menu)
        self.places.setText("Most surprising")
        self.places.setAccessibleName("Most surprising places")
        self.places.setToolTip(
            wrapped("The tokens that the model expected least, in the selection or in all of the text")
        )
        self._menu.aboutToShow.connect(lambda: self.places_wanted.emit(self._menu))
        self.export = ActionButton(commands.action("tokens.export"), "Export…")
        self._more = self._make_more(commands)
        self.more = IconMenuButton("More of the token view", self._more)
        theme.set_icon(self.more, "more")
        self.close_button = QPushButton()
        self.close_button.setAccessibleName("Close the token view")
        self.close_button.setToolTip("Close the token view")
        theme.set_icon(self.close_button, "close", "muted")
        self.close_button.clicked.connect(commands.action("tokens.show").trigger)
        for button in (self.more, self.close_button):
            button.setProperty("icon_only", "true")
            button.setProperty("kind", "flat")
        self.totals, self.token = ElidedLabel(), ElidedLabel()
        self.totals.setAccessibleName("Totals")
        self.totals.setAccessibleDescription(_PERPLEXITY_HELP)
        self.totals.help = _PERPLEXITY_HELP
        self.token.setProperty("kind", "muted")
        self.token.setAccessibleName("Token at the caret")
        self.token.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.token.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._lay_out()

    def _make_more(self, commands: Commands) -> Menu:
        """The menu of what has no room."""
        menu = Menu(self)
        menu.addActions([commands.action(id) for id in ("tokens.borders", "tokens.ids")])
        places = menu.addMenu("Most surprising")
        places.aboutToShow.connect(lambda: self.places_wanted.emit(places))
        menu.addAction(commands.action("tokens.export"))
        return menu

    def _lay_out(self) -> None:
        line = QFrame()
        line.setProperty("line", "horizontal")
        self._caption = QLabel("Colour by")
        self._caption.setBuddy(self.measure)
        self._controls = controls = QHBoxLayout()
        controls.setSpacing(8)
        for widget in (self._caption, self.measure, self.legend):
            controls.addWidget(widget)
        controls.addStretch(1)
        for button in (self.borders, self.ids, self.places, self.export, self.more, self.close_button):
            controls.addWidget(button)
        self._figures = figures = QHBoxLayout()
        figures.setSpacing(24)
        figures.addWidget(self.totals)
        figures.addWidget(self.token, 1)
        self._inner = inner = QVBoxLayout()
        inner.setSpacing(4)
        inner.addLayout(controls)
        inner.addLayout(figures)
        self._outer = outer = QVBoxLayout(self)
        outer.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)  # see `minimumSizeHint`
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(line)
        outer.addLayout(inner)

    def set_column(self, left: int, width: int) -> None:
        """Aligns the lines with the text, if that leaves room for the buttons.

        Args:
            left: of the text, in pixels of this widget.
            width: of the text, in pixels.
        """
        self._column = left, width
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """No least width: what has no room moves into a menu."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Shows what has room; the rest is behind "More"."""
        room = self.width() - _SIDE - _INSET
        hiding: tuple[tuple[Callable[[bool], object], ...], ...] = (
            (self.borders.setVisible, self.ids.setVisible, self.export.setVisible),
            (self._caption.setVisible, self.legend.show_generated),
            (self.places.setVisible,),
            (self.legend.show_ends,),
            (self.legend.setVisible,),
        )
        self._controls.setContentsMargins(0, 0, 0, 0)
        for hidden in range(len(hiding) + 1):
            for number, parts in enumerate(hiding):
                for show in parts:
                    show(number >= hidden)
            self.more.setVisible(hidden > 0)
            self._controls.invalidate()  # Qt would do so later
            if self._controls.sizeHint().width() <= room:
                break
        needed = self._controls.sizeHint().width()
        left, width = self._column or (_SIDE, self.width())
        left = max(_SIDE, min(left, self.width() - _INSET - needed))
        beside = self.width() - left - max(width + _INSET, needed)
        self._inner.setContentsMargins(left, _ABOVE, _INSET, _ABOVE)
        self._beside = max(0, beside - _INSET)
        self._controls.setContentsMargins(0, 0, self._beside, 0)
        self._fit_figures()
        self._outer.activate()  # Qt would not where it was just doing so: buttons would keep their places
        self.token.setVisible(room - self.totals.sizeHint().width() >= _TOKEN_ROOM)

    def _fit_figures(self) -> None:
        """Lets the description of the token go on beside the column of the text, if it is longer."""
        room = self.width() - self._inner.contentsMargins().left() - _INSET - self._beside
        needed = self.totals.sizeHint().width() + self._figures.spacing() + self.token.sizeHint().width()
        missing = needed - room
        self._figures.setContentsMargins(0, 0, max(0, self._beside - max(0, missing)), 0)

    def show_measure(self, measure: Measure) -> None:
        """Shows which measure the text is coloured by."""
        self.measure.setCurrentIndex(self.measure.findData(measure.id))
        self.legend.show_measure(measure)

    def show_totals(self, totals: Totals, *, selected: bool, note: str = "") -> None:
        """Shows the totals.

        Args:
            totals: of the selection or the text.
            selected: whether they are of the selection.
            note: why they are not complete; "" if they are.
        """
        words = totals_text(totals, "Selection" if selected else "Text")
        self.totals.setText(f"{words}  ·  {note}" if note else words)
        self._fit()

    def show_token(self, text: str) -> None:
        """Shows what is known of the token at the caret."""
        self.token.setText(text)
        self._fit_figures()
