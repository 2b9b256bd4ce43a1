"""A section of settings under a heading that opens and closes it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.ui.theme import Theme
from gptdesk.ui.train.new_run.settings.row import SettingRow
from gptdesk.ui.widgets.elided_label import ElidedLabel


class Fold(QFrame):
    """One section.

    Attributes:
        rows: in it.
    """

    def __init__(self, theme: Theme, title: str, help: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[SettingRow] = []
        self._theme = theme
        self._searching = False
        self.setProperty("kind", "card")
        self.button = QPushButton(title)
        self.button.setProperty("kind", "fold")
        self.button.setCheckable(True)
        self.button.setAccessibleName(f"{title} settings")
        self.button.setAccessibleDescription(help)
        self.button.toggled.connect(self._show)
        caption = ElidedLabel(help)
        caption.setProperty("kind", "muted")
        caption.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        caption.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(self.button)
        head.addWidget(caption, 1)
        self._inside = QWidget()
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(0, 8, 0, 8)
        self._column.setSpacing(16)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 8, 16, 8)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self._inside)
        self._show()

    def add_row(self, row: SettingRow) -> None:
        """One more setting, below the others."""
        self.rows.append(row)
        self._column.addWidget(row)

    @property
    def is_open(self) -> bool:
        return not self._inside.isHidden()

    def set_open(self, open: bool) -> None:
        self.button.setChecked(open)

    def show_all(self, searching: bool) -> None:
        """While something is searched for, what was found is in view whether the fold is open or not."""
        self._searching = searching
        self._show()

    def show_problems(self) -> None:
        """Opens when one of its rows has a problem."""
        if any(row.problem for row in self.rows):
            self.set_open(True)

    def _show(self) -> None:
        shown = self.button.isChecked() or self._searching
        self._inside.setVisible(shown)
        self._theme.set_icon(self.button, "chevron-down" if shown else "chevron-right", "muted")
