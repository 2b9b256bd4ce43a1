"""The head of the Inspect pane: the choice of a view, its state, and buttons; what it shows and where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui.playground.inspect.copy_button import CopyButton
from gptdesk.ui.playground.inspect.view import InspectView
from gptdesk.ui.playground.inspect.views import VIEWS
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.widgets.inputs.boxes import ListBox
from gptdesk.ui.widgets.tooltips import escaped, wrapped

_PIN: Final = "Pin to the token before the caret"
_UNPIN: Final = "Follow the caret again"


class PaneHead(QWidget):
    """Two lines above the view.

    Args:
        theme: of the window.
        shown: the view that can be copied; None where it has nothing to show.
        code: Python code that computes what it shows.

    Attributes:
        choice: of the view.
        state: what is said of the view.
        pin: checked while the view stays with a token.
        copy: copies the view.
        close_button: hides the pane.
        help: what the view shows and does not prove, with links to its sources.

    Signals:
        chosen(str): emitted with the id of a view.
    """

    chosen = Signal(str)

    def __init__(self, theme: Theme, shown: Callable[[], InspectView | None], code: Callable[[], str]) -> None:
        super().__init__()
        self._theme, self._view = theme, ""
        theme.changed.connect(lambda: self.show_view(self._view))
        self.choice, self.state, self.help = ListBox(), ElidedLabel(), QLabel()
        self.pin, self.close_button = QPushButton(), QPushButton()
        self.copy = CopyButton(theme, shown, code)
        self.copy.told.connect(self.state.setText)
        self.choice.setAccessibleName("View")
        for id, about in VIEWS.items():
            self.choice.addItem(about.title, id)
            self.choice.setItemData(self.choice.count() - 1, wrapped(about.help), Qt.ItemDataRole.ToolTipRole)
        self.choice.activated.connect(lambda: self.chosen.emit(self.choice.currentData()))
        for label in (self.state, self.help):
            label.setProperty("kind", "muted")
        self.state.setAccessibleName("State of the view")
        self.state.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.pin.setCheckable(True)
        for button, icon in ((self.pin, "pin"), (self.close_button, "close")):
            button.setProperty("kind", "flat")
            button.setProperty("icon_only", "true")
            theme.set_icon(button, icon, "muted")
        self.close_button.setAccessibleName("Close Inspect")
        self.close_button.setToolTip("Close Inspect")
        self.help.setWordWrap(True)
        self.help.setTextFormat(Qt.TextFormat.RichText)
        self.help.setTextInteractionFlags(Qt.TextInteractionFlag.LinksAccessibleByMouse)  # keyboards have a command
        self.help.setOpenExternalLinks(True)
        self.help.setAccessibleName("What the view shows")
        self.show_pinned(False)
        self._lay_out()

    def _lay_out(self) -> None:
        heading = QLabel("Inspect")
        heading.setProperty("kind", "heading")
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(heading)
        line.addSpacing(8)
        line.addWidget(self.choice)
        line.addWidget(self.state, 1)
        for button in (self.pin, self.copy, self.close_button):
            line.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(line)
        layout.addWidget(self.help)

    def show_view(self, id: str) -> None:
        """Says which view is shown, and what it shows."""
        self._view, about = id, VIEWS[id]
        self.choice.setCurrentIndex(self.choice.findData(id))
        colour = self._theme.colours.accent  # a label keeps the colour that links had when it got its text
        link = f'<a style="color: {colour}" href='
        links = " · ".join(f'{link}"{source.address}">{escaped(source.name)}</a>' for source in about.sources)
        self.help.setText(f"{escaped(about.help)} Source: {links}")
        self.help.setAccessibleDescription(f"{about.help} Source: {'; '.join(one.title for one in about.sources)}")
        self.help.setToolTip(wrapped("\n".join(source.title for source in about.sources)))

    def open_sources(self) -> None:
        """Shows the papers that the view comes from in the browser."""
        for source in VIEWS[self._view].sources:
            QDesktopServices.openUrl(QUrl(source.address))

    def show_pinned(self, pinned: bool) -> None:
        """Says whether the view stays with a token."""
        self.pin.setChecked(pinned)
        self.pin.setAccessibleName(_UNPIN if pinned else _PIN)
        self.pin.setToolTip(_UNPIN if pinned else _PIN)
