"""Shows and hides the Inspect pane, which is made when it is first shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from gptdesk.ui.playground.editing.editor import Editor
from gptdesk.ui.playground.session import Session
from gptdesk.ui.services.services import Services
from gptdesk.ui.widgets.layout.pane_slot import PaneSlot

if TYPE_CHECKING:
    from gptdesk.ui.playground.inspect.arcs import AttentionArcs
    from gptdesk.ui.playground.inspect.pane import InspectPane


class InspectTools(QObject):
    """The place of the pane, and what commands do with it.

    Args:
        editor: has the caret, and gets the focus when the pane is left.

    Attributes:
        slot: holds the pane.
        arcs: painted over the text; there are none before the pane is shown.
    """

    def __init__(self, services: Services, session: Session, editor: Editor) -> None:
        super().__init__(editor)
        self._services, self._session, self._editor = services, session, editor
        self.arcs: AttentionArcs | None = None
        self.slot = PaneSlot(self._make)
        services.settings.changed.connect(self._on_settings_changed)
        self._on_settings_changed()

    def _make(self) -> InspectPane:
        from gptdesk.ui.playground.inspect.arcs import AttentionArcs
        from gptdesk.ui.playground.inspect.pane import InspectPane

        editor = self._editor
        pane = InspectPane(
            self._services.theme,
            self._services.inference,
            self._services.run_monitor,
            self._session,
            lambda: editor.selection[0],
        )
        editor.cursorPositionChanged.connect(pane.follow_caret)
        pane.caret_wanted.connect(editor.show_place)
        pane.left.connect(editor.setFocus)
        pane.closed.connect(self.close)
        pane.checkpoint_wanted.connect(lambda folder: self._services.settings.update(model=str(folder)))
        self.arcs = AttentionArcs(editor, self._services.theme)
        pane.attention.looking.connect(self.arcs.show)
        return pane

    @Slot()
    def _on_settings_changed(self) -> None:
        self.slot.setVisible(self._services.settings.value.inspect_shown)

    @property
    def shown(self) -> bool:
        """Whether the pane is on the screen."""
        return self.slot.isVisible()

    def toggle(self) -> None:
        """Shows the pane and gives it the focus; hides it if it has the focus."""
        if self.slot.holds_focus:
            self.close()
        else:
            self.open().focus_view()

    @Slot()
    def close(self) -> None:
        """Hides the pane."""
        self._services.settings.update(inspect_shown=False)
        self._editor.setFocus()

    def open(self, view: str | None = None) -> InspectPane:
        """Shows the pane, with that view if one is named."""
        self._services.settings.update(inspect_shown=True)
        pane = self.slot.pane
        if view is not None:
            pane.choose(view)
            pane.focus_view()
        return pane
