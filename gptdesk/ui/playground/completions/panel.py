"""Panel under the text: the completions of a round as cards, and what can be done with all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gptdesk.ui.playground.completions.card import CompletionCard
from gptdesk.ui.playground.completions.card_grid import CardGrid
from gptdesk.ui.playground.completions.completions import Completions
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.generation_place import GenerationPlace
from gptdesk.ui.playground.session import Session
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.widgets.elided_label import ElidedLabel
from gptdesk.ui.window.commands.registry import Commands

_GENERATE: Final = "completions.generate"
_COMMANDS: Final = (_GENERATE, "text.stop", "completions.another_round", "completions.keep", "completions.close")
"""Commands whose buttons change with the completions, declared in `completion_commands` and `text_commands`."""

_SIDE: Final = 16
_SPACING: Final = 8
_ALIKE: Final = "Temperature 0 always takes the most likely token, so all of them are the same."


class CompletionsPanel(QWidget):
    """Shown while there are completions. A number key goes on with that completion.

    Attributes:
        grid: the cards.
        state: how many have ended.
    """

    def __init__(
        self,
        theme: Theme,
        completions: Completions,
        session: Session,
        editor: Editor,
        place: GenerationPlace,
        commands: Commands,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._completions, self._commands = theme, completions, commands
        self._editor, self._place = editor, place
        self.setProperty("zone", "background")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Completions")
        self.grid = CardGrid()
        self.state = ElidedLabel()
        self.state.setProperty("kind", "muted")
        self.state.setAccessibleName("State of the completions")
        self.another = ActionButton(commands.action("completions.another_round"))
        self.keep = ActionButton(commands.action("completions.keep"))
        self.close_button = ActionButton(commands.action("completions.close"), "")
        for button in (self.another, self.keep):
            button.setProperty("kind", "flat")
        self.close_button.setProperty("kind", "flat")
        self.close_button.setProperty("icon_only", "true")
        theme.set_icon(self.close_button, "close")
        self._lay_out()
        self._shown: object = None
        completions.changed.connect(self._show)
        completions.updated.connect(self._on_updated)
        completions.used.connect(editor.show_end)
        session.activity_changed.connect(lambda: commands.refresh(_GENERATE))
        self.hide()

    def _lay_out(self) -> None:
        line = QFrame()
        line.setProperty("line", "horizontal")
        self._title = QLabel("Completions")
        self._title.setProperty("kind", "heading")
        head = QHBoxLayout()
        head.setSpacing(_SPACING)
        head.addWidget(self._title)
        head.addWidget(self.state, 1)
        for widget in (self.another, self.keep, self.close_button):
            head.addWidget(widget)
        inner = QVBoxLayout()
        inner.setContentsMargins(_SIDE, 8, _SIDE, 8)
        inner.setSpacing(8)
        inner.addLayout(head)
        inner.addWidget(self.grid, 1)
        outer = QVBoxLayout(self)
        outer.setSizeConstraint(QVBoxLayout.SizeConstraint.SetMaximumSize)  # that of the cards
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(line)
        outer.addLayout(inner)

    def generate(self) -> None:
        """Generates several completions where Generate would write."""
        if self._place.start is None:
            self._editor.show_end()
        self._completions.generate(self._place.start)

    @Slot()
    def _show(self) -> None:
        round = self._completions.round
        if round is not self._shown:
            self._shown = round
            self._show_round()
        self._on_updated(range(len(self._completions.all)))
        ended = sum(each.ended for each in self._completions.all)
        self.state.setText(self._state(ended, len(self._completions.all)))
        self._fit_head()
        self._commands.refresh(
            _GENERATE, "text.stop", "text.undo", "completions.another_round", "completions.keep", "completions.close"
        )

    def _state(self, ended: int, count: int) -> str:
        round = self._completions.round
        if round is not None and round.settings.greedy:
            return _ALIKE
        if self._completions.running:
            return f"{ended} of {count} ended"
        return f"Press 1 to {count} or click"

    def _show_round(self) -> None:
        """Shows the cards of another round, or hides the panel."""
        cards = [CompletionCard(self._theme, index + 1) for index in range(len(self._completions.all))]
        for index, card in enumerate(cards):
            card.clicked.connect(lambda _=False, index=index: self._completions.use(index))
            card.stop.clicked.connect(lambda _=False, index=index: self._completions.stop(index))
        focused = self.focusWidget()
        if not cards and focused is not None and focused.hasFocus():
            self._editor.setFocus()
        self.grid.set_cards(cards)
        self.setVisible(bool(cards))
        if cards:
            self.setFocusProxy(cards[0])
            cards[0].setFocus()

    @Slot(object)
    def _on_updated(self, indices: Iterable[int]) -> None:
        for index in indices:
            self.grid.cards[index].show_completion(self._completions.all[index])

    def _fit_head(self) -> None:
        """Hides what does not fit: the state first, then the title and the buttons, whose commands stay in the menu."""
        room = self.width() - 2 * _SIDE - self.close_button.sizeHint().width()
        for widget in (self.another, self.keep, self._title, self.state):
            text = self.state.fontMetrics().horizontalAdvance(self.state.text())
            room -= _SPACING + (text if widget is self.state else widget.sizeHint().width())
            widget.setVisible(room >= 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fits the head to the width."""
        super().resizeEvent(event)
        self._fit_head()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A digit goes on with that completion."""
        digit = event.key() - Qt.Key.Key_0
        if 1 <= digit <= len(self._completions.all) and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            self._completions.use(digit - 1)
        else:
            super().keyPressEvent(event)
