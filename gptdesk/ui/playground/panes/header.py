"""Top of a pane: heading, number of rows, buttons, and the search field."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from gptdesk.ui import number_format


class PaneHeader(QWidget):
    """The widgets above the rows; subclasses add buttons and call `lay_out`.

    Args:
        title: of the pane.
        things: what its rows are, in the plural.
        searched: what the search looks at, for screen readers.

    Attributes:
        heading: shows the title.
        count: how many rows there are, or were found.
        field: what is searched for.
        rows: all rows of widgets, to whose end others are added.
    """

    def __init__(self, title: str, things: str, searched: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = QLabel(title)
        self.heading.setProperty("kind", "heading")
        self.count = QLabel()
        self.count.setProperty("kind", "muted")
        self.count.setAccessibleName(f"Number of {things}")
        self.field = QLineEdit()
        self.field.setPlaceholderText(f"Search {things}")
        self.field.setAccessibleName(f"Search {things}")
        self.field.setAccessibleDescription(searched)
        self.field.setClearButtonEnabled(True)

    def lay_out(self, *buttons: QWidget) -> None:
        """Puts the widgets in their places, in the order of Tab; the buttons beside the heading."""
        first, search = QHBoxLayout(), QHBoxLayout()
        first.setContentsMargins(12, 8, 8, 0)
        first.setSpacing(8)
        first.addWidget(self.heading)
        first.addWidget(self.count, 1)
        for button in buttons:
            first.addWidget(button)
        search.setContentsMargins(12, 4, 12, 6)
        search.addWidget(self.field)
        self.rows = QVBoxLayout(self)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.rows.setSpacing(0)
        self.rows.addLayout(first)
        self.rows.addLayout(search)

    def show_count(self, number: int, *, found: str = "") -> None:
        """Shows how many rows there are.

        Args:
            found: word behind the number of those that a search found; "" without a search.
        """
        self.count.setText(" ".join(filter(None, (number_format.count(number), found))))
