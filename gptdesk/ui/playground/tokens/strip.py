"""Strip of the token view: what the colours mean, totals of the text or the selection, the most surprising places."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui import number_format
from gptdesk.ui.playground.tokens.legend import Legend
from gptdesk.ui.playground.tokens.measures import MEASURES, Measure
from gptdesk.ui.playground.tokens.token_table import Totals
from gptdesk.ui.stylesheet import control_height
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.flow_layout import FlowLayout
from gptdesk.ui.widgets.inputs.boxes import ListBox, MenuButton
from gptdesk.ui.widgets.popup import Menu
from gptdesk.ui.widgets.tooltips import wrapped
from gptdesk.ui.window.commands.registry import Commands

_SIDE: Final = 16
_PERPLEXITY_HELP: Final = (
    "Perplexity: among how many equally likely tokens the model was, on average, as uncertain as before each token of "
    "the text. Bits per byte: the same, for each byte of the text, which compares models of different vocabularies."
)


class TokenStrip(QWidget):
    """A few lines below the text.

    Attributes:
        measure: chooses the measure, by its id.
        places: opens the menu of the most surprising places, which `fill_places` fills.

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
        self._menu = Menu(self)
        self.places = MenuButton("", self._menu)
        self.places.setText("Most surprising")
        self.places.setAccessibleName("Most surprising places")
        self.places.setToolTip(
            wrapped("The tokens that the model expected least, in the selection or in all of the text")
        )
        self._menu.aboutToShow.connect(lambda: self.places_wanted.emit(self._menu))
        self.export = ActionButton(commands.action("tokens.export"), "Export CSV…")
        self.close_button = QPushButton("Close")
        self.close_button.setAccessibleName("Close the token view")
        self.close_button.clicked.connect(commands.action("tokens.show").trigger)
        self.totals, self.token = ElidedLabel(), ElidedLabel()
        self.totals.setAccessibleName("Totals")
        self.totals.setAccessibleDescription(_PERPLEXITY_HELP)
        self.totals.help = _PERPLEXITY_HELP
        self.token.setProperty("kind", "muted")
        self.token.setAccessibleName("Token at the caret")
        self.close_button.setProperty("kind", "flat")
        self._lay_out()

    def _lay_out(self) -> None:
        line = QFrame()
        line.setProperty("line", "horizontal")
        rows = QWidget()
        controls = FlowLayout(rows, spacing=12)
        caption = QLabel("Colour by")
        caption.setBuddy(self.measure)
        for part in (caption, self.legend):
            part.setMinimumHeight(control_height())
        for widget in (
            caption, self.measure, self.legend, self.borders, self.ids, self.places, self.export, self.close_button,
        ):  # fmt: skip
            controls.addWidget(widget)
        inner = QVBoxLayout()
        inner.setContentsMargins(_SIDE, 8, _SIDE, 8)
        inner.setSpacing(6)
        inner.addWidget(rows)
        inner.addWidget(self.totals)
        inner.addWidget(self.token)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(line)
        outer.addLayout(inner)

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
        parts = [f"{'Selection' if selected else 'Text'}: {number_format.tokens(totals.tokens)}"]
        if totals.perplexity is not None:
            parts.append(f"perplexity {_rounded(totals.perplexity)}")
        if totals.bits_per_byte is not None:
            parts.append(f"{number_format.decimal(totals.bits_per_byte, 3)} bits per byte")
        self.totals.setText("  ·  ".join([*parts, note] if note else parts))

    def show_token(self, text: str) -> None:
        """Shows what is known of the token at the caret."""
        self.token.setText(text)


def _rounded(perplexity: float) -> str:
    return number_format.decimal(perplexity, 1 if perplexity < 1000 else 0)
