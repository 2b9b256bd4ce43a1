"""The card above the text with the step of a tour: Back, Next, End, and the model that the tour needs."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gptdesk.ui.playground.tours.table import CARD
from gptdesk.ui.playground.tours.tours import Tours
from gptdesk.ui.services.services import Services

if TYPE_CHECKING:
    from gptdesk.library.entry import LibraryEntry


class TourCard(QWidget):
    """Hidden while no tour runs.

    Attributes:
        title, text: of the step.
        back, next, end: what a person can do.
        model: uses or downloads the model that shows the tour best; hidden where that is in use.

    Signals:
        models_wanted(): emitted when the download begins, which the Models page shows.
        left(): emitted when the tour is ended with the focus in the card.
    """

    models_wanted = Signal()
    left = Signal()

    def __init__(self, services: Services, tours: Tours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._services, self._tours = services, tours
        self.setProperty("zone", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Guided tour")
        self.title, self.text, self._count = QLabel(), QLabel(), QLabel()
        self.title.setProperty("kind", "heading")
        self._count.setProperty("kind", "muted")
        self.text.setWordWrap(True)
        self.back, self.next, self.end = QPushButton("Back"), QPushButton("Next"), QPushButton("End")
        self.model = QPushButton("Use its model")
        self.back.clicked.connect(lambda: self._go_on(-1))
        self.next.clicked.connect(lambda: self._go_on(1))
        self.end.clicked.connect(self._on_end)
        self.model.clicked.connect(self._on_model)
        self._lay_out()
        tours.changed.connect(self._show)
        services.inference.state_changed.connect(self._show)
        services.models.changed.connect(self._show)
        self._show()

    def _lay_out(self) -> None:
        heading = QHBoxLayout()
        heading.setSpacing(8)
        heading.addWidget(self.title)
        heading.addStretch(1)
        heading.addWidget(self._count)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.model)
        buttons.addStretch(1)
        for button in (self.end, self.back, self.next):
            buttons.addWidget(button)
        for button in (self.model, self.end, self.back, self.next):
            button.setProperty("kind", "small")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        card = QFrame()
        card.setProperty("kind", "card")
        for button in (self.next, self.back, self.end, self.model):  # the first one gets the focus from F6
            button.setParent(card)
        for one, other in pairwise((self.model, self.end, self.back, self.next)):
            self.setTabOrder(one, other)
        column = QVBoxLayout(card)
        column.setContentsMargins(16, 10, 16, 10)
        column.setSpacing(6)
        column.addLayout(heading)
        column.addWidget(self.text)
        column.addLayout(buttons)
        self._outer = QVBoxLayout(self)
        self._outer.setContentsMargins(16, 8, 16, 4)
        self._outer.addWidget(card)

    def set_column(self, left: int, width: int) -> None:
        """Aligns the card with the text.

        Args:
            left: of the text, in pixels of this widget.
            width: of the text, in pixels.
        """
        left = max(16, left - 16)
        self._outer.setContentsMargins(left, 8, max(16, self.width() - left - width - 32), 4)

    def minimumSizeHint(self) -> QSize:
        """No least width: the text is wrapped."""
        return QSize(0, super().minimumSizeHint().height())

    @Slot()
    def _show(self) -> None:
        tour, step = self._tours.tour, self._tours.step
        self.setVisible(tour is not None)
        if tour is None or step is None:
            return
        self.title.setText(step.title)
        self.text.setText(step.text)
        last = self._tours.number == len(tour.steps) - 1
        self._count.setText(f"{tour.title}, {self._tours.number + 1} of {len(tour.steps)}")
        for button in (self.back, self.next, self.end):
            button.setAccessibleDescription(f"{self._count.text()}: {step.title}. {step.text}")
        self.back.setEnabled(self._tours.number > 0)
        self.next.setEnabled(not last)
        info = self._services.inference.info
        self.model.setVisible(info is not None and info.name != tour.model)
        verb = "Use" if self._is_here(tour.model) else "Download"
        self.model.setText(f"{verb} {tour.model}")
        self.model.setToolTip(f"This tour shows its subject best with {tour.model}")

    @property
    def _has_focus(self) -> bool:
        focus = QApplication.focusWidget()
        return focus is not None and self.isAncestorOf(focus)

    def _go_on(self, by: int) -> None:
        """Shows another step. A focus in the card stays there, so that the same key goes on; a token card, which would
        close without the focus, keeps it.
        """
        focused = self._has_focus
        self._tours.go_to(self._tours.number + by)
        step = self._tours.step
        if focused and self.isVisible() and step is not None and step.view != CARD:
            first, other = (self.next, self.end) if by > 0 else (self.back, self.next)
            (first if first.isEnabled() else other).setFocus()

    @Slot()
    def _on_end(self) -> None:
        focused = self._has_focus
        self._tours.end()
        if focused:
            self.left.emit()

    def _entry(self, name: str) -> LibraryEntry | None:
        """The model of that name: one on this computer, else one that can be downloaded."""
        found = [entry for entry in self._services.models.entries if entry.name == name]
        return next((entry for entry in found if entry.path is not None), found[0] if found else None)

    def _is_here(self, name: str) -> bool:
        entry = self._entry(name)
        return entry is not None and entry.path is not None

    @Slot()
    def _on_model(self) -> None:
        tour = self._tours.tour
        if tour is None:
            return
        entry = self._entry(tour.model)
        if self._is_here(tour.model):
            self._services.activation.use(tour.model, self.window())
        elif entry is not None and entry.repo:
            self._services.models.downloads.add(entry.repo, entry.revision)
            self.models_wanted.emit()
        else:
            self.models_wanted.emit()
