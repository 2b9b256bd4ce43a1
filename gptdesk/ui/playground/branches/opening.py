"""Shows and hides the pane of branches, which is made when it is first shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Signal

from gptdesk.ui.playground.branches.branches import Branches
from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.services import Services
from gptdesk.ui.widgets.layout.page_columns import SidePart
from gptdesk.ui.widgets.layout.pane_slot import PaneSlot
from gptdesk.ui.window.commands.registry import Commands

if TYPE_CHECKING:
    from gptdesk.ui.playground.branches.pane import BranchPane

_SHARE: Final = 25
"""Usual width in percent of the page's."""

_LEAST_WIDTH: Final = 220
_MOST_WIDTH: Final = 280
"""Limits of the usual width, in pixels at a font of 13 pixels."""


class BranchTools(QObject):
    """The place of the pane, and what commands do with it.

    Args:
        editor: gets the focus when the pane is left.

    Attributes:
        slot: holds the pane.
        branches: operations on them.

    Signals:
        wanted(): emitted before the pane is shown, so that others make room for it.
    """

    wanted = Signal()

    def __init__(
        self, services: Services, messages: PageMessages, session: Session, commands: Commands, editor: Editor
    ) -> None:
        super().__init__(editor)
        self._services, self._session, self._commands, self._editor = services, session, commands, editor
        self.branches = Branches(services.theme, session, services.inference, messages, editor)
        self.branches.place_wanted.connect(editor.show_place)
        self.slot = PaneSlot(self._make)

    @property
    def side(self) -> SidePart:
        """The pane as a column of the page."""
        return SidePart(widget=self.slot, share=_SHARE, least=_LEAST_WIDTH, most=_MOST_WIDTH)

    def _make(self) -> BranchPane:
        from gptdesk.ui.playground.branches.pane import BranchPane

        services = self._services
        pane = BranchPane(services.theme, self.branches, self._session, services.inference, self._commands)
        pane.left.connect(self._editor.setFocus)
        return pane

    @property
    def shown(self) -> bool:
        """Whether the pane is on the screen; it may have to give way to others."""
        return self.slot.isVisible()

    def toggle(self) -> None:
        """Shows the pane and gives it the focus; hides it if it has the focus."""
        if self.slot.holds_focus:
            self._services.settings.update(branches_shown=False)
            self._editor.setFocus()
            return
        self.open()
        pane = self.slot.pane
        (pane.tree if pane.model.rows.by_id else pane.field).setFocus()

    def open(self) -> BranchPane:
        """Shows the pane."""
        self.wanted.emit()
        self._services.settings.update(branches_shown=True)
        pane = self.slot.pane
        pane.update_now()
        return pane

    def why_no_comparison(self) -> str | None:
        """Why no branches can be compared; ``None`` if they can."""
        pane = self.slot.pane if self.shown else None
        if pane is None:
            return "The branches are not shown."
        chosen = [segment.id for segment in pane.selected if segment.nodes]
        if len(chosen) > 2:
            return "More than two branches are selected."
        return None if set(chosen) - {pane.outline.leaf} else "Select another branch than the shown one, or two."

    def compare(self) -> None:
        """Compares the two selected branches, or the selected one with the shown text."""
        self.branches.compare([segment.id for segment in self.slot.pane.selected])
