"""A section that its heading opens and closes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.elided_label import ElidedLabel


class CollapsibleSection(QFrame):
    """A heading with a chevron, a caption beside it, and contents under it. Closed at first.

    Args:
        fill: adds the contents to ``column``; called once, before they are shown.

    Attributes:
        button: the heading.
        caption: muted text to the right of the heading.
        column: layout of the contents.

    Signals:
        toggled(bool): emitted when it was opened or closed.
    """

    toggled = Signal(bool)

    def __init__(
        self, theme: Theme, title: str, parent: QWidget | None = None, *, fill: Callable[[], object] | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._fill = theme, fill
        self.button = QPushButton(title)
        self.button.setProperty("kind", "fold")
        self.button.setCheckable(True)
        self.button.setAccessibleName(f"{title} settings")
        self.button.toggled.connect(self._on_toggled)
        self.caption = ElidedLabel()
        self.caption.setProperty("kind", "muted")
        self.caption.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.caption.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(self.button)
        head.addWidget(self.caption, 1)
        self._contents = QWidget(self)
        self.column = QVBoxLayout(self._contents)
        self.column.setContentsMargins(0, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self._contents)
        self.show_contents()

    @property
    def is_open(self) -> bool:
        """Whether the contents are shown."""
        return not self._contents.isHidden()

    def set_open(self, open: bool) -> None:
        self.button.setChecked(open)

    def wants_open(self) -> bool:
        """Whether the contents should be shown; subclasses can add reasons."""
        return self.button.isChecked()

    def fill(self) -> None:
        """Makes the contents, if that has not been done."""
        fill, self._fill = self._fill, None
        if fill is not None:
            fill()

    def show_contents(self) -> None:
        """Shows or hides the contents according to `wants_open`."""
        shown = self.wants_open()
        if shown:
            self.fill()
        self._contents.setVisible(shown)
        self._theme.set_icon(self.button, "chevron-down" if shown else "chevron-right", "muted")

    def _on_toggled(self, open: bool) -> None:
        self.show_contents()
        self.toggled.emit(open)
