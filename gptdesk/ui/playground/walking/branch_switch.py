"""Which of the branches at the caret is shown, and buttons for the others: "2 / 4" between two arrows."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gptdesk.store.branches.outline import Fork
from gptdesk.ui.playground.walking.branch_walk import BranchWalk
from gptdesk.ui.theme import Theme
from gptdesk.ui.widgets.action_button import ActionButton
from gptdesk.ui.window.commands.registry import Commands


class BranchSwitch(QWidget):
    """Shown where branches part at the caret, else hidden.

    Attributes:
        place: label with number and count.
        previous, next: buttons.
    """

    def __init__(self, theme: Theme, commands: Commands, walk: BranchWalk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._commands, self._walk = commands, walk
        self.previous = ActionButton(commands.action("branch.previous"), "")
        self.next = ActionButton(commands.action("branch.next"), "")
        for button, icon in ((self.previous, "chevron-left"), (self.next, "chevron-right")):
            button.setProperty("icon_only", "true")
            button.setProperty("kind", "flat")
            theme.set_icon(button, icon)
        self.place = QLabel()
        self.place.setProperty("kind", "muted")
        self.place.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for widget in (self.previous, self.place, self.next):
            row.addWidget(widget)
        walk.changed.connect(self.show_fork)
        self.show_fork()

    def show_number(self, shown: bool) -> None:
        """Shows number and count between the buttons, or leaves them out where there is no room."""
        self.place.setHidden(not shown)
        self._row.invalidate()  # Qt would do so later, and the action bar asks at once how wide this is
        self.updateGeometry()

    @Slot()
    def show_fork(self) -> None:
        """Shows the fork of the walk."""
        fork = self._walk.fork
        self._commands.refresh("branch.previous", "branch.next")
        self.setHidden(fork is None)
        if fork is None:
            return
        count, words = len(fork.branches), _in_words(fork)
        widest = self.place.fontMetrics().horizontalAdvance(f"{count} / {count}")
        self.place.setMinimumWidth(widest)  # the buttons stay under the pointer
        self.place.setText(f"{'–' if fork.shown is None else fork.shown + 1} / {count}")
        self.place.setAccessibleName(words)
        self.place.setToolTip(words)


def _in_words(fork: Fork) -> str:
    count = len(fork.branches)
    if fork.shown is not None:
        return f"Branch {fork.shown + 1} of {count}"
    return "The text ends here; one branch goes on" if count == 1 else f"The text ends here; {count} branches go on"
